//! Grants of a KMS key, as a decision sees them.
//!
//! Not here: their making and ending; what is in force is the caller's to say.
//! Invariant: a grant only allows.
//! Source: "Grants in AWS KMS" of the KMS developer guide.

use std::collections::BTreeMap;

use kanuki_types::UniqueId;

use crate::{principal::PrincipalKind, request::Request};

/// A grant that is in force.
#[derive(Debug, Clone, Copy)]
pub struct GrantView<'a> {
    /// The grant's id.
    pub id: &'a str,
    /// The ARN of the principal that gets it (or a service's name).
    pub grantee: &'a str,
    /// The unique id that the grantee, or the role of a session, had when the grant was made: only a caller with that
    /// id gets it. None compares the ARN alone.
    pub grantee_id: Option<&'a UniqueId>,
    /// Names of operations, such as `Decrypt` and `ReEncryptFrom`.
    pub operations: &'a [String],
    /// The encryption context must be exactly these pairs; none and no pairs mean no constraint.
    pub encryption_context_equals: Option<&'a BTreeMap<String, String>>,
    /// The encryption context must hold these pairs; none and no pairs mean no constraint.
    pub encryption_context_subset: Option<&'a BTreeMap<String, String>>,
}

/// How a grant names the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantReach {
    /// By its own ARN.
    Direct,
    /// By the ARN of its role: boundary and session policy limit it, as they limit a key policy that names the role.
    Limited,
}

/// Why a grant does not give the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantMismatch {
    /// Its constraint does not hold for the encryption context.
    EncryptionContext,
    /// It is for another principal.
    Grantee,
    /// It does not hold the operation.
    Operation,
}

impl GrantView<'_> {
    /// How the grant gives the action, or why it does not.
    pub(crate) fn reach(&self, request: &Request<'_>) -> Result<GrantReach, GrantMismatch> {
        let reach = self.reach_of_grantee(request).ok_or(GrantMismatch::Grantee)?;
        let (_, operation) = request
            .action
            .split_once(':')
            .filter(|(service, _)| service.eq_ignore_ascii_case("kms"))
            .ok_or(GrantMismatch::Operation)?;
        if !self.operations.iter().any(|own| own.eq_ignore_ascii_case(operation)) {
            return Err(GrantMismatch::Operation);
        }
        // These have no encryption context, so constraints do not bind them.
        let unconstrained = WITHOUT_CONTEXT.iter().any(|name| name.eq_ignore_ascii_case(operation));
        if unconstrained || self.constraints_hold(request) { Ok(reach) } else { Err(GrantMismatch::EncryptionContext) }
    }

    fn reach_of_grantee(&self, request: &Request<'_>) -> Option<GrantReach> {
        let principal = request.principal;
        if self.grantee_id.is_some_and(|id| principal.id.as_ref() != Some(id)) {
            return None;
        }
        let is_role = principal.kind == PrincipalKind::RoleSession && principal.behind.as_deref() == Some(self.grantee);
        match principal.kind {
            PrincipalKind::Anonymous | PrincipalKind::WebIdentity => None,
            _ if principal.arn == self.grantee => Some(GrantReach::Direct),
            _ => is_role.then_some(GrantReach::Limited),
        }
    }

    fn constraints_hold(&self, request: &Request<'_>) -> bool {
        let none = BTreeMap::new();
        let context = request.encryption_context.map_or(&none, |context| context.pairs());
        let given = |pairs: &&BTreeMap<String, String>| !pairs.is_empty();
        self.encryption_context_equals.filter(given).is_none_or(|pairs| pairs == context)
            && self
                .encryption_context_subset
                .filter(given)
                .is_none_or(|pairs| pairs.iter().all(|(key, value)| context.get(key) == Some(value)))
    }
}

const WITHOUT_CONTEXT: [&str; 2] = ["DescribeKey", "RetireGrant"];

#[cfg(test)]
mod tests {
    use kanuki_types::{Caller, CallerKind, EncryptionContext};

