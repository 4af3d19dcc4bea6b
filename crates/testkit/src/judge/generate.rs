//! Cases for engine and judge: a small vocabulary, so that policies and requests meet often.
//!
//! Not here: texts that a document must refuse.

mod condition;

use std::collections::BTreeMap;

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};

use super::{Caller, CallerType, Case, Context, Grant, Kind, Values};
use condition::{condition, context, encryption_context, one_or_list};

/// One case.
pub(super) fn case() -> impl Strategy<Value = Case> {
    (kind_and_action(), caller()).prop_flat_map(|(what, caller)| {
        let policies = policies(&what, &caller);
        (Just(what), Just(caller), policies, context(), encryption_context()).prop_map(assemble)
    })
}

#[derive(Debug, Clone)]
struct What {
    kind: Kind,
    action: &'static str,
    resource: &'static str,
}

#[derive(Debug, Clone)]
struct Held {
    identity: Vec<Value>,
    boundary: Option<Value>,
    session: Option<Vec<Value>>,
    resource_policy: Option<Value>,
    stored_ids: Option<BTreeMap<String, String>>,
    service_control: Vec<Vec<Value>>,
    resource_control: Vec<Vec<Value>>,
    grants: Vec<Grant>,
}

fn assemble(
    (what, caller, held, mut context, encryption_context): (What, Caller, Held, Context, BTreeMap<String, String>),
) -> Case {
    if what.kind == Kind::Key && !encryption_context.is_empty() {
        let keys = encryption_context.keys().cloned().collect();
        context.insert("kms:EncryptionContextKeys".into(), Values::Many(keys));
        for (key, value) in &encryption_context {
            context.insert(format!("kms:EncryptionContext:{key}"), Values::One(value.clone()));
        }
    }
    caller_context(&caller, &mut context);
    let of_caller = caller.account.clone().unwrap_or_else(|| A.into());
    let resource_account = if what.kind == Kind::None { of_caller } else { A.into() };
    Case {
        action: what.action.into(),
        resource: what.resource.into(),
        kind: what.kind,
        resource_account,
        caller,
        context,
        encryption_context,
        identity: held.identity,
        boundary: held.boundary,
        session: held.session,
        resource_policy: held.resource_policy,
        stored_ids: held.stored_ids,
        service_control: held.service_control,
        resource_control: held.resource_control,
        grants: held.grants,
    }
}

fn caller_context(caller: &Caller, context: &mut Context) {
    let mut set = |key: &str, value: &str| context.insert(key.into(), Values::One(value.into()));
    set("aws:PrincipalAccount", caller.account.as_deref().unwrap_or("anonymous"));
    match caller.kind {
        CallerType::User => {
            set("aws:username", caller.arn.rsplit('/').next().unwrap_or_default());
            set("aws:PrincipalArn", &caller.arn);
        }
        CallerType::Role => {
            set("aws:PrincipalArn", caller.behind.as_deref().unwrap_or_default());
        }
        CallerType::Federated | CallerType::Root => {
            set("aws:PrincipalArn", &caller.arn);
        }
        CallerType::Anonymous | CallerType::Service | CallerType::WebIdentity => {}
    }
}

fn kind_and_action() -> impl Strategy<Value = What> {
    let what = |kind, action, resource| What { kind, action, resource };
    let common = select(vec!["kms:Decrypt", "kms:Encrypt", "kms:DescribeKey", "kms:PutKeyPolicy", "kms:Sign"]);
    let key = prop_oneof![2 => common, 1 => select(KEY_ACTIONS)];
    prop_oneof![
        12 => key.prop_map(move |action| what(Kind::Key, action, KEY)),
        1 => Just(what(Kind::None, "kms:ListKeys", "*")),
        1 => Just(what(Kind::Iam, "iam:GetUser", ALICE)),
        2 => Just(what(Kind::Other, "secretsmanager:GetSecretValue", SECRET)),
        3 => Just(what(Kind::Role, "sts:AssumeRole", ROLE)),
        1 => Just(what(Kind::None, "sts:GetCallerIdentity", "*")),
    ]
}

