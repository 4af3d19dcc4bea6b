//! The policies that count for a user, role or group, each with where it stands and its text.
//!
//! Not here: what they mean together. Invariants: a text is the one that the document beside it was compiled from; what
//! is named is never left out (`compose` puts the same list together for real calls).

use std::sync::Arc;

use kanuki_policy::NamedDocument;
use kanuki_store::StoreError;
use kanuki_types::{AccountId, UniqueId};

use super::{
    Identity,
    aws_managed::aws_policy,
    compose::{ATTEMPTS_MAX, Part},
    entries::{PrincipalEntry, StoredPrincipal},
    groups::GroupEntry,
    managed::{PolicyArn, PolicyRef, PolicyVersionEntry, version_name},
};
use crate::error::ApiError;

/// A policy of somebody.
#[derive(Debug, Clone)]
pub struct PolicySource {
    document: NamedDocument,
    origin: Origin,
}

/// Where a policy stands.
#[derive(Debug, Clone)]
enum Origin {
    /// Among the service's own.
    Aws,
    /// In a group.
    Group(Arc<GroupEntry>),
    /// In a version of an account's own managed policy.
    Own(Arc<PolicyVersionEntry>),
    /// In a user or role.
    Principal(Arc<StoredPrincipal>),
}

/// What holds an inline policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InlineHolder<'a> {
    /// `user`, `role` or `group`.
    pub word: &'static str,
    /// Its name.
    pub name: &'a str,
}

/// All policies of a user or role.
#[derive(Debug, Clone, Default)]
pub struct PolicySources {
    /// Its own, then those of its groups.
    pub identity: Vec<PolicySource>,
    /// Its permissions boundary.
    pub boundary: Option<PolicySource>,
    /// The records that say which policies these are, but for its own.
    parts: Vec<Part>,
}

impl PolicySource {
    /// The document.
    #[must_use]
    pub fn document(&self) -> &NamedDocument {
        &self.document
    }

    /// The text of the document.
    #[must_use]
    pub fn text(&self) -> &str {
        let name = &*self.document.name;
        match &self.origin {
            Origin::Aws => self.arn().and_then(|arn| aws_policy(&arn.path, &arn.name)).map_or("", |policy| policy.text),
            Origin::Group(group) => group.record().inline_policies.get(name).map_or("", String::as_str),
            Origin::Own(version) => version.text(),
            Origin::Principal(principal) => principal.record().inline_policies.get(name).map_or("", String::as_str),
        }
    }

    /// The ARN; none for an inline policy.
    #[must_use]
    pub fn arn(&self) -> Option<PolicyArn> {
        PolicyArn::parse(&self.document.name).filter(|_| self.holder().is_none())
    }

    /// Whether it is one of the service's own.
    #[must_use]
    pub fn is_aws(&self) -> bool {
        matches!(self.origin, Origin::Aws)
    }

    /// What holds it; none for a managed policy.
    #[must_use]
    pub fn holder(&self) -> Option<InlineHolder<'_>> {
        match &self.origin {
            Origin::Aws | Origin::Own(_) => None,
            Origin::Group(group) => Some(InlineHolder { word: "group", name: &group.record().name }),
            Origin::Principal(principal) => {
                let record = principal.record();
                Some(InlineHolder { word: record.kind.arn_word(), name: &record.name })
            }
        }
    }
}

