//! Engine and judge side by side: on generated cases, and the judge alone on the golden ones.

use std::{collections::BTreeMap, sync::Arc};

use kanuki_policy::{
    Decision, Document, Effect, FactMap, FactValue, GrantView, NamedDocument, Policies, Principal, Request,
    ResourceKind, Source, Target, decide,
};
use kanuki_types::{Caller as TypedCaller, CallerKind, EncryptionContext, UniqueId};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;

use super::{Caller, CallerType, Case, Context, Grant, Kind, Values, generate, judge};

/// Engine and judge agree on the answer and on what gives it; and the cases are of all sorts.
#[test]
fn engine_and_judge_agree() {
    let config = Config { failure_persistence: None, ..Config::default() };
    let cases = config.cases * CASES_PER_PROPERTY_CASE;
    let mut seen = BTreeMap::new();
    let mut runner = TestRunner::new(Config { cases, ..config });
    let counts = std::cell::RefCell::new(&mut seen);
    let result = runner.run(&generate::case(), |case| {
        let verdict = judge(&case);
        *counts.borrow_mut().entry((verdict.decision, verdict.by)).or_insert(0_u32) += 1;
        let decision = engine(&case);
        let found = (effect_name(decision.effect), source_name(decision.by));
        let expected = (verdict.decision, verdict.by);
        if found == expected {
            Ok(())
        } else {
            Err(TestCaseError::fail(format!("engine {found:?}, judge {expected:?}")))
        }
    });
    assert!(result.is_ok(), "{}", result.unwrap_err());
    assert_mixed(&seen, cases);
}

/// No answer is rare, and every source decides some cases.
fn assert_mixed(seen: &BTreeMap<(&'static str, &'static str), u32>, cases: u32) {
    for decision in ["Allow", "ExplicitDeny", "ImplicitDeny"] {
        let count: u32 = seen.iter().filter(|((own, _), _)| *own == decision).map(|(_, count)| count).sum();
        assert!(count * 100 >= cases * PERCENT_OF_EACH_MIN, "{decision} in {count} of {cases} cases: {seen:?}");
    }
    for answer in EVERY_ANSWER {
        assert!(seen.contains_key(answer), "{answer:?} in no case of {cases}: {seen:?}");
    }
}

pub(super) fn engine(case: &Case) -> Decision {
    let all = |target, documents: &[Value]| -> Vec<_> { documents.iter().map(|it| named(target, it)).collect() };
    let levels = |target, levels: &[Vec<Value>]| -> Vec<_> { levels.iter().map(|it| all(target, it)).collect() };
    let (kind, target) = match case.kind {
        Kind::Iam => (ResourceKind::Iam, Target::Resource),
        Kind::Key => (ResourceKind::KmsKey, Target::KeyPolicy),
        Kind::None => (ResourceKind::None, Target::Resource),
        Kind::Other => (ResourceKind::Other, Target::Resource),
        Kind::Role => (ResourceKind::RoleTrust, Target::Trust),
    };
    let identity = all(Target::Identity, &case.identity);
    let boundary = case.boundary.as_ref().map(|document| named(Target::Identity, document));
    let session = case.session.as_ref().map(|documents| all(Target::Session, documents));
    let bound = |found: NamedDocument| match &case.stored_ids {
        None => found,
        Some(ids) => {
            let ids = ids.iter().map(|(name, id)| (name.clone(), UniqueId::new(id))).collect();
            NamedDocument { document: Arc::new(Document::clone(&found.document).bind(&ids)), ..found }
        }
    };
    let resource = case.resource_policy.as_ref().map(|document| bound(named(target, document)));
    let service_control = levels(Target::ServiceControl, &case.service_control);
    let resource_control = levels(Target::ResourceControl, &case.resource_control);
    let ids: Vec<_> = case.grants.iter().map(|grant| grant.grantee_id.as_deref().map(UniqueId::new)).collect();
    let grants: Vec<_> = case.grants.iter().zip(&ids).map(|(grant, id)| view(grant, id.as_ref())).collect();
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
        action: &case.action,
        resource: &case.resource,
        resource_kind: kind,
        resource_account: case.resource_account.parse().unwrap(),
        principal: &principal(&case.caller),
        facts: &facts(&case.context),
        encryption_context: Some(&EncryptionContext::new(case.encryption_context.clone()).unwrap()),
    };
    decide(&request, &policies)
}

fn named(target: Target, document: &Value) -> NamedDocument {
    let document = Document::parse(target, &document.to_string())
        .unwrap_or_else(|error| panic!("{target:?} refuses {document}: {error}"));
    NamedDocument { name: "case".into(), document: Arc::new(document) }
}

