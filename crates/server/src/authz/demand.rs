//! One access that must be allowed: an action on a resource, with the condition keys that the operation supplies.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use kanuki_policy::{FactMap, NamedDocument};
use kanuki_types::{AccountId, AliasArn, AliasName, EncryptionContext, Region};

use crate::keys::{GrantEntry, GrantTerms, KeyEntry, KeyName};

/// An access that must be allowed.
#[derive(Debug)]
pub struct Demand {
    /// The IAM action, such as `kms:Encrypt`.
    pub action: Cow<'static, str>,
    /// On what.
    pub access: Access,
    /// Condition keys from the request.
    pub facts: FactMap,
    /// The encryption context of the request, for condition keys and grants.
    pub encryption_context: Option<EncryptionContext>,
    /// Whether the key was named by a ciphertext and not by the client.
    pub from_ciphertext: bool,
    /// What the demand does to grants, if it does anything to them.
    pub grant: Option<GrantUse>,
    /// The Region in which it is to be allowed, if that is not the one of the call.
    pub region: Option<Region>,
}

/// What a demand does to grants.
#[derive(Debug)]
pub enum GrantUse {
    /// It makes one: a caller who may only by a grant can give no more than that one gives.
    Make(GrantTerms),
    /// It retires one: the grant says who may.
    Retire(Arc<GrantEntry>),
}

/// What is accessed.
#[derive(Debug)]
pub enum Access {
    /// An alias; it has no policy of its own.
    Alias {
        /// Its ARN.
        text: String,
        /// Its owner.
        account: AccountId,
        /// The key that it stands for or shall stand for, whose tags count.
        target: Option<Arc<KeyEntry>>,
    },
    /// Nothing in particular: the action takes no resource.
    Any,
    /// An entity of IAM.
    Entity(EntityAccess),
    /// A key of another account that does not exist.
    HiddenKey {
        /// The ARN that the client wrote.
        arn: String,
        /// The account it names.
        account: AccountId,
    },
    /// A key.
    Key {
        /// The key.
        entry: Arc<KeyEntry>,
        /// The alias by which the request named it.
        alias: Option<AliasName>,
    },
    /// Something of another service, which is here in hypotheses alone.
    Other {
        /// Its ARN.
        arn: String,
        /// Its owner.
        account: AccountId,
    },
    /// A role that is to be assumed.
    Role(RoleAccess),
}

/// A user, group, role, policy or other entity of IAM as a resource.
#[derive(Debug)]
pub struct EntityAccess {
    /// Its ARN; for one that does not exist, the ARN that it would have.
    pub arn: String,
    /// Its owner; none for what belongs to the service, such as its managed policies.
    pub account: Option<AccountId>,
    /// Its type in audit records, such as `AWS::IAM::User`.
    pub kind: &'static str,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A role as a resource.
#[derive(Debug)]
pub struct RoleAccess {
    /// Its ARN.
    pub arn: String,
    /// Its owner.
    pub account: AccountId,
    /// Its trust policy.
    pub trust_policy: Option<NamedDocument>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Demand {
    /// On an action without a resource.
    #[must_use]
    pub fn on_any(action: &'static str) -> Self {
        Self::new(action, Access::Any)
    }

    /// On a key that was found.
    #[must_use]
    pub fn on_key(action: &'static str, entry: &Arc<KeyEntry>, alias: Option<AliasName>) -> Self {
        Self::new(action, Access::Key { entry: Arc::clone(entry), alias })
    }

    /// On whatever an identifier stands for.
    #[must_use]
    pub fn on_name(action: &'static str, name: &KeyName) -> Self {
        match name {
            KeyName::Found { entry, alias } => Self::on_key(action, entry, alias.clone()),
            KeyName::Hidden { arn, account } => {
                Self::new(action, Access::HiddenKey { arn: arn.clone(), account: *account })
            }
        }
    }

    /// On an alias.
    #[must_use]
    pub fn on_alias(action: &'static str, alias: &AliasArn, target: Option<Arc<KeyEntry>>) -> Self {
        Self::new(action, Access::Alias { text: alias.to_string(), account: alias.account, target })
    }

    /// On an entity of IAM.
    #[must_use]
    pub fn on_entity(action: &'static str, entity: EntityAccess) -> Self {
        Self::new(action, Access::Entity(entity))
    }

    /// On a role.
    #[must_use]
    pub fn on_role(action: &'static str, role: RoleAccess) -> Self {
        Self::new(action, Access::Role(role))
    }

    /// On whatever it is, for a call that nobody made.
    pub(crate) fn supposed(action: String, access: Access) -> Self {
        Self { action: action.into(), ..Self::new("", access) }
    }

    /// Adds the encryption context.
    #[must_use]
    pub fn with_context(mut self, context: &EncryptionContext) -> Self {
        self.encryption_context = Some(context.clone());
        self
    }

    /// Adds a condition key with one value.
    #[must_use]
    pub fn with_fact(mut self, key: &str, value: impl Into<String>) -> Self {
        self.facts.insert(key, value.into());
        self
    }

    /// Adds a condition key with one value, if there is a value.
    #[must_use]
    pub fn with_optional_fact(self, key: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with_fact(key, value),
            None => self,
        }
    }

    /// States another Region than the call's.
    #[must_use]
    pub fn in_region(mut self, region: &Region) -> Self {
        self.region = Some(region.clone());
        self
    }

    /// Marks the key as named by a ciphertext.
    #[must_use]
    pub fn named_by_ciphertext(mut self) -> Self {
        self.from_ciphertext = true;
        self
    }

    /// States what it does to grants.
    #[must_use]
    pub fn with_grant(mut self, grant: GrantUse) -> Self {
        self.grant = Some(grant);
        self
    }

    fn new(action: &'static str, access: Access) -> Self {
        let facts = FactMap::default();
        let action = action.into();
        Self { action, access, facts, encryption_context: None, from_ciphertext: false, grant: None, region: None }
    }
}

/// Every access that an operation needs; at least one, or said outright that none is.
#[derive(Debug)]
pub struct Demands(Vec<Demand>);

impl Demands {
    /// At least one.
    #[must_use]
    pub fn of(first: Demand, more: impl IntoIterator<Item = Demand>) -> Self {
        Self(std::iter::once(first).chain(more).collect())
    }

    /// None: the operation is open to every authenticated caller, and no policy can deny it.
    #[must_use]
    pub fn none_needed() -> Self {
        Self(Vec::new())
    }

    /// In the order in which they are decided.
    pub fn iter(&self) -> impl Iterator<Item = &Demand> {
        self.0.iter()
    }
}

impl IntoIterator for Demands {
    type Item = Demand;
    type IntoIter = std::vec::IntoIter<Demand>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