fn caller() -> impl Strategy<Value = Caller> {
    let of = |kind, arn: &str, account: Option<&str>, behind: Option<&str>| Caller {
        kind,
        arn: arn.into(),
        account: account.map(Into::into),
        behind: behind.map(Into::into),
        id: id_of(behind.unwrap_or(arn)),
    };
    prop_oneof![
        6 => Just(of(CallerType::User, ALICE, Some(A), None)),
        4 => Just(of(CallerType::User, BOB, Some(B), None)),
        6 => Just(of(CallerType::Role, SESSION, Some(A), Some(ROLE))),
        3 => Just(of(CallerType::Role, SESSION_OF_B, Some(B), Some(ROLE_OF_B))),
        3 => Just(of(CallerType::Federated, FEDERATED, Some(A), Some(ALICE))),
        1 => Just(of(CallerType::Federated, FEDERATED_OF_B, Some(B), Some(BOB))),
        2 => Just(of(CallerType::Root, ROOT, Some(A), None)),
        1 => Just(of(CallerType::Root, ROOT_OF_B, Some(B), None)),
        2 => Just(of(CallerType::Service, SERVICE, None, None)),
        1 => Just(of(CallerType::Anonymous, "anonymous", None, None)),
        1 => Just(of(CallerType::WebIdentity, PROVIDER, None, None)),
    ]
}

/// The unique id of a user or role, as it is now.
fn id_of(arn: &str) -> Option<String> {
    let ids = [(ALICE, "AIDAALICE"), (BOB, "AIDABOB"), (ROLE, "AROAAPP"), (ROLE_OF_B, "AROAWORKER")];
    ids.iter().find(|(own, _)| *own == arn).map(|(_, id)| (*id).into())
}

/// The ids that were stored with a policy: mostly those of now, sometimes those of earlier bearers of the names, and
/// sometimes none.
fn stored_ids() -> BoxedStrategy<Option<BTreeMap<String, String>>> {
    let names =
        [(ALICE, ALICE), (BOB, BOB), (ROLE, ROLE), (SESSION, ROLE), (ROLE_OF_B, ROLE_OF_B), (SESSION_OF_B, ROLE_OF_B)];
    let ages = vec(prop_oneof![7 => Just("now"), 2 => Just("earlier"), 1 => Just("none")], names.len());
    let ids = ages.prop_map(move |ages| {
        let stored = names.iter().zip(ages).filter_map(|((name, bearer), age)| match age {
            "now" => Some(((*name).to_owned(), id_of(bearer)?)),
            "earlier" => Some(((*name).to_owned(), format!("{}OLD", id_of(bearer)?))),
            _ => None,
        });
        stored.collect()
    });
    option::weighted(0.6, ids).boxed()
}

/// What a statement should name often, so that it is not always about somebody or something else.
#[derive(Debug, Clone)]
struct Hint {
    action: &'static str,
    names: Vec<String>,
}

impl Hint {
    fn of(what: &What, caller: &Caller) -> Self {
        let root = caller.account.iter().map(|account| format!("arn:aws:iam::{account}:root"));
        let own = Some(caller.arn.clone()).filter(|_| caller.account.is_some());
        let names = caller.behind.iter().cloned().chain(own).chain(root).collect();
        Self { action: what.action, names }
    }
}

/// The places of documents, which allow different elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Control,
    Identity,
    ResourceControl,
    Resource,
    Session,
    Trust,
}

fn policies(what: &What, caller: &Caller) -> impl Strategy<Value = Held> + use<> {
    let hint = &Hint::of(what, caller);
    let place = if what.kind == Kind::Role { Place::Trust } else { Place::Resource };
    let with_resource = matches!(what.kind, Kind::Key | Kind::Role | Kind::Other);
    let of_key = what.kind == Kind::Key;
    let signed = matches!(caller.kind, CallerType::User | CallerType::Role | CallerType::Federated);
    let bounded = matches!(caller.kind, CallerType::User | CallerType::Role | CallerType::Federated);
    let session = matches!(caller.kind, CallerType::Role | CallerType::Federated);
    (
        vec(document(Place::Identity, hint), 0..if signed { 4 } else { 1 }),
        maybe(bounded, 0.25, document(Place::Identity, hint).boxed()),
        maybe(session, 0.35, vec(document(Place::Session, hint), 0..3).boxed()),
        maybe(with_resource, 0.95, (document(place, hint), stored_ids()).boxed()),
        prop_oneof![5 => Just(Vec::new()), 1 => levels(document(Place::Control, hint))],
        prop_oneof![5 => Just(Vec::new()), 1 => levels(document(Place::ResourceControl, hint))],
        vec(grant(), 0..if of_key { 3 } else { 1 }),
    )
        .prop_map(|(identity, boundary, session, resource, service_control, resource_control, grants)| {
            let (resource_policy, stored_ids) = match resource {
                Some((policy, ids)) => (Some(policy), ids),
                None => (None, None),
            };
            Held { identity, boundary, session, resource_policy, stored_ids, service_control, resource_control, grants }
        })
}

/// Levels of an organization; most of them hold the policy that allows everything.
fn levels(document: BoxedStrategy<Value>) -> impl Strategy<Value = Vec<Vec<Value>>> {
    let full = json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } });
    let level = (prop::bool::weighted(0.8), vec(document, 1..3)).prop_map(move |(open, mut documents)| {
        if open {
            documents.push(full.clone());
        }
        documents
    });
    vec(level, 1..3)
}

