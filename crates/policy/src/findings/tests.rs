//! Each finding, provoked by a document that deserves it, and absent from one that does not.

use super::*;

fn codes(statement: &str) -> Vec<&'static str> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
    findings(Target::KeyPolicy, &text).into_iter().map(|finding| finding.code).collect()
}

fn of_condition(effect: &str, condition: &str) -> Vec<&'static str> {
    codes(&format!(
        r#"{{"Effect":"{effect}","Principal":{{"AWS":"111122223333"}},"Action":"kms:*","Resource":"*","Condition":{condition}}}"#
    ))
}

#[test]
fn a_plain_document_has_none() {
    let condition = r#"{"StringEquals":{"aws:PrincipalTag/a":"${aws:username, 'x'}"},"Bool":{"aws:SecureTransport":true},
        "ForAllValues:StringEquals":{"aws:TagKeys":"a"},"Null":{"aws:TagKeys":"false"},
        "IpAddress":{"aws:SourceIp":["10.0.0.0/8","2001:db8::/32"]}}"#;
    assert_eq!(of_condition("Allow", condition), Vec::<&str>::new());
}

#[test]
fn a_refused_document_has_one() {
    let found = findings(Target::Identity, "hello");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, found[0].details.as_str()), (FindingKind::Error, "Syntax errors in policy."));
    let found = findings(Target::KeyPolicy, "hello");
    assert_eq!((found.len(), found[0].details.as_str()), (1, NO_JSON));
}

