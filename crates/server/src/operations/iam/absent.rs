//! What users have at AWS and do not have here: passwords, certificates, SSH keys, credentials of single services.
//!
//! Not here: a place to keep any of it: nothing of this server would look at it. The operations are served because tools
//! that clean up behind a user call them.

use super::access_keys::{self, Whose};
use crate::{
    error::{ApiError, ErrorCode},
    keys::PageRequest,
    operation::Outcome,
    wire::Fields,
};

/// Reads the user whose things are to be listed, and checks the page that is asked for.
pub(super) fn read_whose(fields: &mut Fields, operation: &'static str) -> Result<Option<String>, ApiError> {
    let user = access_keys::read_user(fields)?;
    PageRequest::read_items(fields, operation)?;
    Ok(user)
}

/// What reading and deleting a password comes to.
///
/// # Errors
/// `NoSuchEntity`, always.
pub(super) fn no_login_profile(whose: &Whose) -> Result<Outcome<()>, ApiError> {
    let name = access_keys::user_name(&whose.owner()?).unwrap_or_else(|| "root".into());
    let message = format!("Login Profile for User {name} cannot be found.");
    Err(ApiError::new(ErrorCode::NotFound, message))
}
