//! GetContextKeysForPrincipalPolicy: the condition keys that the policies of a user, group or role ask for.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetContextKeysForPrincipalPolicy.html>

use kanuki_policy::Document;

use super::simulation::{ContextKeys, EntityArn, Subject, documents, parse_any};
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
pub struct GetContextKeysForPrincipalPolicy;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    source: EntityArn,
    policies: Vec<Document>,
}

impl Operation for GetContextKeysForPrincipalPolicy {
    const DESCRIPTOR: Descriptor =
        Descriptor::reads(Service::Iam, "GetContextKeysForPrincipalPolicy", &["PolicySourceArn"]);
    type Input = Input;
    type Target = Subject;
    type Output = ContextKeys;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let source = EntityArn::required(fields)?;
        let policies = documents(fields, "PolicyInputList")?.unwrap_or_default();
        Ok(Input { source, policies: parse_any(&policies)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Subject>, ApiError> {
        let subject = Subject::find(doors, caller, &input.source).await?;
        let demand = subject.demand("iam:GetContextKeysForPrincipalPolicy");
        Ok(Plan::new(subject, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<ContextKeys>, ApiError> {
        let (_, sources) = authorized.target().policies(doors).await?;
        let attached = sources.identity.iter().map(|source| &*source.document().document);
        Ok(Outcome::answer(ContextKeys::of(attached.chain(&authorized.input().policies))))
    }
}
