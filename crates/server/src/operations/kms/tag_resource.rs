//! TagResource: adds tags to a key, or changes their values.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_TagResource.html>

use std::sync::Arc;

use kanuki_store::Transaction;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{KeyEntry, NOT_PENDING_DELETION, Names, check_state, read_tags, tag_facts, validate_tags},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct TagResource;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    tags: Vec<(String, String)>,
}

impl Operation for TagResource {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "TagResource", &["KeyId", "Tags"]);
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let key_id = members::key_id(fields)?;
        let tags = read_tags(fields, "Tags")?;
        Ok(Input { key_id, tags: fields.require("Tags", tags) })
    }

    async fn plan(
        doors: &Doors,
        caller: &Authenticated,
        input: &Input,
    ) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::Keys, |name| {
            let mut demand = Demand::on_name("kms:TagResource", name);
            tag_facts(&mut demand.facts, &input.tags);
            demand
        }).await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let key = members::key(authorized.target())?;
        check_state(key, NOT_PENDING_DELETION)?;
        let mut record = key.record().clone();
        validate_tags(&authorized.input().tags, &record.tags, doors.settings.limits.tags_per_key_max)?;
        record.tags.extend(authorized.input().tags.iter().cloned());
        let mut change = Transaction::default();
        key.update(&mut change, &record);
        Ok(Outcome::silent_change(change))
    }
}
