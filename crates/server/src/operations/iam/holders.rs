//! Users, groups and roles as holders of policies: what the operations on inline and managed policies share.
//!
//! Rule: the three families of operations differ in nothing but names and quotas.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    sync::Arc,
};

use kanuki_store::Transaction;
use kanuki_types::{AccountId, UniqueId};

use super::{members, users};
use crate::{
    authn::Authenticated,
    authz::{Demand, EntityAccess, Proof},
    doors::Doors,
    error::ApiError,
    identity::{
        GroupEntry, GroupRecord, PolicyRef, PolicyUse, PrincipalKind, PrincipalRecord, StoredPrincipal, entity_arn,
    },
    wire::Fields,
};

/// A kind of holder, as a type.
pub trait Kind: Debug + Send + Sync + 'static {
    /// The kind.
    const KIND: HolderKind;
}

/// Groups.
#[derive(Debug)]
pub struct OfGroup;
/// Roles.
#[derive(Debug)]
pub struct OfRole;
/// Users.
#[derive(Debug)]
pub struct OfUser;

impl Kind for OfGroup {
    const KIND: HolderKind = HolderKind::Group;
}
impl Kind for OfRole {
    const KIND: HolderKind = HolderKind::Role;
}
impl Kind for OfUser {
    const KIND: HolderKind = HolderKind::User;
}

/// What can hold policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderKind {
    /// A group.
    Group,
    /// A role.
    Role,
    /// A user.
    User,
}

impl HolderKind {
    /// The one that belongs to this kind, of one for groups, one for roles and one for users.
    pub(super) const fn pick<T: Copy>(self, group: T, role: T, user: T) -> T {
        match self {
            Self::Group => group,
            Self::Role => role,
            Self::User => user,
        }
    }

    /// The member that names one.
    pub(super) const fn member(self) -> &'static str {
        self.pick("GroupName", "RoleName", "UserName")
    }

    /// Its word in ARNs and messages.
    pub(super) const fn word(self) -> &'static str {
        self.pick("group", "role", "user")
    }

    /// Being attached to one.
    pub(super) const fn attachment(self) -> PolicyUse {
        self.pick(PolicyUse::AttachedToGroup, PolicyUse::AttachedToRole, PolicyUse::AttachedToUser)
    }

    /// The access that an action needs to one that has no such place yet.
    pub(super) fn demand_of_new(
        self,
        action: &'static str,
        caller: &Authenticated,
        (path, name): (&str, &str),
    ) -> Demand {
        let account = caller.caller().account;
        let arn = entity_arn(account, self.word(), path, name);
        let kind = self.audit_kind();
        Demand::on_entity(action, EntityAccess { arn, account: Some(account), kind, tags: BTreeMap::new() })
    }

    /// Its type in audit records.
    const fn audit_kind(self) -> &'static str {
        self.pick("AWS::IAM::Group", "AWS::IAM::Role", "AWS::IAM::User")
    }

    /// Reads the name of one.
    pub(super) fn read_name(self, fields: &mut Fields) -> Result<String, ApiError> {
        let most = self.pick(members::NAME_CHARS_MAX, members::NEW_NAME_CHARS_MAX, members::NAME_CHARS_MAX);
        members::required_name(fields, self.member(), most)
    }
}

/// A holder that exists.
#[derive(Debug, Clone)]
pub(super) enum Held {
    /// A group.
    Group(Arc<GroupEntry>),
    /// A user or role.
    Principal(Arc<StoredPrincipal>),
}

impl Held {
    /// Its ARN.
    pub(super) fn arn(&self) -> String {
        match self {
            Self::Group(group) => group.arn(),
            Self::Principal(principal) => principal.arn(),
        }
    }

    /// Its unique id.
    pub(super) fn id(&self) -> &UniqueId {
        match self {
            Self::Group(group) => group.id(),
            Self::Principal(principal) => principal.id(),
        }
    }

