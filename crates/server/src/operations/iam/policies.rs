//! Managed policies as targets of operations: which one an ARN means, and what a change of one needs.
//!
//! Rule: the service's own policies are read by everybody and changed by nobody.

use std::{collections::BTreeMap, sync::Arc};

use kanuki_store::Transaction;

use super::{
    members,
    tagging::{Tagged, Words},
};
use crate::{
    authn::Authenticated,
    authz::{Demand, EntityAccess, Proof},
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{AWS_POLICY_VERSION, ManagedEntry, ManagedPolicy, ManagedPolicyRecord},
    operation::Plan,
    wire::Fields,
};

/// A managed policy that an ARN means, if there is one.
#[derive(Debug)]
pub struct NamedPolicy {
    arn: String,
    found: Option<ManagedPolicy>,
}

impl NamedPolicy {
    /// Looks an ARN up from the caller's account: policies of other accounts are never found.
    pub(super) async fn find(doors: &Doors, caller: &Authenticated, arn: &str) -> Result<Self, ApiError> {
        let parsed = members::parse_policy_arn(arn)?;
        let found = doors.identity.policy_by_arn(caller.caller().account, &parsed).await?;
        Ok(Self { arn: arn.into(), found })
    }

    /// The access to it that an action needs.
    pub(super) fn demand(&self, caller: &Authenticated, action: &'static str) -> Result<Demand, ApiError> {
        // A policy of another account is none of the caller's business: the ARN decides, and the account refuses.
        let account = members::parse_policy_arn(&self.arn)?.account;
        let tags = match &self.found {
            Some(ManagedPolicy::Own(entry)) if account == Some(caller.caller().account) => entry.record().tags.clone(),
            _ => BTreeMap::new(),
        };
        let entity = EntityAccess { arn: self.arn.clone(), account, kind: "AWS::IAM::Policy", tags };
        Ok(Demand::on_entity(action, entity))
    }

    /// The policy.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    pub(super) fn get(&self) -> Result<&ManagedPolicy, ApiError> {
        self.found.as_ref().ok_or_else(|| members::no_such_policy(&self.arn))
    }

    /// The policy, to change it.
    ///
    /// # Errors
    /// `NoSuchEntity`; `AccessDenied` for one of the service's own.
    pub(super) fn own(&self) -> Result<&Arc<ManagedEntry>, ApiError> {
        match self.get()? {
            ManagedPolicy::Own(entry) => Ok(entry),
            ManagedPolicy::Aws(_) => {
                let message = format!("Policy {} is outside your own account.", self.arn);
                Err(ApiError::new(ErrorCode::AccessDenied, message))
            }
        }
    }
}

impl Tagged for NamedPolicy {
    type Target = Self;
    const WORDS: Words = Words {
        member: "PolicyArn",
        tag: ("TagPolicy", "iam:TagPolicy"),
        untag: ("UntagPolicy", "iam:UntagPolicy"),
        list: ("ListPolicyTags", "iam:ListPolicyTags"),
        quota: "TagsPerPolicy",
    };

    fn read_name(fields: &mut Fields) -> Result<String, ApiError> {
        read_arn(fields)
    }

    async fn find(doors: &Doors, caller: &Authenticated, name: &str) -> Result<Self, ApiError> {
        Self::find(doors, caller, name).await
    }

    fn demand(target: &Self, caller: &Authenticated, action: &'static str) -> Result<Demand, ApiError> {
        target.demand(caller, action)
    }

    fn tags(target: &Self) -> Result<&BTreeMap<String, String>, ApiError> {
        match target.get()? {
            ManagedPolicy::Aws(_) => Ok(&NO_TAGS),
            ManagedPolicy::Own(policy) => Ok(&policy.record().tags),
        }
    }

    fn own_tags(target: &Self) -> Result<&BTreeMap<String, String>, ApiError> {
        Ok(&target.own()?.record().tags)
    }

    async fn put_tags(
        doors: &Doors,
        change: &mut Transaction,
        proof: &Proof,
        target: &Self,
        tags: BTreeMap<String, String>,
    ) -> Result<(), ApiError> {
        let policy = target.own()?;
        let record = ManagedPolicyRecord { tags, ..policy.record().clone() };
        doors.identity.update_policy(change, proof, policy, &record)
    }
}

/// Reads the ARN of a policy that must be there.
pub(super) fn read_arn(fields: &mut Fields) -> Result<String, ApiError> {
    let arn = members::policy_arn(fields, "PolicyArn")?;
    Ok(fields.require("PolicyArn", arn))
}

/// The plan of an operation on one policy.
pub(super) async fn plan(
    doors: &Doors,
    caller: &Authenticated,
    arn: &str,
    action: &'static str,
) -> Result<Plan<NamedPolicy>, ApiError> {
    let named = NamedPolicy::find(doors, caller, arn).await?;
    let demand = named.demand(caller, action)?;
    Ok(Plan::new(named, demand))
}

/// Reads the name of a version that must be there.
pub(super) fn read_version(fields: &mut Fields) -> Result<String, ApiError> {
    let is_version = |text: &str| version_number(text).is_some();
    let version =
        fields.formed_text("VersionId", 2..=VERSION_CHARS_MAX, "v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?", is_version)?;
    Ok(fields.require("VersionId", version))
}

/// The number of a version.
pub(super) fn version_number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix('v')?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| is_number)
}

/// There is no such version.
pub(super) fn no_such_version(arn: &str, version: &str) -> ApiError {
    let message = format!("Policy {arn} version {version} does not exist or is not attachable.");
    ApiError::new(ErrorCode::NotFound, message)
}

/// The text of a version of a policy.
///
/// # Errors
/// `NoSuchEntity`; or if the store fails.
pub(super) async fn text(doors: &Doors, policy: &ManagedPolicy, version: &str) -> Result<String, ApiError> {
    let missing = || no_such_version(&policy.arn(), version);
    match policy {
        ManagedPolicy::Aws(policy) if version == AWS_POLICY_VERSION => Ok(policy.text.to_owned()),
        ManagedPolicy::Aws(_) => Err(missing()),
        ManagedPolicy::Own(entry) => {
            let number = version_number(version).ok_or_else(missing)?;
            let found = doors.identity.policy_version(entry, number).await?.ok_or_else(missing)?;
            Ok(found.text().to_owned())
        }
    }
}

const VERSION_CHARS_MAX: usize = 16;
/// The service's own policies have none.
static NO_TAGS: BTreeMap<String, String> = BTreeMap::new();
