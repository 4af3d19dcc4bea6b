//! Properties of parsing and deciding, over generated documents and requests.
//!
//! Not here: golden cases (`vectors`) and the properties of single matchers, which stand beside them.

use std::sync::Arc;

use kanuki_types::{Caller, CallerKind, UniqueId};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::{
    decision::{Decision, Effect},
    document::{Document, Target},
    evaluate::decide,
    explain::explain,
    facts::{FactMap, FactValue},
    grants::GrantView,
    principal::Principal,
    request::{NamedDocument, Policies, Request, ResourceKind},
    simulate::simulate,
};

const TARGETS: [Target; 7] = [
    Target::Identity,
    Target::KeyPolicy,
    Target::Resource,
    Target::ResourceControl,
    Target::ServiceControl,
    Target::Session,
    Target::Trust,
];

/// Documents and grants of one request.
#[derive(Debug, Clone)]
struct World {
    identity: Vec<NamedDocument>,
    boundary: Option<NamedDocument>,
    session: Option<Vec<NamedDocument>>,
    resource: Option<NamedDocument>,
    service_control: Vec<Vec<NamedDocument>>,
    grants: Vec<(String, Vec<String>)>,
    principal: Principal,
    action: &'static str,
    kind: ResourceKind,
    facts: FactMap,
}

impl World {
    fn decide(&self) -> Decision {
        self.ask(|request, policies| {
            let decision = decide(request, policies);
            let explanation = explain(request, policies);
            assert_eq!(explanation.decision, decision, "explain agrees with decide");
            let simulation = simulate(request, policies);
            assert_eq!(simulation.decision, decision, "simulate agrees with decide");
            let applied = explanation.documents.iter().flat_map(|document| &document.statements);
            let applied = applied.filter(|statement| statement.applies).count();
            assert_eq!(simulation.applied.len(), applied, "simulate tells the statements that explain tells");
            let applied = explanation.documents.iter().flat_map(|document| &document.statements);
            let denies =
                applied.filter(|found| found.applies).any(|found| found.effect == crate::StatementEffect::Deny);
            assert_eq!(denies, decision.effect == Effect::ExplicitDeny, "a statement that denies is the decision");
            decision
        })
    }

    fn ask<T>(&self, ask: impl FnOnce(&Request<'_>, &Policies<'_>) -> T) -> T {
        let grants: Vec<_> = self
            .grants
            .iter()
            .map(|(grantee, operations)| GrantView {
                id: "g",
                grantee,
                grantee_id: None,
                operations,
                encryption_context_equals: None,
                encryption_context_subset: None,
            })
            .collect();
        let request = Request {
            action: self.action,
            resource: "arn:aws:kms:us-east-1:111122223333:key/1",
            resource_kind: self.kind,
            resource_account: "111122223333".parse().unwrap(),
            principal: &self.principal,
            facts: &self.facts,
            encryption_context: None,
        };
        let policies = Policies {
            identity: &self.identity,
            boundary: self.boundary.as_ref(),
            session: self.session.as_deref(),
            resource: self.resource.as_ref(),
            service_control: &self.service_control,
            resource_control: &[],
            grants: &grants,
        };
        ask(&request, &policies)
    }
}

fn condition() -> impl Strategy<Value = Value> {
    let operator = select(vec![
        "StringEquals",
        "StringNotEquals",
        "StringLikeIfExists",
        "ForAllValues:StringEquals",
        "ForAnyValue:StringNotLike",
        "Null",
        "Bool",
        "NumericLessThan",
    ]);
    let key = select(vec!["aws:username", "aws:TagKeys", "aws:SecureTransport", "kms:ViaService"]);
    let value = select(vec!["true", "alice", "*", "${aws:username}", "7"]);
    (operator, key, vec(value, 0..3)).prop_map(|(operator, key, values)| json!({ operator: { key: values } }))
}

