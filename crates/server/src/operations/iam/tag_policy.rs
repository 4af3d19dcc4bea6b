//! TagPolicy: adds tags to a managed policy, or changes their values.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagPolicy.html>

use kanuki_store::Transaction;

use super::{
    policies::{self, NamedPolicy},
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
pub struct TagPolicy;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    arn: String,
    tags: Vec<(String, String)>,
}

impl Operation for TagPolicy {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, "TagPolicy", &["PolicyArn", "Tags"]);
    type Input = Input;
    type Target = NamedPolicy;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let arn = policies::read_arn(fields)?;
        let tags = tags::read(fields)?;
        Ok(Input { arn, tags: fields.require("Tags", tags) })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedPolicy>, ApiError> {
        let named = NamedPolicy::find(doors, caller, &input.arn).await?;
        let mut demand = named.demand(caller, "iam:TagPolicy")?;
        tags::facts(&mut demand.facts, &input.tags);
        Ok(Plan::new(named, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let policy = authorized.target().own()?;
        let mut record = policy.record().clone();
        tags::add(&mut record.tags, &authorized.input().tags, "TagsPerPolicy")?;
        let mut change = Transaction::default();
        doors.identity.update_policy(&mut change, authorized.proof(), policy, &record)?;
        Ok(Outcome::silent_change(change))
    }
}
