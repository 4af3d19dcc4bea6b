//! Tests of verdicts, from documents alone.

use std::sync::Arc;

use kanuki_policy::{Document, Target};

use super::*;

const HOME: &str = "111122223333";
const OTHER: &str = "444455556666";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1";
const ALL: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#;
const NAMED_ALIAS: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*",
    "Resource":"arn:aws:kms:us-east-1:111122223333:alias/a"}}"#;
const EVERY_KEY: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*",
    "Resource":"arn:aws:kms:us-east-1:111122223333:key/*"}}"#;

fn named(target: Target, text: &str) -> NamedDocument {
    NamedDocument { name: "p".into(), document: Arc::new(Document::parse(target, text).unwrap()) }
}

fn simulator(account: &str, identity: &[&str]) -> Simulator {
    Simulator {
        asker: Asker::supposed_user(account.parse().unwrap(), "/", "alice"),
        identity: identity.iter().map(|text| named(Target::Identity, text)).collect(),
        boundary: None,
        control: Vec::new(),
        resource_policy: None,
        owner: None,
        given: FactMap::new(),
        now: Timestamp::from_seconds(1_800_000_000),
    }
}

fn key_policy(text: &str) -> Option<ResourcePolicy> {
    let mut policy = ResourcePolicy::default();
    policy.read(Target::KeyPolicy, text).unwrap();
    Some(policy)
}

fn resource(text: &str) -> Resource {
    Resource::parse(text).unwrap()
}

fn delegating(account: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},
        "Action":"kms:*","Resource":"*"}}}}"#
    )
}

#[test]
fn a_key_without_a_policy_is_left_to_the_identity_policies_and_one_with_a_policy_is_not() {
    let mut simulator = simulator(HOME, &[ALL]);
    assert_eq!(simulator.verdict("kms:Decrypt", &resource(KEY)).effect, Effect::Allow);
    let nobody = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"444455556666"},
        "Action":"kms:*","Resource":"*"}}"#;
    simulator.resource_policy = key_policy(nobody);
    assert_eq!(simulator.verdict("kms:Decrypt", &resource(KEY)).effect, Effect::ImplicitDeny);
    simulator.resource_policy = key_policy(&delegating(HOME));
    let verdict = simulator.verdict("kms:Decrypt", &resource(KEY));
    assert_eq!((verdict.effect, verdict.matched.len(), verdict.sides), (Effect::Allow, 2, None));
}

#[test]
fn an_alias_is_some_key_for_operations_on_keys_and_itself_for_its_own() {
    let alias = resource("arn:aws:kms:us-east-1:111122223333:alias/a");
    let by_alias = simulator(HOME, &[NAMED_ALIAS]);
    assert_eq!(by_alias.verdict("kms:Decrypt", &alias).effect, Effect::ImplicitDeny);
    assert_eq!(by_alias.verdict("kms:CreateAlias", &alias).effect, Effect::Allow);
    let by_key = simulator(HOME, &[EVERY_KEY]);
    assert_eq!(by_key.verdict("kms:Decrypt", &alias).effect, Effect::Allow);
    assert_eq!(by_key.verdict("kms:CreateAlias", &alias).effect, Effect::ImplicitDeny);
}

