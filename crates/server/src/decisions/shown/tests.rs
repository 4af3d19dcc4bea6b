//! What is shown to whom.

use super::*;
use crate::decisions::samples::{KEY, decision, demand};

fn home() -> AccountId {
    "111122223333".parse().unwrap()
}

#[test]
fn of_its_own_resources_an_account_sees_everything_but_external_ids() {
    let whole = decision(vec![demand(KEY)]);
    let shown = whole.shown_to(home());
    let text = serde_json::to_string(&shown).unwrap();
    assert!(!text.contains("partner-"), "{text}");
    let external = &shown.demands[0].documents[0].statements[1].conditions[0];
    assert_eq!(external.request, Some(vec![NOT_SHOWN.to_owned()]));
    let replaced =
        serde_json::to_string(&whole).unwrap().replace("partner-7", NOT_SHOWN).replace("partner-8", NOT_SHOWN);
    assert_eq!(text, replaced);
}

/// A key of another account and one that does not exist look alike, by whatever name they were found.
#[test]
fn of_other_accounts_nothing_is_shown() {
    let foreign = KEY.replace("111122223333", "444455556666");
    let (mut exists, mut missing) = (demand(&foreign), demand(&format!("{foreign}0")));
    exists.facts.insert("kms:keyspec".into(), Some(vec!["RSA_2048".into()]));
    (missing.decision, missing.by) = (IMPLICIT_DENY.into(), "default".into());
    missing.documents.clear();
    missing.facts.clear();
    let [exists, missing] = [exists, missing].map(|demand| decision(vec![demand]).shown_to(home()));
    assert_eq!(exists, missing);
    let text = serde_json::to_string(&exists.demands).unwrap();
    for secret in ["444455556666", "NotHere", "RSA_2048", "ExplicitDeny", "g1", "partner"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[test]
fn whose_a_resource_is() {
    for (resource, is_own) in [
        ("*", true),
        (KEY, true),
        (&format!("{KEY}, grant 0123"), true),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", true),
        ("arn:aws:iam::111122223333:role/x", true),
        ("arn:aws:iam::444455556666:role/x", false),
        ("arn:aws:s3:::bucket", false),
        ("alias/x", false),
        ("", false),
    ] {
        assert_eq!(is_resource_of(resource, home()), is_own, "{resource}");
    }
}

#[test]
fn whose_a_caller_is() {
    let of = |principal: &str| DecisionRecord { principal: principal.into(), ..decision(Vec::new()) }.account();
    for principal in ["arn:aws:iam::111122223333:root", "arn:aws:sts::111122223333:assumed-role/r/s"] {
        assert_eq!(of(principal), Some(home()), "{principal}");
    }
    assert_eq!(of("s3.amazonaws.com"), None);
}
