//! CreateInstanceProfile: an instance profile without a role.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateInstanceProfile.html>

use std::collections::BTreeMap;

use kanuki_store::Transaction;
use serde::Serialize;

use super::{
    members,
    profiles::{self, InstanceProfile, NamedProfile},
    shapes::{Detail, recorded},
    tags,
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand, EntityAccess},
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{InstanceProfileRecord, NamedKind, StoredProfile, entity_arn, new_unique_id},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct CreateInstanceProfile;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    path: String,
    name: String,
    tags: Vec<(String, String)>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    instance_profile: InstanceProfile,
}

impl Operation for CreateInstanceProfile {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "CreateInstanceProfile", &["InstanceProfileName", "Path", "Tags"]);
    type Input = Input;
    type Target = NamedProfile;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input {
            path: members::path(fields, "Path")?.unwrap_or_else(|| "/".into()),
            name: profiles::read_name(fields)?,
            tags: tags::read_new(fields)?,
        })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedProfile>, ApiError> {
        let taken = NamedProfile::find(doors, caller, &input.name).await?;
        let account = caller.caller().account;
        let arn = entity_arn(account, NamedKind::InstanceProfile.arn_word(), &input.path, &input.name);
        let demand = |action| {
            let (arn, tags) = (arn.clone(), BTreeMap::new());
            Demand::on_entity(action, EntityAccess { arn, account: Some(account), kind: profiles::AUDIT_KIND, tags })
        };
        let demands = ["iam:CreateInstanceProfile", "iam:TagInstanceProfile"].map(demand);
        Ok(tags::plan_of_new(taken, demands, &input.tags))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        if authorized.target().exists() {
            let message = format!("Instance Profile {} already exists.", input.name);
            return Err(ApiError::new(ErrorCode::AlreadyExists, message));
        }
        let mut record = InstanceProfileRecord {
            path: input.path.clone(),
            name: input.name.clone(),
            created: authorized.circumstances().now,
            role: None,
            tags: BTreeMap::new(),
        };
        tags::add(&mut record.tags, &input.tags, "TagsPerInstanceProfile")?;
        let id = new_unique_id(NamedKind::InstanceProfile.id_prefix(), &*doors.random);
        let profile = StoredProfile { account: authorized.caller().caller().account, id, version: 0, record };
        let mut change = Transaction::default();
        doors.identity.create_profile(&mut change, authorized.proof(), &profile)?;
        let output = Output { instance_profile: profiles::shown(doors, &profile, Detail::Full).await? };
        let elements = recorded(&output);
        Ok(Outcome::change(change, output).with_response_elements(elements))
    }
}
