//! The first use of an AWS managed key: what a predefined alias stands for while its key is not made.
//!
//! Not here: the making, which the pipeline does when the use has been allowed. Invariant: only DescribeKey, and the calls
//! that services make for their callers, begin with a name that is read here.
//!
//! Rule: "AWS managed keys" of the AWS KMS developer guide.

use std::sync::Arc;

use kanuki_types::KeyId;

use crate::{
    authn::Authenticated,
    doors::Doors,
    error::{ApiError, ErrorCode},
    keys::{KeyName, Names, Predefined},
};

/// The key behind an identifier; behind a predefined alias without one, the key that will be made.
pub(super) async fn resolve(
    doors: &Doors,
    caller: &Authenticated,
    identifier: &str,
    names: Names,
) -> Result<KeyName, ApiError> {
    let (account, region) = (caller.caller().account, caller.region());
    let missing = match doors.keys.resolve(account, region, identifier, names).await {
        Err(error) if error.code() == ErrorCode::NotFound => error,
        found => return found,
    };
    let predefined = Predefined::named(account, region, identifier).ok_or(missing)?;
    let entry = predefined.unmade_key(KeyId::single_region(doors.random.bytes()), doors.clock.now())?;
    Ok(KeyName::Found { entry: Arc::new(entry), alias: Some(predefined.alias().name.clone()) })
}
