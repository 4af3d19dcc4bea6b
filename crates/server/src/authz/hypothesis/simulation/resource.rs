//! Resources of simulations: what an ARN says of itself.
//!
//! Not here: looking anything up. Invariants: an alias is never taken for a resource of an operation on keys, as in real
//! calls; a policy of the resource counts only for what has policies of that form.

use std::{borrow::Cow, sync::Arc};

use kanuki_policy::{Document, Malformed, NamedDocument, ResourceKind, Target};
use kanuki_types::{AccountId, Arn};

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    /// As it was given.
    pub(crate) text: String,
    /// What it is.
    pub(crate) place: Place,
    /// Its owner, if its ARN names one.
    pub(crate) account: Option<AccountId>,
    /// Its Region, if its ARN names one.
    pub(crate) region: Option<String>,
}

/// What a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// An alias of a key.
    Alias,
    /// Something of IAM that has no policy of its own, or a role that is not to be assumed.
    Iam,
    /// A key.
    Key,
    /// Nothing in particular.
    Nothing,
    /// Something of another service.
    Other,
    /// A role.
    Role,
}

/// A policy of the resources, read for each of the places that it is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResourcePolicy {
    key: Option<NamedDocument>,
    role: Option<NamedDocument>,
    other: Option<NamedDocument>,
}

impl Resource {
    /// Reads `*` or an ARN; none for any other text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let owned = text.to_owned();
        if text == "*" {
            return Some(Self { text: owned, place: Place::Nothing, account: None, region: None });
        }
        let arn: Arn = text.parse().ok()?;
        let place = match (arn.service.as_str(), arn.resource.split_once('/')) {
            ("kms", Some(("key", _))) => Place::Key,
            ("kms", Some(("alias", _))) => Place::Alias,
            ("iam", Some(("role", _))) => Place::Role,
            ("iam", _) => Place::Iam,
            _ => Place::Other,
        };
        let region = Some(arn.region).filter(|region| !region.is_empty());
        Some(Self { text: owned, place, account: arn.account.parse().ok(), region })
    }

    /// The resource's ARN as a decision on an action takes it. An operation on a key is decided on the key's ARN also
    /// when an alias names it; which key that is is not looked up, so it is one that no policy can name by itself.
    pub(super) fn seen_by(&self, action: &str) -> Cow<'_, str> {
        match self.text.split_once(":alias/") {
            Some((before, name)) if self.place == Place::Alias && !is_on_alias(action) => {
                format!("{before}:key/alias/{name}").into()
            }
            _ => self.text.as_str().into(),
        }
    }

    /// How the resource's policy and its account's policies go together. Without a policy of a key or role only the
    /// identity policies are asked, as if it left everything to its account.
    pub(super) fn kind(&self, action: &str, has_policy: bool) -> ResourceKind {
        match self.place {
            Place::Nothing => ResourceKind::None,
            Place::Key | Place::Alias if has_policy => ResourceKind::KmsKey,
            Place::Role if has_policy && is_assumption(action) => ResourceKind::RoleTrust,
            Place::Iam => ResourceKind::Iam,
            Place::Alias | Place::Key | Place::Other | Place::Role => ResourceKind::Other,
        }
    }

    /// The form of the policy that it has when an action is asked for; none if it has none.
    pub(crate) fn policy_target(&self, action: &str) -> Option<Target> {
        match self.place {
            Place::Key => Some(Target::KeyPolicy),
            Place::Alias if !is_on_alias(action) => Some(Target::KeyPolicy),
            Place::Role if is_assumption(action) => Some(Target::Trust),
            Place::Other => Some(Target::Resource),
            Place::Alias | Place::Iam | Place::Nothing | Place::Role => None,
        }
    }
}

impl ResourcePolicy {
    /// Reads the policy for one more place.
    pub(crate) fn read(&mut self, target: Target, text: &str) -> Result<(), Malformed> {
        let place = match target {
            Target::KeyPolicy => &mut self.key,
            Target::Trust => &mut self.role,
            _ => &mut self.other,
        };
        if place.is_none() {
            let document = Arc::new(Document::parse(target, text)?);
            *place = Some(NamedDocument { name: "resource policy".into(), document });
        }
        Ok(())
    }

    /// The policy as a resource has it.
    pub(super) fn of(&self, resource: &Resource) -> Option<&NamedDocument> {
        match resource.place {
            Place::Alias | Place::Key => self.key.as_ref(),
            Place::Role => self.role.as_ref(),
            Place::Other => self.other.as_ref(),
            Place::Iam | Place::Nothing => None,
        }
    }

    /// The statement with that number, in whichever form; all are read from one text.
    pub(crate) fn document(&self) -> Option<&NamedDocument> {
        self.key.as_ref().or(self.role.as_ref()).or(self.other.as_ref())
    }
}

/// Whether an action is on an alias beside a key.
fn is_on_alias(action: &str) -> bool {
    ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"].iter().any(|name| name.eq_ignore_ascii_case(action))
}

/// Whether an action assumes a role, which its trust policy decides.
fn is_assumption(action: &str) -> bool {
    let names = ["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"];
    names.iter().any(|name| name.eq_ignore_ascii_case(action))
}
