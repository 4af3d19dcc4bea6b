//! Calls that nobody made: what would be decided, and why.
//!
//! Not here: real calls; nothing here makes an [`Authorized`](super::Authorized). Invariants: the decision is made by
//! the code that decides real calls, from the same records and by the same condition keys; what only a real request has
//! (an address, a transport) is absent unless it is given.

pub(crate) mod access;
mod asker;
mod gain;
mod given;
pub(crate) mod simulation;
mod supposed;

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use kanuki_policy::{Fact, FactMap, FactValue, Facts as _, NamedDocument};
use kanuki_types::{AccountId, AliasArn, AliasName, EncryptionContext, Timestamp};
use serde::Serialize;

pub(crate) use asker::{Asker, Home};
pub use supposed::{SupposedCall, SupposedDocument, SupposedSession, SupposedToken};

use super::{
    Access, Circumstances, Demand, EntityAccess, GrantUse, RoleAccess, decide_demand, facts::CallFacts,
    reasons::note_of_call,
};
use crate::{
    decisions::DemandNote,
    error::ApiError,
    identity::{Identity, PrincipalEntry},
    keys::{GrantEntry, GrantOperation, KeyEntry, Keys},
    operations,
};

/// What might be accessed.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// An alias itself, and the key behind it.
    Alias(AliasArn, Option<Arc<KeyEntry>>),
    /// Nothing in particular.
    Any,
    /// An entity of IAM, and the user or role if it is one that there is.
    Entity {
        /// Its ARN.
        arn: String,
        /// Whose it is.
        account: AccountId,
        /// The user or role.
        found: Option<Arc<PrincipalEntry>>,
    },
    /// A key, and the alias that would name it.
    Key(Arc<KeyEntry>, Option<AliasName>),
    /// Something of another service, without a policy of its own.
    Other {
        /// Its ARN.
        arn: String,
        /// Whose it is.
        account: AccountId,
    },
    /// A role that is to be assumed.
    Role(Arc<PrincipalEntry>),
}

/// The circumstances of a call that nobody made.
#[derive(Debug, Default)]
pub(crate) struct Supposed {
    /// The encryption context.
    pub(crate) context: EncryptionContext,
    /// Condition keys that the call is supposed to have, over those that follow from caller and resource.
    pub(crate) facts: FactMap,
    /// Condition keys that the operation would supply.
    pub(crate) demand_facts: FactMap,
    /// The peer's address.
    pub(crate) source_ip: Option<IpAddr>,
    /// The policy of the resource, in place of the one that is stored.
    pub(crate) resource_policy: Option<String>,
    /// The grant that is to be retired.
    pub(crate) retired: Option<Arc<GrantEntry>>,
}

/// Where a call that nobody made is not like a real one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Premises {
    given: FactMap,
    unstated: Vec<&'static str>,
    resource_policy: Option<NamedDocument>,
}

impl Premises {
    /// What is said of a key: nothing of the outer kind if it has its value as in a real call, nothing of the inner kind
    /// if the call is supposed not to have it.
    pub(super) fn of(&self, key: &str) -> Option<Option<Fact<'_>>> {
        match self.given.fact(key) {
            Some(given) => Some(Some(given)),
            None => self.unstated.contains(&key).then_some(None),
        }
    }

    /// The policy of the resource, in place of the one that is stored.
    pub(super) fn resource_policy(&self) -> Option<&NamedDocument> {
        self.resource_policy.as_ref()
    }
}

/// What would be decided.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Supposition {
    /// Whether the call would be allowed.
    allowed: bool,
    /// What the client would be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// The one access that was asked about.
    demands: [DemandNote; 1],
}

