//! What validation refuses, and in which words.

use crate::document::{Document, Target};

fn message(target: Target, statement: &str) -> String {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
    Document::parse(target, &text).err().map_or_else(|| "accepted".into(), |error| error.message)
}

fn for_resource(target: Target, resource: &str) -> String {
    message(target, &format!(r#"{{"Effect":"Allow","Action":"kms:Decrypt","Resource":"{resource}"}}"#))
}

#[test]
fn resources_of_identity_policies() {
    for (resource, expected) in [
        ("arn:aws:iam::111122223333", "The policy failed legacy parsing"),
        ("arn:aws:iam::111122223333:*", "accepted"),
        ("arn:aws:iam::*:user/${aws:username}", "accepted"),
        ("arn:*:iam::*:role/aws-service-role/x", "accepted"),
        ("arn:aws:*", "Resource vendor must be fully qualified and cannot contain regexes."),
        ("arn:aws:s3:us-east-1::b", "Resource arn:aws:s3:us-east-1::b can not contain region information."),
        ("arn:aws:s3:us-east-1:111122223333:accesspoint/p", "accepted"),
        ("urn:aws:kms:::x", r#"Resource urn:aws:kms:::x must be in ARN format or "*"."#),
        ("arn:x:kms", r#"Partition "x" is not valid for resource "arn:x:kms:*:*:*"."#),
        ("**", r#"Resource ** must be in ARN format or "*"."#),
    ] {
        assert_eq!(for_resource(Target::Identity, resource), expected);
    }
}

#[test]
fn short_arns_are_for_identity_policies() {
    assert_eq!(for_resource(Target::Identity, "arn:aws:kms:*"), "accepted");
    assert_eq!(for_resource(Target::ServiceControl, "arn:aws:kms:*"), "accepted");
    let refused = r#"Resource arn:aws:kms:* must be in ARN format or "*"."#;
    assert_eq!(for_resource(Target::Session, "arn:aws:kms:*"), refused);
}

#[test]
fn sids() {
    let with_sid = r#"{"Sid":"a b","Effect":"Allow","Action":"kms:*","Resource":"*"}"#;
    assert!(message(Target::Identity, with_sid).starts_with("Statement IDs (SID) must be alpha-numeric."));
}

#[test]
fn not_principal_is_for_deny() {
    let statement = |effect: &str| {
        format!(r#"{{"Effect":"{effect}","Action":"kms:*","Resource":"*","NotPrincipal":{{"AWS":"111122223333"}}}}"#)
    };
    assert_eq!(message(Target::KeyPolicy, &statement("Deny")), "accepted");
    assert!(message(Target::KeyPolicy, &statement("Allow")).contains("NotPrincipal"));
    let trust = r#"{"Effect":"Deny","Action":"sts:AssumeRole","NotPrincipal":{"AWS":"111122223333"}}"#;
    assert_eq!(message(Target::Trust, trust), "Has prohibited field NotPrincipal");
}

#[test]
fn principals_by_place() {
    let provider = r#"{"Federated":"arn:aws:iam::111122223333:oidc-provider/idp.example.com"}"#;
    for (target, principal, expected) in [
        (Target::KeyPolicy, provider, "Policy contains a statement with one or more invalid principals."),
        (Target::KeyPolicy, r#""alice""#, "Policy contains a statement with one or more invalid principals."),
        (Target::KeyPolicy, r#"{"AWS":[]}"#, "Policy contains a statement with no principal."),
        (Target::Resource, r#"{"CanonicalUser":"79a5"}"#, r#"Invalid principal in policy: "CANONICALUSER":"79a5""#),
        (Target::Resource, "{}", "Missing required field Principal"),
        (Target::Resource, r#"{"Service":["kms.amazonaws.com"],"AWS":"*"}"#, "accepted"),
        (Target::ResourceControl, r#""*""#, "accepted"),
        (Target::ResourceControl, r#"{"AWS":"111122223333"}"#, r#"Invalid principal in policy: "AWS":"111122223333""#),
        (Target::ServiceControl, r#""*""#, "Policy document should not specify a principal."),
    ] {
        let statement = format!(r#"{{"Effect":"Deny","Action":"kms:*","Resource":"*","Principal":{principal}}}"#);
        assert_eq!(message(target, &statement), expected, "{target:?} {principal}");
    }
}

#[test]
fn statements_without_action_or_resource_are_stored_in_key_policies_only() {
    for statement in [r#"{"Effect":"Allow","Principal":"*"}"#, r#"{"Effect":"Allow","Principal":"*","Action":[]}"#] {
        assert_eq!(message(Target::KeyPolicy, statement), "accepted");
        assert_eq!(message(Target::Resource, statement), "Policy statement must contain actions.");
    }
}

#[test]
fn a_set_operator_that_lets_everything_through_is_refused_in_key_policies() {
    let statement = |operator: &str, key: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":{{"{operator}":{{"{key}":"x"}}}}}}"#
        )
    };
    let all = "ForAllValues:StringEquals";
    let found = message(Target::KeyPolicy, &statement(all, "KMS:EncryptionContext:App"));
    assert!(found.contains("the specified encryption context or with an unspecified encryption context."), "{found}");
    let found = message(Target::KeyPolicy, &statement(all, "aws:RequestTag/Team"));
    assert!(found.contains("the specified tag or with an unspecified tag."), "{found}");
    assert_eq!(message(Target::KeyPolicy, &statement("StringEquals", "aws:RequestTag/Team")), "accepted");
    assert_eq!(message(Target::KeyPolicy, &statement(all, "kms:EncryptionContextKeys")), "accepted");
    assert_eq!(message(Target::Resource, &statement(all, "aws:RequestTag/Team")), "accepted");
}

#[test]
fn the_first_broken_rule_names_the_error() {
    let two = r#"[{"Effect":"Allow","Action":"x","Resource":"y"},{"Effect":"allow","Action":"kms:*","Resource":"*"}]"#;
    assert_eq!(message(Target::Identity, two), "The policy failed legacy parsing");
    let both = r#"{"Effect":"Allow","Action":"x","Resource":"y"}"#;
    assert_eq!(message(Target::Identity, both), r#"Resource y must be in ARN format or "*"."#);
}
