//! Records of identity, decoded once: policies compiled, secrets shared.

use std::sync::Arc;

use kanuki_policy::{Document, Malformed, NamedDocument, Target};
use kanuki_store::{Transaction, Versioned};
use kanuki_types::{AccountId, Caller, CallerKind, UniqueId};

use super::{
    compose::Part,
    groups::compile_inline,
    last_use::Noted,
    names::entity_arn,
    records::{AccessKeyRecord, AccessKeys, Owner, PrincipalRecord, Principals},
    session::{SessionClaims, SessionKind},
};

/// An access key, ready for use.
#[derive(Debug)]
pub struct AccessKeyEntry {
    id: String,
    version: u64,
    record: AccessKeyRecord,
    sealed_secret: Arc<[u8]>,
    noted: Noted,
}

impl AccessKeyEntry {
    pub(super) fn new(id: String, stored: Versioned<AccessKeyRecord>) -> Self {
        let Versioned { version, value: record } = stored;
        let sealed_secret = record.sealed_secret.as_slice().into();
        Self { id, version, record, sealed_secret, noted: Noted::new() }
    }

    /// The access key id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The version that a change has to name.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> &AccessKeyRecord {
        &self.record
    }

    /// The account it belongs to.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.record.account
    }

    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.record.owner
    }

    /// Lets a change fail if the key is no longer as it was read.
    pub fn expect_unchanged(&self, change: &mut Transaction) {
        change.check::<AccessKeys>(&self.id, Some(self.version));
    }

    /// Whether it may sign.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.record.active
    }

    pub(super) fn noted(&self) -> &Noted {
        &self.noted
    }

    /// The secret as the keeper sealed it.
    #[must_use]
    pub fn sealed_secret(&self) -> &Arc<[u8]> {
        &self.sealed_secret
    }
}

/// A user or role as it is stored, its own documents compiled.
#[derive(Debug)]
pub struct StoredPrincipal {
    account: AccountId,
    id: UniqueId,
    version: u64,
    record: PrincipalRecord,
    inline_policies: Vec<NamedDocument>,
    trust_policy: Option<NamedDocument>,
    noted: Noted,
}

impl StoredPrincipal {
    /// Compiles the documents. A stored document that no longer parses makes the principal unusable: no policy, no
    /// access.
    ///
    /// # Errors
    /// If a document does not parse.
    pub fn new(account: AccountId, id: UniqueId, stored: Versioned<PrincipalRecord>) -> Result<Self, Malformed> {
        let Versioned { version, value: record } = stored;
        let inline_policies = compile_inline(&record.inline_policies)?;
        let trust_policy = match &record.trust_policy {
            Some(stored) => {
                let document = Document::parse(Target::Trust, &stored.text)?;
                let document = Arc::new(document.bind(&stored.principal_ids));
                Some(NamedDocument { name: "trust policy".into(), document })
            }
            None => None,
        };
        Ok(Self { account, id, version, record, inline_policies, trust_policy, noted: Noted::new() })
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The unique id.
    #[must_use]
    pub fn id(&self) -> &UniqueId {
        &self.id
    }

    /// The version that a change has to name.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> &PrincipalRecord {
        &self.record
    }

    pub(super) fn noted(&self) -> &Noted {
        &self.noted
    }

    pub(super) fn inline_policies(&self) -> &[NamedDocument] {
        &self.inline_policies
    }

    /// The ARN of the user or role itself.
    #[must_use]
    pub fn arn(&self) -> String {
        let PrincipalRecord { kind, path, name, .. } = &self.record;
        entity_arn(self.account, kind.arn_word(), path, name)
    }
}

/// A user or role with every policy that counts for it.
#[derive(Debug)]
pub struct PrincipalEntry {
    stored: Arc<StoredPrincipal>,
    policies: Vec<NamedDocument>,
    boundary: Option<NamedDocument>,
    parts: Vec<Part>,
}

impl PrincipalEntry {
    /// A principal of a test, with policies that were not looked up.
    #[cfg(test)]
    pub(crate) fn with_policies(stored: StoredPrincipal, policies: Vec<NamedDocument>) -> Self {
        Self::new(Arc::new(stored), policies, None, Vec::new())
    }

    pub(super) fn new(
        stored: Arc<StoredPrincipal>,
        policies: Vec<NamedDocument>,
        boundary: Option<NamedDocument>,
        parts: Vec<Part>,
    ) -> Self {
        Self { stored, policies, boundary, parts }
    }

    /// Lets a change fail if what the principal may is no longer put together of the same records: its own, its
    /// groups', its managed policies'. Of more records than fit into a change beside what it is for, about a hundred, the
    /// last ones are left out.
    pub fn expect_unchanged(&self, change: &mut Transaction) {
        let (account, id) = (self.stored.account, self.stored.id.clone());
        change.check::<Principals>(&(account, id), Some(self.stored.version));
        let room = change.room().saturating_sub(ROOM_FOR_RECORDS);
        self.parts.iter().take(room).for_each(|part| part.expect_unchanged(account, change));
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.stored.account
    }

    /// The unique id.
    #[must_use]
    pub fn id(&self) -> &UniqueId {
        &self.stored.id
    }

    /// The principal as it is stored.
    #[must_use]
    pub fn stored(&self) -> &Arc<StoredPrincipal> {
        &self.stored
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> &PrincipalRecord {
        &self.stored.record
    }

    /// The identity policies: inline ones, attached ones, and those of its groups.
    #[must_use]
    pub fn policies(&self) -> &[NamedDocument] {
        &self.policies
    }

    /// The permissions boundary.
    #[must_use]
    pub fn boundary(&self) -> Option<&NamedDocument> {
        self.boundary.as_ref()
    }

    /// A role's trust policy.
    #[must_use]
    pub fn trust_policy(&self) -> Option<&NamedDocument> {
        self.stored.trust_policy.as_ref()
    }

    /// The ARN of the user or role itself.
    #[must_use]
    pub fn arn(&self) -> String {
        self.stored.arn()
    }

    /// The user as a caller.
    #[must_use]
    pub fn as_user(&self) -> Caller {
        let PrincipalRecord { path, name, .. } = self.record();
        let kind = CallerKind::User { path: path.clone(), name: name.clone(), id: self.id().clone() };
        Caller { account: self.account(), kind }
    }

    /// A session of this principal as a caller.
    #[must_use]
    pub fn as_session(&self, claims: &SessionClaims) -> Caller {
        let PrincipalRecord { path, name, .. } = self.record();
        let kind = match &claims.kind {
            SessionKind::Federated { name } => {
                CallerKind::FederatedUser { name: name.clone(), user_arn: self.arn(), user_id: self.id().clone() }
            }
            SessionKind::Role { session_name } => CallerKind::AssumedRole {
                path: path.clone(),
                role: name.clone(),
                id: self.id().clone(),
                session: session_name.clone(),
            },
            SessionKind::User => CallerKind::User { path: path.clone(), name: name.clone(), id: self.id().clone() },
        };
        Caller { account: self.account(), kind }
    }
}

/// Members of a change that are left to the records of the call and of what follows from it.
const ROOM_FOR_RECORDS: usize = 24;
