//! AddRoleToInstanceProfile: puts a role into an instance profile; the caller must be allowed to pass the role on.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddRoleToInstanceProfile.html>

use kanuki_store::Transaction;

use super::{
    members,
    profiles::{self, NamedProfile},
    roles,
    users::Named,
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    identity::PrincipalKind,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct AddRoleToInstanceProfile;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    profile: String,
    role: String,
}

/// What the names mean.
#[derive(Debug)]
pub struct Target {
    profile: NamedProfile,
    role: Named,
}

impl Operation for AddRoleToInstanceProfile {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "AddRoleToInstanceProfile", &["InstanceProfileName", "RoleName"]);
    type Input = Input;
    type Target = Target;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { profile: profiles::read_name(fields)?, role: roles::read_name(fields)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Target>, ApiError> {
        let profile = NamedProfile::find(doors, caller, &input.profile).await?;
        let role = Named::find(doors, caller, PrincipalKind::Role, &input.role).await?;
        let demand = profile.demand("iam:AddRoleToInstanceProfile");
        let pass = role.demand("iam:PassRole").with_fact("iam:PassedToService", "ec2.amazonaws.com");
        Ok(Plan::with_more(Target { profile, role }, demand, [pass]))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let Target { profile, role } = authorized.target();
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
