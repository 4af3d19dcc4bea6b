//! An explanation as text, or the encoded message that stands for it.

use std::fmt::Write as _;

use serde_json::Value;

use super::{items, text_of};

/// The whole explanation.
pub(super) fn text(answer: &Value) -> String {
    if let Some(encoded) = answer.get("encodedMessage").and_then(Value::as_str) {
        return format!("{encoded}\n");
    }
    let mut out = String::new();
    head(answer, &mut out);
    for demand in items(answer, "demands") {
        one(demand, &mut out);
    }
    if is_true(answer, "shortened") {
        out.push_str("There was more than is kept of one decision: statements that do not apply were left out.\n");
    }
    out
}

/// Writing to a text cannot fail.
macro_rules! line {
    ($out:expr, $($format:tt)*) => { let _ = writeln!($out, $($format)*); };
}

fn head(answer: &Value, out: &mut String) {
    let principal = text_of(answer, "principal");
    match text_of(answer, "requestId") {
        "" => {
            line!(out, "principal {principal}");
            if let Some(message) = answer.get("message").and_then(Value::as_str) {
                line!(out, "  the client would be told: {message}");
            }
        }
        id => {
            let outcome = if is_true(answer, "allowed") { "allowed" } else { "denied" };
            line!(out, "request {id}: {outcome}");
            line!(out, "  {} by {principal}", text_of(answer, "operation"));
            line!(out, "  access key {}, Region {}", text_of(answer, "accessKeyId"), text_of(answer, "region"));
            if let Some(message) = answer.get("message").and_then(Value::as_str) {
                line!(out, "  the client was told: {message}");
            }
        }
    }
}

fn one(demand: &Value, out: &mut String) {
    line!(out, "{} on {}", text_of(demand, "action"), text_of(demand, "resource"));
    line!(out, "  {}: {}", text_of(demand, "decision"), text_of(demand, "reason"));
    for document in items(demand, "documents") {
        line!(out, "  {} policy: {}", text_of(document, "kind"), text_of(document, "name"));
        items(document, "statements").iter().for_each(|found| statement(found, out));
    }
    if items(demand, "documents").is_empty() {
        line!(out, "  no policy was looked at");
    }
    for grant in items(demand, "grants") {
        let gives = if is_true(grant, "gives") { "gives it" } else { "does not give it" };
        line!(out, "  grant {} {gives}: {}", text_of(grant, "id"), text_of(grant, "reason"));
    }
    for (key, values) in demand.get("facts").and_then(Value::as_object).into_iter().flatten() {
        line!(out, "  {key} = {}", values_text(Some(values)));
    }
}

fn statement(found: &Value, out: &mut String) {
    let number = found.get("index").and_then(Value::as_u64).unwrap_or_default() + 1;
    let sid = match text_of(found, "sid") {
        "" => String::new(),
        sid => format!(" ({sid})"),
    };
    let effect = text_of(found, "effect");
    let names = found.get("principal").and_then(Value::as_array);
    let mut against = Vec::new();
    if names.is_some_and(Vec::is_empty) {
        against.push("another principal");
    }
    if !is_true(found, "action") {
        against.push("another action");
    }
    if !is_true(found, "resource") {
        against.push("another resource");
    }
    let conditions = items(found, "conditions");
    if conditions.iter().any(|condition| !is_true(condition, "holds")) {
        against.push("a condition that does not hold");
    }
    let verdict = if is_true(found, "applies") {
        match names {
            Some(names) => format!("applies (names the caller: {})", list(names)),
            None => "applies".into(),
        }
    } else {
        format!("does not apply: {}", against.join(", "))
    };
    line!(out, "    statement {number}{sid}, {effect}: {verdict}");
    for condition in conditions {
        let holds = if is_true(condition, "holds") { "holds" } else { "does not hold" };
        let wanted = condition.get("values").and_then(Value::as_array).map(|values| list(values)).unwrap_or_default();
        line!(
            out,
            "      {} {} [{wanted}] against {}: {holds}",
            text_of(condition, "operator"),
            text_of(condition, "key"),
            values_text(condition.get("request"))
        );
    }
}

/// The request's values of a condition key.
fn values_text(values: Option<&Value>) -> String {
    match values.and_then(Value::as_array) {
        Some(values) => format!("[{}]", list(values)),
        None => "nothing: the request has no such key".into(),
    }
}

fn list(values: &[Value]) -> String {
    values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

fn is_true(value: &Value, member: &str) -> bool {
    value.get(member) == Some(&Value::Bool(true))
}
