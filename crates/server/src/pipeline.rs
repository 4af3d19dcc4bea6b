//! The one straight line that every request of every service walks:
//!
//! ```text
//! recognise → find the operation → verify the signature → charge the quota → read the members → parse
//!           → (verify the token) → check the one-time code
//!           → plan → authorize → run → commit with its record → append to the trail → answer
//!             └───────── again if something it was decided on has changed ─┘
//! ```
//!
//! A call that a service of this process makes (`pipeline/forward.rs`) begins at its members.
//!
//! Not here: any rule of an operation. Invariant: no step can be left out; each takes what the one before made.

mod forward;
mod managed_keys;

use std::{future::Future, pin::Pin, sync::Arc};

use kanuki_store::StoreError;
use kanuki_types::{Region, Timestamp};

use crate::{
    authn::{Authenticated, Authenticator, Presented, SecondFactor, check_reach},
    authz::{self, Circumstances, Considered, Reasons},
    decisions::{DecisionLog, DecisionRecord},
    doors::Doors,
    error::{ApiError, ErrorCode},
    http::Incoming,
    identity::CheckedCode,
    operation::{Descriptor, Operation, Outcome, Plan},
    operations,
    quotas::{Meter, Quotas},
    record::{CommitError, Draft, Origin, Recorded, Recorder},
    wire::{self, Call, Dialect, Fields, Rendered},
};

/// Everything that a request meets between the socket and the answer.
#[derive(Debug)]
pub struct Pipeline {
    authenticator: Authenticator,
    doors: Doors,
    recorder: Recorder,
    quotas: Quotas,
    decisions: DecisionLog,
}

impl Pipeline {
    /// Puts the parts in line.
    #[must_use]
    pub fn new(authenticator: Authenticator, doors: Doors, recorder: Recorder, decisions: DecisionLog) -> Self {
        let quotas = Quotas::new(&doors.settings.request_quotas);
        Self { authenticator, doors, recorder, quotas, decisions }
    }

    /// The recorder, for jobs.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Where decisions are kept with their reasons.
    #[must_use]
    pub fn decisions(&self) -> &DecisionLog {
        &self.decisions
    }

    /// The doors, for jobs.
    #[must_use]
    pub fn doors(&self) -> &Doors {
        &self.doors
    }

    /// Answers a request.
    pub async fn walk(&self, incoming: Incoming) -> Recorded {
        let call = wire::recognise(&incoming);
        let presented = Presented::read(&incoming, call.dialect);
        let region = self.claimed_region(&call, presented.as_ref().ok());
        let origin = Origin::request(&incoming);
        let mut draft = Draft::begin(origin, &call, self.doors.clock.now(), region, &*self.doors.random);
        let result = self.answer(&call, &incoming, presented, &mut draft).await;
        self.recorder.conclude(draft, &call, result).await
    }

    async fn answer(
        &self,
        call: &Call,
        incoming: &Incoming,
        presented: Result<Presented, ApiError>,
        draft: &mut Draft,
    ) -> Result<Rendered, ApiError> {
        let Admitted { operation, caller, circumstances, fields } =
            self.admit(call, incoming, presented, draft).await?;
        operation.perform(Step { pipeline: self, call, caller, circumstances }, fields, draft).await
    }

    /// Everything up to the members: what is called, and by whom.
    async fn admit(
        &self,
        call: &Call,
        incoming: &Incoming,
        presented: Result<Presented, ApiError>,
        draft: &mut Draft,
    ) -> Result<Admitted, ApiError> {
        self.recorder.check_healthy()?;
        if incoming.body_too_large {
            return Err(ApiError::bare(ErrorCode::RequestEntityTooLarge));
        }
        let operation = operations::find(call);
        match (operation, call.dialect) {
            (Some(operation), _) => draft.set_operation(operation.descriptor()),
            // A target is a header that routes the request; an action is part of what is signed.
            (None, Dialect::Json) => return Err(wire::unknown_operation(call)),
            (None, Dialect::Query) => {}
        }
        let caller = match operation {
            Some(operation) if !operation.is_signed() => None,
            _ => {
                let presented = presented?;
                draft.set_claimed_access_key(presented.credential.access_key_id.clone());
                let caller = self.authenticator.verify(call, incoming, presented).await?;
                draft.set_caller(&caller);
                Some(caller)
            }
        };
        let operation = operation.ok_or_else(|| wire::unknown_operation(call))?;
        if let Some(caller) = &caller {
            check_reach(caller, operation.descriptor())?;
        }
        let circumstances = Circumstances {
            now: self.doors.clock.now(),
            source_ip: incoming.peer,
            user_agent: incoming.header("user-agent").map(std::borrow::Cow::into_owned),
            request_id: draft.request_id().to_owned(),
            secure_transport: incoming.tls.is_some(),
            second_factor: None,
        };
        Ok(Admitted { operation, caller, circumstances, fields: wire::members(call, incoming)? })
    }

