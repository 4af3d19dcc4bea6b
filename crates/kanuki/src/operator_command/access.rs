//! Who may do what with a key, as text.

use std::fmt::Write as _;

use serde_json::Value;

use super::{items, text_of};

/// One page.
pub(super) fn text(page: &Value) -> String {
    let mut out = String::new();
    for entry in items(page, "access") {
        let (principal, account) = (text_of(entry, "principal"), text_of(entry, "account"));
        let who = if is_true(entry, "anySession") {
            " (any session)".to_owned()
        } else if is_true(entry, "wholeAccount") {
            format!(" (and whoever account {account} allows)")
        } else {
            String::new()
        };
        let both = if is_true(entry, "usesAndAdministers") { "  [uses and administers]" } else { "" };
        // Writing to a text cannot fail.
        let _ = writeln!(out, "{principal}{who}{both}");
        for found in items(entry, "rights") {
            let condition = if is_true(found, "inAnyCase") { "" } else { " under conditions" };
            let what = match text_of(found, "kind") {
                "use" => "may use it",
                "administer" => "may administer it",
                "retire" => "may retire grants of it",
                _ => "may look at it",
            };
            let _ = writeln!(out, "  {what}{condition}: {}", list(found, "operations").join(", "));
            reason(found, &mut out);
        }
        for found in items(entry, "couldGain") {
            let on = match text_of(found, "on") {
                "" => String::new(),
                on => format!(" on {on}"),
            };
            let operations = list(found, "operations").join(", ");
            let _ = writeln!(out, "  could give itself access by {}{on}: {operations}", text_of(found, "by"));
            reason(found, &mut out);
        }
    }
    out
}

fn reason(found: &Value, out: &mut String) {
    for (word, member) in [("through", "through"), ("only if", "onlyIf"), ("unless", "unless")] {
        for text in list(found, member) {
            let _ = writeln!(out, "    {word} {text}");
        }
    }
}

fn list<'a>(found: &'a Value, member: &str) -> Vec<&'a str> {
    items(found, member).iter().filter_map(Value::as_str).collect()
}

fn is_true(value: &Value, member: &str) -> bool {
    value.get(member) == Some(&Value::Bool(true))
}
