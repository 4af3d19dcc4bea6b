//! DeleteAccountAlias: takes the account's name for people away.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccountAlias.html>

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
pub struct DeleteAccountAlias;

impl Operation for DeleteAccountAlias {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, "DeleteAccountAlias", &["AccountAlias"]);
    type Input = String;
    type Target = ();
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        account::read_alias(fields)
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &String) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("iam:DeleteAccountAlias")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let alias = authorized.input();
        let account = authorized.caller().caller().account;
        if doors.identity.account_of_alias(alias).await? != Some(account) {
            let message = format!("The account alias {alias} does not exist.");
            return Err(ApiError::new(ErrorCode::NotFound, message));
        }
        let mut change = Transaction::default();
        doors.identity.set_account_alias(&mut change, account, None).await?;
        Ok(Outcome::silent_change(change))
    }
}