/// Decides a call that nobody made, and explains it.
///
/// # Errors
/// If a policy that is given is refused, or if the store fails.
pub(crate) async fn explain_call(
    (keys, identity): (&Keys, &Identity),
    asker: &Asker,
    action: &str,
    target: Target,
    supposed: Supposed,
    now: Timestamp,
) -> Result<Supposition, ApiError> {
    let Supposed { context, facts, demand_facts, source_ip, resource_policy, retired } = supposed;
    let resource_policy = match resource_policy {
        Some(text) => Some(given::resource_policy(identity, &target, text).await?),
        None => None,
    };
    let demand = Demand {
        facts: demand_facts,
        encryption_context: Some(context),
        grant: retired.map(GrantUse::Retire),
        ..Demand::supposed(canonical_action(action), access_of(target))
    };
    let circumstances = circumstances(now, source_ip);
    let mut unstated = asker.unstated().to_vec();
    if source_ip.is_none() {
        unstated.push("aws:sourceip");
    }
    if asker.standpoint().own_call().is_none() {
        unstated.push("aws:securetransport");
    }
    let premises = Premises { given: facts, unstated, resource_policy };
    let caller = asker.standpoint();
    let call = CallFacts { caller, circumstances: &circumstances, demand: &demand, supposed: Some(&premises) };
    let decided = decide_demand(keys.held(), &call).await?;
    let message = decided.refusal.as_ref().and_then(|refusal| refusal.error.message()).map(str::to_owned);
    let demands = [note_of_call(&call, &decided.grants)];
    Ok(Supposition { allowed: decided.refusal.is_none(), message, demands })
}

fn circumstances(now: Timestamp, source_ip: Option<IpAddr>) -> Circumstances {
    Circumstances {
        now,
        source_ip: source_ip.unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
        user_agent: None,
        request_id: String::new(),
        secure_transport: true,
        second_factor: None,
    }
}

fn access_of(target: Target) -> Access {
    match target {
        Target::Alias(arn, target) => Access::Alias { text: arn.to_string(), account: arn.account, target },
        Target::Any => Access::Any,
        Target::Entity { arn, account, found } => {
            let tags = found.map(|entry| entry.record().tags.clone()).unwrap_or_default();
            Access::Entity(EntityAccess { arn, account: Some(account), kind: "AWS::IAM::Entity", tags })
        }
        Target::Key(entry, alias) => Access::Key { entry, alias },
        Target::Other { arn, account } => Access::Other { arn, account },
        Target::Role(role) => Access::Role(RoleAccess {
            arn: role.arn(),
            account: role.account(),
            trust_policy: role.trust_policy().cloned(),
            tags: role.record().tags.clone(),
        }),
    }
}

/// An action in the spelling of the operation; policies do not mind, but rules that name actions do.
fn canonical_action(action: &str) -> String {
    let Some((service, name)) = action.split_once(':') else { return action.to_owned() };
    let operation = operations::descriptors()
        .find(|it| it.service.name().eq_ignore_ascii_case(service) && it.name.eq_ignore_ascii_case(name));
    if let Some(operation) = operation {
        return format!("{}:{}", operation.service.name(), operation.name);
    }
    // Those of ReEncrypt are no operations.
    let of_grant = GrantOperation::ALL.iter().find(|it| it.as_str().eq_ignore_ascii_case(name));
    match of_grant.filter(|_| service.eq_ignore_ascii_case("kms")) {
        Some(operation) => format!("kms:{}", operation.as_str()),
        None => action.to_owned(),
    }
}

/// A key that can have several values has them as a list, also if there is one.
pub(crate) fn fact_value(key: &str, mut values: Vec<String>) -> FactValue {
    let many = MULTIVALUED.iter().any(|known| known.eq_ignore_ascii_case(key));
    match (values.pop(), many) {
        (Some(value), false) if values.is_empty() => FactValue::One(value),
        (Some(value), _) => {
            values.push(value);
            FactValue::Many(values)
        }
        (None, _) => FactValue::Many(values),
    }
}

/// At most this much of a text that a client wrote, in one line.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect()
}

const NAME_CHARS_MAX: usize = 200;
/// Condition keys that can have several values (section "Multivalued context keys" of the IAM user guide; the
/// condition keys of AWS KMS).
const MULTIVALUED: [&str; 7] = [
    "aws:CalledVia",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceNamesList",
    "aws:TagKeys",
    "kms:EncryptionContextKeys",
    "kms:GrantOperations",
    "kms:ResourceAliases",
];
