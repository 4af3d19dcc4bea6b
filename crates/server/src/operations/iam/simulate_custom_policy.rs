//! SimulateCustomPolicy: what policies that are given would decide on calls.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html>

use super::simulation::{EntityArn, Output, Policy, Request, Simulation, caller_is_missing, read_control};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand, hypothesis::simulation::Asker},
    doors::Doors,
    error::ApiError,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct SimulateCustomPolicy;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    request: Request,
    policies: Vec<Policy>,
}

impl Operation for SimulateCustomPolicy {
    const DESCRIPTOR: Descriptor = Descriptor::reads(
        Service::Iam,
        "SimulateCustomPolicy",
        &["ActionNames", "ResourceArns", "ResourceOwner", "CallerArn", "MaxItems", "Marker"],
    );
    type Input = Input;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let control = read_control(fields)?;
        let request = Request::read(fields, "SimulateCustomPolicy")?.with_control(control);
        let policies = fields.require("PolicyInputList", request.policies.clone());
        if request.has_resource_policy() && request.caller.is_none() {
            return Err(caller_is_missing());
        }
        let policies = Policy::given(&policies)?;
        Ok(Input { request, policies })
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &Input) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("iam:SimulateCustomPolicy")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let Input { request, policies } = authorized.input();
        let home = authorized.caller().caller().account;
        let simulation = Simulation {
            asker: request.caller.as_ref().map_or_else(|| Asker::anybody(home), EntityArn::supposed),
            policies: policies.clone(),
            boundary: None,
            now: authorized.circumstances().now,
        };
        Ok(Outcome::answer(simulation.run(&doors.simulations, request).await?))
    }
}