/// A value with that probability, where there can be one.
fn maybe<T: std::fmt::Debug + Clone + 'static>(
    possible: bool,
    probability: f64,
    value: BoxedStrategy<T>,
) -> BoxedStrategy<Option<T>> {
    if possible { option::weighted(probability, value).boxed() } else { Just(None).boxed() }
}

fn grant() -> BoxedStrategy<Grant> {
    let pairs = || option::weighted(0.3, encryption_context());
    let operations = vec(select(vec!["Decrypt", "Encrypt", "DescribeKey", "Sign", "CreateGrant", "Encapsulate"]), 1..3);
    let grantees = vec![ALICE, BOB, ROLE, SESSION, SESSION_OF_B, ROLE_OF_B, ROOT, FEDERATED, SERVICE];
    let is_bound = prop_oneof![2 => Just(None), 2 => Just(Some("")), 1 => Just(Some("OLD"))];
    (select(grantees), is_bound, operations, pairs(), pairs())
        .prop_map(|(grantee, bound, operations, equals, subset)| Grant {
            grantee: grantee.into(),
            grantee_id: bound.map(|suffix| {
                let bearer = if grantee == SESSION { ROLE } else { grantee };
                format!("{}{suffix}", id_of(bearer).unwrap_or_default())
            }),
            operations: operations.into_iter().map(Into::into).collect(),
            equals,
            subset,
        })
        .boxed()
}

fn document(place: Place, hint: &Hint) -> BoxedStrategy<Value> {
    let version = match place {
        Place::Resource | Place::Trust => vec![Some("2012-10-17"), Some("2012-10-17"), Some("2008-10-17"), None],
        _ => vec![Some("2012-10-17")],
    };
    (select(version), vec(statement(place, hint), 1..4))
        .prop_map(|(version, mut statements)| {
            let statement = if statements.len() == 1 { statements.remove(0) } else { Value::Array(statements) };
            match version {
                Some(version) => json!({ "Version": version, "Statement": statement }),
                None => json!({ "Statement": statement }),
            }
        })
        .boxed()
}

fn statement(place: Place, hint: &Hint) -> BoxedStrategy<Value> {
    let effect = prop_oneof![7 => Just("Allow"), 1 => Just("Deny")];
    let flags = (prop::bool::weighted(0.12), prop::bool::weighted(0.1), prop::bool::weighted(0.4));
    let conditions = prop_oneof![
        3 => Just(None),
        1 => condition().prop_map(Some),
        1 => (condition(), condition()).prop_map(|(one, other)| Some(joined(one, other))),
    ];
    (effect, actions(place, hint.action), resources(place), principals(place, &hint.names), conditions, flags)
        .prop_map(
            move |(effect, actions, resources, principals, condition, (not_action, not_resource, not_principal))| {
                let mut statement = json!({ "Effect": effect });
                let trust = place == Place::Trust;
                statement[if not_action && !trust { "NotAction" } else { "Action" }] = actions;
                if !trust {
                    statement[if not_resource { "NotResource" } else { "Resource" }] = resources;
                }
                if let Some(principals) = principals {
                    let not = not_principal && effect == "Deny" && place == Place::Resource;
                    statement[if not { "NotPrincipal" } else { "Principal" }] = principals;
                }
                if let Some(condition) = condition {
                    statement["Condition"] = condition;
                }
                statement
            },
        )
        .boxed()
}

/// Both blocks in one; where they share an operator, its keys are joined.
fn joined(mut one: Value, other: Value) -> Value {
    for (operator, keys) in other.as_object().into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            // Names that differ in case alone would be the same key twice.
            let known: Vec<String> =
                one[operator].as_object().into_iter().flatten().map(|(key, _)| key.to_lowercase()).collect();
            if !known.contains(&key.to_lowercase()) {
                one[operator][key] = values.clone();
            }
        }
    }
    one
}

fn actions(place: Place, called: &'static str) -> BoxedStrategy<Value> {
    let mut names = match place {
        Place::Trust => vec!["sts:AssumeRole", "sts:AssumeRole", "sts:*", "sts:TagSession"],
        _ => vec![
            "*",
            "*",
            "kms:*",
            "kms:*",
            "KMS:de*",
            "kms:Decrypt",
            "kms:Encrypt",
            "kms:*crypt",
            "kms:D?crypt",
            "kms:*apsulate",
            "kms:*Grant*",
            "*:Decrypt",
            "*:*",
            "kms:Put*",
            "kms:ListKeys",
            "iam:*",
            "sts:AssumeRole",
            "secretsmanager:Get*",
            "s3:*",
            "sts:*",
        ],
    };
    // Every second name is one that matters.
    let likely = if place == Place::Trust { "sts:AssumeRole" } else { called };
    names.extend(std::iter::repeat_n(likely, names.len()));
    one_or_list(names, 1..4)
}

