//! GetAccessKeyInfo: to which account an access key belongs.
//!
//! Not here: whose it is and whether it works. Long-term keys are looked up; ids of temporary keys name their account
//! themselves, for nothing about a session is stored.
//!
//! Rule: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html>

use kanuki_types::AccountId;
use serde::Serialize;

use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    identity::session_key_account,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GetAccessKeyInfo;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    account: AccountId,
}

impl Operation for GetAccessKeyInfo {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Sts, "GetAccessKeyInfo", &["AccessKeyId"]);
    type Input = String;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let id = fields.pattern_text("AccessKeyId", 16..=128, "[\\w]*", is_word)?;
        Ok(fields.require("AccessKeyId", id))
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &String) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("sts:GetAccessKeyInfo")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let id = authorized.input();
        let account = match doors.identity.access_key(id).await? {
            Some(key) => Some(key.account()),
            None => session_key_account(id),
        };
        match account {
            Some(account) if doors.identity.account_exists(account).await? => {
                Ok(Outcome::answer(Output { account }))
            }
            _ => Err(ApiError::validation("Invalid AccessKeyId")),
        }
    }
}
