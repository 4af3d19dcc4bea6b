//! Rules between session tags.

use kanuki_types::Timestamp;

use super::*;
use crate::identity::SessionKind;

fn given(tags: &[(&str, &str)], transitive: &[&str]) -> GivenTags {
    GivenTags {
        tags: tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        transitive: transitive.iter().map(|key| (*key).into()).collect(),
    }
}

fn calling(tags: &[(&str, &str)], transitive: &[&str]) -> SessionClaims {
    SessionClaims {
        account: "111122223333".parse().unwrap(),
        principal: None,
        kind: SessionKind::Role { session_name: "s".into() },
        issued: Timestamp::from_seconds(0),
        expires: Timestamp::from_seconds(1),
        mfa: None,
        source_access_key: None,
        policies: None,
        tags: given(tags, &[]).tags.into_iter().collect(),
        transitive: given(&[], transitive).transitive.into_iter().collect(),
        source_identity: None,
        web: None,
    }
}

#[test]
fn only_transitive_tags_are_passed_on_and_none_can_be_replaced() {
    let calling = calling(&[("Team", "blue"), ("Own", "1")], &["Team"]);
    let (tags, transitive) = given(&[("Cost", "x"), ("New", "y")], &["cost"]).join(Some(&calling)).unwrap();
    assert_eq!(tags.into_iter().collect::<Vec<_>>(), given(&[("Cost", "x"), ("New", "y"), ("Team", "blue")], &[]).tags);
    assert_eq!(transitive.into_iter().collect::<Vec<_>>(), ["Cost", "Team"]);
    assert!(given(&[("team", "red")], &[]).join(Some(&calling)).is_err());
    assert!(given(&[("Own", "2")], &[]).join(Some(&calling)).is_ok());
}

#[test]
fn rules_between_tags() {
    let refused = |tags: &[(&str, &str)], transitive: &[&str]| given(tags, transitive).check().is_err();
    assert!(!refused(&[("a", ""), ("b", "é x")], &["A"]));
    assert!(refused(&[("a", "1"), ("A", "2")], &[]), "one key twice");
    assert!(refused(&[("a", "1")], &["b"]), "a transitive key without its tag");
    assert!(refused(&[("AWS:a", "1")], &[]), "reserved");
    assert!(refused(&[("a", "1\u{0}")], &[]), "a control character");
    let many: Vec<(String, String)> = (0..=TAGS_MAX).map(|n| (format!("k{n}"), String::new())).collect();
    assert!(GivenTags { tags: many, transitive: Vec::new() }.check().is_err(), "too many");
}
