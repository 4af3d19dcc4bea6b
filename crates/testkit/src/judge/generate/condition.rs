//! Conditions of statements, and the facts that they meet.
//!
//! Not here: operators and keys that a document must refuse.

use std::collections::BTreeMap;

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};

use super::{A, ALICE, B, Context, ROLE, Values};

pub(super) fn condition() -> BoxedStrategy<Value> {
    let texts = vec![
        "alice",
        "bob",
        "a?ice",
        "*",
        "al*",
        "*l*c*",
        "?????",
        "Blue",
        "blue",
        "",
        "${aws:username}",
        "${aws:PrincipalTag/Team}",
        "${aws:PrincipalTag/Team, 'blue'}",
        "${*}",
        "*${aws:username}*",
        "${aws:TagKeys}",
        "${aws:TagKeys, 'app'}",
        "${$}{x}",
        A,
        B,
        "app",
        "x",
        "Café",
    ];
    let text_operators = [
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringNotLike",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
    ];
    let text_keys = vec![
        "aws:username",
        "AWS:PrincipalTag/team",
        "aws:TagKeys",
        "kms:EncryptionContext:App",
        "kms:EncryptionContextKeys",
        "aws:PrincipalAccount",
    ];
    let numbers = [
        "NumericEquals",
        "NumericNotEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
    ];
    let dates = [
        "DateEquals",
        "DateNotEquals",
        "DateLessThan",
        "DateLessThanEquals",
        "DateGreaterThan",
        "DateGreaterThanEquals",
    ];
    let moments = vec![
        "2025-01-01T00:00:00Z",
        "2025-01-01T01:00:00+01:00",
        "2024-12-31T23:30:00-00:30",
        "2025-01-01T00:00:00.500Z",
        "2025-01-01T00:00:00",
        "2025-01-01",
        "2025-02",
        "1735689600",
        "2030",
    ];
    let arns = vec![
        ALICE,
        ROLE,
        "arn:aws:iam::*:user/*",
        "arn:aws:iam::111122223333:*",
        "*",
        "arn:aws:iam::*:role/svc/a?p",
        "arn:aws:iam::${aws:PrincipalAccount}:*",
        "arn:aws:iam::*:role/svc/${aws:PrincipalTag/team, 'app'}",
        "arn:aws:sts::*:federated-user/*",
    ];
    prop_oneof![
        5 => block(text_operators.to_vec(), text_keys, texts),
        1 => block(numbers.to_vec(), vec!["aws:MultiFactorAuthAge"], vec![
            "10", "10.0", " 010", "+10", "-5", "-0", "300.5", "10.000000001", "9007199254740993", "1e1", "NaN", "ten", "",
        ]),
        1 => block(dates.to_vec(), vec!["aws:CurrentTime", "aws:EpochTime"], moments),
        1 => block(vec!["Bool"], vec!["aws:MultiFactorAuthPresent", "aws:SecureTransport"], vec!["true", "True", "false", "FALSE", "yes"]),
        1 => block(
            vec!["IpAddress", "NotIpAddress"],
            vec!["aws:SourceIp"],
            vec![
                "203.0.113.0/24", "203.0.113.99/25", "0.0.0.0/0", "203.0.113.0/33", "2001:db8::/32", "2001:0db8:0::1", "::/0",
                "198.51.100.7", "::ffff:203.0.113.5", "anywhere",
            ],
        ),
        2 => block(vec!["ArnLike", "ArnEquals", "ArnNotLike", "ArnNotEquals"], vec!["aws:PrincipalArn"], arns),
        1 => (select(vec!["aws:TagKeys", "aws:PrincipalTag/team", "aws:username"]), select(vec!["true", "false"]))
            .prop_map(|(key, value)| json!({ "Null": { key: value } })),
        1 => (select(vec!["ForAllValues:Null", "ForAnyValue:Null"]), select(vec!["true", "false"]))
            .prop_map(|(operator, value)| json!({ operator: { "aws:TagKeys": value } })),
    ]
.boxed()
}

fn block(operators: Vec<&'static str>, keys: Vec<&'static str>, values: Vec<&'static str>) -> BoxedStrategy<Value> {
    let prefix = prop_oneof![4 => Just(""), 1 => Just("ForAllValues:"), 1 => Just("ForAnyValue:")];
    let suffix = prop_oneof![3 => Just(""), 1 => Just("IfExists")];
    (prefix, select(operators), suffix, select(keys), one_or_list(values, 0..4))
        .prop_map(|(prefix, operator, suffix, key, values)| {
            // A key policy with this set operator on one pair of the context is refused.
            let prefix = if key.contains("Context:") && prefix.starts_with("ForAll") { "" } else { prefix };
            json!({ format!("{prefix}{operator}{suffix}"): { key: values } })
        })
        .boxed()
}

pub(super) fn one_or_list(names: Vec<&'static str>, count: std::ops::Range<usize>) -> BoxedStrategy<Value> {
    vec(select(names), count)
        .prop_map(|mut list| {
            list.sort_unstable();
            list.dedup();
            if let [one] = &list[..] { json!(one) } else { json!(list) }
        })
        .boxed()
}

pub(super) fn context() -> BoxedStrategy<Context> {
    let one = |values: Vec<&'static str>| select(values).prop_map(|value| Values::One(value.into()));
    let given = |key: &'static str, values: BoxedStrategy<Values>| option::of(values).prop_map(move |it| (key, it));
    let tag_keys = vec(select(vec!["blue", "app", "", "x"]), 0..3)
        .prop_map(|values| Values::Many(values.into_iter().map(Into::into).collect()));
    (
        given("aws:PrincipalTag/Team", one(vec!["blue", "Blue", "*", "${aws:username}", ""]).boxed()),
        given("aws:TagKeys", tag_keys.boxed()),
        given(
            "aws:MultiFactorAuthAge",
            one(vec!["10", "9", "301", "ten", "10.00", "9007199254740992", "-5", "NaN"]).boxed(),
        ),
        given("aws:MultiFactorAuthPresent", one(vec!["true", "false"]).boxed()),
        given("aws:SecureTransport", one(vec!["true", "false"]).boxed()),
        given(
            "aws:CurrentTime",
            one(vec![
                "2025-01-01T00:00:00Z",
                "2024-12-31T23:59:59Z",
                "2025-02-01T00:00:00Z",
                "2025-01-01T00:00:00.400Z",
            ])
            .boxed(),
        ),
        given("aws:EpochTime", one(vec!["1735689600", "1735689599", "2030"]).boxed()),
        given("aws:SourceIp", one(vec!["203.0.113.5", "198.51.100.7", "2001:db8::1", "::ffff:203.0.113.200"]).boxed()),
    )
        .prop_map(|(a, b, c, d, e, f, g, h)| {
            [a, b, c, d, e, f, g, h].into_iter().filter_map(|(key, value)| Some((key.into(), value?))).collect()
        })
        .boxed()
}

pub(super) fn encryption_context() -> impl Strategy<Value = BTreeMap<String, String>> {
    let pair = (select(vec!["App", "app", "z"]), select(vec!["x", "X", "1"]));
    vec(pair, 0..3).prop_map(|pairs| {
        let mut context: BTreeMap<String, String> = BTreeMap::new();
        for (key, value) in pairs {
            // Keys that differ in case alone are one condition key; that is the gatherer's question, not the engine's.
            if !context.keys().any(|known| known.eq_ignore_ascii_case(key)) {
                context.insert(key.into(), value.into());
            }
        }
        context
    })
}
