//! UntagPolicy: removes tags of a managed policy.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagPolicy.html>

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
pub struct UntagPolicy;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    arn: String,
    keys: Vec<String>,
}

impl Operation for UntagPolicy {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, "UntagPolicy", &["PolicyArn", "TagKeys"]);
    type Input = Input;
    type Target = NamedPolicy;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let arn = policies::read_arn(fields)?;

        Ok(Input { arn, keys: tags::read_keys(fields)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedPolicy>, ApiError> {
        let named = NamedPolicy::find(doors, caller, &input.arn).await?;
        let mut demand = named.demand(caller, "iam:UntagPolicy")?;
        tags::key_facts(&mut demand.facts, &input.keys);
        Ok(Plan::new(named, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let policy = authorized.target().own()?;
        let mut record = policy.record().clone();
        tags::remove(&mut record.tags, &authorized.input().keys);
        let mut change = Transaction::default();
        doors.identity.update_policy(&mut change, authorized.proof(), policy, &record)?;
        Ok(Outcome::silent_change(change))
    }
}
