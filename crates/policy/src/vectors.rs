//! The golden cases of `vectors/policy/policy-vectors.json`.
//!
//! Not here: the groups about signatures and one-time codes; other crates read them.
//! Invariants: an unknown field fails, and so do fewer cases than the file counts.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use kanuki_types::{Arn, Caller, CallerKind, EncryptionContext, UniqueId};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::{
    action::ActionPattern,
    decision::{Decision, Effect, Source},
    document::{Document, Malformed, MalformedCode, Target, size_without_white_space},
    evaluate::decide,
    explain::explain,
    facts::{FactMap, FactValue},
    grants::GrantView,
    json,
    principal::{Principal, element::PrincipalElement},
    request::{NamedDocument, Policies, Request, ResourceKind},
    resource::{ResourcePattern, ResourceRules},
    syntax,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    #[serde(rename = "about")]
    _about: String,
    #[serde(rename = "placeholders")]
    _placeholders: IgnoredAny,
    #[serde(rename = "confidence")]
    _confidence: IgnoredAny,
    #[serde(rename = "others")]
    _others: String,
    #[serde(rename = "engines")]
    _engines: IgnoredAny,
    counts: Counts,
    condition: Vec<ConditionCase>,
    matching: Vec<MatchingCase>,
    evaluation: Vec<EvaluationCase>,
    validation: Vec<ValidationCase>,
    #[serde(rename = "sigv4")]
    _sigv4: IgnoredAny,
    #[serde(rename = "totp")]
    _totp: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    condition: usize,
    matching: usize,
    evaluation: usize,
    validation: usize,
    #[serde(rename = "sigv4")]
    _sigv4: usize,
    #[serde(rename = "totp")]
    _totp: usize,
}

