//! CreateAccountAlias: a name of the account for people, unique in the installation, in place of the one before.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccountAlias.html>

use kanuki_store::Transaction;

use super::account;
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
pub struct CreateAccountAlias;

impl Operation for CreateAccountAlias {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, "CreateAccountAlias", &["AccountAlias"]);
    type Input = String;
    type Target = ();
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        account::read_alias(fields)
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &String) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("iam:CreateAccountAlias")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let alias = authorized.input();
        let account = authorized.caller().caller().account;
        match doors.identity.account_of_alias(alias).await? {
            Some(owner) if owner == account => return Ok(Outcome::nothing()),
            Some(_) => {
                let message = format!("The account alias {alias} already exists.");
                return Err(ApiError::new(ErrorCode::AlreadyExists, message));
            }
            None => {}
        }
        let mut change = Transaction::default();
        doors.identity.set_account_alias(&mut change, account, Some(alias)).await?;
        Ok(Outcome::silent_change(change))
    }
}
