//! Principal elements against callers.

use kanuki_types::{Caller, CallerKind};

use super::*;

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
const APP: &str = "arn:aws:iam::111122223333:role/svc/app";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/app/s1";

fn user(id: &str) -> Principal {
    caller(CallerKind::User { path: "/".into(), name: "alice".into(), id: UniqueId::new(id) })
}

fn session(id: &str) -> Principal {
    let (path, role, session) = ("/svc/".into(), "app".into(), "s1".into());
    caller(CallerKind::AssumedRole { path, role, id: UniqueId::new(id), session })
}

fn caller(kind: CallerKind) -> Principal {
    Principal::from_caller(&Caller { account: "111122223333".parse().unwrap(), kind })
}

fn element(not: bool, values: &[&str]) -> PrincipalElement {
    let values = values.iter().map(|text| (*text).into()).collect();
    PrincipalElement::new(&Listed { not, list: RawPrincipal::Typed(vec![("AWS".into(), values)]) })
}

fn bound(values: &[&str], ids: &[(&str, &str)]) -> PrincipalElement {
    let mut element = element(false, values);
    element.bind(&ids.iter().map(|(arn, id)| ((*arn).into(), UniqueId::new(id))).collect());
    element
}

#[test]
fn a_bound_arn_is_the_principal_that_had_it() {
    let element = bound(&[ALICE, APP], &[(ALICE, "AIDAFIRST"), (APP, "AROAFIRST")]);
    assert_eq!(element.matches(&user("AIDAFIRST"), false), MatchKinds::DIRECT);
    assert_eq!(element.matches(&user("AIDASECOND"), false), MatchKinds::NONE);
    assert_eq!(element.matches(&session("AROAFIRST"), false), MatchKinds::LIMITED);
    assert_eq!(element.matches(&session("AROASECOND"), false), MatchKinds::NONE);
}

#[test]
fn an_arn_missing_from_the_binding_is_nobody_and_a_session_stays_text() {
    let element = bound(&[ALICE, SESSION], &[]);
    assert_eq!(element.matches(&user("AIDAFIRST"), false), MatchKinds::NONE);
    assert_eq!(element.matches(&session("AROAFIRST"), false), MatchKinds::DIRECT);
    let to_role = bound(&[SESSION], &[(SESSION, "AROAFIRST")]);
    assert_eq!(to_role.matches(&session("AROAFIRST"), false), MatchKinds::DIRECT);
    assert_eq!(to_role.matches(&session("AROASECOND"), false), MatchKinds::NONE);
}

#[test]
fn a_unique_id_is_nobody_unless_bound() {
    const ID: &str = "AIDAEXAMPLEEXAMPLE234";
    assert_eq!(element(false, &[ID]).matches(&user(ID), false), MatchKinds::NONE);
    assert_eq!(bound(&[ID], &[(ID, ID)]).matches(&user(ID), false), MatchKinds::DIRECT);
}

#[test]
fn not_principal_exempts_only_who_is_named_in_every_way() {
    let cases: [(&[&str], Principal, bool); 7] = [
        (&[ALICE, "111122223333"], user("A"), true),
        (&[ALICE], user("A"), false),
        (&["111122223333"], user("A"), false),
        (&[APP, SESSION, "111122223333"], session("A"), true),
        (&[SESSION, "111122223333"], session("A"), false),
        (&["111122223333"], caller(CallerKind::Root), true),
        (&["111122223333"], Principal::anonymous(), false),
    ];
    for (values, principal, exempt) in cases {
        assert_eq!(element(true, values).matches(&principal, false).is_empty(), exempt, "{values:?} {principal:?}");
        assert!(!element(true, values).matches(&principal, true).is_empty(), "a boundary ends every exemption");
    }
}

#[test]
fn what_names_nobody() {
    for value in [
        "",
        "11112222333",
        "alice",
        "arn:aws:iam::111122223333:user/*",
        "arn:aws:iam::111122223333:user/",
        "arn:aws:iam::111122223333:group/g",
        "arn:aws:iam::111122223333:root/x",
        "arn:aws:iam:us-east-1:111122223333:user/x",
        "arn:aws:iam::*:root",
        "arn:aws-cn:iam::111122223333:root",
        "arn:aws:sts::111122223333:assumed-role/app",
        "arn:aws:sts::111122223333:assumed-role/app/s/t",
        "AIDAexample",
    ] {
        assert_eq!(PrincipalPattern::new("AWS", value), PrincipalPattern::Nobody, "{value}");
    }
    for (kind, value) in [("Service", "*"), ("Service", "kms"), ("Federated", ALICE), ("CanonicalUser", "79a5")] {
        assert_eq!(PrincipalPattern::new(kind, value), PrincipalPattern::Nobody, "{value}");
    }
}