#[test]
fn across_accounts_each_side_is_told() {
    let mut simulator = simulator(OTHER, &[ALL]);
    let sides = |verdict: &Verdict| verdict.sides.clone().unwrap().into_iter().collect::<Vec<_>>();
    let verdict = simulator.verdict("kms:Decrypt", &resource(KEY));
    assert_eq!(verdict.effect, Effect::ImplicitDeny);
    assert_eq!(sides(&verdict), [(Side::Identity, Effect::Allow), (Side::Resource, Effect::ImplicitDeny)]);

    simulator.resource_policy = key_policy(&delegating(OTHER));
    simulator.boundary = Some(named(Target::Identity, NAMED_ALIAS));
    let verdict = simulator.verdict("kms:Decrypt", &resource(KEY));
    let all =
        [(Side::Boundary, Effect::ImplicitDeny), (Side::Identity, Effect::Allow), (Side::Resource, Effect::Allow)];
    assert_eq!((verdict.effect, verdict.boundary, sides(&verdict)), (Effect::ImplicitDeny, Some(false), all.to_vec()));

    simulator.boundary = Some(named(Target::Identity, ALL));
    assert_eq!(simulator.verdict("kms:Decrypt", &resource(KEY)).effect, Effect::Allow);
    // What does not work across accounts does not, whatever the key policy says.
    let verdict = simulator.verdict("kms:DisableKey", &resource(KEY));
    assert_eq!(verdict.sides.unwrap()[&Side::Resource], Effect::ImplicitDeny);
    // A resource that names no account is its owner's; nothing in particular is nobody else's.
    simulator.owner = Some(HOME.parse().unwrap());
    assert!(simulator.verdict("s3:GetObject", &resource("arn:aws:s3:::bucket")).sides.is_some());
    assert!(simulator.verdict("kms:ListKeys", &resource("*")).sides.is_none());
}

#[test]
fn every_level_of_an_organization_must_allow() {
    let mut simulator = simulator(HOME, &[ALL]);
    let level = |text| vec![named(Target::ServiceControl, text)];
    for (levels, allowed) in [
        (vec![level(ALL), level(ALL)], true),
        (vec![level(ALL), level(EVERY_KEY)], true),
        (vec![level(ALL), level(NAMED_ALIAS)], false),
        (vec![level(ALL), vec![]], false),
    ] {
        simulator.control = levels;
        let verdict = simulator.verdict("kms:Decrypt", &resource(KEY));
        assert_eq!((verdict.effect == Effect::Allow, verdict.organizations), (allowed, Some(allowed)));
    }
}

#[test]
fn what_follows_from_caller_and_resource_is_known_and_what_is_given_stands_over_it() {
    let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{
        "StringEquals":{"aws:username":"alice","aws:RequestedRegion":"us-east-1","aws:ResourceAccount":"111122223333",
        "kms:CallerAccount":"111122223333"},"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}}"#;
    let mut simulator = simulator(HOME, &[text]);
    let verdict = simulator.verdict("kms:Decrypt", &resource(KEY));
    assert_eq!((verdict.effect, verdict.missing), (Effect::ImplicitDeny, vec!["aws:SourceIp".to_owned()]));
    simulator.given.insert("AWS:sourceIP", "203.0.113.7");
    assert_eq!(simulator.verdict("kms:Decrypt", &resource(KEY)).effect, Effect::Allow);
    simulator.given.insert("aws:username", "bob");
    assert_eq!(simulator.verdict("kms:Decrypt", &resource(KEY)).effect, Effect::ImplicitDeny);
    // Of a member of a group nobody knows the name.
    simulator.given = [("aws:SourceIp", "203.0.113.7")].into_iter().collect();
    simulator.asker = Asker::anybody(HOME.parse().unwrap());
    assert_eq!(simulator.verdict("kms:Decrypt", &resource(KEY)).missing, ["aws:username"]);
}

#[test]
fn a_role_is_assumed_by_its_trust_policy() {
    let role = resource("arn:aws:iam::111122223333:role/r");
    let mut simulator = simulator(HOME, &[]);
    let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"}}}"#;
    assert_eq!(simulator.verdict("sts:AssumeRole", &role).effect, Effect::ImplicitDeny);
    let mut policy = ResourcePolicy::default();
    policy.read(role.policy_target("sts:AssumeRole").unwrap(), trust).unwrap();
    simulator.resource_policy = Some(policy);
    assert_eq!(simulator.verdict("sts:AssumeRole", &role).effect, Effect::Allow);
    assert_eq!(role.policy_target("iam:GetRole"), None);
}
