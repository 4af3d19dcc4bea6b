//! The decision and where it comes from.
//!
//! Not here: texts (`message`) and the whole trace (`explain`).
//! Invariant: a decision is a handful of numbers; nothing is allocated for it.

use crate::{
    request::{NamedDocument, Policies},
    statement::StatementInfo,
};

/// The answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The answer.
    pub effect: Effect,
    /// What decides: for an allow what gives it, for an explicit deny the first kind of policy that denies, for an
    /// implicit deny the first that is needed and does not allow.
    pub by: Source,
    /// The statement that allows or denies; none for implicit denials, grants, and what no statement gives.
    pub statement: Option<StatementRef>,
    /// The number of the grant that allows, in [`Policies::grants`].
    pub grant: Option<usize>,
}

/// The three answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Something allows and nothing denies.
    Allow,
    /// A statement denies.
    ExplicitDeny,
    /// Nothing allows, or not all that must.
    ImplicitDeny,
}

/// What decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// An action that no policy gives or takes.
    Always,
    /// The permissions boundary.
    Boundary,
    /// Nothing: the identity policies, in the resource's account, do not allow.
    Default,
    /// A grant.
    Grant,
    /// The identity policies.
    Identity,
    /// The resource's policy.
    Resource,
    /// The resource's policy and, in another account, the identity policies.
    ResourceAndIdentity,
    /// A resource control policy.
    ResourceControl,
    /// The power of the account's root.
    Root,
    /// A service control policy.
    ServiceControl,
    /// The session policies.
    Session,
}

/// The kinds of policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyKind {
    /// The permissions boundary.
    Boundary,
    /// The identity policies.
    Identity,
    /// The resource's policy.
    Resource,
    /// Resource control policies.
    ResourceControl,
    /// Service control policies.
    ServiceControl,
    /// The session policies.
    Session,
}

/// Which statement: numbers into the [`Policies`] of the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementRef {
    /// The kind of policy.
    pub kind: PolicyKind,
    /// The level of the organization, for control policies; else 0.
    pub level: usize,
    /// The document, among those of its kind and level.
    pub document: usize,
    /// The statement in the document.
    pub statement: usize,
}

impl Decision {
    /// Whether the answer is yes.
    #[must_use]
    pub fn is_allow(&self) -> bool {
        self.effect == Effect::Allow
    }

    pub(crate) fn allow(by: Source, statement: Option<StatementRef>) -> Self {
        Self { effect: Effect::Allow, by, statement, grant: None }
    }

    pub(crate) fn by_grant(grant: usize) -> Self {
        Self { effect: Effect::Allow, by: Source::Grant, statement: None, grant: Some(grant) }
    }

    pub(crate) fn explicit_deny(statement: StatementRef) -> Self {
        let by = statement.kind.into();
        Self { effect: Effect::ExplicitDeny, by, statement: Some(statement), grant: None }
    }

    pub(crate) fn implicit_deny(by: Source) -> Self {
        Self { effect: Effect::ImplicitDeny, by, statement: None, grant: None }
    }
}

impl From<PolicyKind> for Source {
    fn from(kind: PolicyKind) -> Self {
        match kind {
            PolicyKind::Boundary => Self::Boundary,
            PolicyKind::Identity => Self::Identity,
            PolicyKind::Resource => Self::Resource,
            PolicyKind::ResourceControl => Self::ResourceControl,
            PolicyKind::ServiceControl => Self::ServiceControl,
            PolicyKind::Session => Self::Session,
        }
    }
}

impl StatementRef {
    /// The document, in the policies that the decision was made with.
    #[must_use]
    pub fn document<'a>(&self, policies: &Policies<'a>) -> Option<&'a NamedDocument> {
        let single = |document: Option<&'a NamedDocument>| document.filter(|_| self.document == 0);
        match self.kind {
            PolicyKind::Boundary => single(policies.boundary),
            PolicyKind::Identity => policies.identity.get(self.document),
            PolicyKind::Resource => single(policies.resource),
            PolicyKind::ResourceControl => policies.resource_control.get(self.level)?.get(self.document),
            PolicyKind::ServiceControl => policies.service_control.get(self.level)?.get(self.document),
            PolicyKind::Session => policies.session?.get(self.document),
        }
    }

    /// The statement, in the policies that the decision was made with.
    #[must_use]
    pub fn info<'a>(&self, policies: &Policies<'a>) -> Option<StatementInfo<'a>> {
        self.document(policies)?.document.statements().nth(self.statement)
    }
}
