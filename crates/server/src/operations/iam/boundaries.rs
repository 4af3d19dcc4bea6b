//! The operations on permissions boundaries of users and roles.
//!
//! Rule: the pages of PutUserPermissionsBoundary and DeleteUserPermissionsBoundary of the IAM API reference, and those
//! for roles.

use std::marker::PhantomData;

use kanuki_store::Transaction;

use super::{
    holders::{HolderKind, Kind},
    members,
    users::{self, Named},
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{PolicyUse, PrincipalKind},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// Sets a boundary in place of the one before.
#[derive(Debug)]
pub struct PutBoundary<K>(PhantomData<K>);

/// Takes a boundary away.
#[derive(Debug)]
pub struct DeleteBoundary<K>(PhantomData<K>);

/// Whose boundary, and which policy.
#[derive(Debug)]
pub struct PutInput {
    name: String,
    boundary: String,
}

impl<K: Kind> Operation for PutBoundary<K> {
    const DESCRIPTOR: Descriptor = Descriptor::changes(
        Service::Iam,
        principal("PutRolePermissionsBoundary", "PutUserPermissionsBoundary", K::KIND),
        K::KIND.pick(&[], &["RoleName", "PermissionsBoundary"], &["UserName", "PermissionsBoundary"]),
    );
    type Input = PutInput;
    type Target = Named;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<PutInput, ApiError> {
        let name = K::KIND.read_name(fields)?;
        let boundary = members::policy_arn(fields, "PermissionsBoundary")?;
        Ok(PutInput { name, boundary: fields.require("PermissionsBoundary", boundary) })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &PutInput) -> Result<Plan<Named>, ApiError> {
        let named = Named::find(doors, caller, principal_kind(K::KIND), &input.name).await?;
        let action = principal("iam:PutRolePermissionsBoundary", "iam:PutUserPermissionsBoundary", K::KIND);
        let demand = named.demand(action).with_fact("iam:PermissionsBoundary", input.boundary.as_str());
        Ok(Plan::new(named, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let found = authorized.target().get()?;
        let account = found.account();
        let policy = users::boundary_policy(doors, account, &authorized.input().boundary).await?.reference();
        if found.record().boundary.as_ref() == Some(&policy) {
            return Ok(Outcome::nothing());
        }
        let policy_use = PolicyUse::boundary_of(found.record().kind);
        let mut change = Transaction::default();
        if let Some(before) = &found.record().boundary {
            doors.identity.end_policy_use(&mut change, (account, before), policy_use, found.id()).await?;
        }
        doors.identity.begin_policy_use(&mut change, (account, &policy), policy_use, found.id()).await?;
        let mut record = found.record().clone();
        record.boundary = Some(policy);
        doors.identity.update_principal(&mut change, authorized.proof(), found, &record).await?;
        Ok(Outcome::silent_change(change))
    }
}

impl<K: Kind> Operation for DeleteBoundary<K> {
    const DESCRIPTOR: Descriptor = Descriptor::changes(
        Service::Iam,
        principal("DeleteRolePermissionsBoundary", "DeleteUserPermissionsBoundary", K::KIND),
        K::KIND.pick(&[], &["RoleName"], &["UserName"]),
    );
    type Input = String;
    type Target = Named;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        K::KIND.read_name(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &String) -> Result<Plan<Named>, ApiError> {
        let named = Named::find(doors, caller, principal_kind(K::KIND), input).await?;
        let boundary = match named.get() {
            Ok(found) => users::boundary_arn(doors, found).await?,
            Err(_) => None,
        };
        let action = principal("iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary", K::KIND);
        let demand = named.demand(action).with_optional_fact("iam:PermissionsBoundary", boundary);
        Ok(Plan::new(named, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let found = authorized.target().get()?;
        let Some(boundary) = &found.record().boundary else {
            let message =
                format!("The {} with name {} has no permissions boundary.", K::KIND.word(), authorized.input());
            return Err(ApiError::new(ErrorCode::NotFound, message));
        };
        let policy_use = PolicyUse::boundary_of(found.record().kind);
        let mut change = Transaction::default();
        doors.identity.end_policy_use(&mut change, (found.account(), boundary), policy_use, found.id()).await?;
        let mut record = found.record().clone();
        record.boundary = None;
        doors.identity.update_principal(&mut change, authorized.proof(), found, &record).await?;
        Ok(Outcome::silent_change(change))
    }
}

/// What belongs to the kind, which is a role's or a user's: groups have no boundary.
const fn principal<T: Copy>(role: T, user: T, kind: HolderKind) -> T {
    kind.pick(role, role, user)
}

const fn principal_kind(kind: HolderKind) -> PrincipalKind {
    principal(PrincipalKind::Role, PrincipalKind::User, kind)
}
