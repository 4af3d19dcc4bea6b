//! What SimulatePrincipalPolicy and SimulateCustomPolicy share: their members, the simulation, their answer.
//!
//! Not here: decisions; `authz/hypothesis/simulation.rs` asks the engine. Invariants: nothing of a resource is looked up;
//! of a principal only what the caller is authorized for; the work of one call is bounded ([`WORK_MAX`]).

mod subject;
mod exclusions;
mod context;
mod request;
mod templates;
mod answer;
mod context_keys;

use kanuki_policy::{Document, NamedDocument, PolicyKind, Position, StatementRef, Target};
use kanuki_types::Timestamp;

use crate::{
    authz::hypothesis::simulation::{Asker, ResourcePolicy, Simulator, Verdict},
    doors::Turns,
    error::{ApiError, ErrorCode},
    identity::PolicySource,
};

pub(super) use answer::Output;
pub(super) use context_keys::{ContextKeys, parse_any};
pub(super) use exclusions::{Exclusion, read_exclusions};
pub(super) use request::{Request, documents, read_control};
pub(super) use subject::{EntityArn, Subject};

/// An identity policy of a simulation.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    /// The name that the answer gives it.
    id: String,
    /// The kind that the answer gives it.
    kind: &'static str,
    text: String,
    document: NamedDocument,
}

impl Policy {
    /// One that somebody has.
    pub(super) fn attached(source: &PolicySource) -> Self {
        let name = &source.document().name;
        let (id, kind) = match source.holder() {
            Some(holder) => (format!("{}_{}_{name}", holder.word, holder.name), holder.word),
            None => {
                let name = source.arn().map_or_else(|| name.as_ref().into(), |arn| arn.name);
                (name, if source.is_aws() { "aws-managed" } else { "user-managed" })
            }
        };
        Self { id, kind, text: source.text().into(), document: source.document().clone() }
    }

    /// Those of `PolicyInputList`.
    ///
    /// # Errors
    /// `InvalidInput` for one that is no identity policy.
    pub(super) fn given(texts: &[String]) -> Result<Vec<Self>, ApiError> {
        let read = |(i, text): (usize, &String)| {
            let id = format!("PolicyInputList.{}", i + 1);
            Ok(Self { document: parse(Target::Identity, &id, text)?, kind: "none", text: text.clone(), id })
        };
        texts.iter().enumerate().map(read).collect()
    }
}

/// What is simulated: members of the request, and what they stand for.
pub(super) struct Simulation {
    pub(super) asker: Asker,
    pub(super) policies: Vec<Policy>,
    /// The boundary that the asker has, if the request gives no other.
    pub(super) boundary: Option<NamedDocument>,
    pub(super) now: Timestamp,
}

impl Simulation {
    /// Makes a page of the answer, away from the threads that serve requests.
    ///
    /// # Errors
    /// `InvalidInput` for policies that cannot be read, and for more than can be simulated at once.
    pub(super) async fn run(self, turns: &Turns, request: &Request) -> Result<Output, ApiError> {
        let _turn = turns.take().await?;
        let request = request.clone();
        tokio::task::spawn_blocking(move || self.page(&request)).await.map_err(ApiError::internal)?
    }

    fn page(self, request: &Request) -> Result<Output, ApiError> {
        let given = |name: &str, text: &String| parse(Target::Identity, name, text);
        let boundary = match &request.boundary {
            Some(text) => Some(given("PermissionsBoundaryPolicyInputList.1", text)?),
            None => self.boundary,
        };
        let mut control = Vec::with_capacity(request.control.len());
        for texts in &request.control {
            let read = |text: &String| parse(Target::ServiceControl, "OrderedOrganizationPolicyInputList", text);
            control.push(texts.iter().map(read).collect::<Result<Vec<_>, _>>()?);
        }
        let length = self.policies.iter().map(|policy| policy.text.len()).sum::<usize>() + request.documents_bytes();
        let simulator = Simulator {
            asker: self.asker,
            identity: self.policies.iter().map(|policy| policy.document.clone()).collect(),
            boundary,
            control,
            resource_policy: request.read_resource_policy()?,
            owner: request.owner,
            given: request.context.clone(),
            now: self.now,
        };
        let resource = simulator.resource_policy.as_ref().and_then(ResourcePolicy::document);
        let resource = resource.zip(request.resource_policy.as_deref());
        let own = |policy: &Policy| shown(&policy.id, policy.kind, &policy.text, &policy.document);
        let show = Show {
            simulator: &simulator,
            request,
            identity: self.policies.iter().map(own).collect(),
            resource: resource.map_or_else(Vec::new, |(it, text)| shown("ResourcePolicy", "resource", text, it)),
        };
        request.page(length, |action| show.action(action))
    }
}

/// Shows verdicts in the form of the answer.
struct Show<'a> {
    simulator: &'a Simulator,
    request: &'a Request,
    /// The statements of each of the identity policies, in the form of the answer.
    identity: Vec<Vec<answer::Statement>>,
    /// Those of the policy of the resources.
    resource: Vec<answer::Statement>,
}

impl Show<'_> {
    fn action(&self, action: &str) -> answer::EvaluationResult {
        let verdicts: Vec<Verdict> =
            self.request.resources.iter().map(|resource| self.simulator.verdict(action, resource)).collect();
        let statements = |verdict: &Verdict| verdict.matched.iter().filter_map(|at| self.statement(*at)).collect();
        answer::EvaluationResult::of(action, &self.request.resources, &verdicts, statements)
    }

    fn statement(&self, at: StatementRef) -> Option<answer::Statement> {
        let document = if at.kind == PolicyKind::Identity { self.identity.get(at.document)? } else { &self.resource };
        document.get(at.statement).cloned()
    }
}

/// The statements of a document in the form of the answer.
fn shown(id: &str, kind: &'static str, text: &str, document: &NamedDocument) -> Vec<answer::Statement> {
    let bounds = document.document.statements().flat_map(|statement| [statement.span.start, statement.span.end]);
    let places = Position::of_each(text, bounds);
    let (pairs, _) = places.as_chunks::<2>();
    pairs.iter().map(|[start, end]| answer::Statement::new(id, kind, *start, *end)).collect()
}

/// Reads a document that a request gives.
fn parse(target: Target, name: &str, text: &str) -> Result<NamedDocument, ApiError> {
    let document = Document::parse(target, text).map_err(|error| invalid(format!("{name}: {error}")))?;
    Ok(NamedDocument { name: name.into(), document: document.into() })
}

/// Nobody is named whom the policy of a resource could name.
pub(super) fn caller_is_missing() -> ApiError {
    invalid("Invalid caller - Caller cannot be null or empty.")
}

/// The refusal of a value that a simulation cannot take.
fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidInput, message)
}

/// Most work of one call: for each pair of an action and a resource, the bytes of all documents times the bytes of the
/// values that they may be compared with. In the worst case a pattern walks through both, a few seconds in all.
const WORK_MAX: usize = 1 << 31;
