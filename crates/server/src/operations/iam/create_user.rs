//! CreateUser: a user without rights and credentials.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html>

use kanuki_store::{Transaction, Versioned};
use serde::Serialize;

use super::{
    members,
    shapes::{Detail, User, recorded},
    tags,
    users::{self, Named},
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    identity::{PolicyUse, PrincipalKind, PrincipalRecord, StoredPrincipal, new_unique_id},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct CreateUser;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    path: String,
    name: String,
    boundary: Option<String>,
    tags: Vec<(String, String)>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    user: User,
}

impl Operation for CreateUser {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "CreateUser", &["UserName", "Path", "PermissionsBoundary", "Tags"]);
    type Input = Input;
    type Target = Named;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input {
            path: members::path(fields, "Path")?.unwrap_or_else(|| "/".into()),
            name: members::required_name(fields, "UserName", members::NEW_NAME_CHARS_MAX)?,
            boundary: members::policy_arn(fields, "PermissionsBoundary")?,
            tags: tags::read_new(fields)?,
        })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Named>, ApiError> {
        let taken = Named::find(doors, caller, PrincipalKind::User, &input.name).await?;
        let account = caller.caller().account;
        let demand = |action| users::demand_of_new(action, account, PrincipalKind::User, (&input.path, &input.name));
        let make = demand("iam:CreateUser").with_optional_fact("iam:PermissionsBoundary", input.boundary.as_deref());
        Ok(tags::plan_of_new(taken, [make, demand("iam:TagUser")], &input.tags))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        if authorized.target().exists() {
            return Err(members::already_exists("User", &input.name));
        }
        let account = authorized.caller().caller().account;
        let mut record =
            PrincipalRecord::new(PrincipalKind::User, &input.path, &input.name, authorized.circumstances().now);
        tags::add(&mut record.tags, &input.tags, "TagsPerUser")?;
        let id = new_unique_id(PrincipalKind::User.id_prefix(), &*doors.random);
        let mut change = Transaction::default();
        if let Some(arn) = &input.boundary {
            let policy = users::boundary_policy(doors, account, arn).await?.reference();
            doors.identity.begin_policy_use(&mut change, (account, &policy), PolicyUse::BoundaryOfUser, &id).await?;
            record.boundary = Some(policy);
        }
        doors.identity.create_principal(&mut change, authorized.proof(), (account, &id), &record)?;
        let made = StoredPrincipal::new(account, id, Versioned { version: 0, value: record });
        let made = made.map_err(|malformed| ApiError::internal(malformed.message))?;
        let output = Output { user: User::of(&made, Detail::Full, input.boundary.clone()) };
        let elements = recorded(&output);
        Ok(Outcome::change(change, output).with_response_elements(elements))
    }
}
