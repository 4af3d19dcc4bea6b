//! CreatePolicyVersion: a new text of a managed policy, in force at once if asked for.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicyVersion.html>

use kanuki_store::Transaction;
use serde::Serialize;

use super::{
    documents, members,
    policies::{self, NamedPolicy},
    shapes::{PolicyVersion, instant, recorded},
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::version_name,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct CreatePolicyVersion;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    arn: String,
    text: String,
    set_as_default: bool,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    policy_version: PolicyVersion,
}

impl Operation for CreatePolicyVersion {
    const DESCRIPTOR: Descriptor = Descriptor::changes(
        Service::Iam,
        "CreatePolicyVersion",
        &["PolicyArn", "PolicyDocument", "SetAsDefault"],
    );
    type Input = Input;
    type Target = NamedPolicy;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input {
            arn: policies::read_arn(fields)?,
            text: members::document(fields, "PolicyDocument")?,
            set_as_default: fields.boolean("SetAsDefault")?.unwrap_or(false),
        })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedPolicy>, ApiError> {
        policies::plan(doors, caller, &input.arn, "iam:CreatePolicyVersion").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let policy = authorized.target().own()?;
        documents::check_managed(&input.text)?;
        let mut record = policy.record().clone();
        if record.versions.len() >= VERSIONS_MAX {
            let message = format!(
                "A managed policy can have up to {VERSIONS_MAX} versions. Before you create a new version, you must \
                 delete an existing version."
            );
            return Err(ApiError::new(ErrorCode::LimitExceeded, message));
        }
        let (number, now) = (record.next_version, authorized.circumstances().now);
        record.next_version = number.saturating_add(1);
        record.versions.insert(number, now);
        record.updated = now;
        if input.set_as_default {
            record.default_version = number;
        }
        let mut change = Transaction::default();
        doors.identity.add_policy_version(&mut change, authorized.proof(), policy, (number, &input.text))?;
        doors.identity.update_policy(&mut change, authorized.proof(), policy, &record)?;
        let policy_version = PolicyVersion {
            document: None,
            version_id: version_name(number),
            is_default_version: input.set_as_default,
            create_date: instant(now),
        };
        let output = Output { policy_version };
        let elements = recorded(&output);
        Ok(Outcome::change(change, output).with_response_elements(elements))
    }
}

/// Most versions of a managed policy.
pub(super) const VERSIONS_MAX: usize = 5;