    /// Its name in the spelling it was made with.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Group(group) => &group.record().name,
            Self::Principal(principal) => &principal.record().name,
        }
    }

    /// Its inline policies.
    pub(super) fn inline(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Group(group) => &group.record().inline_policies,
            Self::Principal(principal) => &principal.record().inline_policies,
        }
    }

    /// Its managed policies.
    pub(super) fn attached(&self) -> &BTreeSet<PolicyRef> {
        match self {
            Self::Group(group) => &group.record().attached,
            Self::Principal(principal) => &principal.record().attached,
        }
    }

    /// Its path and its name.
    pub(super) fn place(&self) -> (&str, &str) {
        match self {
            Self::Group(group) => (&group.record().path, &group.record().name),
            Self::Principal(principal) => (&principal.record().path, &principal.record().name),
        }
    }

    /// Adds another path and name of it to a change.
    pub(super) async fn put_place(
        &self,
        doors: &Doors,
        change: &mut Transaction,
        proof: &Proof,
        (path, name): (&str, &str),
    ) -> Result<(), ApiError> {
        match self {
            Self::Group(group) => {
                let record = GroupRecord { path: path.into(), name: name.into(), ..group.record().clone() };
                doors.identity.update_group(change, proof, group, &record).await
            }
            Self::Principal(principal) => {
                let record = PrincipalRecord { path: path.into(), name: name.into(), ..principal.record().clone() };
                doors.identity.update_principal(change, proof, principal, &record).await
            }
        }
    }

    /// Adds to a change what `edit` does to its policies.
    pub(super) async fn change(
        &self,
        doors: &Doors,
        change: &mut Transaction,
        proof: &Proof,
        edit: impl FnOnce(&mut BTreeMap<String, String>, &mut BTreeSet<PolicyRef>) + Send,
    ) -> Result<(), ApiError> {
        match self {
            Self::Group(group) => {
                let mut record = group.record().clone();
                edit(&mut record.inline_policies, &mut record.attached);
                doors.identity.update_group(change, proof, group, &record).await
            }
            Self::Principal(principal) => {
                let mut record = principal.record().clone();
                edit(&mut record.inline_policies, &mut record.attached);
                doors.identity.update_principal(change, proof, principal, &record).await
            }
        }
    }
}

/// A holder that a name means, if there is one.
#[derive(Debug)]
pub struct NamedHolder {
    kind: HolderKind,
    account: AccountId,
    name: String,
    found: Option<Held>,
    boundary: Option<String>,
}

impl NamedHolder {
    /// Looks a name up in the caller's account.
    pub(super) async fn find(
        doors: &Doors,
        caller: &Authenticated,
        kind: HolderKind,
        name: &str,
    ) -> Result<Self, ApiError> {
        let account = caller.caller().account;
        let principal_kind = match kind {
            HolderKind::Group => {
                let found = doors.identity.group_named(account, name).await?.map(Held::Group);
                return Ok(Self { kind, account, name: name.into(), found, boundary: None });
            }
            HolderKind::Role => PrincipalKind::Role,
            HolderKind::User => PrincipalKind::User,
        };
        let found = doors.identity.stored_named(account, principal_kind, name).await?;
        let boundary = match &found {
            Some(principal) => users::boundary_arn(doors, principal).await?,
            None => None,
        };
        Ok(Self { kind, account, name: name.into(), found: found.map(Held::Principal), boundary })
    }

    /// The access to it that an action needs. One that does not exist has the ARN that its name would give it.
    pub(super) fn demand(&self, action: &'static str) -> Demand {
        let arn = match &self.found {
            Some(found) => found.arn(),
            None => entity_arn(self.account, self.kind.word(), "/", &self.name),
        };
        let tags = match &self.found {
            Some(Held::Principal(principal)) => principal.record().tags.clone(),
            Some(Held::Group(_)) | None => BTreeMap::new(),
        };
        let kind = self.kind.audit_kind();
        Demand::on_entity(action, EntityAccess { arn, account: Some(self.account), kind, tags })
    }

    /// As [`NamedHolder::demand`], with the boundary in place: operations that change what an entity may do let
    /// policies insist on it.
    pub(super) fn demand_of_change(&self, action: &'static str) -> Demand {
        self.demand(action).with_optional_fact("iam:PermissionsBoundary", self.boundary.as_deref())
    }

    /// The holder.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    pub(super) fn get(&self) -> Result<&Held, ApiError> {
        self.found.as_ref().ok_or_else(|| members::no_such(self.kind.word(), &self.name))
    }

    /// The group.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    pub(super) fn group(&self) -> Result<&Arc<GroupEntry>, ApiError> {
        match self.get()? {
            Held::Group(group) => Ok(group),
            Held::Principal(_) => Err(ApiError::internal("a group was looked for among principals")),
        }
    }

    /// Whether there is one.
    pub(super) fn exists(&self) -> bool {
        self.found.is_some()
    }
}
