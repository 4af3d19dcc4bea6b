//! SimulatePrincipalPolicy: what the policies of a user, group or role would decide on calls.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>

use super::simulation::{EntityArn, Exclusion, Output, Policy, Request, Simulation, Subject, read_exclusions};
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
pub struct SimulatePrincipalPolicy;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    source: EntityArn,
    exclusions: Vec<Exclusion>,
    request: Request,
    policies: Vec<Policy>,
}

impl Operation for SimulatePrincipalPolicy {
    const DESCRIPTOR: Descriptor = Descriptor::reads(
        Service::Iam,
        "SimulatePrincipalPolicy",
        &["PolicySourceArn", "ActionNames", "ResourceArns", "ResourceOwner", "CallerArn", "MaxItems", "Marker"],
    );
    type Input = Input;
    type Target = Subject;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let source = EntityArn::required(fields)?;
        let exclusions = read_exclusions(fields)?;
        let request = Request::read(fields, "SimulatePrincipalPolicy")?;
        let policies = Policy::given(request.policies.as_deref().unwrap_or_default())?;
        Ok(Input { source, exclusions, request, policies })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Subject>, ApiError> {
        let subject = Subject::find(doors, caller, &input.source).await?;
        let demand = subject.demand("iam:SimulatePrincipalPolicy");
        Ok(Plan::new(subject, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let Input { source, exclusions, request, policies } = authorized.input();
        let (own, mut sources) = authorized.target().policies(doors).await?;
        Exclusion::apply(exclusions, &mut sources);
        // Another caller acts as if it had these policies; of it nothing is looked up.
        let other = request.caller.as_ref().filter(|caller| *caller != source);
        let attached = sources.identity.iter().map(Policy::attached);
        let simulation = Simulation {
            asker: other.map_or(own, EntityArn::supposed),
            policies: attached.chain(policies.iter().cloned()).collect(),
            boundary: sources.boundary.map(|source| source.document().clone()),
            now: authorized.circumstances().now,
        };
        Ok(Outcome::answer(simulation.run(&doors.simulations, request).await?))
    }
}
