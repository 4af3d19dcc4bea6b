//! RemoveRoleFromInstanceProfile: takes the role out of an instance profile.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveRoleFromInstanceProfile.html>

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
pub struct RemoveRoleFromInstanceProfile;

impl Operation for RemoveRoleFromInstanceProfile {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "RemoveRoleFromInstanceProfile", &["InstanceProfileName", "RoleName"]);
    type Input = PlaceInput;
    type Target = Place;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<PlaceInput, ApiError> {
        PlaceInput::read(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &PlaceInput) -> Result<Plan<Place>, ApiError> {
        let place = input.find(doors, caller).await?;
        let demand = place.profile.demand("iam:RemoveRoleFromInstanceProfile");
        Ok(Plan::new(place, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let Place { profile, role } = authorized.target();
        let (profile, role) = (profile.get()?, role.get()?);
        if profile.record.role.as_ref() != Some(role.id()) {
            return Err(members::no_such("role", &role.record().name));
        }
        let mut change = Transaction::default();
        let membership = (&**role, false);
        doors.identity.set_profile_role(&mut change, authorized.proof(), profile, membership).await?;
        Ok(Outcome::silent_change(change))
    }
}
