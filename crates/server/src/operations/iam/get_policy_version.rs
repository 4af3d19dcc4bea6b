//! GetPolicyVersion: a version of a managed policy with its text.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html>

use serde::Serialize;

use super::{
    documents,
    list_policy_versions::versions_of,
    policies::{self, NamedPolicy},
    shapes::PolicyVersion,
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
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
        let policy = authorized.target().get()?;
        let versions = versions_of(policy).into_iter().map(|(_, found)| found);
        let found = versions.into_iter().find(|found| found.version_id == *version);
        let mut policy_version = found.ok_or_else(|| policies::no_such_version(arn, version))?;
        policy_version.document = Some(documents::encoded(&policies::text(doors, policy, version).await?));
        Ok(Outcome::answer(Output { policy_version }))
    }
}
