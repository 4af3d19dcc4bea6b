//! Whoever a simulation asks for: somebody of the records, or somebody of whom nothing is known but an ARN.
//!
//! Not here: sessions, services and tokens, which simulations do not know. Invariant: what is not known of somebody is no
//! condition key of it.

use std::sync::Arc;

use kanuki_policy::{FactMap, Principal};
use kanuki_types::{AccountId, Caller, CallerKind, Timestamp, UniqueId};

use crate::{
    authz::facts::{is_about_grants, knows_caller, principal_type},
    identity::{PrincipalEntry, PrincipalKind},
};

/// Somebody who might call.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    caller: Caller,
    principal: Principal,
    entry: Option<Arc<PrincipalEntry>>,
}

impl Asker {
    /// A user, or any session of a role.
    pub(crate) fn entity(entry: Arc<PrincipalEntry>) -> Self {
        let record = entry.record();
        let (path, name, id) = (record.path.clone(), record.name.clone(), entry.id().clone());
        let kind = match record.kind {
            PrincipalKind::User => CallerKind::User { path, name, id },
            PrincipalKind::Role => CallerKind::AssumedRole { path, role: name, id, session: ANYBODY.to_owned() },
        };
        let caller = Caller { account: entry.account(), kind };
        Self { principal: Principal::from_caller(&caller), caller, entry: Some(entry) }
    }

    /// A user of whom nothing is known but where it stands; there need be no such user.
    pub(crate) fn supposed_user(account: AccountId, path: &str, name: &str) -> Self {
        let (path, name) = (path.to_owned(), name.to_owned());
        Self::unknown(account, CallerKind::User { path, name, id: UniqueId::new("") })
    }

    /// Any session of a role of which nothing is known but where it stands; there need be no such role.
    pub(crate) fn supposed_role(account: AccountId, path: &str, name: &str) -> Self {
        let (path, role, session) = (path.to_owned(), name.to_owned(), ANYBODY.to_owned());
        Self::unknown(account, CallerKind::AssumedRole { path, role, id: UniqueId::new(""), session })
    }

    /// Somebody of an account, whom no policy names: a member of a group, whichever.
    pub(crate) fn anybody(account: AccountId) -> Self {
        Self::supposed_user(account, "/", ANYBODY)
    }

    fn unknown(account: AccountId, kind: CallerKind) -> Self {
        let caller = Caller { account, kind };
        Self { principal: Principal::from_caller(&caller), caller, entry: None }
    }

    /// Who it is, as policies name it.
    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Its account.
    pub(crate) fn account(&self) -> Option<AccountId> {
        self.principal.account()
    }

    fn is_anybody(&self) -> bool {
        matches!(&self.caller.kind, CallerKind::User { name, .. } if name == ANYBODY)
    }

    /// The condition keys that follow from who asks, for which action, and when.
    pub(super) fn facts(&self, action: &str, now: Timestamp) -> FactMap {
        let mut facts = FactMap::new();
        facts.insert("aws:CurrentTime", now.iso8601());
        facts.insert("aws:EpochTime", now.seconds().to_string());
        facts.insert("aws:PrincipalIsAWSService", false);
        facts.insert("aws:ViaAWSService", false);
        if let Some(account) = self.account() {
            facts.insert("aws:PrincipalAccount", account.to_string());
            if knows_caller(action) {
                facts.insert("kms:CallerAccount", account.to_string());
            }
        }
        if is_about_grants(action) {
            facts.insert("kms:GrantIsForAWSResource", false);
        }
        if !self.is_anybody() {
            facts.insert("aws:PrincipalArn", self.caller.principal_arn());
        }
        if let Some(kind) = principal_type(&self.caller.kind) {
            facts.insert("aws:PrincipalType", kind);
        }
        if let CallerKind::User { name, .. } = &self.caller.kind
            && !self.is_anybody()
        {
            facts.insert("aws:username", name.as_str());
        }
        let Some(entry) = &self.entry else { return facts };
        // Of a user who is only supposed nobody knows the id, and of a session neither.
        if let CallerKind::User { .. } = &self.caller.kind
            && let Some(id) = self.caller.user_id()
        {
            facts.insert("aws:userid", id);
        }
        for (key, value) in &entry.record().tags {
            facts.insert(&format!("aws:PrincipalTag/{key}"), value.as_str());
        }
        facts
    }
}

/// The name of a session that stands for every session, or of a user who stands for any, without a name of its own in a
/// policy: nobody real has it, and no Principal element can name it.
const ANYBODY: &str = "*";
