//! Entities that a simulation is about, by ARN: users, groups and roles.
//!
//! Not here: sessions, the account's root and services, which the API does not take. Invariant: an entity is looked up
//! only in the caller's own account, and only to be authorized for.

use std::{collections::BTreeMap, sync::Arc};

use kanuki_types::{AccountId, PARTITION};

use super::invalid;
use crate::{
    authn::Authenticated,
    authz::{Demand, EntityAccess, hypothesis::simulation::Asker},
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{GroupEntry, PolicySources, PrincipalKind, StoredPrincipal},
    operations::iam::{holders::HolderKind, members},
    wire::Fields,
};

/// The ARN of a user, group or role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::operations::iam) struct EntityArn {
    text: String,
    account: AccountId,
    kind: HolderKind,
    path: String,
    name: String,
}

impl EntityArn {
    /// Reads one; none for any other text.
    pub(super) fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("arn:")?.strip_prefix(PARTITION)?.strip_prefix(":iam::")?;
        let (account, resource) = rest.split_once(':')?;
        let (word, rest) = resource.split_once('/')?;
        let kind = [HolderKind::Group, HolderKind::Role, HolderKind::User].into_iter().find(|it| it.word() == word)?;
        let (path, name) = rest.rsplit_once('/').map_or_else(|| ("/".to_owned(), rest), |(p, n)| (format!("/{p}/"), n));
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        let is_right =
            !name.is_empty() && name.chars().all(is_name) && path.bytes().all(|byte| byte.is_ascii_graphic());
        let account = account.parse().ok()?;
        is_right.then(|| Self { text: text.into(), account, kind, path, name: name.into() })
    }

    /// Reads `PolicySourceArn`.
    ///
    /// # Errors
    /// `InvalidInput` if it names anything else.
    pub(in crate::operations::iam) fn required(fields: &mut Fields) -> Result<Self, ApiError> {
        let text = fields.required_text("PolicySourceArn", members::ARN_CHARS)?;
        if fields.has_violations() {
            // The answer names them; what stands here is never used.
            return Self::parse(STAND_IN);
        }
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, ApiError> {
        Self::read(text)
            .ok_or_else(|| invalid(format!("Invalid Entity Arn: {text} does not clearly define entity type and name.")))
    }

    /// Whoever has that ARN, of whom nothing more is known.
    pub(in crate::operations::iam) fn supposed(&self) -> Asker {
        let Self { account, path, name, .. } = self;
        match self.kind {
            HolderKind::Group => Asker::anybody(*account),
            HolderKind::Role => Asker::supposed_role(*account, path, name),
            HolderKind::User => Asker::supposed_user(*account, path, name),
        }
    }
}

/// The entity that an ARN means, if there is one.
#[derive(Debug)]
pub struct Subject {
    arn: EntityArn,
    found: Option<Found>,
}

#[derive(Debug)]
enum Found {
    Group(Arc<GroupEntry>),
    Principal(Arc<StoredPrincipal>),
}

impl Subject {
    /// Looks an ARN up.
    pub(in crate::operations::iam) async fn find(
        doors: &Doors,
        caller: &Authenticated,
        arn: &EntityArn,
    ) -> Result<Self, ApiError> {
        let (account, name) = (arn.account, arn.name.as_str());
        let principal_kind = match arn.kind {
            _ if account != caller.caller().account => None,
            HolderKind::Group => {
                let found = doors.identity.group_named(account, name).await?.filter(|group| group.arn() == arn.text);
                return Ok(Self { arn: arn.clone(), found: found.map(Found::Group) });
            }
            HolderKind::Role => Some(PrincipalKind::Role),
            HolderKind::User => Some(PrincipalKind::User),
        };
        let found = match principal_kind {
            Some(kind) => doors.identity.stored_named(account, kind, name).await?,
            None => None,
        };
        let found = found.filter(|principal| principal.arn() == arn.text).map(Found::Principal);
        Ok(Self { arn: arn.clone(), found })
    }

    /// The access to it that an action needs. Whether there is one in another account is not told: the account refuses.
    pub(in crate::operations::iam) fn demand(&self, action: &'static str) -> Demand {
        let tags = match &self.found {
            Some(Found::Principal(principal)) => principal.record().tags.clone(),
            Some(Found::Group(_)) | None => BTreeMap::new(),
        };
        let kind = self.arn.kind.pick("AWS::IAM::Group", "AWS::IAM::Role", "AWS::IAM::User");
        Demand::on_entity(
            action,
            EntityAccess { arn: self.arn.text.clone(), account: Some(self.arn.account), kind, tags },
        )
    }

    /// Who it is as one who asks, and its policies.
    ///
    /// # Errors
    /// `NoSuchEntity`; or if the store fails.
    pub(in crate::operations::iam) async fn policies(&self, doors: &Doors) -> Result<(Asker, PolicySources), ApiError> {
        let found = match &self.found {
            None => None,
            Some(Found::Group(group)) => {
                let sources = doors.identity.group_sources(group.account(), group.id()).await?;
                sources.map(|sources| (Asker::anybody(group.account()), sources))
            }
            Some(Found::Principal(principal)) => {
                let found = doors.identity.principal_with_sources(principal.account(), principal.id()).await?;
                found.map(|(entry, sources)| (Asker::entity(entry), sources))
            }
        };
        found.ok_or_else(|| {
            let EntityArn { kind, name, .. } = &self.arn;
            let message = format!("The {} with name {name} cannot be found.", kind.word());
            ApiError::new(ErrorCode::NotFound, message)
        })
    }
}

/// An ARN that is read instead of one that breaks the model.
const STAND_IN: &str = "arn:aws:iam::000000000000:user/x";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_users_groups_and_roles_are_entities() {
        let role = EntityArn::read("arn:aws:iam::111122223333:role/a/b/name").unwrap();
        assert_eq!((role.kind, role.path.as_str(), role.name.as_str()), (HolderKind::Role, "/a/b/", "name"));
        let user = EntityArn::read("arn:aws:iam::111122223333:user/name").unwrap();
        assert_eq!((user.kind, user.path.as_str()), (HolderKind::User, "/"));
        for text in [
            "arn:aws:iam::111122223333:root",
            "arn:aws:iam::111122223333:user/",
            "arn:aws:iam::111122223333:user/*",
            "arn:aws:iam::111122223333:policy/p",
            "arn:aws:iam:us-east-1:111122223333:user/name",
            "arn:aws:iam::aws:user/name",
            "arn:aws:sts::111122223333:assumed-role/r/s",
            "name",
        ] {
            assert_eq!(EntityArn::read(text), None, "{text}");
        }
        let error = EntityArn::parse("arn:aws:sts::111122223333:assumed-role/r/s").unwrap_err();
        assert!(error.message().unwrap().ends_with("does not clearly define entity type and name."));
    }
}
