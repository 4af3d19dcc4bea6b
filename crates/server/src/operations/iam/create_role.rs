//! CreateRole: a role that those whom its trust policy names may assume.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>

use kanuki_store::{Transaction, Versioned};
use serde::Serialize;

use super::{
    documents, members, roles,
    shapes::{Detail, Role, recorded},
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
pub struct CreateRole;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    path: String,
    name: String,
    trust: String,
    description: Option<String>,
    max_session_seconds: Option<u32>,
    boundary: Option<String>,
    tags: Vec<(String, String)>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    role: Role,
}

impl Operation for CreateRole {
    const DESCRIPTOR: Descriptor = Descriptor::changes(
        Service::Iam,
        "CreateRole",
        &[
            "RoleName",
            "Path",
            "AssumeRolePolicyDocument",
            "Description",
            "MaxSessionDuration",
            "PermissionsBoundary",
            "Tags",
        ],
    );
    type Input = Input;
    type Target = Named;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input {
            path: members::path(fields, "Path")?.unwrap_or_else(|| "/".into()),
            name: roles::read_name(fields)?,
            trust: members::document(fields, "AssumeRolePolicyDocument")?,
            description: members::description(fields)?,
            max_session_seconds: roles::read_max_session(fields)?,
            boundary: members::policy_arn(fields, "PermissionsBoundary")?,
            tags: tags::read_new(fields)?,
        })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Named>, ApiError> {
        let kind = PrincipalKind::Role;
        let taken = Named::find(doors, caller, kind, &input.name).await?;
        let account = caller.caller().account;
        let demand = |action| users::demand_of_new(action, account, kind, (&input.path, &input.name));
        let make = demand("iam:CreateRole").with_optional_fact("iam:PermissionsBoundary", input.boundary.as_deref());
        Ok(tags::plan_of_new(taken, [make, demand("iam:TagRole")], &input.tags))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let trust_policy = documents::read_trust(doors, &input.trust).await?;
        if authorized.target().exists() {
            return Err(members::already_exists("Role", &input.name));
        }
        let account = authorized.caller().caller().account;
        let now = authorized.circumstances().now;
        let mut record = PrincipalRecord {
            trust_policy: Some(trust_policy),
            description: input.description.clone(),
            max_session_seconds: input.max_session_seconds,
            ..PrincipalRecord::new(PrincipalKind::Role, &input.path, &input.name, now)
        };
        tags::add(&mut record.tags, &input.tags, "TagsPerRole")?;
        let id = new_unique_id(PrincipalKind::Role.id_prefix(), &*doors.random);
        let mut change = Transaction::default();
        if let Some(arn) = &input.boundary {
            let policy = users::boundary_policy(doors, account, arn).await?.reference();
            doors.identity.begin_policy_use(&mut change, (account, &policy), PolicyUse::BoundaryOfRole, &id).await?;
            record.boundary = Some(policy);
        }
        doors.identity.create_principal(&mut change, authorized.proof(), (account, &id), &record)?;
        let made = StoredPrincipal::new(account, id, Versioned { version: 0, value: record });
        let made = made.map_err(|malformed| ApiError::internal(malformed.message))?;
        let output = Output { role: Role::of(&made, Detail::Full, &input.trust, input.boundary.clone()) };
        let elements = recorded(&output);
        Ok(Outcome::change(change, output).with_response_elements(elements))
    }
}
