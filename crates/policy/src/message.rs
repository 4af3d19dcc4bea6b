//! The texts of denials, as AWS words them.
//!
//! Not here: error codes and protocols.
//! Invariant: a text about a resource that the caller must not know of does not depend on whether it exists.
//! Source: "Troubleshooting access denied error messages" of the IAM user guide.

use crate::{
    decision::{Decision, Effect, Source},
    request::{Request, ResourceKind},
};

/// How a text speaks of the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceWording<'a> {
    /// The key that a ciphertext of the caller's account names.
    Ciphertext,
    /// In another account, or missing: the text does not tell which.
    Hidden,
    /// The key that a ciphertext names, in another account or missing.
    HiddenCiphertext,
    /// By its ARN.
    Named(&'a str),
    /// An action without resource.
    Star,
}

impl Decision {
    /// The text of a denial; none for an allow. `principal_arn` names the caller, a role session by its session ARN.
    #[must_use]
    pub fn denial_message(
        &self,
        request: &Request<'_>,
        principal_arn: &str,
        how: ResourceWording<'_>,
    ) -> Option<String> {
        let action = request.action;
        let on = match how {
            ResourceWording::Ciphertext => "the resource associated with this ciphertext".to_owned(),
            ResourceWording::Hidden | ResourceWording::HiddenCiphertext if !self.is_allow() => {
                return Some(hidden_denial_message(action, principal_arn, how == ResourceWording::HiddenCiphertext));
            }
            ResourceWording::Hidden | ResourceWording::HiddenCiphertext => return None,
            ResourceWording::Named(arn) => format!("resource: {arn}"),
            ResourceWording::Star => "resource: *".to_owned(),
        };
        let reason = match self.effect {
            Effect::Allow => return None,
            Effect::ExplicitDeny => format!("with an explicit deny in {}", denier(self.by, request.resource_kind)),
            Effect::ImplicitDeny => format!("because no {} allows the {action} action", lacking(self.by)),
        };
        Some(format!("User: {principal_arn} is not authorized to perform: {action} on {on} {reason}"))
    }
}

/// The text about a resource that is in another account or does not exist; also for a ciphertext's key.
#[must_use]
pub fn hidden_denial_message(action: &str, principal_arn: &str, of_ciphertext: bool) -> String {
    let on = if of_ciphertext { "the resource associated with this ciphertext" } else { "this resource" };
    format!(
        "User: {principal_arn} is not authorized to perform: {action} on {on} because the resource does not exist in \
         this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
    )
}

fn denier(by: Source, kind: ResourceKind) -> &'static str {
    match by {
        Source::Boundary => "a permissions boundary",
        Source::Resource | Source::ResourceAndIdentity if kind == ResourceKind::RoleTrust => "the role trust policy",
        Source::Resource | Source::ResourceAndIdentity => "a resource-based policy",
        Source::ResourceControl => "a resource control policy",
        Source::ServiceControl => "a service control policy",
        Source::Session => "a session policy",
        Source::Always | Source::Default | Source::Grant | Source::Identity | Source::Root => {
            "an identity-based policy"
        }
    }
}

fn lacking(by: Source) -> &'static str {
    match by {
        Source::Boundary => "permissions boundary",
        Source::Resource | Source::ResourceAndIdentity => "resource-based policy",
        Source::ResourceControl => "resource control policy",
        Source::ServiceControl => "service control policy",
        Source::Session => "session policy",
        Source::Always | Source::Default | Source::Grant | Source::Identity | Source::Root => "identity-based policy",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{facts::FactMap, principal::Principal};

    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1";
    const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

    fn text(effect: Effect, by: Source, kind: ResourceKind, how: ResourceWording<'_>) -> Option<String> {
        let request = Request {
            action: "kms:Decrypt",
            resource: KEY,
            resource_kind: kind,
            resource_account: "111122223333".parse().unwrap(),
            principal: &Principal::anonymous(),
            facts: &FactMap::new(),
            encryption_context: None,
        };
        Decision { effect, by, statement: None, grant: None }.denial_message(&request, ALICE, how)
    }

    #[test]
    fn implicit() {
        for (by, policy) in [
            (Source::Default, "identity-based policy"),
            (Source::Identity, "identity-based policy"),
            (Source::Resource, "resource-based policy"),
            (Source::Boundary, "permissions boundary"),
            (Source::Session, "session policy"),
            (Source::ServiceControl, "service control policy"),
            (Source::ResourceControl, "resource control policy"),
        ] {
            let found = text(Effect::ImplicitDeny, by, ResourceKind::KmsKey, ResourceWording::Named(KEY));
            let expected = format!(
                "User: {ALICE} is not authorized to perform: kms:Decrypt on resource: {KEY} because no {policy} allows \
                 the kms:Decrypt action"
            );
            assert_eq!(found, Some(expected));
        }
    }

    #[test]
    fn explicit() {
        for (by, kind, policy) in [
            (Source::Identity, ResourceKind::KmsKey, "an identity-based policy"),
            (Source::Resource, ResourceKind::KmsKey, "a resource-based policy"),
            (Source::Resource, ResourceKind::RoleTrust, "the role trust policy"),
            (Source::Boundary, ResourceKind::KmsKey, "a permissions boundary"),
            (Source::Session, ResourceKind::KmsKey, "a session policy"),
            (Source::ServiceControl, ResourceKind::KmsKey, "a service control policy"),
            (Source::ResourceControl, ResourceKind::KmsKey, "a resource control policy"),
        ] {
            let found = text(Effect::ExplicitDeny, by, kind, ResourceWording::Star);
            let expected = format!(
                "User: {ALICE} is not authorized to perform: kms:Decrypt on resource: * with an explicit deny in {policy}"
            );
            assert_eq!(found, Some(expected));
        }
    }

    #[test]
    fn ciphertexts_and_hidden_resources() {
        let implicit = |how| text(Effect::ImplicitDeny, Source::Default, ResourceKind::KmsKey, how).unwrap();
        assert_eq!(
            implicit(ResourceWording::Ciphertext),
            format!(
                "User: {ALICE} is not authorized to perform: kms:Decrypt on the resource associated with this \
                 ciphertext because no identity-based policy allows the kms:Decrypt action"
            )
        );
        let hidden = implicit(ResourceWording::Hidden);
        assert!(hidden.ends_with(
            "kms:Decrypt on this resource because the resource does not exist in this Region, no resource-based \
             policies allow access, or a resource-based policy explicitly denies access"
        ));
        for by in [Source::Resource, Source::Boundary] {
            let explicit = text(Effect::ExplicitDeny, by, ResourceKind::KmsKey, ResourceWording::Hidden);
            assert_eq!(explicit.as_ref(), Some(&hidden));
        }
        assert!(implicit(ResourceWording::HiddenCiphertext).contains("with this ciphertext because the resource does"));
    }

    #[test]
    fn an_allow_has_no_text() {
        for how in [ResourceWording::Hidden, ResourceWording::Star, ResourceWording::Ciphertext] {
            assert_eq!(text(Effect::Allow, Source::Identity, ResourceKind::KmsKey, how), None);
        }
    }
}
