//! Which services and operations a kind of session can call at all, whatever policies say.
//!
//! Not here: what policies say. Rule: "Compare AWS STS credentials" of the IAM user guide.

use super::Authenticated;
use crate::{
    error::{ApiError, ErrorCode},
    identity::SessionKind,
    operation::{Descriptor, Service},
};

/// Checks that the caller's credentials reach an operation.
///
/// # Errors
/// `InvalidClientTokenId` for IAM, as the service answers such sessions; `AccessDenied` for STS.
pub(crate) fn check_reach(caller: &Authenticated, operation: &Descriptor) -> Result<(), ApiError> {
    let Some(session) = caller.session() else { return Ok(()) };
    if reaches(&session.kind, session.mfa.is_some(), operation) {
        return Ok(());
    }
    if operation.service == Service::Iam {
        let message = "The security token included in the request is invalid";
        return Err(ApiError::new(ErrorCode::InvalidClientToken, message));
    }
    let message = format!("Cannot call {} with session credentials", operation.name);
    Err(ApiError::new(ErrorCode::AccessDenied, message))
}

fn reaches(kind: &SessionKind, has_mfa: bool, operation: &Descriptor) -> bool {
    match (kind, operation.service) {
        (SessionKind::Federated { .. }, Service::Iam) => false,
        (SessionKind::Federated { .. }, Service::Sts) => operation.name == "GetCallerIdentity",
        (SessionKind::User, Service::Iam) => has_mfa,
        (SessionKind::User, Service::Sts) => matches!(operation.name, "AssumeRole" | "GetCallerIdentity"),
        (SessionKind::Role { .. }, Service::Sts) => !matches!(operation.name, "GetFederationToken" | "GetSessionToken"),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_reach_what_the_guide_says() {
        let role = SessionKind::Role { session_name: "s".into() };
        let federated = SessionKind::Federated { name: "f".into() };
        let operation = |service, name| Descriptor::reads(service, name, &[]);
        for (service, name, by_role, by_user, by_user_with_mfa, by_federated) in [
            (Service::Kms, "Decrypt", true, true, true, true),
            (Service::Iam, "GetUser", true, false, true, false),
            (Service::Sts, "GetCallerIdentity", true, true, true, true),
            (Service::Sts, "AssumeRole", true, true, true, false),
            (Service::Sts, "GetSessionToken", false, false, false, false),
            (Service::Sts, "GetFederationToken", false, false, false, false),
            (Service::Sts, "GetAccessKeyInfo", true, false, false, false),
        ] {
            let operation = operation(service, name);
            assert_eq!(reaches(&role, false, &operation), by_role, "{name}");
            assert_eq!(reaches(&SessionKind::User, false, &operation), by_user, "{name}");
            assert_eq!(reaches(&SessionKind::User, true, &operation), by_user_with_mfa, "{name}");
            assert_eq!(reaches(&federated, false, &operation), by_federated, "{name}");
        }
    }
}
