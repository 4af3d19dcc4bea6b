//! The form of a decoded message.

use serde_json::{Value, json};

use crate::decisions::samples::{KEY, decision, demand};

#[test]
fn has_the_members_of_the_api_and_the_whole_decision() {
    let whole = decision(vec![demand("*"), demand(KEY)]);
    let text = whole.decoded().unwrap();
    assert!(text.starts_with(r#"{"allowed":false,"explicitDeny":true,"matchedStatements":"#), "in the API's order");
    let decoded: Value = serde_json::from_str(&text).unwrap();
    let region = json!([{ "key": "aws:RequestedRegion", "values": { "items": [{ "value": "us-west-2" }] } }]);
    assert_eq!(
        decoded["matchedStatements"]["items"],
        json!([{
            "statementId": "NotHere",
            "effect": "DENY",
            "policy": "own",
            "policyType": "identity",
            "statement": 1,
            "conditions": { "items": region },
        }])
    );
    assert_eq!(decoded["failures"], json!({ "items": [] }));
    assert_eq!(
        decoded["context"]["principal"],
        json!({ "id": "AIDAEXAMPLEEXAMPLEEXA", "name": "alice", "arn": "arn:aws:iam::111122223333:user/team/alice" })
    );
    assert_eq!((&decoded["context"]["action"], &decoded["context"]["resource"]), (&json!("kms:Decrypt"), &json!(KEY)));
    let keys: Vec<&Value> =
        decoded["context"]["conditions"]["items"].as_array().unwrap().iter().map(|item| &item["key"]).collect();
    assert_eq!(keys, ["aws:requestedregion", "sts:externalid"], "those that the request has");
    assert_eq!(decoded["decision"], serde_json::to_value(&whole).unwrap());
}

#[test]
fn a_decision_that_lost_its_demands_still_says_who_and_what() {
    let decoded: Value = serde_json::from_str(&decision(Vec::new()).decoded().unwrap()).unwrap();
    assert_eq!((&decoded["allowed"], &decoded["explicitDeny"]), (&json!(false), &json!(false)));
    assert_eq!(decoded["context"]["action"], "kms:Decrypt");
}
