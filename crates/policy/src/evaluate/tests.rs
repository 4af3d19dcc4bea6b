//! The decision procedure, step by step, and its properties.

use std::sync::Arc;

use kanuki_types::{Caller, CallerKind, UniqueId};

use super::*;
use crate::{
    decision::Effect,
    document::{Document, Target},
    facts::FactMap,
    grants::GrantView,
    principal::Principal,
    request::NamedDocument,
};

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1";

fn named(target: Target, statement: &str) -> NamedDocument {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
    NamedDocument { name: "test".into(), document: Arc::new(Document::parse(target, &text).unwrap()) }
}

fn key_policy(principal: &str) -> NamedDocument {
    named(
        Target::KeyPolicy,
        &format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"kms:*","Resource":"*"}}"#),
    )
}

fn allow(target: Target, action: &str) -> NamedDocument {
    named(target, &format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"*"}}"#))
}

fn caller(kind: CallerKind) -> Principal {
    Principal::from_caller(&Caller { account: "111122223333".parse().unwrap(), kind })
}

fn session() -> Principal {
    let (path, role, session) = ("/".into(), "app".into(), "s1".into());
    caller(CallerKind::AssumedRole { path, role, id: UniqueId::new("AROA"), session })
}

fn decided(principal: &Principal, kind: ResourceKind, action: &str, policies: &Policies<'_>) -> (Effect, Source) {
    let decision = decide(
        &Request {
            action,
            resource: KEY,
            resource_kind: kind,
            resource_account: "111122223333".parse().unwrap(),
            principal,
            facts: &FactMap::new(),
            encryption_context: None,
        },
        policies,
    );
    (decision.effect, decision.by)
}

fn grant_to<'a>(grantee: &'a str, operations: &'a [String]) -> GrantView<'a> {
    GrantView {
        id: "g",
        grantee,
        grantee_id: None,
        operations,
        encryption_context_equals: None,
        encryption_context_subset: None,
    }
}

