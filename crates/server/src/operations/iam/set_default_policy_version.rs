//! SetDefaultPolicyVersion: puts a version in force, for the very next call of everybody whom it concerns.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SetDefaultPolicyVersion.html>

use kanuki_store::Transaction;

use super::policies::{self, NamedPolicy};
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
pub struct SetDefaultPolicyVersion;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    arn: String,
    version: String,
}

impl Operation for SetDefaultPolicyVersion {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "SetDefaultPolicyVersion", &["PolicyArn", "VersionId"]);
    type Input = Input;
    type Target = NamedPolicy;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { arn: policies::read_arn(fields)?, version: policies::read_version(fields)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedPolicy>, ApiError> {
        policies::plan(doors, caller, &input.arn, "iam:SetDefaultPolicyVersion").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let Input { arn, version } = authorized.input();
        let policy = authorized.target().own()?;
        let mut record = policy.record().clone();
        let number = policies::version_number(version).filter(|number| record.versions.contains_key(number));
        record.default_version = number.ok_or_else(|| policies::no_such_version(arn, version))?;
        let mut change = Transaction::default();
        doors.identity.update_policy(&mut change, authorized.proof(), policy, &record)?;
        Ok(Outcome::silent_change(change))
    }
}
