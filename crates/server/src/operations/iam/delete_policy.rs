//! DeletePolicy: removes a managed policy that nobody uses and that has no version but its default one.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html>

use kanuki_store::Transaction;

use super::policies::{self, NamedPolicy};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::PolicyRef,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct DeletePolicy;

impl Operation for DeletePolicy {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, "DeletePolicy", &["PolicyArn"]);
    type Input = String;
    type Target = NamedPolicy;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        policies::read_arn(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &String) -> Result<Plan<NamedPolicy>, ApiError> {
        policies::plan(doors, caller, input, "iam:DeletePolicy").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let policy = authorized.target().own()?;
        let uses = doors.identity.policy_uses(policy.account(), &PolicyRef::own(policy.id())).await?;
        if uses.attachments + uses.boundaries > 0 {
            return Err(ApiError::new(ErrorCode::DeleteConflict, "Cannot delete a policy attached to entities."));
        }
        if policy.record().versions.len() > 1 {
            let message = "This policy has more than one version. Before you delete a policy, you must delete the \
                           policy's versions. The default version is deleted with the policy.";
            return Err(ApiError::new(ErrorCode::DeleteConflict, message));
        }
        let mut change = Transaction::default();
        doors.identity.delete_policy(&mut change, authorized.proof(), policy).await?;
        Ok(Outcome::silent_change(change))
    }
}
