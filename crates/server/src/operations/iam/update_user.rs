//! UpdateUser: another name or path; the id, and what hangs on it, stays.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateUser.html>

use kanuki_store::Transaction;

use super::{
    members,
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
pub struct UpdateUser;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    name: String,
    new_path: Option<String>,
    new_name: Option<String>,
}

/// The user, and who has the new name already.
#[derive(Debug)]
pub struct Target {
    user: Named,
    taken: Option<Named>,
}

impl Operation for UpdateUser {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "UpdateUser", &["UserName", "NewPath", "NewUserName"]);
    type Input = Input;
    type Target = Target;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input {
            name: members::required_name(fields, "UserName", members::NAME_CHARS_MAX)?,
            new_path: members::path(fields, "NewPath")?,
            new_name: members::name(fields, "NewUserName", members::NEW_NAME_CHARS_MAX)?,
        })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Target>, ApiError> {
        let kind = PrincipalKind::User;
        let user = Named::find(doors, caller, kind, &input.name).await?;
        let taken = match &input.new_name {
            Some(name) => Some(Named::find(doors, caller, kind, name).await?),
            None => None,
        };
        let demand = user.demand("iam:UpdateUser");
        // Both names must be allowed: a user must not be moved to where the caller may not reach.
        let (path, name) = match user.get() {
            Ok(found) => (found.record().path.clone(), found.record().name.clone()),
            Err(_) => ("/".to_owned(), input.name.clone()),
        };
        let place = (input.new_path.as_ref().unwrap_or(&path), input.new_name.as_ref().unwrap_or(&name));
        let new = users::demand_of_new("iam:UpdateUser", caller.caller().account, kind, (place.0, place.1));
        Ok(Plan::with_more(Target { user, taken }, demand, [new]))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let input = authorized.input();
        let Target { user, taken } = authorized.target();
        let user = user.get()?;
        let taken = taken.as_ref().and_then(|taken| taken.get().ok()).filter(|taken| taken.id() != user.id());
        if let (Some(_), Some(name)) = (taken, &input.new_name) {
            return Err(members::already_exists("User", name));
        }
        let mut record = user.record().clone();
        record.path = input.new_path.clone().unwrap_or(record.path);
        record.name = input.new_name.clone().unwrap_or(record.name);
        let mut change = Transaction::default();
        doors.identity.update_principal(&mut change, authorized.proof(), user, &record).await?;
        Ok(Outcome::silent_change(change))
    }
}
