//! Access keys as targets of operations: whose keys a call is about.
//!
//! Rule: an operation whose UserName is left out is about the keys of the caller, the account's root too.

use std::sync::Arc;

use serde::Serialize;

use super::{
    members,
    shapes::instant,
    users::{self, Named},
};
use crate::{
    authn::Authenticated,
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{AccessKeyEntry, KeyOwner, PrincipalKind},
    operation::Plan,
    wire::Fields,
};

/// An access key without its secret.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AccessKeyMetadata {
    pub(super) user_name: Option<String>,
    pub(super) access_key_id: String,
    pub(super) status: &'static str,
    pub(super) create_date: String,
}

impl AccessKeyMetadata {
    /// Of a key that is stored.
    pub(super) fn of(key: &AccessKeyEntry, owner: &KeyOwner) -> Self {
        Self {
            user_name: user_name(owner),
            access_key_id: key.id().into(),
            status: status(key.is_active()),
            create_date: instant(key.record().created),
        }
    }
}

/// The name of the user whose keys they are; none for the account's root.
pub(super) fn user_name(owner: &KeyOwner) -> Option<String> {
    match owner {
        KeyOwner::Root(..) => None,
        KeyOwner::User(user) => Some(user.record().name.clone()),
    }
}

/// The word for whether a key may sign.
pub(super) const fn status(active: bool) -> &'static str {
    if active { "Active" } else { "Inactive" }
}

/// Whose access keys a call is about.
#[derive(Debug)]
pub enum Whose {
    /// The account's root.
    Root(KeyOwner),
    /// A user.
    User(Named),
}

impl Whose {
    /// The owner.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    pub(super) fn owner(&self) -> Result<KeyOwner, ApiError> {
        match self {
            Self::Root(KeyOwner::Root(account, record, arn)) => {
                Ok(KeyOwner::Root(*account, record.clone(), arn.clone()))
            }
            Self::Root(KeyOwner::User(user)) => Ok(KeyOwner::User(Arc::clone(user))),
            Self::User(named) => Ok(KeyOwner::User(Arc::clone(named.get()?))),
        }
    }
}

/// Reads the name of the user.
pub(super) fn read_user(fields: &mut Fields) -> Result<Option<String>, ApiError> {
    members::name(fields, "UserName", members::NAME_CHARS_MAX)
}

/// Reads the id of a key.
pub(super) fn read_id(fields: &mut Fields) -> Result<String, ApiError> {
    let id = fields.pattern_text("AccessKeyId", ID_CHARS, "[\\w]+", |c| c.is_ascii_alphanumeric() || c == '_')?;
    Ok(fields.require("AccessKeyId", id))
}

/// The plan of an operation on somebody's access keys.
pub(super) async fn plan(
    doors: &Doors,
    caller: &Authenticated,
    name: Option<&String>,
    action: &'static str,
) -> Result<Plan<Whose>, ApiError> {
    let name = match name {
        Some(name) => Some(name.clone()),
        None => users::calling_user(caller)?,
    };
    if let Some(name) = name {
        let named = Named::find(doors, caller, PrincipalKind::User, &name).await?;
        let demand = named.demand(action);
        return Ok(Plan::new(Whose::User(named), demand));
    }
    let (account, arn) = (caller.caller().account, caller.caller().arn());
    let record = doors.identity.account(account).await?;
    let record = record.ok_or_else(|| ApiError::internal("the account of a caller does not exist"))?;
    let demand = users::demand_of_root(caller, action);
    Ok(Plan::new(Whose::Root(KeyOwner::Root(account, record, arn)), demand))
}

/// The key with that id, if it is one of the owner's.
///
/// # Errors
/// `NoSuchEntity`.
pub(super) async fn find(doors: &Doors, owner: &KeyOwner, id: &str) -> Result<Arc<AccessKeyEntry>, ApiError> {
    let found = if owner.key_ids().contains(id) { doors.identity.access_key(id).await? } else { None };
    found.ok_or_else(|| no_such_key(id))
}

/// There is no such access key.
pub(super) fn no_such_key(id: &str) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("The Access Key with id {id} cannot be found."))
}

const ID_CHARS: std::ops::RangeInclusive<usize> = 16..=128;
