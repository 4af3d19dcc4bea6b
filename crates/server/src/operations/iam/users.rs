//! Users as targets of operations: whom a name means, and what calls on it need.
//!
//! Rule: an operation whose UserName is left out is about the user whose access key signed.

use std::{collections::BTreeMap, sync::Arc};

use kanuki_store::Transaction;
use kanuki_types::{AccountId, CallerKind};

use super::{
    holders::{HolderKind, OfRole, OfUser},
    members,
    tagging::{Tagged, Words},
};
use crate::{
    authn::Authenticated,
    authz::{Demand, EntityAccess, Proof},
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{ManagedPolicy, PolicyRef, PrincipalKind, PrincipalRecord, StoredPrincipal, entity_arn},
    wire::Fields,
};

/// A user or role that a name means, if there is one.
#[derive(Debug)]
pub struct Named {
    kind: PrincipalKind,
    name: String,
    account: AccountId,
    found: Option<Arc<StoredPrincipal>>,
}

impl Named {
    /// Looks a name up in the caller's account.
    pub(super) async fn find(
        doors: &Doors,
        caller: &Authenticated,
        kind: PrincipalKind,
        name: &str,
    ) -> Result<Self, ApiError> {
        let account = caller.caller().account;
        let found = doors.identity.stored_named(account, kind, name).await?;
        Ok(Self { kind, name: name.into(), account, found })
    }

    /// The access to it that an action needs. For one that does not exist it is decided on the ARN that the name would
    /// have, so that who may not look does not learn whether it exists.
    pub(super) fn demand(&self, action: &'static str) -> Demand {
        let found = self.found.as_ref();
        let arn = found.map_or_else(|| entity_arn(self.account, self.kind.arn_word(), "/", &self.name), |it| it.arn());
        let tags = found.map(|it| it.record().tags.clone()).unwrap_or_default();
        Demand::on_entity(action, EntityAccess { arn, account: Some(self.account), kind: audit_kind(self.kind), tags })
    }

    /// The user or role.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    pub(super) fn get(&self) -> Result<&Arc<StoredPrincipal>, ApiError> {
        self.found.as_ref().ok_or_else(|| members::no_such(self.kind.arn_word(), &self.name))
    }

    /// Whether there is one.
    pub(super) fn exists(&self) -> bool {
        self.found.is_some()
    }
}

/// The access to a user or role that is still to be made.
pub(super) fn demand_of_new(
    action: &'static str,
    account: AccountId,
    kind: PrincipalKind,
    (path, name): (&str, &str),
) -> Demand {
    let arn = entity_arn(account, kind.arn_word(), path, name);
    let tags = BTreeMap::new();
    Demand::on_entity(action, EntityAccess { arn, account: Some(account), kind: audit_kind(kind), tags })
}

/// The access to the caller's own account's root that an action needs; the caller is the root.
pub(super) fn demand_of_root(caller: &Authenticated, action: &'static str) -> Demand {
    let tags = BTreeMap::new();
    let account = Some(caller.caller().account);
    Demand::on_entity(action, EntityAccess { arn: caller.caller().arn(), account, kind: "AWS::IAM::User", tags })
}

/// The name of the calling user, if the caller is one; none for the account's root.
///
/// # Errors
/// `ValidationError` for callers that are neither.
pub(super) fn calling_user(caller: &Authenticated) -> Result<Option<String>, ApiError> {
    match &caller.caller().kind {
        CallerKind::User { name, .. } => Ok(Some(name.clone())),
        CallerKind::Root => Ok(None),
        _ => Err(ApiError::validation("Must specify userName when calling with non-User credentials")),
    }
}

/// The ARN of a managed policy that a record names.
pub(super) async fn policy_arn(
    doors: &Doors,
    account: AccountId,
    policy: &PolicyRef,
) -> Result<Option<String>, ApiError> {
    let Some(id) = policy.own_id() else { return Ok(policy.aws_arn().map(ToOwned::to_owned)) };
    Ok(doors.identity.managed_policy(account, &id).await?.map(|policy| policy.arn()))
}

