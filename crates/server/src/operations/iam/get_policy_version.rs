//! GetPolicyVersion: a version of a managed policy with its text.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html>

use serde::Serialize;

use super::{
    documents,
    policies::{self, NamedPolicy},
    shapes::{PolicyVersion, instant},
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    identity::{AWS_POLICY_VERSION, ManagedPolicy},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GetPolicyVersion;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    arn: String,
    version: String,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    policy_version: PolicyVersion,
}

impl Operation for GetPolicyVersion {
    const DESCRIPTOR: Descriptor =
        Descriptor::reads(Service::Iam, "GetPolicyVersion", &["PolicyArn", "VersionId"]);
    type Input = Input;
    type Target = NamedPolicy;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { arn: policies::read_arn(fields)?, version: policies::read_version(fields)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedPolicy>, ApiError> {
        policies::plan(doors, caller, &input.arn, "iam:GetPolicyVersion").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let Input { arn, version } = authorized.input();
        let missing = || policies::no_such_version(arn, version);
        let (text, is_default_version, created) = match authorized.target().get()? {
            ManagedPolicy::Aws(policy) if version == AWS_POLICY_VERSION => {
                (policy.text.to_owned(), true, policy.created())
            }
            ManagedPolicy::Aws(_) => return Err(missing()),
            ManagedPolicy::Own(policy) => {
                let number = policies::version_number(version).ok_or_else(missing)?;
                let created = *policy.record().versions.get(&number).ok_or_else(missing)?;
                let found = doors.identity.policy_version(policy, number).await?.ok_or_else(missing)?;
                (found.text().to_owned(), policy.record().default_version == number, created)
            }
        };
        let policy_version = PolicyVersion {
            document: Some(documents::encoded(&text)),
            version_id: version.clone(),
            is_default_version,
            create_date: instant(created),
        };
        Ok(Outcome::answer(Output { policy_version }))
    }
}
