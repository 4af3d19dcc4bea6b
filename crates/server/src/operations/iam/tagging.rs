//! The operations on tags of users and roles.
//!
//! Rule: the pages of TagUser, UntagUser and ListUserTags of the IAM API reference, and those of TagRole and its kin.

use std::marker::PhantomData;

use kanuki_store::Transaction;
use serde::Serialize;

use super::{
    holders::{HolderKind, Kind},
    pages,
    tags::{self, Tag},
    users::Named,
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    identity::PrincipalKind,
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// Adds tags, or changes their values.
#[derive(Debug)]
pub struct AddTags<K>(PhantomData<K>);

/// Removes tags.
#[derive(Debug)]
pub struct RemoveTags<K>(PhantomData<K>);

/// Lists tags by key.
#[derive(Debug)]
pub struct ListTags<K>(PhantomData<K>);

/// On what, and which tags.
#[derive(Debug)]
pub struct AddInput {
    name: String,
    tags: Vec<(String, String)>,
}

/// On what, and the keys of the tags.
#[derive(Debug)]
pub struct RemoveInput {
    name: String,
    keys: Vec<String>,
}

/// Whose tags.
#[derive(Debug)]
pub struct ListInput {
    name: String,
    page: PageRequest,
}

/// Tags.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListOutput {
    tags: Vec<Tag>,
    is_truncated: bool,
    marker: Option<String>,
}

impl<K: Kind> Operation for AddTags<K> {
    const DESCRIPTOR: Descriptor = Descriptor::changes(
        Service::Iam,
        principal("TagRole", "TagUser", K::KIND),
        K::KIND.pick(&[], &["RoleName", "Tags"], &["UserName", "Tags"]),
    );
    type Input = AddInput;
    type Target = Named;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<AddInput, ApiError> {
        let name = K::KIND.read_name(fields)?;
        let tags = tags::read(fields)?;
        Ok(AddInput { name, tags: fields.require("Tags", tags) })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &AddInput) -> Result<Plan<Named>, ApiError> {
        let named = Named::find(doors, caller, principal_kind(K::KIND), &input.name).await?;
        let mut demand = named.demand(principal("iam:TagRole", "iam:TagUser", K::KIND));
        tags::facts(&mut demand.facts, &input.tags);
        Ok(Plan::new(named, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let found = authorized.target().get()?;
        let mut record = found.record().clone();
        tags::add(&mut record.tags, &authorized.input().tags, principal("TagsPerRole", "TagsPerUser", K::KIND))?;
        let mut change = Transaction::default();
        doors.identity.update_principal(&mut change, authorized.proof(), found, &record).await?;
        Ok(Outcome::silent_change(change))
    }
}

impl<K: Kind> Operation for RemoveTags<K> {
    const DESCRIPTOR: Descriptor = Descriptor::changes(
        Service::Iam,
        principal("UntagRole", "UntagUser", K::KIND),
        K::KIND.pick(&[], &["RoleName", "TagKeys"], &["UserName", "TagKeys"]),
    );
    type Input = RemoveInput;
    type Target = Named;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<RemoveInput, ApiError> {
        Ok(RemoveInput { name: K::KIND.read_name(fields)?, keys: tags::read_keys(fields)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &RemoveInput) -> Result<Plan<Named>, ApiError> {
        let named = Named::find(doors, caller, principal_kind(K::KIND), &input.name).await?;
        let mut demand = named.demand(principal("iam:UntagRole", "iam:UntagUser", K::KIND));
        tags::key_facts(&mut demand.facts, &input.keys);
        Ok(Plan::new(named, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let found = authorized.target().get()?;
        let mut record = found.record().clone();
        tags::remove(&mut record.tags, &authorized.input().keys);
        let mut change = Transaction::default();
        doors.identity.update_principal(&mut change, authorized.proof(), found, &record).await?;
        Ok(Outcome::silent_change(change))
    }
}

impl<K: Kind> Operation for ListTags<K> {
    const DESCRIPTOR: Descriptor = Descriptor::reads(
        Service::Iam,
        principal("ListRoleTags", "ListUserTags", K::KIND),
        K::KIND.pick(&[], &["RoleName", "MaxItems", "Marker"], &["UserName", "MaxItems", "Marker"]),
    );
    type Input = ListInput;
    type Target = Named;
    type Output = ListOutput;

    fn parse(fields: &mut Fields) -> Result<ListInput, ApiError> {
        let name = K::KIND.read_name(fields)?;
        Ok(ListInput { name, page: PageRequest::read_items(fields, Self::DESCRIPTOR.name)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &ListInput) -> Result<Plan<Named>, ApiError> {
        let named = Named::find(doors, caller, principal_kind(K::KIND), &input.name).await?;
        let demand = named.demand(principal("iam:ListRoleTags", "iam:ListUserTags", K::KIND));
        Ok(Plan::new(named, demand))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<ListOutput>, ApiError> {
        let tags = tags::listed(&authorized.target().get()?.record().tags);
        let page = pages::of_sorted(&authorized.input().page, tags, |tag| tag.key.as_str());
        Ok(Outcome::answer(ListOutput { tags: page.items, is_truncated: page.next.is_some(), marker: page.next }))
    }
}

/// What belongs to the kind, which is a role's or a user's: groups have no tags.
pub(super) const fn principal<T: Copy>(role: T, user: T, kind: HolderKind) -> T {
    kind.pick(role, role, user)
}

/// The kind of principal.
pub(super) const fn principal_kind(kind: HolderKind) -> PrincipalKind {
    kind.pick(PrincipalKind::Role, PrincipalKind::Role, PrincipalKind::User)
}
