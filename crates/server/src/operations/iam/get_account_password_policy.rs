//! GetAccountPasswordPolicy: there is none: nobody signs in with a password here.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountPasswordPolicy.html>

use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::{ApiError, ErrorCode},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GetAccountPasswordPolicy;

impl Operation for GetAccountPasswordPolicy {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "GetAccountPasswordPolicy", &[]);
    type Input = ();
    type Target = ();
    type Output = ();

    fn parse(_: &mut Fields) -> Result<(), ApiError> {
        Ok(())
    }

    async fn plan(_: &Doors, _: &Authenticated, (): &()) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("iam:GetAccountPasswordPolicy")))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let account = authorized.caller().caller().account;
        let message = format!("The Password Policy with domain name {account} cannot be found.");
        Err(ApiError::new(ErrorCode::NotFound, message))
    }
}
