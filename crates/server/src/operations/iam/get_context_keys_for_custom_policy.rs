//! GetContextKeysForCustomPolicy: the condition keys that policies ask for.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetContextKeysForCustomPolicy.html>

use super::simulation::{ContextKeys, documents, parse_any};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GetContextKeysForCustomPolicy;

impl Operation for GetContextKeysForCustomPolicy {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "GetContextKeysForCustomPolicy", &[]);
    type Input = ContextKeys;
    type Target = ();
    type Output = ContextKeys;

    fn parse(fields: &mut Fields) -> Result<ContextKeys, ApiError> {
        let policies = documents(fields, "PolicyInputList")?;
        let policies = fields.require("PolicyInputList", policies);
        Ok(ContextKeys::of(parse_any(&policies)?.iter()))
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &ContextKeys) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("iam:GetContextKeysForCustomPolicy")))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<ContextKeys>, ApiError> {
        Ok(Outcome::answer(authorized.input().clone()))
    }
}
