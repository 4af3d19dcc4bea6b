//! GetUser: a user, or the caller itself.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html>

use serde::Serialize;

use super::{
    members,
    shapes::{Detail, User, instant},
    users::{self, Named},
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    identity::PrincipalKind,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GetUser;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    user: User,
}

impl Operation for GetUser {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "GetUser", &["UserName"]);
    type Input = Option<String>;
    /// The user; none for the account's root.
    type Target = Option<Named>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Option<String>, ApiError> {
        members::name(fields, "UserName", members::NAME_CHARS_MAX)
    }

    async fn plan(
        doors: &Doors,
        caller: &Authenticated,
        input: &Option<String>,
    ) -> Result<Plan<Self::Target>, ApiError> {
        let name = match input {
            Some(name) => Some(name.clone()),
            None => users::calling_user(caller)?,
        };
        let Some(name) = name else {
            return Ok(Plan::new(None, users::demand_of_root(caller, "iam:GetUser")));
        };
        let named = Named::find(doors, caller, PrincipalKind::User, &name).await?;
        let demand = named.demand("iam:GetUser");
        Ok(Plan::new(Some(named), demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let user = match authorized.target() {
            Some(named) => {
                let user = named.get()?;
                User::of(user, Detail::Full, users::boundary_arn(doors, user).await?)
            }
            None => root(doors, authorized.caller()).await?,
        };
        Ok(Outcome::answer(Output { user }))
    }
}

/// The account's root has no name but the account's alias.
async fn root(doors: &Doors, caller: &Authenticated) -> Result<User, ApiError> {
    let account = caller.caller().account;
    let record = doors.identity.account(account).await?;
    let record = record.ok_or_else(|| ApiError::internal("the account of a caller does not exist"))?.value;
    Ok(User {
        path: "/".into(),
        user_name: record.alias,
        user_id: account.to_string(),
        arn: caller.caller().arn(),
        create_date: instant(record.created),
        permissions_boundary: None,
        tags: None,
    })
}
