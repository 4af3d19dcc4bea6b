//! TagInstanceProfile: adds tags to an instance profile, or changes their values.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagInstanceProfile.html>

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
pub struct TagInstanceProfile;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    name: String,
    tags: Vec<(String, String)>,
}

impl Operation for TagInstanceProfile {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "TagInstanceProfile", &["InstanceProfileName", "Tags"]);
    type Input = Input;
    type Target = NamedProfile;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let name = profiles::read_name(fields)?;
        let tags = tags::read(fields)?;
        Ok(Input { name, tags: fields.require("Tags", tags) })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedProfile>, ApiError> {
        let named = NamedProfile::find(doors, caller, &input.name).await?;
        let mut demand = named.demand("iam:TagInstanceProfile");
        tags::facts(&mut demand.facts, &input.tags);
        Ok(Plan::new(named, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let profile = authorized.target().get()?;
        let mut record = profile.record.clone();
        tags::add(&mut record.tags, &authorized.input().tags, "TagsPerInstanceProfile")?;
        let mut change = Transaction::default();
        doors.identity.update_profile(&mut change, authorized.proof(), profile, &record)?;
        Ok(Outcome::silent_change(change))
    }
}
