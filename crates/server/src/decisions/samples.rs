//! Decisions for the tests of this folder.

use kanuki_types::Timestamp;

use super::{ConditionNote, DecisionRecord, DemandNote, DocumentNote, GrantNote, StatementNote};

pub(super) const KEY: &str = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// A denied call of a user on a key of its own account.
pub(super) fn decision(demands: Vec<DemandNote>) -> DecisionRecord {
    DecisionRecord {
        request_id: "00000000-0000-4000-8000-000000000001".into(),
        time: Timestamp::from_millis(0),
        operation: "kms:Decrypt".into(),
        region: "us-west-2".into(),
        principal: "arn:aws:iam::111122223333:user/team/alice".into(),
        principal_id: Some("AIDAEXAMPLEEXAMPLEEXA".into()),
        access_key_id: "AKIAEXAMPLEEXAMPLE23".into(),
        allowed: false,
        message: Some("User: alice is not authorized".into()),
        demands,
        shortened: false,
    }
}

/// An access to a resource that one statement denies and another would have allowed.
pub(super) fn demand(resource: &str) -> DemandNote {
    let statement = |index, sid: &str, effect: &str, conditions| StatementNote {
        index,
        sid: Some(sid.into()),
        effect: effect.into(),
        applies: effect == "Deny",
        principal: None,
        action: true,
        resource: true,
        conditions,
    };
    DemandNote {
        action: "kms:Decrypt".into(),
        resource: resource.into(),
        decision: "ExplicitDeny".into(),
        by: "identity".into(),
        reason: "statement 1 (NotHere) of own denies it".into(),
        documents: vec![DocumentNote {
            kind: "identity".into(),
            level: 0,
            name: "own".into(),
            statements: vec![
                statement(0, "NotHere", "Deny", vec![condition("aws:RequestedRegion", "us-west-2", Some("us-west-2"))]),
                statement(1, "External", "Allow", vec![condition("sts:ExternalId", "partner-7", Some("partner-8"))]),
            ],
        }],
        grants: vec![GrantNote { id: "g1".into(), gives: false, reason: "it does not hold the operation".into() }],
        facts: [
            ("aws:requestedregion".into(), Some(vec!["us-west-2".into()])),
            ("aws:sourceidentity".into(), None),
            ("sts:externalid".into(), Some(vec!["partner-8".into()])),
        ]
        .into(),
    }
}

fn condition(key: &str, wanted: &str, request: Option<&str>) -> ConditionNote {
    ConditionNote {
        operator: "StringEquals".into(),
        key: key.into(),
        values: vec![wanted.into()],
        request: request.map(|value| vec![value.into()]),
        holds: request == Some(wanted),
    }
}
