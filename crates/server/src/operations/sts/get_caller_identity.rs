//! GetCallerIdentity: whose credentials these are.
//!
//! Rule: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>

use kanuki_types::AccountId;
use serde::Serialize;

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
pub struct GetCallerIdentity;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    arn: String,
    user_id: Option<String>,
    account: AccountId,
}

impl Operation for GetCallerIdentity {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Sts, "GetCallerIdentity", &[]);
    type Input = ();
    type Target = ();
    type Output = Output;

    fn parse(_: &mut Fields) -> Result<(), ApiError> {
        Ok(())
    }

    async fn plan(_: &Doors, _: &Authenticated, (): &()) -> Result<Plan<()>, ApiError> {
        Ok(Plan::open_to_all(()))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let caller = authorized.caller().caller();
        Ok(Outcome::answer(Output { arn: caller.arn(), user_id: caller.user_id(), account: caller.account }))
    }
}