    use super::*;
    use crate::{facts::FactMap, principal::Principal, request::ResourceKind};

    fn reach(grant: GrantView<'_>, action: &str, pairs: &[(&str, &str)]) -> Result<GrantReach, GrantMismatch> {
        let account = "111122223333".parse().unwrap();
        let (path, role, session) = ("/".into(), "app".into(), "s1".into());
        let kind = CallerKind::AssumedRole { path, role, id: UniqueId::new("AROAFIRST"), session };
        let context = EncryptionContext::new(pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()).unwrap();
        grant.reach(&Request {
            action,
            resource: "arn:aws:kms:us-east-1:111122223333:key/1",
            resource_kind: ResourceKind::KmsKey,
            resource_account: account,
            principal: &Principal::from_caller(&Caller { account, kind }),
            facts: &FactMap::new(),
            encryption_context: Some(&context),
        })
    }

    fn grant<'a>(grantee: &'a str, operations: &'a [String]) -> GrantView<'a> {
        GrantView {
            id: "g",
            grantee,
            grantee_id: None,
            operations,
            encryption_context_equals: None,
            encryption_context_subset: None,
        }
    }

    const ROLE: &str = "arn:aws:iam::111122223333:role/app";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/app/s1";

    #[test]
    fn grantee_and_operation() {
        let operations = ["Decrypt".into()];
        assert_eq!(reach(grant(SESSION, &operations), "kms:decrypt", &[]), Ok(GrantReach::Direct));
        assert_eq!(reach(grant(ROLE, &operations), "kms:Decrypt", &[]), Ok(GrantReach::Limited));
        assert_eq!(reach(grant("x", &operations), "kms:Decrypt", &[]), Err(GrantMismatch::Grantee));
        assert_eq!(reach(grant(ROLE, &operations), "kms:Encrypt", &[]), Err(GrantMismatch::Operation));
        assert_eq!(reach(grant(ROLE, &operations), "s3:Decrypt", &[]), Err(GrantMismatch::Operation));
    }

    #[test]
    fn a_bound_grantee_is_the_one_that_had_the_id() {
        let operations = ["Decrypt".into()];
        for (id, expected) in [("AROAFIRST", Ok(GrantReach::Limited)), ("AROASECOND", Err(GrantMismatch::Grantee))] {
            let id = UniqueId::new(id);
            let grant = GrantView { grantee_id: Some(&id), ..grant(ROLE, &operations) };
            assert_eq!(reach(grant, "kms:Decrypt", &[]), expected);
        }
    }

    #[test]
    fn constraints_count_case_and_do_not_bind_describe_key() {
        let operations = ["Decrypt".into(), "DescribeKey".into()];
        let pairs = BTreeMap::from([("App".to_owned(), "x".to_owned())]);
        let subset = GrantView { encryption_context_subset: Some(&pairs), ..grant(ROLE, &operations) };
        let equals = GrantView { encryption_context_equals: Some(&pairs), ..grant(ROLE, &operations) };
        let mismatch = Err(GrantMismatch::EncryptionContext);
        assert_eq!(reach(subset, "kms:Decrypt", &[("App", "x"), ("z", "1")]), Ok(GrantReach::Limited));
        assert_eq!(reach(equals, "kms:Decrypt", &[("App", "x"), ("z", "1")]), mismatch);
        assert_eq!(reach(equals, "kms:Decrypt", &[("App", "x")]), Ok(GrantReach::Limited));
        for pairs in [&[("app", "x")][..], &[("App", "X")], &[]] {
            assert_eq!(reach(subset, "kms:Decrypt", pairs), mismatch);
        }
        assert_eq!(reach(equals, "kms:DescribeKey", &[]), Ok(GrantReach::Limited));
        let none = BTreeMap::new();
        let empty = GrantView { encryption_context_equals: Some(&none), ..grant(ROLE, &operations) };
        assert_eq!(reach(empty, "kms:Decrypt", &[("z", "1")]), Ok(GrantReach::Limited));
    }
}
