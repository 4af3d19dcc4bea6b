//! CreatePolicy: a managed policy of the account's own with its first version.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html>

use std::collections::BTreeMap;

use kanuki_store::Transaction;
use serde::Serialize;

use super::{
    documents, members,
    shapes::{Detail, Policy, recorded},
    tags,
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand, EntityAccess},
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{ManagedPolicyRecord, NamedKind, UseCounts, entity_arn, new_unique_id},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct CreatePolicy;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    path: String,
    name: String,
    text: String,
    description: Option<String>,
    tags: Vec<(String, String)>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    policy: Policy,
}

impl Operation for CreatePolicy {
    const DESCRIPTOR: Descriptor = Descriptor::changes(
        Service::Iam,
        "CreatePolicy",
        &["PolicyName", "Path", "PolicyDocument", "Description", "Tags"],
    );
    type Input = Input;
    /// Whether the name is taken.
    type Target = bool;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input {
            path: members::policy_path(fields)?.unwrap_or_else(|| "/".into()),
            name: members::required_name(fields, "PolicyName", members::NAME_CHARS_MAX)?,
            text: members::document(fields, "PolicyDocument")?,
            description: members::description(fields)?,
            tags: tags::read_new(fields)?,
        })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<bool>, ApiError> {
        let account = caller.caller().account;
        let taken = doors.identity.policy_name_is_taken(account, &input.name).await?;
        let arn = entity_arn(account, NamedKind::Policy.arn_word(), &input.path, &input.name);
        let demand = |action| {
            let (arn, tags) = (arn.clone(), BTreeMap::new());
            Demand::on_entity(action, EntityAccess { arn, account: Some(account), kind: "AWS::IAM::Policy", tags })
        };
        Ok(tags::plan_of_new(taken, ["iam:CreatePolicy", "iam:TagPolicy"].map(demand), &input.tags))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        documents::check_managed(&input.text)?;
        if *authorized.target() {
            let message = format!("A policy called {} already exists. Duplicate names are not allowed.", input.name);
            return Err(ApiError::new(ErrorCode::AlreadyExists, message));
        }
        let account = authorized.caller().caller().account;
        let now = authorized.circumstances().now;
        let mut record = ManagedPolicyRecord {
            path: input.path.clone(),
            name: input.name.clone(),
            description: input.description.clone(),
            created: now,
            updated: now,
            tags: BTreeMap::new(),
            versions: BTreeMap::from([(FIRST_VERSION, now)]),
            default_version: FIRST_VERSION,
            next_version: FIRST_VERSION + 1,
        };
        tags::add(&mut record.tags, &input.tags, "TagsPerPolicy")?;
        let id = new_unique_id(NamedKind::Policy.id_prefix(), &*doors.random);
        let mut change = Transaction::default();
        doors.identity.create_policy(&mut change, authorized.proof(), (account, &id), (&record, &input.text))?;
        let policy = Policy::of_own(&record, (&id, account), UseCounts::default(), Detail::Full);
        let output = Output { policy };
        let elements = recorded(&output);
        Ok(Outcome::change(change, output).with_response_elements(elements))
    }
}

const FIRST_VERSION: u32 = 1;