/// What every case may have and no test looks at.
macro_rules! case {
    ($(#[$attribute:meta])* struct $name:ident { $($(#[$field_attribute:meta])* $field:ident: $type:ty,)* }) => {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $name {
            id: String,
            #[serde(rename = "title")]
            _title: String,
            #[serde(rename = "confidence")]
            _confidence: String,
            #[serde(rename = "note", default)]
            _note: Option<String>,
            #[serde(rename = "others", default)]
            _others: Option<IgnoredAny>,
            $($(#[$field_attribute])* $field: $type,)*
        }
    };
}

case! {
    struct ConditionCase {
        #[serde(rename = "group")]
        _group: String,
        version: Option<String>,
        condition: serde_json::Value,
        context: Context,
        expect: bool,
    }
}

case! {
    struct MatchingCase {
        kind: String,
        #[serde(default)]
        pattern: Option<String>,
        #[serde(default)]
        value: Option<String>,
        #[serde(default)]
        version: Option<String>,
        #[serde(default)]
        context: Context,
        #[serde(default)]
        element: Option<serde_json::Value>,
        #[serde(default)]
        principal: Option<PrincipalCase>,
        expect: serde_json::Value,
    }
}

case! {
    struct EvaluationCase {
        resource_kind: String,
        request: RequestCase,
        identity: Vec<serde_json::Value>,
        #[serde(default)]
        boundary: Option<serde_json::Value>,
        #[serde(default)]
        session: Option<Vec<serde_json::Value>>,
        #[serde(default)]
        resource_policy: Option<serde_json::Value>,
        #[serde(default)]
        scp: Vec<Vec<serde_json::Value>>,
        #[serde(default)]
        rcp: Vec<Vec<serde_json::Value>>,
        #[serde(default)]
        grants: Vec<GrantCase>,
        expect: ExpectedDecision,
    }
}

case! {
    struct ValidationCase {
        target: String,
        document: String,
        expect: ExpectedValidation,
    }
}

type Context = BTreeMap<String, ContextValue>;

#[derive(Deserialize)]
#[serde(untagged)]
enum ContextValue {
    One(String),
    Many(Vec<String>),
    Binary(Base64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Base64 {
    b64: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestCase {
    action: String,
    resource: String,
    resource_account: String,
    principal: PrincipalCase,
    context: Context,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PrincipalCase {
    r#type: String,
    #[serde(default)]
    arn: Option<String>,
    #[serde(default)]
    account: Option<String>,
    #[serde(default)]
    role_arn: Option<String>,
    #[serde(default)]
    user_arn: Option<String>,
    #[serde(default)]
    service: Option<String>,
    #[serde(default)]
    provider: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantCase {
    grantee: String,
    operations: Vec<String>,
    #[serde(default)]
    encryption_context_equals: Option<BTreeMap<String, String>>,
    #[serde(default)]
    encryption_context_subset: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedDecision {
    decision: String,
    by: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedValidation {
    ok: bool,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    message_match: Option<String>,
}

fn file() -> File {
    let text = include_str!("../../../vectors/policy/policy-vectors.json");
    let file: File = serde_json::from_str(text).unwrap();
    assert_eq!(file.format, 1);
    file
}

/// Fails with every case that differs.
fn check(cases: impl Iterator<Item = (String, Result<(), String>)>, count: usize) {
    let results: Vec<_> = cases.collect();
    assert!(results.len() >= count && count > 0, "{} cases instead of {count}", results.len());
    let failed: Vec<_> =
        results.into_iter().filter_map(|(id, found)| Some(format!("{id}: {}", found.err()?))).collect();
    assert!(failed.is_empty(), "{} cases differ:\n{}", failed.len(), failed.join("\n"));
}

fn equal<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("expected {expected:?}, found {found:?}")) }
}

fn facts(context: &Context) -> FactMap {
    let value = |value: &ContextValue| match value {
        ContextValue::One(text) => FactValue::One(text.clone()),
        ContextValue::Many(texts) => FactValue::Many(texts.clone()),
        ContextValue::Binary(Base64 { b64 }) => FactValue::Binary(STANDARD.decode(b64).unwrap()),
    };
    context.iter().map(|(key, found)| (key, value(found))).collect()
}

fn named(target: Target, document: &serde_json::Value) -> NamedDocument {
    let document = Document::parse(target, &document.to_string()).unwrap_or_else(|error| panic!("{document}: {error}"));
    NamedDocument { name: "case".into(), document: Arc::new(document) }
}

fn principal(case: &PrincipalCase) -> Principal {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let arn = |text: &str| text.parse::<Arn>().unwrap_or_else(|error| panic!("{text}: {error}"));
    // `kind/path/name` into path and name.
    let path_and_name = |text: &str| {
        let resource = arn(text).resource;
        let (_, rest) = resource.split_once('/').unwrap();
        let (path, name) = rest.rsplit_once('/').map_or(("/".into(), rest), |(path, name)| (format!("/{path}/"), name));
        (path, name.to_owned())
    };
    let id = UniqueId::new("AIDACASE");
    let kind = match case.r#type.as_str() {
        "anonymous" => return Principal::anonymous(),
        "user" => {
            let (path, name) = path_and_name(&text(&case.arn));
            CallerKind::User { path, name, id }
        }
        "role-session" => {
            let (path, role) = path_and_name(&text(&case.role_arn));
            let session = text(&case.arn).rsplit('/').next().unwrap().to_owned();
            CallerKind::AssumedRole { path, role, id, session }
        }
        "federated-user" => {
            let (_, name) = path_and_name(&text(&case.arn));
            CallerKind::FederatedUser { name, user_arn: text(&case.user_arn), user_id: id }
        }
        "root" => CallerKind::Root,
        "service" => CallerKind::Service { name: text(&case.service) },
        "web-identity" => CallerKind::WebIdentity {
            provider_arn: text(&case.provider),
            audience: String::new(),
            subject: String::new(),
        },
        other => panic!("unknown principal type {other}"),
    };
    let account = case.account.as_deref().unwrap_or("999999999999").parse().unwrap();
    let found = Principal::from_caller(&Caller { account, kind });
    assert!(case.arn.as_ref().is_none_or(|arn| arn == found.arn()), "{:?} is not {}", case.arn, found.arn());
    found
}

#[test]
fn conditions() {
    let file = file();
    let cases = file.condition.iter().map(|case| {
        let mut document = serde_json::json!({ "Statement": [
            { "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": case.condition }
        ] });
        if let Some(version) = &case.version {
            document["Version"] = version.clone().into();
        }
        let resource = named(Target::Resource, &document);
        let request = Request {
            action: "app:Act",
            resource: "arn:aws:app:us-east-1:111122223333:thing",
            resource_kind: ResourceKind::Other,
            resource_account: "111122223333".parse().unwrap(),
            principal: &Principal::anonymous(),
            facts: &facts(&case.context),
            encryption_context: None,
        };
        let decision = decide(&request, &Policies { resource: Some(&resource), ..Policies::default() });
        (case.id.clone(), equal(&decision.is_allow(), &case.expect))
    });
    check(cases, file.counts.condition);
}

#[test]
fn matching() {
    let file = file();
    let cases = file.matching.iter().map(|case| {
        let text = |field: &Option<String>| field.clone().unwrap();
        let found = match case.kind.as_str() {
            "action" => ActionPattern::new(&text(&case.pattern)).matches(text(&case.value).split_once(':')).into(),
            "resource" => {
                let variables = match case.version.as_deref() {
                    Some("2012-10-17") => true,
                    Some("2008-10-17") => false,
                    other => panic!("{}: version {other:?}", case.id),
                };
                let rules = ResourceRules { variables, completes: true, without_element: false };
                let pattern = ResourcePattern::new(&text(&case.pattern), rules);
                pattern.matches(&text(&case.value), &facts(&case.context)).into()
            }
            "principal" => {
                let document = serde_json::json!({ "Statement": { "Effect": "Allow", "Principal": case.element } });
                let syntax = syntax::read(&json::read(&document.to_string()).unwrap()).unwrap();
                let element = PrincipalElement::new(syntax.statements[0].principal.as_ref().unwrap());
                let kinds = element.matches(&principal(case.principal.as_ref().unwrap()), false);
                let mut names: Vec<_> = kinds.names().collect();
                names.sort_unstable();
                names.into()
            }
            other => panic!("{}: kind {other}", case.id),
        };
        (case.id.clone(), equal::<serde_json::Value>(&found, &case.expect))
    });
    check(cases, file.counts.matching);
}

#[test]
fn evaluation() {
    let file = file();
    let cases = file.evaluation.iter().map(|case| {
        let decision = evaluated(case);
        let effect = match decision.effect {
            Effect::Allow => "Allow",
            Effect::ExplicitDeny => "ExplicitDeny",
            Effect::ImplicitDeny => "ImplicitDeny",
        };
        let found = (effect, source_name(decision.by));
        (case.id.clone(), equal(&found, &(case.expect.decision.as_str(), case.expect.by.as_str())))
    });
    check(cases, file.counts.evaluation);
}

fn evaluated(case: &EvaluationCase) -> Decision {
    let (resource_kind, target) = match case.resource_kind.as_str() {
        "generic" => (ResourceKind::Other, Target::Resource),
        "iam" => (ResourceKind::Iam, Target::Resource),
        "kms-key" => (ResourceKind::KmsKey, Target::KeyPolicy),
        "kms-none" => (ResourceKind::None, Target::Resource),
        "sts-role" => (ResourceKind::RoleTrust, Target::Trust),
        other => panic!("unknown kind of resource {other}"),
    };
    let all = |target, documents: &[serde_json::Value]| -> Vec<NamedDocument> {
        documents.iter().map(|document| named(target, document)).collect()
    };
    let levels = |target, levels: &[Vec<serde_json::Value>]| -> Vec<_> {
        levels.iter().map(|documents| all(target, documents)).collect()
    };
    let identity = all(Target::Identity, &case.identity);
    let boundary = case.boundary.as_ref().map(|document| named(Target::Identity, document));
    let session = case.session.as_ref().map(|documents| all(Target::Session, documents));
    let resource = case.resource_policy.as_ref().map(|document| named(target, document));
    let (service_control, resource_control) =
        (levels(Target::ServiceControl, &case.scp), levels(Target::ResourceControl, &case.rcp));
    let grants: Vec<_> = case.grants.iter().map(grant_view).collect();
    let policies = Policies {
        identity: &identity,
        boundary: boundary.as_ref(),
        session: session.as_deref(),
        resource: resource.as_ref(),
        service_control: &service_control,
        resource_control: &resource_control,
        grants: &grants,
    };
    let request = Request {
        action: &case.request.action,
        resource: &case.request.resource,
        resource_kind,
        resource_account: case.request.resource_account.parse().unwrap(),
        principal: &principal(&case.request.principal),
        facts: &facts(&case.request.context),
        encryption_context: Some(&encryption_context(&case.request.context)),
    };
    let decision = decide(&request, &policies);
    assert_eq!(explain(&request, &policies).decision, decision, "{}", case.id);
    decision
}

fn grant_view(case: &GrantCase) -> GrantView<'_> {
    GrantView {
        id: "grant",
        grantee: &case.grantee,
        grantee_id: None,
        operations: &case.operations,
        encryption_context_equals: case.encryption_context_equals.as_ref(),
        encryption_context_subset: case.encryption_context_subset.as_ref(),
    }
}

fn encryption_context(context: &Context) -> EncryptionContext {
    let pairs = context.iter().filter_map(|(key, value)| match value {
        ContextValue::One(value) => Some((key.strip_prefix("kms:EncryptionContext:")?.to_owned(), value.clone())),
        _ => None,
    });
    EncryptionContext::new(pairs.collect()).unwrap()
}

fn source_name(source: Source) -> &'static str {
    match source {
        Source::Always => "always",
        Source::Boundary => "boundary",
        Source::Default => "default",
        Source::Grant => "grant",
        Source::Identity => "identity",
        Source::Resource => "resource",
        Source::ResourceAndIdentity => "resource+identity",
        Source::ResourceControl => "rcp",
        Source::Root => "root",
        Source::ServiceControl => "scp",
        Source::Session => "session",
    }
}

#[test]
fn validation() {
    let file = file();
    let cases = file.validation.iter().map(|case| {
        let found = stored(&case.target, &case.document);
        (case.id.clone(), compare(found, &case.target, &case.expect))
    });
    check(cases, file.counts.validation);
}

fn compare(found: Result<(), Malformed>, target: &str, expected: &ExpectedValidation) -> Result<(), String> {
    let Err(error) = found else { return equal(&true, &expected.ok) };
    let suffix = if target == "kms-key-policy" { "Exception" } else { "" };
    let code = match error.code {
        MalformedCode::LimitExceeded => format!("LimitExceeded{suffix}"),
        MalformedCode::MalformedPolicyDocument => format!("MalformedPolicyDocument{suffix}"),
    };
    equal(&(false, Some(code)), &(expected.ok, expected.code.clone()))?;
    match (&expected.message, expected.message_match.as_deref()) {
        (None, _) => Ok(()),
        (Some(message), Some("exact")) => equal(&error.message, message),
        (Some(message), Some("prefix")) if error.message.starts_with(message) => Ok(()),
        (Some(message), _) => Err(format!("expected {message:?}, found {:?}", error.message)),
    }
}

/// Does what a service does when a document is written, in a world with the user alice, who may do everything: parse,
/// look the principals up, check the size of an inline policy, and, for a key, that alice can write the policy again.
fn stored(target: &str, text: &str) -> Result<(), Malformed> {
    const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
    let place = match target {
        "iam-identity" => Target::Identity,
        "iam-trust" => Target::Trust,
        "kms-key-policy" => Target::KeyPolicy,
        "sts-session" => Target::Session,
        other => panic!("unknown target {other}"),
    };
    let document = Document::parse(place, text)?;
    if let Some(unknown) = document.named_principals().find(|principal| *principal != ALICE) {
        return Err(Malformed::document(match place {
            Target::KeyPolicy => "Policy contains a statement with one or more invalid principals.".into(),
            _ => format!("Invalid principal in policy: \"AWS\":\"{unknown}\""),
        }));
    }
    if place == Target::Identity && size_without_white_space(text) > 2048 {
        return Err(Malformed::limit_exceeded("Maximum policy size of 2048 bytes exceeded for user alice"));
    }
    if place == Target::KeyPolicy && !alice_can_put_key_policy(document) {
        let locked_out = "The new key policy will not allow you to update the key policy in the future.";
        return Err(Malformed::document(locked_out));
    }
    Ok(())
}

fn alice_can_put_key_policy(document: Document) -> bool {
    let account = "111122223333".parse().unwrap();
    let (path, name) = ("/".into(), "alice".into());
    let kind = CallerKind::User { path, name, id: UniqueId::new("AIDACASE") };
    let everything = serde_json::json!({
        "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" }
    });
    let facts: FactMap = [("kms:CallerAccount", "111122223333")].into_iter().collect();
    let request = Request {
        action: "kms:PutKeyPolicy",
        resource: "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        resource_kind: ResourceKind::KmsKey,
        resource_account: account,
        principal: &Principal::from_caller(&Caller { account, kind }),
        facts: &facts,
        encryption_context: None,
    };
    let resource = NamedDocument { name: "key policy".into(), document: Arc::new(document) };
    let identity = [named(Target::Identity, &everything)];
    let policies = Policies { identity: &identity, resource: Some(&resource), ..Policies::default() };
    decide(&request, &policies).is_allow()
}