fn view<'a>(grant: &'a Grant, grantee_id: Option<&'a UniqueId>) -> GrantView<'a> {
    GrantView {
        id: "grant",
        grantee: &grant.grantee,
        grantee_id,
        operations: &grant.operations,
        encryption_context_equals: grant.equals.as_ref(),
        encryption_context_subset: grant.subset.as_ref(),
    }
}

fn facts(context: &Context) -> FactMap {
    let value = |values: &Values| match values {
        Values::Many(list) => FactValue::Many(list.clone()),
        Values::One(value) => FactValue::One(value.clone()),
    };
    context.iter().map(|(key, values)| (key, value(values))).collect()
}

fn principal(caller: &Caller) -> Principal {
    let id = UniqueId::new(caller.id.as_deref().unwrap_or_default());
    let path_and_name = |arn: &str| {
        let (_, rest) = arn.split_once('/').unwrap();
        let (path, name) = rest.rsplit_once('/').map_or(("/".into(), rest), |(path, name)| (format!("/{path}/"), name));
        (path, name.to_owned())
    };
    let last = |arn: &str| arn.rsplit('/').next().unwrap().to_owned();
    let kind = match caller.kind {
        CallerType::Anonymous => return Principal::anonymous(),
        CallerType::Federated => {
            let user_arn = caller.behind.clone().unwrap();
            CallerKind::FederatedUser { name: last(&caller.arn), user_arn, user_id: id }
        }
        CallerType::Role => {
            let (path, role) = path_and_name(caller.behind.as_ref().unwrap());
            CallerKind::AssumedRole { path, role, id, session: last(&caller.arn) }
        }
        CallerType::Root => CallerKind::Root,
        CallerType::Service => CallerKind::Service { name: caller.arn.clone() },
        CallerType::User => {
            let (path, name) = path_and_name(&caller.arn);
            CallerKind::User { path, name, id }
        }
        CallerType::WebIdentity => CallerKind::WebIdentity {
            provider_arn: caller.arn.clone(),
            audience: String::new(),
            subject: String::new(),
        },
    };
    let account = caller.account.as_deref().unwrap_or("999999999999").parse().unwrap();
    let found = Principal::from_caller(&TypedCaller { account, kind });
    assert_eq!(found.arn(), caller.arn);
    found
}

pub(super) fn effect_name(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "Allow",
        Effect::ExplicitDeny => "ExplicitDeny",
        Effect::ImplicitDeny => "ImplicitDeny",
    }
}

pub(super) fn source_name(source: Source) -> &'static str {
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

/// The judge is right where the answer is known.
#[test]
fn judge_agrees_with_the_golden_cases() {
    let file: Value = serde_json::from_str(include_str!("../../../../vectors/policy/policy-vectors.json")).unwrap();
    let conditions = file["condition"].as_array().unwrap().iter().filter_map(|case| {
        let found = condition_case(case)?;
        Some((case["id"].clone(), Value::Bool(judge(&found).decision == "Allow"), case["expect"].clone()))
    });
    let evaluations = file["evaluation"].as_array().unwrap().iter().map(|case| {
        let verdict = judge(&evaluation_case(case));
        let found = serde_json::json!({ "decision": verdict.decision, "by": verdict.by });
        (case["id"].clone(), found, case["expect"].clone())
    });
    let cases: Vec<_> = conditions.chain(evaluations).collect();
    assert!(cases.len() >= GOLDEN_CASES_MIN, "{} golden cases", cases.len());
    let differing: Vec<_> = cases.iter().filter(|(_, found, expected)| found != expected).collect();
    assert!(differing.is_empty(), "{differing:#?}");
}

/// A condition in a statement that otherwise covers everything; none for binary values.
fn condition_case(case: &Value) -> Option<Case> {
    let mut document = serde_json::json!({ "Statement": {
        "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": case["condition"],
    } });
    if let Some(version) = case["version"].as_str() {
        document["Version"] = version.into();
    }
    let caller = Caller { kind: CallerType::Anonymous, arn: "anonymous".into(), account: None, behind: None, id: None };
    Some(Case {
        resource_policy: Some(document),
        context: golden_context(&case["context"])?,
        ..bare(Kind::Other, caller)
    })
}

