//! Callers of changes: what they may has to hold until the change is made.
//!
//! Not here: signatures; a caller who is renewed was verified before. Invariant: a change is committed only while the
//! records are unchanged that its caller's rights were read from; the policies of a session that are given by name are
//! left out of that.

use std::sync::Arc;

use kanuki_store::Transaction;

use super::{Authenticated, Authenticator, refused_credentials};
use crate::{authn::StandpointSession, error::ApiError, wire::Dialect};

impl Authenticated {
    /// Lets a change fail if what says whether the caller may make it is no longer as it was when the caller was found:
    /// a right that is taken away is gone for calls that are under way too.
    pub(crate) fn expect_unchanged(&self, change: &mut Transaction) {
        if let Some(key) = &self.key {
            key.expect_unchanged(change);
        }
        if let Some(identity) = &self.identity {
            identity.expect_unchanged(change);
        }
    }
}

impl Authenticator {
    /// The caller of a call that is planned again, with what it may now.
    ///
    /// # Errors
    /// `InvalidClientTokenId` if its credentials are no longer good.
    pub(crate) async fn renew(&self, caller: Authenticated, dialect: Dialect) -> Result<Authenticated, ApiError> {
        let has_session = caller.session().is_some();
        let refused = || refused_credentials(has_session, dialect);
        let (found, key, session) = match (&caller.key, &caller.standpoint.session) {
            (Some(key), _) => {
                let key =
                    self.identity.access_key(key.id()).await?.filter(|key| key.is_active()).ok_or_else(refused)?;
                (self.owner(&key).await?, Some(key), None)
            }
            (None, Some(StandpointSession { claims, .. })) => {
                let found = self.session_owner(claims).await?;
                let inline = claims.inline_policy().map_err(|_| refused())?;
                let policies = self.identity.session_policies(claims, &inline).await?.ok_or_else(refused)?;
                (found, None, Some(StandpointSession { claims: Arc::clone(claims), policies }))
            }
            // A service, or the bearer of a token: nothing of theirs is looked up.
            (None, None) => return Ok(caller),
        };
        let (found, identity) = found.ok_or_else(refused)?;
        let standpoint = caller.standpoint.renewed(found, identity, session);
        Ok(Authenticated { standpoint, key, ..caller })
    }
}
