//! Policies of a resource that are given for a call that nobody made, in place of the stored one.
//!
//! Not here: storing them. Invariant: a policy is read as its place would read it: what could not be stored there, or
//! names a principal that does not exist, is refused.

use std::{collections::BTreeMap, sync::Arc};

use kanuki_policy::{Document, NamedDocument, Target as Place};

use super::Target;
use crate::{
    error::{ApiError, ErrorCode},
    identity::{Identity, PrincipalName},
    keys::read_policy,
};

/// Reads a policy for what might be accessed.
///
/// # Errors
/// If it is not valid there, or names a principal that does not exist; if there is no policy of such a resource; if the
/// store fails.
pub(crate) async fn resource_policy(
    identity: &Identity,
    target: &Target,
    text: String,
) -> Result<NamedDocument, ApiError> {
    let document = match target {
        Target::Key(..) => read_policy(identity, text).await?.1,
        Target::Role(_) => read(identity, Place::Trust, &text).await?,
        Target::Other { .. } => read(identity, Place::Resource, &text).await?,
        Target::Alias(..) | Target::Any | Target::Entity { .. } => {
            return Err(ApiError::validation("a resource policy needs a resource that can have one"));
        }
    };
    Ok(NamedDocument { name: NAME.into(), document: Arc::new(document) })
}

async fn read(identity: &Identity, place: Place, text: &str) -> Result<Document, ApiError> {
    let malformed = |message: String| ApiError::new(ErrorCode::MalformedPolicyDocument, message);
    let document = Document::parse(place, text).map_err(|error| malformed(error.message))?;
    let mut ids = BTreeMap::new();
    for name in document.named_principals() {
        match identity.resolve_principal(name).await? {
            PrincipalName::Account => {}
            PrincipalName::Entity(id) => {
                ids.insert(name.to_owned(), id);
            }
            PrincipalName::Unknown => return Err(malformed("Invalid principal in policy".into())),
        }
    }
    Ok(document.bind(&ids))
}

/// What explanations call it.
const NAME: &str = "given resource policy";