fn evaluation_case(case: &Value) -> Case {
    let kind = match case["resource_kind"].as_str().unwrap() {
        "generic" => Kind::Other,
        "iam" => Kind::Iam,
        "kms-key" => Kind::Key,
        "kms-none" => Kind::None,
        "sts-role" => Kind::Role,
        other => panic!("unknown kind {other}"),
    };
    let request = &case["request"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let who = &request["principal"];
    let (caller_kind, own) = match who["type"].as_str().unwrap() {
        "anonymous" => (CallerType::Anonymous, "arn"),
        "federated-user" => (CallerType::Federated, "arn"),
        "role-session" => (CallerType::Role, "arn"),
        "root" => (CallerType::Root, "arn"),
        "service" => (CallerType::Service, "service"),
        "user" => (CallerType::User, "arn"),
        "web-identity" => (CallerType::WebIdentity, "provider"),
        other => panic!("unknown caller {other}"),
    };
    let caller = Caller {
        kind: caller_kind,
        arn: text(&who[own]).unwrap_or_default(),
        account: text(&who["account"]),
        behind: text(&who["role_arn"]).or_else(|| text(&who["user_arn"])),
        id: None,
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let levels = |value: &Value| list(value).iter().map(list).collect();
    let context = golden_context(&request["context"]).unwrap();
    let encryption_context = context.iter().filter_map(|(key, values)| match values {
        Values::One(value) => Some((key.strip_prefix("kms:EncryptionContext:")?.to_owned(), value.clone())),
        Values::Many(_) => None,
    });
    Case {
        action: text(&request["action"]).unwrap(),
        resource: text(&request["resource"]).unwrap(),
        resource_account: text(&request["resource_account"]).unwrap(),
        encryption_context: encryption_context.collect(),
        context: context.clone(),
        identity: list(&case["identity"]),
        boundary: case.get("boundary").cloned(),
        session: case.get("session").map(list),
        resource_policy: case.get("resource_policy").cloned(),
        service_control: levels(&case["scp"]),
        resource_control: levels(&case["rcp"]),
        grants: list(&case["grants"]).iter().map(golden_grant).collect(),
        ..bare(kind, caller)
    }
}

fn golden_context(context: &Value) -> Option<Context> {
    let value = |value: &Value| match value {
        Value::String(text) => Some(Values::One(text.clone())),
        Value::Array(list) => Some(Values::Many(list.iter().map(|it| it.as_str().unwrap().into()).collect())),
        _ => None,
    };
    context.as_object().unwrap().iter().map(|(key, found)| Some((key.clone(), value(found)?))).collect()
}

fn golden_grant(grant: &Value) -> Grant {
    let pairs = |value: &Value| serde_json::from_value(value.clone()).unwrap();
    Grant {
        grantee: grant["grantee"].as_str().unwrap().into(),
        grantee_id: None,
        operations: serde_json::from_value(grant["operations"].clone()).unwrap(),
        equals: pairs(&grant["encryption_context_equals"]),
        subset: pairs(&grant["encryption_context_subset"]),
    }
}

pub(super) fn bare(kind: Kind, caller: Caller) -> Case {
    Case {
        action: "app:Act".into(),
        resource: "arn:aws:app:us-east-1:111122223333:thing".into(),
        kind,
        resource_account: "111122223333".into(),
        caller,
        context: Context::new(),
        encryption_context: BTreeMap::new(),
        identity: Vec::new(),
        boundary: None,
        session: None,
        resource_policy: None,
        stored_ids: None,
        service_control: Vec::new(),
        resource_control: Vec::new(),
        grants: Vec::new(),
    }
}

/// How many cases there are for each that properties usually take: 4,096 in the usual run (256 cases), 320,000 in the
/// slow one.
const CASES_PER_PROPERTY_CASE: u32 = 16;

/// Each of the three answers has at least this share of the cases.
const PERCENT_OF_EACH_MIN: u32 = 15;

/// Golden conditions and decisions that the judge reads.
const GOLDEN_CASES_MIN: usize = 340;

/// Every answer that a case can have.
const EVERY_ANSWER: &[(&str, &str)] = &[
    ("Allow", "always"),
    ("Allow", "grant"),
    ("Allow", "identity"),
    ("Allow", "resource"),
    ("Allow", "resource+identity"),
    ("Allow", "root"),
    ("ExplicitDeny", "boundary"),
    ("ExplicitDeny", "identity"),
    ("ExplicitDeny", "rcp"),
    ("ExplicitDeny", "resource"),
    ("ExplicitDeny", "scp"),
    ("ExplicitDeny", "session"),
    ("ImplicitDeny", "boundary"),
    ("ImplicitDeny", "default"),
    ("ImplicitDeny", "identity"),
    ("ImplicitDeny", "rcp"),
    ("ImplicitDeny", "resource"),
    ("ImplicitDeny", "scp"),
    ("ImplicitDeny", "session"),
];