fn statement(target: Target) -> impl Strategy<Value = Value> {
    let effect = prop_oneof![4 => Just("Allow"), 1 => Just("Deny")];
    let action = select(vec!["*", "kms:*", "kms:Decrypt", "kms:Enc*", "s3:*", "KMS:?ecrypt"]);
    let resource = select(vec!["*", "arn:aws:kms:*:111122223333:key/*", "arn:aws:kms:us-east-1:111122223333:key/2"]);
    let principal = select(vec![
        json!("*"),
        json!({ "AWS": "111122223333" }),
        json!({ "AWS": ["arn:aws:iam::111122223333:user/alice", "444455556666"] }),
        json!({ "AWS": "arn:aws:iam::111122223333:role/app" }),
        json!({ "AWS": "arn:aws:sts::111122223333:assumed-role/app/s1" }),
        json!({ "Service": "logs.amazonaws.com" }),
    ]);
    let flags = (any::<bool>(), any::<bool>());
    (effect, action, resource, principal, option::of(condition()), flags).prop_map(
        move |(effect, action, resource, principal, condition, (not_action, not_principal))| {
            let mut statement = json!({ "Effect": effect, "Resource": resource });
            statement[if not_action { "NotAction" } else { "Action" }] = action.into();
            if target == Target::KeyPolicy {
                let not = not_principal && effect == "Deny";
                statement[if not { "NotPrincipal" } else { "Principal" }] = principal;
            }
            if let Some(condition) = condition {
                statement["Condition"] = condition;
            }
            statement
        },
    )
}

fn document(target: Target) -> impl Strategy<Value = NamedDocument> {
    vec(statement(target), 1..4).prop_map(move |statements| named(target, &json!(statements)))
}

fn named(target: Target, statements: &Value) -> NamedDocument {
    let text = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    NamedDocument { name: "generated".into(), document: Arc::new(Document::parse(target, &text).unwrap()) }
}

fn principal() -> impl Strategy<Value = Principal> {
    let id = UniqueId::new("AIDA");
    let alice = "arn:aws:iam::111122223333:user/alice";
    let kinds = vec![
        CallerKind::User { path: "/".into(), name: "alice".into(), id: id.clone() },
        CallerKind::AssumedRole { path: "/".into(), role: "app".into(), id: id.clone(), session: "s1".into() },
        CallerKind::FederatedUser { name: "f".into(), user_arn: alice.into(), user_id: id },
        CallerKind::Root,
        CallerKind::Service { name: "logs.amazonaws.com".into() },
    ];
    let account = select(vec!["111122223333", "444455556666"]);
    let signed = (select(kinds), account)
        .prop_map(|(kind, account)| Principal::from_caller(&Caller { account: account.parse().unwrap(), kind }));
    prop_oneof![9 => signed, 1 => Just(Principal::anonymous())]
}

fn facts() -> impl Strategy<Value = FactMap> {
    let values = (any::<bool>(), option::of(vec(select(vec!["alice", "x", ""]), 0..3)), any::<bool>());
    values.prop_map(|(named, tags, secure)| {
        let mut facts = FactMap::new();
        facts.insert("aws:SecureTransport", secure);
        if named {
            facts.insert("aws:username", "alice");
        }
        if let Some(tags) = tags {
            facts.insert("aws:TagKeys", FactValue::Many(tags.into_iter().map(Into::into).collect()));
        }
        facts
    })
}

fn world() -> impl Strategy<Value = World> {
    let policies = (
        vec(document(Target::Identity), 0..3),
        option::weighted(0.3, document(Target::Identity)),
        option::weighted(0.3, vec(document(Target::Session), 0..3)),
        option::weighted(0.9, document(Target::KeyPolicy)),
        vec(vec(document(Target::ServiceControl), 0..2), 0..2),
    );
    let grantee = select(vec!["arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:role/app"]);
    let grants = vec((grantee.prop_map(Into::into), vec(select(vec!["Decrypt".into(), "Sign".into()]), 0..2)), 0..2);
    let kind = select(vec![ResourceKind::KmsKey, ResourceKind::Other, ResourceKind::RoleTrust]);
    let action = select(vec!["kms:Decrypt", "kms:Encrypt", "kms:PutKeyPolicy", "sts:AssumeRole"]);
    (policies, grants, principal(), action, kind, facts()).prop_map(
        |((identity, boundary, session, resource, service_control), grants, principal, action, kind, facts)| World {
            identity,
            boundary,
            session,
            resource,
            service_control,
            grants,
            principal,
            action,
            kind,
            facts,
        },
    )
}

