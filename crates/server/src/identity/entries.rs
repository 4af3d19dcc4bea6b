//! Records of identity, decoded once: policies compiled, secrets shared.

use std::sync::Arc;

use kanuki_policy::{Document, Malformed, NamedDocument, Target};
use kanuki_types::{AccountId, Caller, CallerKind, PARTITION, UniqueId};

use super::{
    records::{AccessKeyRecord, Owner, PrincipalKind, PrincipalRecord},
    session::SessionClaims,
};

/// An access key, ready for use.
#[derive(Debug)]
pub struct AccessKeyEntry {
    id: String,
    record: AccessKeyRecord,
    sealed_secret: Arc<[u8]>,
}

impl AccessKeyEntry {
    pub(super) fn new(id: String, record: AccessKeyRecord) -> Self {
        let sealed_secret = record.sealed_secret.as_slice().into();
        Self { id, record, sealed_secret }
    }

    /// The access key id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
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

    /// Whether it may sign.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.record.active
    }

    /// The secret as the keeper sealed it.
    #[must_use]
    pub fn sealed_secret(&self) -> &Arc<[u8]> {
        &self.sealed_secret
    }
}

/// A user or role with its policies compiled.
#[derive(Debug)]
pub struct PrincipalEntry {
    account: AccountId,
    id: UniqueId,
    record: PrincipalRecord,
    policies: Vec<NamedDocument>,
    trust_policy: Option<NamedDocument>,
}

impl PrincipalEntry {
    /// Compiles the policies. A stored document that no longer parses makes the principal unusable: no policy, no
    /// access.
    pub(super) fn new(account: AccountId, id: UniqueId, record: PrincipalRecord) -> Result<Self, Malformed> {
        let mut policies = Vec::with_capacity(record.inline_policies.len());
        for (name, text) in &record.inline_policies {
            let document = Document::parse(Target::Identity, text)?;
            policies.push(NamedDocument { name: name.as_str().into(), document: Arc::new(document) });
        }
        let trust_policy = match &record.trust_policy {
            Some(stored) => {
                let document = Document::parse(Target::Trust, &stored.text)?;
                let document = Arc::new(document.bind(&stored.principal_ids));
                Some(NamedDocument { name: "trust policy".into(), document })
            }
            None => None,
        };
        Ok(Self { account, id, record, policies, trust_policy })
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

    /// The record.
    #[must_use]
    pub fn record(&self) -> &PrincipalRecord {
        &self.record
    }

    /// The identity policies.
    #[must_use]
    pub fn policies(&self) -> &[NamedDocument] {
        &self.policies
    }

    /// A role's trust policy.
    #[must_use]
    pub fn trust_policy(&self) -> Option<&NamedDocument> {
        self.trust_policy.as_ref()
    }

    /// The ARN of the user or role itself.
    #[must_use]
    pub fn arn(&self) -> String {
        let PrincipalRecord { kind, path, name, .. } = &self.record;
        let kind = match kind {
            PrincipalKind::Role => "role",
            PrincipalKind::User => "user",
        };
        format!("arn:{PARTITION}:iam::{}:{kind}{path}{name}", self.account)
    }

    /// The user as a caller.
    #[must_use]
    pub fn as_user(&self) -> Caller {
        let PrincipalRecord { path, name, .. } = &self.record;
        let kind = CallerKind::User { path: path.clone(), name: name.clone(), id: self.id.clone() };
        Caller { account: self.account, kind }
    }

    /// A session of this principal as a caller.
    #[must_use]
    pub fn as_session(&self, claims: &SessionClaims) -> Caller {
        let PrincipalRecord { path, name, .. } = &self.record;
        let kind = match self.record.kind {
            PrincipalKind::Role => CallerKind::AssumedRole {
                path: path.clone(),
                role: name.clone(),
                id: self.id.clone(),
                session: claims.session_name.clone(),
            },
            PrincipalKind::User => CallerKind::User { path: path.clone(), name: name.clone(), id: self.id.clone() },
        };
        Caller { account: self.account, kind }
    }
}
