//! CreateGroup: a group without members and policies.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateGroup.html>

use std::collections::{BTreeMap, BTreeSet};

use kanuki_store::Transaction;
use serde::Serialize;

use super::{
    holders::{HolderKind, NamedHolder},
    members,
    shapes::{Group, recorded},
};
use crate::{
    authn::Authenticated,
    authz::{Authorized},
    doors::Doors,
    error::ApiError,
    identity::{GroupRecord, NamedKind, entity_arn, new_unique_id},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct CreateGroup;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    path: String,
    name: String,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    group: Group,
}

impl Operation for CreateGroup {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, "CreateGroup", &["GroupName", "Path"]);
    type Input = Input;
    type Target = NamedHolder;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input {
            path: members::path(fields, "Path")?.unwrap_or_else(|| "/".into()),
            name: members::required_name(fields, "GroupName", members::NAME_CHARS_MAX)?,
        })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedHolder>, ApiError> {
        let taken = NamedHolder::find(doors, caller, HolderKind::Group, &input.name).await?;
        Ok(Plan::new(taken, HolderKind::Group.demand_of_new("iam:CreateGroup", caller, (&input.path, &input.name))))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let Input { path, name } = authorized.input();
        if authorized.target().exists() {
            return Err(members::already_exists("Group", name));
        }
        let account = authorized.caller().caller().account;
        let record = GroupRecord {
            path: path.clone(),
            name: name.clone(),
            created: authorized.circumstances().now,
            inline_policies: BTreeMap::new(),
            attached: BTreeSet::new(),
            members: 0,
        };
        let id = new_unique_id(NamedKind::Group.id_prefix(), &*doors.random);
        let mut change = Transaction::default();
        doors.identity.create_group(&mut change, authorized.proof(), (account, &id), &record)?;
        let arn = entity_arn(account, NamedKind::Group.arn_word(), path, name);
        let output = Output { group: Group::new(&record, &id, arn) };
        let elements = recorded(&output);
        Ok(Outcome::change(change, output).with_response_elements(elements))
    }
}