proptest! {
    #[test]
    fn parsing_arbitrary_text_never_panics(text in "\\PC{0,200}") {
        for target in TARGETS {
            let _ = Document::parse(target, &text);
        }
    }

    /// Words of the language in any order reach deeper than arbitrary text.
    #[test]
    fn parsing_broken_documents_never_panics(
        words in vec(select(vec![
            "{", "}", "[", "]", ",", ":", "\"*\"", "\"Statement\":", "\"Effect\":", "\"Allow\"", "\"Action\":",
            "\"Condition\":", "\"StringLike\":", "\"Principal\":", "\"AWS\":", "\"${a:b, 'c'\"", "\"arn:aws:\\u00e9::\"",
            "1e9", "null",
        ]), 0..40)
    ) {
        for target in TARGETS {
            let _ = Document::parse(target, &words.concat());
        }
    }

    /// Any text in any place of a statement is stored or refused, and what is stored can be decided with.
    #[test]
    fn statements_of_any_text_are_refused_or_decided(
        action in "[a-z:*?]{0,8}", resource in "[arn:*?${}, ']{0,16}", key in "[a-zé:/]{0,8}",
        operator in select(vec!["StringLike", "ArnLike", "DateEquals", "IpAddress", "NumericEquals", "BinaryEquals"]),
        value in "[0-9a-zT:.+/${}, '*-]{0,16}", asked in "[arn:x/]{0,16}",
    ) {
        let statement = json!({
            "Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource,
            "Condition": { operator: { key.clone(): value.clone() } },
        });
        let text = json!({ "Version": "2012-10-17", "Statement": statement }).to_string();
        if let Ok(document) = Document::parse(Target::KeyPolicy, &text) {
            let resource = NamedDocument { name: "generated".into(), document: Arc::new(document) };
            let facts: FactMap = [(key, value)].into_iter().collect();
            let request = Request {
                action: "kms:Decrypt",
                resource: &asked,
                resource_kind: ResourceKind::Other,
                resource_account: "111122223333".parse().unwrap(),
                principal: &Principal::anonymous(),
                facts: &facts,
                encryption_context: None,
            };
            let policies = Policies { resource: Some(&resource), ..Policies::default() };
            prop_assert_eq!(explain(&request, &policies).decision, decide(&request, &policies));
            prop_assert_eq!(simulate(&request, &policies).decision, decide(&request, &policies));
        }
    }

    #[test]
    fn explanations_agree_and_every_applying_deny_decides(world in world()) {
        world.decide();
    }

    #[test]
    fn one_more_deny_never_allows(world in world(), deny in statement(Target::KeyPolicy), place in 0..5) {
        let before = world.decide();
        let mut more = world;
        let mut statement = deny;
        statement["Effect"] = "Deny".into();
        let mut own = statement.clone();
        for element in ["Principal", "NotPrincipal"] {
            own.as_object_mut().unwrap().remove(element);
        }
        match place {
            0 => more.identity.push(named(Target::Identity, &own)),
            1 => {
                if let Some(session) = &mut more.session {
                    session.push(named(Target::Session, &own));
                }
            }
            2 => more.service_control.iter_mut().for_each(|level| level.push(named(Target::ServiceControl, &own))),
            3 => more.service_control.push(vec![named(Target::ServiceControl, &own)]),
            // A key policy that only denies allows nothing that no key policy does not.
            _ => {
                if more.resource.is_none() {
                    more.resource = Some(named(Target::KeyPolicy, &statement));
                }
            }
        }
        let after = more.decide();
        prop_assert!(before.is_allow() || !after.is_allow(), "{before:?} became {after:?}");
        if before.effect == Effect::ExplicitDeny {
            prop_assert_eq!(after.effect, Effect::ExplicitDeny);
        }
    }

    /// A deny that covers everything leaves nothing.
    #[test]
    fn a_deny_of_everything_wins(world in world()) {
        let mut denied = world;
        let everything = json!({ "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*" });
        denied.resource = Some(named(Target::KeyPolicy, &everything));
        prop_assert_eq!(denied.decide().effect, Effect::ExplicitDeny);
    }

    /// A ceiling only takes away.
    #[test]
    fn a_boundary_never_allows_more(world in world(), boundary in document(Target::Identity)) {
        let without = World { boundary: None, ..world.clone() }.decide();
        let with = World { boundary: Some(boundary), ..world }.decide();
        prop_assert!(without.is_allow() || !with.is_allow(), "{without:?} became {with:?}");
    }
}