#[test]
fn a_grant_to_the_role_is_limited_and_one_to_the_session_is_not() {
    let operations = ["Decrypt".to_owned()];
    let policy = key_policy(r#"{"AWS":"arn:aws:iam::111122223333:user/other"}"#);
    let ceiling = [allow(Target::Session, "s3:*")];
    let with = |grantee, session_policies| {
        let grants = [grant_to(grantee, &operations)];
        let policies =
            Policies { resource: Some(&policy), grants: &grants, session: session_policies, ..Policies::default() };
        decided(&session(), ResourceKind::KmsKey, "kms:Decrypt", &policies)
    };
    let (role, own) = ("arn:aws:iam::111122223333:role/app", "arn:aws:sts::111122223333:assumed-role/app/s1");
    assert_eq!(with(role, None), (Effect::Allow, Source::Grant));
    assert_eq!(with(role, Some(&ceiling[..])), (Effect::ImplicitDeny, Source::Resource));
    assert_eq!(with(own, Some(&ceiling[..])), (Effect::Allow, Source::Grant));
}

#[test]
fn grants_count_for_keys_only() {
    let operations = ["Decrypt".to_owned()];
    let own = session();
    let grants = [grant_to(own.arn(), &operations)];
    let policies = Policies { grants: &grants, ..Policies::default() };
    assert_eq!(decided(&own, ResourceKind::Other, "kms:Decrypt", &policies).0, Effect::ImplicitDeny);
}

#[test]
fn service_control_does_not_bind_services_and_resource_control_does() {
    let service = caller(CallerKind::Service { name: "logs.us-east-1.amazonaws.com".into() });
    let policy = key_policy(r#"{"Service":"logs.us-east-1.amazonaws.com"}"#);
    let levels = [vec![allow(Target::ServiceControl, "s3:*")]];
    let policies = Policies { resource: Some(&policy), service_control: &levels, ..Policies::default() };
    assert_eq!(decided(&service, ResourceKind::KmsKey, "kms:Decrypt", &policies), (Effect::Allow, Source::Resource));
    let policies = Policies { resource: Some(&policy), resource_control: &levels, ..Policies::default() };
    let denied = (Effect::ImplicitDeny, Source::ResourceControl);
    assert_eq!(decided(&service, ResourceKind::KmsKey, "kms:Decrypt", &policies), denied);
}

#[test]
fn a_service_can_hold_a_grant() {
    let service = caller(CallerKind::Service { name: "dynamodb.amazonaws.com".into() });
    let operations = ["Decrypt".to_owned()];
    let grants = [grant_to("dynamodb.amazonaws.com", &operations)];
    let policies = Policies { grants: &grants, ..Policies::default() };
    assert_eq!(decided(&service, ResourceKind::KmsKey, "kms:Decrypt", &policies), (Effect::Allow, Source::Grant));
    let denied = (Effect::ImplicitDeny, Source::Resource);
    assert_eq!(decided(&service, ResourceKind::KmsKey, "kms:Encrypt", &policies), denied);
}

#[test]
fn web_identities_are_decided_by_the_trust_policy_alone() {
    let provider = "arn:aws:iam::111122223333:oidc-provider/idp.example.com";
    let bearer =
        caller(CallerKind::WebIdentity { provider_arn: provider.into(), audience: "sts".into(), subject: "me".into() });
    let trust = |principal: &str| {
        let action = "sts:AssumeRoleWithWebIdentity";
        named(Target::Trust, &format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"{action}"}}"#))
    };
    let decide_with = |trust: &NamedDocument| {
        let identity = [allow(Target::Identity, "*")];
        let policies = Policies { identity: &identity, resource: Some(trust), ..Policies::default() };
        decided(&bearer, ResourceKind::RoleTrust, "sts:AssumeRoleWithWebIdentity", &policies)
    };
    assert_eq!(decide_with(&trust(&format!(r#"{{"Federated":"{provider}"}}"#))), (Effect::Allow, Source::Resource));
    assert_eq!(decide_with(&trust(r#"{"AWS":"111122223333"}"#)), (Effect::ImplicitDeny, Source::Resource));
}

#[test]
fn a_federated_user_behind_a_named_user_needs_a_session_policy() {
    let user_arn = "arn:aws:iam::111122223333:user/alice";
    let federated = caller(CallerKind::FederatedUser {
        name: "f".into(),
        user_arn: user_arn.into(),
        user_id: UniqueId::new("AIDA"),
    });
    let policy = key_policy(&format!(r#"{{"AWS":"{user_arn}"}}"#));
    let all = [allow(Target::Session, "kms:*")];
    let with = |session| {
        let policies = Policies { resource: Some(&policy), session, ..Policies::default() };
        decided(&federated, ResourceKind::KmsKey, "kms:Decrypt", &policies)
    };
    assert_eq!(with(None), (Effect::ImplicitDeny, Source::Session));
    assert_eq!(with(Some(&all[..])), (Effect::Allow, Source::Resource));
}

#[test]
fn reasons_name_document_and_statement() {
    let policy = key_policy(r#"{"AWS":"111122223333"}"#);
    let identity = [allow(Target::Identity, "s3:*"), allow(Target::Identity, "kms:*")];
    let policies = Policies { identity: &identity, resource: Some(&policy), ..Policies::default() };
    let request = Request {
        action: "kms:Decrypt",
        resource: KEY,
        resource_kind: ResourceKind::KmsKey,
        resource_account: "111122223333".parse().unwrap(),
        principal: &session(),
        facts: &FactMap::new(),
        encryption_context: None,
    };
    let found = decide(&request, &policies).statement.unwrap();
    assert_eq!((found.document, found.statement), (1, 0));
    assert!(Arc::ptr_eq(&found.document(&policies).unwrap().document, &identity[1].document));
    assert_eq!(found.info(&policies).unwrap().index, 0);
}

#[test]
fn management_of_a_key_does_not_cross_accounts() {
    let bob = Principal::from_caller(&Caller {
        account: "444455556666".parse().unwrap(),
        kind: CallerKind::User { path: "/".into(), name: "bob".into(), id: UniqueId::new("AIDABOB") },
    });
    let (policy, identity) = (key_policy(r#"{"AWS":"444455556666"}"#), [allow(Target::Identity, "*")]);
    let policies = Policies { identity: &identity, resource: Some(&policy), ..Policies::default() };
    let decide = |action: &str| decided(&bob, ResourceKind::KmsKey, action, &policies);
    for name in ["decrypt", "ReEncryptTo", "GenerateDataKeyPairWithoutPlaintext", "RetireGrant", "GetKeyRotationStatus"]
    {
        assert_eq!(decide(&format!("kms:{name}")), (Effect::Allow, Source::ResourceAndIdentity), "{name}");
    }
    for name in ["CreateAlias", "DisableKey", "GetKeyPolicy", "PutKeyPolicy", "ScheduleKeyDeletion", "TagResource"] {
        assert_eq!(decide(&format!("kms:{name}")), (Effect::ImplicitDeny, Source::Resource), "{name}");
    }
}

#[test]
fn anonymous_callers_never_reach_keys_and_roles() {
    let policy = key_policy("\"*\"");
    let policies = Policies { resource: Some(&policy), ..Policies::default() };
    let decide = |kind| decided(&Principal::anonymous(), kind, "kms:Decrypt", &policies);
    assert_eq!(decide(ResourceKind::Other), (Effect::Allow, Source::Resource));
    for kind in [ResourceKind::KmsKey, ResourceKind::RoleTrust, ResourceKind::Iam, ResourceKind::None] {
        assert_eq!(decide(kind), (Effect::ImplicitDeny, Source::Resource), "{kind:?}");
    }
}