    /// Checks a one-time code. That it was taken, or was wrong, is durable before anything is decided on it, so that it
    /// is good once and cannot be guessed, whatever becomes of the call.
    async fn check_second_factor(
        &self,
        caller: &Authenticated,
        factor: &SecondFactor,
        now: Timestamp,
    ) -> Result<Timestamp, ApiError> {
        for _ in 0..ATTEMPTS_MAX {
            let CheckedCode { change, result } = self.doors.identity.check_code(caller, factor, now).await?;
            match self.recorder.commit_housekeeping(change).await {
                Ok(()) => return result.map(|()| now),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ApiError::internal("the same device was used by others too often"))
    }

    /// Explains a denial, hands the explanation in to be kept, and adds the encoded message about it to the refusal. In
    /// a flood of more denials than can be kept, those that cannot have neither.
    async fn explain_denial(
        &self,
        draft: &Draft,
        caller: &Authenticated,
        considered: &[Considered],
        error: ApiError,
    ) -> ApiError {
        if considered.is_empty() {
            return error;
        }
        let Some(place) = self.decisions.reserve() else { return error };
        let demands = considered.iter().map(Considered::note).collect();
        let record = DecisionRecord { demands, ..decision_record(draft, caller, Some(&error)) };
        // Made of the whole decision: what had to be left out of it would tell how much there is that is not shown.
        let message = match error.code() {
            ErrorCode::AccessDenied => self.doors.messages.encode(&record).await,
            _ => Ok(None),
        };
        // Shortened at once, so that what waits to be written is bounded.
        place.note(record.shortened());
        match message {
            Ok(message) => error.with_authorization(message),
            Err(failure) => {
                tracing::error!(request_id = draft.request_id(), %failure, "a denial has no encoded message");
                error
            }
        }
    }

    /// The Region that a record states while nothing is verified: the claimed one if it is served, else any.
    fn claimed_region(&self, call: &Call, presented: Option<&Presented>) -> Region {
        let settings = &self.doors.settings;
        let claimed =
            presented.and_then(|presented| settings.region_of_call(call.service, &presented.credential.region));
        claimed.unwrap_or_else(|| settings.default_region().clone())
    }
}

/// A request whose signature was right, or that has none to have.
struct Admitted {
    operation: &'static dyn Endpoint,
    /// Who signed; none if a token takes the place of the signature.
    caller: Option<Authenticated>,
    circumstances: Circumstances,
    fields: Fields,
}

/// A call on its way into its operation.
pub(crate) struct Step<'a> {
    pipeline: &'a Pipeline,
    call: &'a Call,
    /// Who signed; none if a token takes the place of the signature.
    caller: Option<Authenticated>,
    circumstances: Circumstances,
}

/// An operation behind the table: the same steps for every one of them.
pub(crate) trait Endpoint: Send + Sync {
    /// The operation's fixed facts.
    fn descriptor(&self) -> &'static Descriptor;

    /// Whether its requests are signed.
    fn is_signed(&self) -> bool;

    /// Reads the input and does nothing with it.
    fn read(&self, fields: Fields) -> Result<(), ApiError>;

    /// Walks the rest of the line.
    fn perform<'a>(
        &'a self,
        step: Step<'a>,
        fields: Fields,
        draft: &'a mut Draft,
    ) -> Pin<Box<dyn Future<Output = Result<Rendered, ApiError>> + Send + 'a>>;
}

/// The one implementation of [`Endpoint`].
pub(crate) struct Entry<O>(pub(crate) std::marker::PhantomData<fn() -> O>);

impl<O: Operation> Endpoint for Entry<O> {
    fn descriptor(&self) -> &'static Descriptor {
        &O::DESCRIPTOR
    }

    fn is_signed(&self) -> bool {
        O::SIGNED
    }

    fn read(&self, fields: Fields) -> Result<(), ApiError> {
        parse::<O>(fields).map(drop)
    }

    fn perform<'a>(
        &'a self,
        step: Step<'a>,
        fields: Fields,
        draft: &'a mut Draft,
    ) -> Pin<Box<dyn Future<Output = Result<Rendered, ApiError>> + Send + 'a>> {
        Box::pin(perform::<O>(step, fields, draft))
    }
}

fn parse<O: Operation>(mut fields: Fields) -> Result<O::Input, ApiError> {
    let input = O::parse(&mut fields)?;
    fields.finish()?;
    Ok(input)
}

