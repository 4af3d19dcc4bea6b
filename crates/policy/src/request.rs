//! What is decided, and by which policies.
//!
//! Not here: the gathering; a caller that leaves a policy out changes the decision.
//! Invariant: everything is borrowed, so that nothing is copied for a decision.

use std::{fmt, sync::Arc};

use kanuki_types::{AccountId, EncryptionContext};

use crate::{document::Document, facts::Facts, grants::GrantView, principal::Principal};

/// A request: who asks for which action on which resource, under which circumstances.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The action, such as `kms:Decrypt`. Case does not count.
    pub action: &'a str,
    /// The resource's ARN (for a key always the key's, also when an alias was given), or `*` for none.
    pub resource: &'a str,
    /// What the resource is.
    pub resource_kind: ResourceKind,
    /// Whose the resource is; the caller's for an action without resource.
    pub resource_account: AccountId,
    /// Who asks.
    pub principal: &'a Principal,
    /// The values of condition keys.
    pub facts: &'a dyn Facts,
    /// The encryption context that grants' constraints are compared with; none and empty are the same.
    pub encryption_context: Option<&'a EncryptionContext>,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("action", &self.action)
            .field("resource", &self.resource)
            .field("resource_kind", &self.resource_kind)
            .field("resource_account", &self.resource_account)
            .field("principal", &self.principal)
            .field("encryption_context", &self.encryption_context)
            .finish_non_exhaustive()
    }
}

/// What a resource is, which decides how its policy and its account's policies go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceKind {
    /// An entity of IAM: it has no policy of its own.
    Iam,
    /// A KMS key: policies of its account count only as far as its key policy lets them.
    KmsKey,
    /// None: the action has no resource, and `*` stands for it.
    None,
    /// A resource of another kind, whose policy or its account's policies suffice. KMS aliases too, without a policy.
    Other,
    /// A role that is to be assumed: its trust policy counts like a key policy.
    RoleTrust,
}

/// A document with the name that reasons give it.
#[derive(Debug, Clone)]
pub struct NamedDocument {
    /// The ARN of a managed policy, the name of an inline one, `key policy`, …
    pub name: Arc<str>,
    /// The document.
    pub document: Arc<Document>,
}

/// The policies that take part in a decision.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policies<'a> {
    /// Those of the user with its groups, or of the role; for a federated session those of its user.
    pub identity: &'a [NamedDocument],
    /// The permissions boundary of the user or role, if there is one.
    pub boundary: Option<&'a NamedDocument>,
    /// The policies given when the session was made; none if none were given.
    pub session: Option<&'a [NamedDocument]>,
    /// The key policy, trust policy or other policy of the resource.
    pub resource: Option<&'a NamedDocument>,
    /// The levels of the organization above the caller's account; each must allow. Empty outside of organizations.
    pub service_control: &'a [Vec<NamedDocument>],
    /// The levels of the organization above the resource's account; each must allow.
    pub resource_control: &'a [Vec<NamedDocument>],
    /// The grants of the key that are in force; retired ones are left out.
    pub grants: &'a [GrantView<'a>],
}
