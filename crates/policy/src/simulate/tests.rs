//! Tests of what a simulation tells beside the decision.

use std::sync::Arc;

use kanuki_types::{AccountId, Caller, CallerKind, UniqueId};

use super::*;
use crate::{
    decision::{Effect, Source},
    document::{Document, Target},
    evaluate::decide,
    facts::FactMap,
    principal::Principal,
    request::ResourceKind,
};

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1";

fn named(target: Target, text: &str) -> NamedDocument {
    NamedDocument { name: "p".into(), document: Arc::new(Document::parse(target, text).unwrap()) }
}

fn simulated(policies: &Policies<'_>, facts: &FactMap) -> Simulation {
    let account: AccountId = "111122223333".parse().unwrap();
    let kind = CallerKind::User { path: "/".into(), name: "alice".into(), id: UniqueId::new("AIDA") };
    let request = Request {
        action: "kms:Decrypt",
        resource: KEY,
        resource_kind: ResourceKind::KmsKey,
        resource_account: account,
        principal: &Principal::from_caller(&Caller { account, kind }),
        facts,
        encryption_context: None,
    };
    let found = simulate(&request, policies);
    assert_eq!(found.decision, decide(&request, policies));
    found
}

#[test]
fn every_statement_that_applies_is_told_with_its_place() {
    let first = named(
        Target::Identity,
        r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"},
            {"Effect":"Allow","Action":"kms:*","Resource":"*"}]}"#,
    );
    let second = named(
        Target::Identity,
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}}"#,
    );
    let key = named(
        Target::KeyPolicy,
        r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
            {"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*",
             "Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#,
    );
    let identity = [first, second];
    let policies = Policies { identity: &identity, resource: Some(&key), ..Policies::default() };
    let found = simulated(&policies, &FactMap::new());
    assert_eq!((found.decision.effect, found.decision.by), (Effect::Allow, Source::Identity));
    let places: Vec<_> = found.applied.iter().map(|it| (it.at.kind, it.at.document, it.at.statement)).collect();
    let identity_kind = PolicyKind::Identity;
    assert_eq!(places, [(PolicyKind::Resource, 0, 0), (identity_kind, 0, 1), (identity_kind, 1, 0)]);
    assert_eq!(found.missing, ["aws:SecureTransport"]);

    let plain: FactMap = [("aws:SecureTransport", false)].into_iter().collect();
    let found = simulated(&policies, &plain);
    assert_eq!(found.decision.effect, Effect::ExplicitDeny);
    let denying = found.applied.iter().filter(|it| it.effect == StatementEffect::Deny).count();
    assert_eq!((denying, found.missing.len()), (1, 0));
}

#[test]
fn only_keys_that_could_matter_are_missed() {
    let text = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"kms:Encrypt","Resource":"*","Condition":{"Bool":{"aws:other/action":"true"}}},
        {"Effect":"Allow","Action":"kms:Decrypt","Resource":"arn:aws:kms:us-east-1:111122223333:key/2",
         "Condition":{"Bool":{"aws:other/resource":"true"}}},
        {"Effect":"Allow","Action":"kms:Decrypt","Resource":"arn:aws:kms:*:*:key/${aws:PrincipalTag/Key}",
         "Condition":{"StringEquals":{"AWS:PrincipalTag/key":"1","kms:EncryptionContext:a":"${aws:userid}"}}},
        {"Effect":"Allow","Action":"kms:Decrypt","Resource":"*",
         "Condition":{"StringLike":{"aws:username":"${aws:FromDefault, 'a'}*"},"IpAddress":{"AWS:sourceip":"::/0"}}}]}"#;
    let identity = [named(Target::Identity, text)];
    let policies = Policies { identity: &identity, ..Policies::default() };
    let facts: FactMap = [("aws:username", "alice")].into_iter().collect();
    let found = simulated(&policies, &facts);
    assert_eq!(found.missing, ["aws:PrincipalTag/Key", "AWS:sourceip", "aws:userid", "kms:EncryptionContext:a"]);
    assert!(found.applied.is_empty());
}

#[test]
fn control_policies_keep_their_keys_to_themselves() {
    let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*",
        "Condition":{"Bool":{"aws:ViaAWSService":"true"}}}}"#;
    let levels = [vec![named(Target::ServiceControl, text)]];
    let policies = Policies { service_control: &levels, ..Policies::default() };
    let found = simulated(&policies, &FactMap::new());
    assert_eq!((found.decision.by, found.missing.len()), (Source::ServiceControl, 0));
}