async fn perform<O: Operation>(step: Step<'_>, mut fields: Fields, draft: &mut Draft) -> Result<Rendered, ApiError> {
    let Step { pipeline, call, caller, mut circumstances } = step;
    let doors = &pipeline.doors;
    draft.set_parameters(&O::DESCRIPTOR, fields.raw());
    // Services whose requests present a token have no quotas.
    let signer = caller.as_ref();
    let meter = signer.map(|caller| Meter::new(&pipeline.quotas, caller, &O::DESCRIPTOR, circumstances.now));
    if let Some(meter) = &meter {
        meter.charge_operation()?;
        meter.charge_input(&fields)?;
    }
    let dry_run = O::DESCRIPTOR.dry_run && fields.read_dry_run()?;
    let parsed = parse::<O>(fields)?;
    if let Some(parameters) = O::audit_parameters(&parsed) {
        draft.replace_parameters(parameters);
    }
    let caller = match caller {
        Some(caller) => caller,
        None => {
            let bearer = O::bearer(&parsed)?.ok_or_else(|| ApiError::internal("an operation without credentials"))?;
            let caller = pipeline.authenticator.verify_bearer(bearer, circumstances.now).await?;
            draft.set_caller(&caller);
            caller
        }
    };
    if let Some(factor) = O::second_factor(&parsed) {
        circumstances.second_factor = Some(pipeline.check_second_factor(&caller, factor, circumstances.now).await?);
    }
    let (mut caller, circumstances) = (Arc::new(caller), Arc::new(circumstances));
    let mut input = parsed;
    for attempt in 0..ATTEMPTS_MAX {
        if attempt > 0 {
            caller = Arc::new(pipeline.authenticator.renew(Arc::unwrap_or_clone(caller), call.dialect).await?);
        }
        let plan = O::plan(doors, &caller, &input).await;
        if attempt == 0
            && let Some(meter) = &meter
        {
            meter.charge_keys(plan.as_ref().ok().map(Plan::demands))?;
        }
        let plan = plan?;
        draft.set_resources(plan.demands());
        let mut reasons = Reasons::new(pipeline.decisions.keeps_allowed());
        let authorized = authz::authorize::<O>(&doors.keys, &caller, &circumstances, input, plan, &mut reasons).await;
        let considered = reasons.take();
        let authorized = match authorized {
            Ok(authorized) => authorized,
            Err(error) => return Err(pipeline.explain_denial(draft, &caller, &considered, error).await),
        };
        note_allowed(&pipeline.decisions, draft, &caller, considered);
        if !authorized.unmade().is_empty() {
            if dry_run {
                return Err(dry_run_succeeds());
            }
            pipeline.make_managed_keys(authorized.unmade()).await?;
            input = authorized.into_input();
            continue;
        }
        let Outcome { output, change, audit } = O::run(doors, &authorized).await?;
        if dry_run {
            return Err(dry_run_succeeds());
        }
        draft.set_extras(audit);
        let rendered = wire::render_output(call, output.as_ref(), draft.request_id())?;
        let Some(mut change) = change else { return Ok(rendered) };
        caller.expect_unchanged(&mut change);
        match pipeline.recorder.commit(change, draft, &*doors.random).await {
            Ok(()) => return Ok(rendered),
            Err(CommitError::Store(StoreError::Conflict)) => input = authorized.into_input(),
            Err(CommitError::Store(error)) => return Err(error.into()),
            Err(CommitError::Record(error)) => return Err(error),
        }
    }
    Err(ApiError::internal("the same records were changed by others too often"))
}

fn dry_run_succeeds() -> ApiError {
    ApiError::new(ErrorCode::DryRun, "The request would have succeeded, but the DryRun option is set.")
}

/// Hands in what an allow rests on; it is explained and written off the answer path.
fn note_allowed(decisions: &DecisionLog, draft: &Draft, caller: &Authenticated, considered: Vec<Considered>) {
    if considered.is_empty() {
        return;
    }
    let record = decision_record(draft, caller, None);
    decisions.note(Box::new(move || DecisionRecord {
        demands: considered.iter().map(Considered::note).collect(),
        ..record
    }));
}

/// A decision without what it rests on.
fn decision_record(draft: &Draft, caller: &Authenticated, error: Option<&ApiError>) -> DecisionRecord {
    DecisionRecord {
        request_id: draft.request_id().to_owned(),
        time: draft.time(),
        operation: draft.operation(),
        region: caller.region().as_str().to_owned(),
        principal: caller.caller().arn(),
        principal_id: caller.caller().user_id(),
        access_key_id: caller.access_key_id().to_owned(),
        allowed: error.is_none(),
        message: error.and_then(ApiError::message).map(str::to_owned),
        demands: Vec::new(),
        shortened: false,
    }
}

/// How often a change is tried when others change the same records.
const ATTEMPTS_MAX: usize = 20;
