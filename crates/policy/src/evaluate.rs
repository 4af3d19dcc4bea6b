//! The decision procedure.
//!
//! Not here: what to do about the answer.
//! Invariants: an explicit deny anywhere wins over everything that allows; nothing is allowed that nothing allows;
//! every statement is looked at, in whatever order documents come.
//! Source: "Policy evaluation logic" of the IAM user guide; "Troubleshooting key access" of the KMS developer guide.

mod seen;

pub(crate) use self::seen::{Found, Observer};
use self::seen::{Seen, Unobserved};
use crate::{
    decision::{Decision, Source, StatementRef},
    principal::PrincipalKind,
    request::{Policies, Request, ResourceKind},
};

/// Decides a request.
///
/// Total and pure: the same request, policies and facts always give the same decision. Nothing is allocated unless a
/// variable or a multivalued key needs it.
#[must_use]
pub fn decide(request: &Request<'_>, policies: &Policies<'_>) -> Decision {
    evaluate(request, policies, &mut Unobserved)
}

/// The procedure, with an observer of what is looked at.
pub(crate) fn evaluate<O: Observer>(request: &Request<'_>, policies: &Policies<'_>, observer: &mut O) -> Decision {
    if ALWAYS_ALLOWED.iter().any(|action| action.eq_ignore_ascii_case(request.action)) {
        return Decision::allow(Source::Always, None);
    }
    let seen = Seen::gather(request, policies, observer);
    if let Some(statement) = seen.explicit_deny() {
        return Decision::explicit_deny(statement);
    }
    if let Some(missing) = seen.closed_level() {
        return Decision::implicit_deny(missing);
    }
    if let Some(grant) = seen.grant(request.principal.kind) {
        return Decision::by_grant(grant);
    }
    match request.principal.kind {
        // Neither KMS nor IAM nor STS takes a request without signature or token.
        PrincipalKind::Anonymous if request.resource_kind != ResourceKind::Other => by_resource(None),
        PrincipalKind::Anonymous => by_resource(seen.resource.any),
        PrincipalKind::WebIdentity => by_resource(seen.resource.any.or(seen.resource.direct)),
        PrincipalKind::Service => by_resource(seen.resource.any.or(seen.resource.service)),
        _ if request.principal.account() == Some(request.resource_account) => same_account(request, &seen),
        _ => cross_account(request, &seen),
    }
}

/// Caller and resource belong to one account.
fn same_account(request: &Request<'_>, seen: &Seen) -> Decision {
    let is_root = request.principal.kind == PrincipalKind::Root;
    if let Some(statement) = seen.resource.any.or(seen.resource.direct) {
        return Decision::allow(Source::Resource, Some(statement));
    }
    if let Some(statement) = seen.resource.limited {
        return match seen.missing_ceiling(request.principal.kind) {
            Some(missing) => Decision::implicit_deny(missing),
            None => Decision::allow(Source::Resource, Some(statement)),
        };
    }
    let gated = matches!(request.resource_kind, ResourceKind::KmsKey | ResourceKind::RoleTrust);
    if gated && seen.resource.account.is_none() {
        return Decision::implicit_deny(Source::Resource);
    }
    if is_root {
        return Decision::allow(Source::Root, None);
    }
    match (seen.identity.allow, seen.missing_ceiling(request.principal.kind)) {
        (None, _) => Decision::implicit_deny(Source::Default),
        (Some(_), Some(missing)) => Decision::implicit_deny(missing),
        (Some(statement), None) => Decision::allow(Source::Identity, Some(statement)),
    }
}

/// Caller and resource belong to different accounts: both sides must allow.
fn cross_account(request: &Request<'_>, seen: &Seen) -> Decision {
    let is_root = request.principal.kind == PrincipalKind::Root;
    let crosses = request.resource_kind != ResourceKind::KmsKey || works_across_accounts(request.action);
    let Some(statement) = seen.resource.strongest().filter(|_| crosses) else {
        return Decision::implicit_deny(Source::Resource);
    };
    let both = Decision::allow(Source::ResourceAndIdentity, Some(statement));
    match (seen.identity.allow, seen.missing_ceiling(request.principal.kind)) {
        _ if is_root => both,
        (None, _) => Decision::implicit_deny(Source::Identity),
        (Some(_), Some(missing)) => Decision::implicit_deny(missing),
        (Some(_), None) => both,
    }
}

/// Callers without an identity side.
fn by_resource(statement: Option<StatementRef>) -> Decision {
    match statement {
        Some(statement) => Decision::allow(Source::Resource, Some(statement)),
        None => Decision::implicit_deny(Source::Resource),
    }
}

fn works_across_accounts(action: &str) -> bool {
    CROSS_ACCOUNT.iter().any(|known| known.eq_ignore_ascii_case(action))
}

/// Actions that no policy gives or takes ("Permissions for GetSessionToken" of the IAM user guide; API page of
/// GetCallerIdentity).
const ALWAYS_ALLOWED: [&str; 2] = ["sts:GetCallerIdentity", "sts:GetSessionToken"];

/// Actions on a KMS key that work from another account ("Cross-account use" of each operation of the AWS KMS API
/// reference).
const CROSS_ACCOUNT: [&str; 22] = [
    "kms:CreateGrant",
    "kms:Decapsulate",
    "kms:Decrypt",
    "kms:DeriveSharedSecret",
    "kms:DescribeKey",
    "kms:Encapsulate",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GenerateMac",
    "kms:GetKeyRotationStatus",
    "kms:GetPublicKey",
    "kms:ListGrants",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:RetireGrant",
    "kms:RevokeGrant",
    "kms:Sign",
    "kms:Verify",
    "kms:VerifyMac",
];

#[cfg(test)]
mod tests;