impl Identity {
    /// The user or role with that id as it counts for decisions, and the policies it is made of.
    ///
    /// # Errors
    /// If the store fails or refuses a record, or if a part is missing.
    pub async fn principal_with_sources(
        &self,
        account: AccountId,
        id: &UniqueId,
    ) -> Result<Option<(Arc<PrincipalEntry>, PolicySources)>, ApiError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(stored) = self.stored_principal(account, id).await? else { return Ok(None) };
            if let Some(sources) = self.sources(&stored).await? {
                return Ok(Some((Arc::new(sources.clone().into_entry(&stored)), sources)));
            }
        }
        Err(ApiError::internal("a principal names a policy or group that does not exist"))
    }

    /// The policies of the group with that id.
    ///
    /// # Errors
    /// If the store fails or refuses a record, or if a part is missing.
    pub async fn group_sources(&self, account: AccountId, id: &UniqueId) -> Result<Option<PolicySources>, ApiError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(group) = self.group(account, id).await? else { return Ok(None) };
            let mut sources = PolicySources::default();
            if self.add_group(&group, &mut sources).await? {
                return Ok(Some(sources));
            }
        }
        Err(ApiError::internal("a group names a policy that does not exist"))
    }

    /// The policies of a principal; none if one that it names is missing.
    pub(super) async fn sources(&self, stored: &Arc<StoredPrincipal>) -> Result<Option<PolicySources>, StoreError> {
        let account = stored.account();
        let record = stored.record();
        let of = |document: &NamedDocument| PolicySource {
            document: document.clone(),
            origin: Origin::Principal(Arc::clone(stored)),
        };
        let mut sources = PolicySources::default();
        sources.identity.extend(stored.inline_policies().iter().map(of));
        for reference in &record.attached {
            let Some(found) = self.managed_source(account, reference).await? else { return Ok(None) };
            let source = sources.add(found);
            sources.identity.push(source);
        }
        for id in &record.groups {
            let Some(group) = self.group(account, id).await? else { return Ok(None) };
            if !self.add_group(&group, &mut sources).await? {
                return Ok(None);
            }
        }
        if let Some(reference) = &record.boundary {
            let Some(found) = self.managed_source(account, reference).await? else { return Ok(None) };
            sources.boundary = Some(sources.add(found));
        }
        Ok(Some(sources))
    }

    /// Adds the policies of a group; answers whether all of them are there.
    async fn add_group(&self, group: &Arc<GroupEntry>, sources: &mut PolicySources) -> Result<bool, StoreError> {
        let of = |document: &NamedDocument| PolicySource {
            document: document.clone(),
            origin: Origin::Group(Arc::clone(group)),
        };
        sources.identity.extend(group.policies().iter().map(of));
        sources.parts.push(Part::Group(group.id().clone(), group.version()));
        for reference in &group.record().attached {
            let Some(found) = self.managed_source(group.account(), reference).await? else { return Ok(false) };
            let source = sources.add(found);
            sources.identity.push(source);
        }
        Ok(true)
    }

    /// The version of a managed policy that is in force; none if there is no such policy.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn policy_in_force(
        &self,
        account: AccountId,
        reference: &PolicyRef,
    ) -> Result<Option<NamedDocument>, StoreError> {
        Ok(self.managed_source(account, reference).await?.map(|(source, _)| source.document))
    }

    /// As [`Identity::policy_in_force`], with the record that says which version is; none for the service's own
    /// policies, which do not change while this program runs.
    async fn managed_source(
        &self,
        account: AccountId,
        reference: &PolicyRef,
    ) -> Result<Option<(PolicySource, Option<Part>)>, StoreError> {
        let Some(id) = reference.own_id() else {
            let document = self.aws_policies.get(reference.as_str()).cloned();
            return Ok(document.map(|document| (PolicySource { document, origin: Origin::Aws }, None)));
        };
        let Some(policy) = self.managed_policies.get(&(account, id.clone())).await? else { return Ok(None) };
        let name = version_name(policy.record().default_version);
        let version = self.policy_versions.get(&(account, id.clone(), name)).await?;
        let part = Part::Policy(id, policy.version());
        Ok(version.map(|version| {
            let document = version.named(&policy.arn());
            (PolicySource { document, origin: Origin::Own(version) }, Some(part))
        }))
    }
}

impl PolicySources {
    /// The principal with these policies, as decisions take it.
    pub(super) fn into_entry(self, stored: &Arc<StoredPrincipal>) -> PrincipalEntry {
        let documents = self.identity.into_iter().map(|source| source.document).collect();
        let boundary = self.boundary.map(|source| source.document);
        let mut parts = self.parts;
        parts.sort_unstable();
        parts.dedup();
        PrincipalEntry::new(Arc::clone(stored), documents, boundary, parts)
    }

    /// Notes the record of a managed policy that was found.
    fn add(&mut self, (source, part): (PolicySource, Option<Part>)) -> PolicySource {
        self.parts.extend(part);
        source
    }
}
