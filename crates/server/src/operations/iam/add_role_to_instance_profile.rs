//! AddRoleToInstanceProfile: puts a role into an instance profile; the caller must be allowed to pass the role on.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddRoleToInstanceProfile.html>

use kanuki_store::Transaction;

use super::{
    members,
    profiles::{Place, PlaceInput},
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
pub struct AddRoleToInstanceProfile;

impl Operation for AddRoleToInstanceProfile {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "AddRoleToInstanceProfile", &["InstanceProfileName", "RoleName"]);
    type Input = PlaceInput;
    type Target = Place;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<PlaceInput, ApiError> {
        PlaceInput::read(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &PlaceInput) -> Result<Plan<Place>, ApiError> {
        let place = input.find(doors, caller).await?;
        let demand = place.profile.demand("iam:AddRoleToInstanceProfile");
        let pass = place.role.demand("iam:PassRole").with_fact("iam:PassedToService", "ec2.amazonaws.com");
        Ok(Plan::with_more(place, demand, [pass]))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let Place { profile, role } = authorized.target();
        let (profile, role) = (profile.get()?, role.get()?);
        if profile.record.role.is_some() {
            return Err(members::over_quota("InstanceSessionsPerInstanceProfile", ROLES_MAX));
        }
        let mut change = Transaction::default();
        let membership = (&**role, true);
        doors.identity.set_profile_role(&mut change, authorized.proof(), profile, membership).await?;
        Ok(Outcome::silent_change(change))
    }
}

/// Most roles of an instance profile.
const ROLES_MAX: usize = 1;
