//! GetAccessKeyLastUsed: when, where and for which service an access key signed last.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html>

use std::sync::Arc;

use kanuki_types::CallerKind;
use serde::Serialize;

use super::{
    access_keys,
    shapes::instant,
    users::{self, Named},
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{AccessKeyEntry, Owner, PrincipalKind},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GetAccessKeyLastUsed;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    user_name: Option<String>,
    access_key_last_used: LastUsed,
}

/// The last use.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LastUsed {
    last_used_date: Option<String>,
    service_name: String,
    region: String,
}

/// The key and its user; no user for a key of the account's root.
#[derive(Debug)]
pub struct Target {
    key: Option<Arc<AccessKeyEntry>>,
    user: Option<Named>,
}

impl Operation for GetAccessKeyLastUsed {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "GetAccessKeyLastUsed", &["AccessKeyId"]);
    type Input = String;
    type Target = Target;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        access_keys::read_id(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &String) -> Result<Plan<Target>, ApiError> {
        let account = caller.caller().account;
        let key = doors.identity.access_key(input).await?.filter(|key| key.account() == account);
        let user = match key.as_ref().map(|key| key.owner()) {
            Some(Owner::User(id)) => doors.identity.stored_principal(account, id).await?,
            Some(Owner::Root) | None => None,
        };
        let Some(user) = user else {
            // Nobody's key, or the root's: it takes the right for every user to learn which.
            let own = matches!(caller.caller().kind, CallerKind::Root);
            let demand = if own { users::demand_of_root(caller, ACTION) } else { Demand::on_any(ACTION) };
            return Ok(Plan::new(Target { key, user: None }, demand));
        };
        let named = Named::find(doors, caller, PrincipalKind::User, &user.record().name).await?;
        let demand = named.demand(ACTION);
        Ok(Plan::new(Target { key, user: Some(named) }, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let Target { key, user } = authorized.target();
        let key = key.as_ref().ok_or_else(|| unknown(authorized.caller(), authorized.input()))?;
        let user_name = match user {
            Some(user) => Some(user.get()?.record().name.clone()),
            None => None,
        };
        let access_key_last_used = match doors.identity.last_use(key.id()).await? {
            Some(last) => LastUsed {
                last_used_date: Some(instant(last.at)),
                service_name: last.service,
                region: last.region,
            },
            None => LastUsed { last_used_date: None, service_name: NONE.into(), region: NONE.into() },
        };
        Ok(Outcome::answer(Output { user_name, access_key_last_used }))
    }
}

/// The operation declares no error for a key that does not exist or is another account's.
fn unknown(caller: &Authenticated, id: &str) -> ApiError {
    let arn = caller.caller().arn();
    let message = format!("User: {arn} is not authorized to perform: {ACTION} on resource: access key {id}");
    ApiError::new(ErrorCode::AccessDenied, message)
}

const ACTION: &str = "iam:GetAccessKeyLastUsed";
/// What the answer says of a key that was never used.
const NONE: &str = "N/A";
