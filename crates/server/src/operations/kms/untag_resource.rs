//! UntagResource: removes tags from a key; tags that it does not have are ignored.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_UntagResource.html>

use std::sync::Arc;

use kanuki_store::Transaction;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{KeyEntry, NOT_PENDING_DELETION, Names, check_state},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::{Fields, LIST_ITEMS_MAX},
};

/// The operation.
#[derive(Debug)]
pub struct UntagResource;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    tag_keys: Vec<String>,
}

impl Operation for UntagResource {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "UntagResource", &["KeyId", "TagKeys"]);
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let key_id = members::key_id(fields)?;
        let tag_keys = fields.texts("TagKeys", 0..=LIST_ITEMS_MAX, 1..=128)?;
        Ok(Input { key_id, tag_keys: fields.require("TagKeys", tag_keys) })
    }

    async fn plan(
        doors: &Doors,
        caller: &Authenticated,
        input: &Input,
    ) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::Keys, |name| {
            let mut demand = Demand::on_name("kms:UntagResource", name);
            if !input.tag_keys.is_empty() {
                demand.facts.insert("aws:TagKeys", input.tag_keys.clone());
            }
            demand
        }).await
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let key = members::key(authorized.target())?;
        check_state(key, NOT_PENDING_DELETION)?;
        let mut record = key.record().clone();
        record.tags.retain(|tag_key, _| !authorized.input().tag_keys.contains(tag_key));
        let mut change = Transaction::default();
        key.update(&mut change, &record);
        Ok(Outcome::silent_change(change))
    }
}
