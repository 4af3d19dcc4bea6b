//! What an operation must declare.
//!
//! Not here: control flow. The one straight line that calls these functions is in `pipeline`.
//! Invariant: an operation gets its input only together with [`Authorized`], and cannot make one itself.

use std::future::Future;

use kanuki_store::Transaction;
use serde::Serialize;

use crate::{
    authn::{Authenticated, BearerToken, SecondFactor},
    authz::{Authorized, Demand, Demands},
    doors::Doors,
    error::ApiError,
    wire::Fields,
};

/// A service that this server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// AWS Identity and Access Management.
    Iam,
    /// AWS Key Management Service.
    Kms,
    /// AWS Security Token Service.
    Sts,
}

impl Service {
    /// Every service.
    pub const ALL: &'static [Self] = &[Self::Iam, Self::Kms, Self::Sts];

    /// The name in credential scopes, action prefixes and event sources.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Kms => "kms",
            Self::Sts => "sts",
        }
    }

    /// The service whose operations a JSON target with this prefix names.
    #[must_use]
    pub fn by_target_prefix(prefix: &str) -> Option<Self> {
        (prefix == "TrentService").then_some(Self::Kms)
    }

    /// The service whose Query API has this version.
    #[must_use]
    pub fn by_query_version(version: &str) -> Option<Self> {
        match version {
            "2010-05-08" => Some(Self::Iam),
            "2011-06-15" => Some(Self::Sts),
            _ => None,
        }
    }

    /// The namespace of Query answers.
    #[must_use]
    pub const fn xml_namespace(self) -> &'static str {
        match self {
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            Self::Kms => "https://kms.amazonaws.com/doc/2014-11-01/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    }

    /// The Region that calls of a service without Regions belong to, whichever Region they are signed for.
    #[must_use]
    pub const fn global_region(self) -> Option<&'static str> {
        match self {
            Self::Iam => Some("us-east-1"),
            Self::Kms | Self::Sts => None,
        }
    }

    /// How far the time of a signature may be from the server's, in seconds.
    #[must_use]
    pub const fn skew_seconds_max(self) -> i64 {
        match self {
            Self::Kms => 300,
            Self::Iam | Self::Sts => 900,
        }
    }
}

/// The fixed facts of an operation.
#[derive(Debug, Clone, Copy)]
pub struct Descriptor {
    /// The service.
    pub service: Service,
    /// The name on the wire.
    pub name: &'static str,
    /// Whether it changes nothing.
    pub read_only: bool,
    /// The input members that the audit record repeats.
    pub recorded: &'static [&'static str],
    /// Members that the audit record states also when the client leaves them out, with what they then mean.
    pub recorded_defaults: &'static [(&'static str, &'static str)],
    /// Whether `DryRun` stops it before it has any effect.
    pub dry_run: bool,
}

