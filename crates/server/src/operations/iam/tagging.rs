//! The operations on tags, for everything that can have some.
//!
//! Not here: the rules of tags themselves (`tags.rs`). Invariant: what is tagged, and how it is found and written, is
//! said once, beside the rest of its kind.
//!
//! Rule: the pages of TagUser, UntagUser and ListUserTags of the IAM API reference, and those of their kin.

use std::{collections::BTreeMap, fmt::Debug, future::Future, marker::PhantomData};

use kanuki_store::Transaction;
use serde::Serialize;

use super::{
    pages,
    tags::{self, Tag},
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand, Proof},
    doors::Doors,
    error::ApiError,
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// A kind of thing that can have tags.
pub trait Tagged: Debug + Send + Sync + 'static {
    /// What a name in a request means, which may be nothing.
    type Target: Send + Sync;
    /// The names of the operations, and what else differs in nothing but words.
    const WORDS: Words;

    /// Reads the member that names one.
    ///
    /// # Errors
    /// `ValidationError`.
    fn read_name(fields: &mut Fields) -> Result<String, ApiError>;

    /// Looks a name up.
    fn find(
        doors: &Doors,
        caller: &Authenticated,
        name: &str,
    ) -> impl Future<Output = Result<Self::Target, ApiError>> + Send;

    /// The access to it that an action needs.
    ///
    /// # Errors
    /// If the name is of a form that no access can be stated for.
    fn demand(target: &Self::Target, caller: &Authenticated, action: &'static str) -> Result<Demand, ApiError>;

    /// Its tags.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    fn tags(target: &Self::Target) -> Result<&BTreeMap<String, String>, ApiError>;

    /// Its tags, to be changed.
    ///
    /// # Errors
    /// `NoSuchEntity`; or if it is not the account's to change.
    fn own_tags(target: &Self::Target) -> Result<&BTreeMap<String, String>, ApiError> {
        Self::tags(target)
    }

    /// Adds other tags of it to a change.
    ///
    /// # Errors
    /// `NoSuchEntity`; or if it was not authorized; or if the store fails.
    fn put_tags(
        doors: &Doors,
        change: &mut Transaction,
        proof: &Proof,
        target: &Self::Target,
        tags: BTreeMap<String, String>,
    ) -> impl Future<Output = Result<(), ApiError>> + Send;
}

/// The words of a kind of thing that can have tags.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// The member that names one.
    pub member: &'static str,
    /// The operation that adds tags, and its action.
    pub tag: (&'static str, &'static str),
    /// The operation that removes them, and its action.
    pub untag: (&'static str, &'static str),
    /// The operation that lists them, and its action.
    pub list: (&'static str, &'static str),
    /// The quota of their number.
    pub quota: &'static str,
}

/// Adds tags, or changes their values.
#[derive(Debug)]
pub struct AddTags<T>(PhantomData<T>);

/// Removes tags.
#[derive(Debug)]
pub struct RemoveTags<T>(PhantomData<T>);

/// Lists tags by key.
#[derive(Debug)]
pub struct ListTags<T>(PhantomData<T>);

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

impl<T: Tagged> AddTags<T> {
    const RECORDED: &'static [&'static str] = &[T::WORDS.member, "Tags"];
}

impl<T: Tagged> Operation for AddTags<T> {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, T::WORDS.tag.0, Self::RECORDED);
    type Input = AddInput;
    type Target = T::Target;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<AddInput, ApiError> {
        let name = T::read_name(fields)?;
        let tags = tags::read(fields)?;
        Ok(AddInput { name, tags: fields.require("Tags", tags) })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &AddInput) -> Result<Plan<T::Target>, ApiError> {
        let target = T::find(doors, caller, &input.name).await?;
        let mut demand = T::demand(&target, caller, T::WORDS.tag.1)?;
        tags::facts(&mut demand.facts, &input.tags);
        Ok(Plan::new(target, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let mut tags = T::own_tags(authorized.target())?.clone();
        tags::add(&mut tags, &authorized.input().tags, T::WORDS.quota)?;
        let mut change = Transaction::default();
        T::put_tags(doors, &mut change, authorized.proof(), authorized.target(), tags).await?;
        Ok(Outcome::silent_change(change))
    }
}

impl<T: Tagged> RemoveTags<T> {
    const RECORDED: &'static [&'static str] = &[T::WORDS.member, "TagKeys"];
}

impl<T: Tagged> Operation for RemoveTags<T> {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, T::WORDS.untag.0, Self::RECORDED);
    type Input = RemoveInput;
    type Target = T::Target;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<RemoveInput, ApiError> {
        Ok(RemoveInput { name: T::read_name(fields)?, keys: tags::read_keys(fields)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &RemoveInput) -> Result<Plan<T::Target>, ApiError> {
        let target = T::find(doors, caller, &input.name).await?;
        let mut demand = T::demand(&target, caller, T::WORDS.untag.1)?;
        tags::key_facts(&mut demand.facts, &input.keys);
        Ok(Plan::new(target, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let mut tags = T::own_tags(authorized.target())?.clone();
        tags::remove(&mut tags, &authorized.input().keys);
        let mut change = Transaction::default();
        T::put_tags(doors, &mut change, authorized.proof(), authorized.target(), tags).await?;
        Ok(Outcome::silent_change(change))
    }
}

impl<T: Tagged> ListTags<T> {
    const RECORDED: &'static [&'static str] = &[T::WORDS.member, "MaxItems", "Marker"];
}

impl<T: Tagged> Operation for ListTags<T> {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, T::WORDS.list.0, Self::RECORDED);
    type Input = ListInput;
    type Target = T::Target;
    type Output = ListOutput;

    fn parse(fields: &mut Fields) -> Result<ListInput, ApiError> {
        Ok(ListInput { name: T::read_name(fields)?, page: PageRequest::read_items(fields, T::WORDS.list.0)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &ListInput) -> Result<Plan<T::Target>, ApiError> {
        let target = T::find(doors, caller, &input.name).await?;
        let demand = T::demand(&target, caller, T::WORDS.list.1)?;
        Ok(Plan::new(target, demand))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<ListOutput>, ApiError> {
        let tags = tags::listed(T::tags(authorized.target())?);
        let page = pages::of_sorted(&authorized.input().page, tags, |tag| tag.key.as_str());
        Ok(Outcome::answer(ListOutput { tags: page.items, is_truncated: page.next.is_some(), marker: page.next }))
    }
}