#[test]
fn conditions() {
    for (condition, expected) in [
        (r#"{"StringEquals":{"aws:TagKeys":"a"}}"#, &["MISSING_QUALIFIER"][..]),
        (r#"{"StringEquals":{"aws:NoSuchKey":"a"}}"#, &["INVALID_GLOBAL_CONDITION_KEY"]),
        (r#"{"NumericEquals":{"app:n":"ten"}}"#, &["DATA_TYPE_MISMATCH"]),
        (r#"{"ArnLike":{"aws:PrincipalArn":"*"}}"#, &["DATA_TYPE_MISMATCH"]),
        (r#"{"NumericEquals":{"app:n":"${app:m}"}}"#, &["INVALID_VARIABLE_FOR_OPERATOR"]),
        (r#"{"StringEquals":{"app:n":"a","APP:n":"b"}}"#, &["DUPLICATE_KEYS_WITH_DIFFERENT_CASE"]),
        (r#"{"ForAnyValue:Null":{"aws:TagKeys":"true"}}"#, &["NULL_WITH_SET_OPERATOR"]),
        (r#"{"ForAnyValue:StringNotEquals":{"aws:TagKeys":"a"}}"#, &["AMBIGUOUS_SET_OPERATOR"]),
        (r#"{"StringEquals":{"app:n":[]}}"#, &["EMPTY_ARRAY_CONDITION"]),
        (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.1/8"}}"#, &["HOST_BITS_IN_RANGE"]),
        (r#"{"StringEquals":{"app:n":"${}"}}"#, &["EMPTY_VARIABLE"]),
        (r#"{"StringEquals":{"app:n":"${a:b"}}"#, &["MISSING_BRACE_IN_VARIABLE"]),
        (r#"{"StringEquals":{"app:n":"${a:b, c}"}}"#, &["MISSING_QUOTE_IN_VARIABLE"]),
        (r#"{"StringEquals":{"app:n":"${ a:b}"}}"#, &["UNSUPPORTED_SPACE_IN_VARIABLE"]),
    ] {
        assert_eq!(of_condition("Deny", condition), expected, "{condition}");
    }
}

#[test]
fn set_operators_that_let_everything_through() {
    let condition = r#"{"ForAllValues:StringEquals":{"aws:PrincipalTag/a":"a"}}"#;
    let expected = ["FORALLVALUES_WITH_SINGLE_VALUED_KEY", "ALLOW_WITH_UNGUARDED_FORALLVALUES"];
    assert_eq!(of_condition("Allow", condition), expected);
    assert_eq!(of_condition("Deny", condition), ["FORALLVALUES_WITH_SINGLE_VALUED_KEY"]);
}

#[test]
fn statements() {
    let statement = r#"[{"Sid":"","Effect":"Allow","Principal":"*","NotAction":["kms:Get*","KMS:GetKeyPolicy","kms:get*"],
        "NotResource":["*","arn:aws:kms"]}]"#;
    assert_eq!(
        codes(statement),
        [
            "EMPTY_SID",
            "ALLOW_WITH_NOT_ACTION",
            "REDUNDANT_ACTION",
            "REDUNDANT_ACTION",
            "ALLOW_WITH_NOT_RESOURCE",
            "REDUNDANT_RESOURCE",
            "MISSING_ARN_FIELD",
            "PUBLIC_PRINCIPAL"
        ]
    );
}

#[test]
fn findings_know_their_statement() {
    let text = r#"{"Statement":[{"Sid":"","Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}]}"#;
    let found = findings(Target::KeyPolicy, text);
    assert_eq!((found[0].code, found[0].statement), ("OUTDATED_POLICY_VERSION", None));
    assert_eq!(found[1].statement, Some(0));
    assert!(text.get(found[1].span.clone().unwrap()).unwrap().starts_with(r#"{"Sid":"""#));
}

fn of_key_policy(rest: &str) -> Vec<&'static str> {
    codes(&format!(r#"{{"Effect":"Allow",{rest}}}"#))
}

#[test]
fn key_policies() {
    let alice = r#""Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"}"#;
    let root = r#""Principal":{"AWS":"arn:aws:iam::111122223333:root"}"#;
    let pinned = r#""Condition":{"StringEquals":{"kms:CallerAccount":"111122223333"}}"#;
    for (statement, expected) in [
        (format!(r#"{root},"Action":"kms:*","Resource":"*""#), &[][..]),
        (format!(r#"{alice},"Action":["kms:Encrypt","kms:Decrypt"],"Resource":"*""#), &[]),
        (format!(r#"{alice},"Action":"KMS:*","Resource":"*""#), &["EVERY_ACTION_FOR_A_PRINCIPAL"]),
        (r#""Principal":"*","Action":"kms:Encrypt","Resource":"*""#.to_owned(), &["PUBLIC_PRINCIPAL"]),
        (r#""Principal":{"AWS":"*"},"Action":"kms:Encrypt","Resource":"*""#.to_owned(), &["PUBLIC_PRINCIPAL"]),
        (format!(r#""Principal":"*","Action":"kms:Encrypt","Resource":"*",{pinned}"#), &[]),
        (
            format!(
                r#""Principal":"*","Action":"kms:Encrypt","Resource":"*",{}"#,
                pinned.replace("Equals", "EqualsIfExists")
            ),
            &["PUBLIC_PRINCIPAL"],
        ),
        (format!(r#"{alice},"Action":"kms:Encrypt""#), &["NEVER_MATCHES"]),
        (format!(r#"{alice},"Action":"s3:GetObject","Resource":"*""#), &["NEVER_MATCHES"]),
        (
            format!(r#"{alice},"Action":"kms:Encrypt","Resource":"arn:aws:kms:us-east-1:111122223333:alias/a""#),
            &["ALIAS_AS_RESOURCE", "NEVER_MATCHES"],
        ),
        (format!(r#"{alice},"NotAction":"kms:Encrypt","Resource":"*""#), &["ALLOW_WITH_NOT_ACTION"]),
    ] {
        assert_eq!(of_key_policy(&statement), expected, "{statement}");
    }
    let not = r#"{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"kms:Encrypt","Resource":"*"}"#;
    assert_eq!(codes(not), ["NOT_PRINCIPAL"]);
}

#[test]
fn identity_policies_that_name_an_alias_for_the_use_of_its_key() {
    let found = |action: &str| {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"{action}",
                "Resource":"arn:aws:kms:us-east-1:111122223333:alias/a"}}}}"#
        );
        findings(Target::Identity, &text).into_iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    assert_eq!(found("kms:Decrypt"), ["ALIAS_AS_RESOURCE"]);
    assert_eq!(found("kms:CreateAlias"), Vec::<&str>::new());
    assert_eq!(found("kms:*"), Vec::<&str>::new());
}