fn resources(place: Place) -> BoxedStrategy<Value> {
    let mut names = vec![
        "*",
        "*",
        "*",
        "*",
        KEY,
        "arn:aws:kms:*:111122223333:key/*",
        "arn:aws:kms:us*:111122223333:key/1234*",
        "arn:aws:kms:us*1:111122223333:key/*",
        "arn:aws:kms:us*3333:key/*",
        "arn:*:kms:*:*:key/*",
        "arn:aws:kms:us-east-1:${aws:PrincipalAccount}:key/*",
        "arn:aws:kms:*:*:key/1234${*}",
        "arn:aws:kms:*:*:key/*${}",
        "arn:aws:kms:*:*:key/1234*-12ab-*-1234567890a?",
        "arn:aws:kms:us-east-?:*:key/${aws:username}*",
        "arn:aws:kms:*:*:key/1234abcd${aws:PrincipalTag/team, '-'}*",
        "arn:aws:iam::*:user/${aws:username}",
        "arn:aws:iam::*:role/*",
        ALICE,
        ROLE,
        SECRET,
        "arn:aws:secretsmanager:*",
    ];
    if place == Place::Identity {
        names.extend(["arn:aws:kms", "arn:aws:kms:us-east-1", "arn:aws:kms:*:key/*"]);
    }
    if place != Place::Identity {
        names.retain(|name| *name == "*" || name.split(':').count() >= 6);
    }
    one_or_list(names, 1..3)
}

fn principals(place: Place, names: &[String]) -> BoxedStrategy<Option<Value>> {
    match place {
        Place::Control | Place::Identity | Place::Session => Just(None).boxed(),
        Place::ResourceControl => Just(Some(json!("*"))).boxed(),
        Place::Resource | Place::Trust => {
            let aws = vec![
                A,
                ROOT,
                ROOT,
                B,
                ALICE,
                ALICE,
                BOB,
                ROLE,
                SESSION,
                FEDERATED,
                FEDERATED_OF_B,
                ROLE_OF_B,
                SESSION_OF_B,
            ];
            let likely = names.iter().cycle().take(aws.len()).cloned();
            let aws: Vec<String> = aws.iter().copied().map(Into::into).chain(likely).collect();
            let aws = vec(select(aws), 1..4).prop_map(|mut list| {
                list.sort_unstable();
                list.dedup();
                json!({ "AWS": list })
            });
            let service = Just(json!({ "Service": [SERVICE, "s3.amazonaws.com"], "AWS": [A] }));
            let everyone = select(vec![json!("*"), json!({ "AWS": "*" })]);
            // The federated kind belongs into trust policies.
            let federated =
                if place == Place::Trust { json!({ "Federated": PROVIDER }) } else { json!({ "AWS": ALICE }) };
            prop_oneof![9 => aws, 1 => service, 2 => everyone, 1 => Just(federated)].prop_map(Some).boxed()
        }
    }
}

const A: &str = "111122223333";
const B: &str = "444455556666";
const ROOT: &str = "arn:aws:iam::111122223333:root";
const ROOT_OF_B: &str = "arn:aws:iam::444455556666:root";
const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
const BOB: &str = "arn:aws:iam::444455556666:user/bob";
const ROLE: &str = "arn:aws:iam::111122223333:role/svc/app";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/app/s1";
const ROLE_OF_B: &str = "arn:aws:iam::444455556666:role/worker";
const SESSION_OF_B: &str = "arn:aws:sts::444455556666:assumed-role/worker/w1";
/// Actions on keys, from another account and not.
const KEY_ACTIONS: &[&str] = &[
    "kms:CancelKeyDeletion",
    "kms:CreateGrant",
    "kms:Decapsulate",
    "kms:DeriveSharedSecret",
    "kms:Encapsulate",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GenerateMac",
    "kms:GetKeyLastUsage",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:GetPublicKey",
    "kms:ImportKeyMaterial",
    "kms:ListGrants",
    "kms:ListResourceTags",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:ReplicateKey",
    "kms:RetireGrant",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UpdateAlias",
    "kms:Verify",
    "kms:VerifyMac",
];
const FEDERATED: &str = "arn:aws:sts::111122223333:federated-user/fred";
const FEDERATED_OF_B: &str = "arn:aws:sts::444455556666:federated-user/fay";
const SERVICE: &str = "logs.amazonaws.com";
const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/idp.example.com/r1";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const SECRET: &str = "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-a1b2c3";