/// The ARN of a user's or role's boundary.
pub(super) async fn boundary_arn(doors: &Doors, principal: &StoredPrincipal) -> Result<Option<String>, ApiError> {
    match &principal.record().boundary {
        Some(boundary) => policy_arn(doors, principal.account(), boundary).await,
        None => Ok(None),
    }
}

/// The managed policy that is to be a boundary.
///
/// # Errors
/// `InvalidInput` for a text that is no ARN of a policy, `NoSuchEntity` if there is no such policy.
pub(super) async fn boundary_policy(doors: &Doors, account: AccountId, arn: &str) -> Result<ManagedPolicy, ApiError> {
    let parsed = members::parse_policy_arn(arn)?;
    let found = doors.identity.policy_by_arn(account, &parsed).await?;
    found.ok_or_else(|| {
        let message = format!("Scope ARN: {arn} does not exist or is not attachable.");
        ApiError::new(ErrorCode::NotFound, message)
    })
}

impl Tagged for OfRole {
    type Target = Named;
    const WORDS: Words = Words {
        member: "RoleName",
        tag: ("TagRole", "iam:TagRole"),
        untag: ("UntagRole", "iam:UntagRole"),
        list: ("ListRoleTags", "iam:ListRoleTags"),
        quota: "TagsPerRole",
    };

    fn read_name(fields: &mut Fields) -> Result<String, ApiError> {
        HolderKind::Role.read_name(fields)
    }

    async fn find(doors: &Doors, caller: &Authenticated, name: &str) -> Result<Named, ApiError> {
        Named::find(doors, caller, PrincipalKind::Role, name).await
    }

    fn demand(target: &Named, _: &Authenticated, action: &'static str) -> Result<Demand, ApiError> {
        Ok(target.demand(action))
    }

    fn tags(target: &Named) -> Result<&BTreeMap<String, String>, ApiError> {
        Ok(&target.get()?.record().tags)
    }

    async fn put_tags(
        doors: &Doors,
        change: &mut Transaction,
        proof: &Proof,
        target: &Named,
        tags: BTreeMap<String, String>,
    ) -> Result<(), ApiError> {
        put_tags_of(doors, change, proof, target.get()?, tags).await
    }
}

impl Tagged for OfUser {
    type Target = Named;
    const WORDS: Words = Words {
        member: "UserName",
        tag: ("TagUser", "iam:TagUser"),
        untag: ("UntagUser", "iam:UntagUser"),
        list: ("ListUserTags", "iam:ListUserTags"),
        quota: "TagsPerUser",
    };

    fn read_name(fields: &mut Fields) -> Result<String, ApiError> {
        HolderKind::User.read_name(fields)
    }

    async fn find(doors: &Doors, caller: &Authenticated, name: &str) -> Result<Named, ApiError> {
        Named::find(doors, caller, PrincipalKind::User, name).await
    }

    fn demand(target: &Named, _: &Authenticated, action: &'static str) -> Result<Demand, ApiError> {
        Ok(target.demand(action))
    }

    fn tags(target: &Named) -> Result<&BTreeMap<String, String>, ApiError> {
        Ok(&target.get()?.record().tags)
    }

    async fn put_tags(
        doors: &Doors,
        change: &mut Transaction,
        proof: &Proof,
        target: &Named,
        tags: BTreeMap<String, String>,
    ) -> Result<(), ApiError> {
        put_tags_of(doors, change, proof, target.get()?, tags).await
    }
}

async fn put_tags_of(
    doors: &Doors,
    change: &mut Transaction,
    proof: &Proof,
    principal: &StoredPrincipal,
    tags: BTreeMap<String, String>,
) -> Result<(), ApiError> {
    let record = PrincipalRecord { tags, ..principal.record().clone() };
    doors.identity.update_principal(change, proof, principal, &record).await
}

const fn audit_kind(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::Role => "AWS::IAM::Role",
        PrincipalKind::User => "AWS::IAM::User",
    }
}
