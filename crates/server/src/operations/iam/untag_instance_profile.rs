//! UntagInstanceProfile: removes tags of an instance profile.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagInstanceProfile.html>

use kanuki_store::Transaction;

use super::{
    profiles::{self, NamedProfile},
    tags,
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct UntagInstanceProfile;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    name: String,
    keys: Vec<String>,
}

impl Operation for UntagInstanceProfile {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "UntagInstanceProfile", &["InstanceProfileName", "TagKeys"]);
    type Input = Input;
    type Target = NamedProfile;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let name = profiles::read_name(fields)?;

        Ok(Input { name, keys: tags::read_keys(fields)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedProfile>, ApiError> {
        let named = NamedProfile::find(doors, caller, &input.name).await?;
        let mut demand = named.demand("iam:UntagInstanceProfile");
        tags::key_facts(&mut demand.facts, &input.keys);
        Ok(Plan::new(named, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let profile = authorized.target().get()?;
        let mut record = profile.record.clone();
        tags::remove(&mut record.tags, &authorized.input().keys);
        let mut change = Transaction::default();
        doors.identity.update_profile(&mut change, authorized.proof(), profile, &record)?;
        Ok(Outcome::silent_change(change))
    }
}
