//! GetPolicy: a managed policy with the number of its uses.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicy.html>

use serde::Serialize;

use super::{
    policies::{self, NamedPolicy},
    shapes::{Detail, Policy},
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
pub struct GetPolicy;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    policy: Policy,
}

impl Operation for GetPolicy {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "GetPolicy", &["PolicyArn"]);
    type Input = String;
    type Target = NamedPolicy;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        policies::read_arn(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &String) -> Result<Plan<NamedPolicy>, ApiError> {
        policies::plan(doors, caller, input, "iam:GetPolicy").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let policy = authorized.target().get()?;
        let account = authorized.caller().caller().account;
        let uses = doors.identity.policy_uses(account, &policy.reference()).await?;
        Ok(Outcome::answer(Output { policy: Policy::of(policy, uses, Detail::Full) }))
    }
}