impl Descriptor {
    /// An operation that reads, with nothing more declared.
    #[must_use]
    pub const fn reads(service: Service, name: &'static str, recorded: &'static [&'static str]) -> Self {
        Self { service, name, read_only: true, recorded, recorded_defaults: &[], dry_run: false }
    }

    /// An operation that changes something, with nothing more declared.
    #[must_use]
    pub const fn changes(service: Service, name: &'static str, recorded: &'static [&'static str]) -> Self {
        Self { service, name, read_only: false, recorded, recorded_defaults: &[], dry_run: false }
    }
}

/// What the names in an input stand for, and the accesses that must be allowed before the operation runs.
#[derive(Debug)]
pub struct Plan<T> {
    target: T,
    demands: Demands,
}

impl<T> Plan<T> {
    /// A plan with at least one demand.
    #[must_use]
    pub fn new(target: T, demand: Demand) -> Self {
        Self { target, demands: Demands::of(demand, []) }
    }

    /// A plan with several demands, decided in their order.
    #[must_use]
    pub fn with_more(target: T, first: Demand, more: impl IntoIterator<Item = Demand>) -> Self {
        Self { target, demands: Demands::of(first, more) }
    }

    /// A plan that every authenticated caller may carry out, whatever policies say.
    #[must_use]
    pub fn open_to_all(target: T) -> Self {
        Self { target, demands: Demands::none_needed() }
    }

    /// The accesses that must be allowed.
    #[must_use]
    pub fn demands(&self) -> &Demands {
        &self.demands
    }

    pub(crate) fn into_parts(self) -> (T, Demands) {
        (self.target, self.demands)
    }
}

/// What an operation did, or wants the pipeline to commit.
#[derive(Debug)]
pub struct Outcome<O> {
    /// The answer; none for operations that answer nothing.
    pub output: Option<O>,
    /// The change that makes it true; none for operations that only read.
    pub change: Option<Transaction>,
    /// What the audit record says beside request and answer.
    pub audit: AuditExtras,
}

/// Parts of an audit record that only the operation knows.
#[derive(Debug, Default)]
pub struct AuditExtras {
    /// `responseElements`, if not null.
    pub response_elements: Option<serde_json::Value>,
    /// `additionalEventData`, if any.
    pub additional_event_data: Option<serde_json::Value>,
    /// The key that the operation makes, if it makes one.
    pub new_key: Option<kanuki_types::KeyArn>,
    /// What the server does to keys because of the call, recorded as events of their own together with the change.
    pub service_events: Vec<ServiceEvent>,
    /// What the call does in other Regions.
    pub elsewhere: Vec<Elsewhere>,
}

/// What a call does in another Region: it is recorded there too, under the same request id.
#[derive(Debug)]
pub struct Elsewhere {
    /// The operation by whose name it is recorded.
    pub name: &'static str,
    /// The key in that Region.
    pub arn: kanuki_types::KeyArn,
    /// `requestParameters`.
    pub parameters: Option<serde_json::Value>,
    /// `responseElements`.
    pub response_elements: Option<serde_json::Value>,
}

/// Something that the server does to a key by itself.
#[derive(Debug)]
pub struct ServiceEvent {
    /// The name of the event, such as `RotateKey`.
    pub name: &'static str,
    /// The key.
    pub arn: kanuki_types::KeyArn,
    /// In which form it is told.
    pub form: EventForm,
}

/// The two forms in which CloudTrail tells of what a service does by itself.
#[derive(Debug)]
pub enum EventForm {
    /// As a call that the service makes, whose answer would be the key's ARN.
    Call {
        /// The id of the service's own request.
        request_id: String,
    },
    /// As an event, with its `serviceEventDetails`.
    Event(serde_json::Value),
}

impl ServiceEvent {
    /// An event, with its `serviceEventDetails`.
    #[must_use]
    pub fn event(name: &'static str, arn: kanuki_types::KeyArn, details: serde_json::Value) -> Self {
        Self { name, arn, form: EventForm::Event(details) }
    }

    /// A call that the service makes.
    #[must_use]
    pub fn call(name: &'static str, arn: kanuki_types::KeyArn, random: &dyn kanuki_types::Random) -> Self {
        let request_id = kanuki_trail::EventId::from_random(random.bytes()).to_string();
        Self { name, arn, form: EventForm::Call { request_id } }
    }
}

impl<O> Outcome<O> {
    /// An answer that changes nothing.
    #[must_use]
    pub fn answer(output: O) -> Self {
        Self { output: Some(output), change: None, audit: AuditExtras::default() }
    }

    /// Nothing done: a dry run that asked for the authorization alone, which the pipeline refuses as any dry run.
    #[must_use]
    pub fn authorized_only() -> Self {
        Self { output: None, change: None, audit: AuditExtras::default() }
    }

    /// A change with an answer.
    #[must_use]
    pub fn change(transaction: Transaction, output: O) -> Self {
        Self { output: Some(output), change: Some(transaction), audit: AuditExtras::default() }
    }

    /// A change without an answer.
    #[must_use]
    pub fn silent_change(transaction: Transaction) -> Self {
        Self { output: None, change: Some(transaction), audit: AuditExtras::default() }
    }

    /// Nothing to do and nothing to say: what was asked for is so already.
    #[must_use]
    pub fn nothing() -> Self {
        Self { output: None, change: None, audit: AuditExtras::default() }
    }

    /// Adds `additionalEventData`.
    #[must_use]
    pub fn with_event_data(mut self, data: serde_json::Value) -> Self {
        self.audit.additional_event_data = Some(data).filter(|data| !data.is_null());
        self
    }

    /// Adds service events.
    #[must_use]
    pub fn with_service_events(mut self, events: impl IntoIterator<Item = ServiceEvent>) -> Self {
        self.audit.service_events.extend(events);
        self
    }

    /// Adds what the call does in another Region.
    #[must_use]
    pub fn with_elsewhere(mut self, elsewhere: Elsewhere) -> Self {
        self.audit.elsewhere.push(elsewhere);
        self
    }

    /// Adds `responseElements`.
    #[must_use]
    pub fn with_response_elements(mut self, elements: serde_json::Value) -> Self {
        self.audit.response_elements = Some(elements);
        self
    }
}

/// One operation of a service.
pub trait Operation: Sized + Send + Sync + 'static {
    /// Its fixed facts.
    const DESCRIPTOR: Descriptor;
    /// Whether requests are signed; those of other operations present a token ([`Operation::bearer`]).
    const SIGNED: bool = true;
    /// Its input, read and checked.
    type Input: Send + Sync;
    /// What the names in the input stand for.
    type Target: Send + Sync;
    /// Its answer.
    type Output: Serialize + Send;

    /// Reads the input. Violations of single members are collected in `fields`; rules between members that need
    /// nothing but the input are stated here.
    ///
    /// # Errors
    /// `SerializationException` or `ValidationException`.
    fn parse(fields: &mut Fields) -> Result<Self::Input, ApiError>;

    /// `requestParameters` of the audit record, for operations that record more or other than the members as sent.
    #[must_use]
    fn audit_parameters(_input: &Self::Input) -> Option<serde_json::Value> {
        None
    }

    /// The token that the request presents instead of a signature.
    ///
    /// # Errors
    /// `ValidationError` if it does not say whose provider is to vouch for it.
    fn bearer(_input: &Self::Input) -> Result<Option<BearerToken<'_>>, ApiError> {
        Ok(None)
    }

    /// The one-time code that the request presents, which is checked before anything is decided.
    #[must_use]
    fn second_factor(_input: &Self::Input) -> Option<&SecondFactor> {
        None
    }

    /// Finds what the names in the input stand for and states the accesses that must be allowed.
    fn plan(
        doors: &Doors,
        caller: &Authenticated,
        input: &Self::Input,
    ) -> impl Future<Output = Result<Plan<Self::Target>, ApiError>> + Send;

    /// Does it. Called only after every demand of the plan was allowed.
    fn run(
        doors: &Doors,
        authorized: &Authorized<Self>,
    ) -> impl Future<Output = Result<Outcome<Self::Output>, ApiError>> + Send;
}
