//! Who may do what with a key, as text.

use std::fmt::Write as _;

use serde_json::Value;

use super::{items, text_of};

/// One page.
pub(super) fn text(page: &Value) -> String {
    let mut out = String::new();
    for entry in items(page, "access") {
        let any = if entry.get("anySession") == Some(&Value::Bool(true)) { " (any session)" } else { "" };
        // Writing to a text cannot fail.
        let _ = writeln!(out, "{}{any}", text_of(entry, "principal"));
        items(entry, "rights").iter().for_each(|found| right(found, &mut out));
    }
    out
}

fn right(found: &Value, out: &mut String) {
    let may = match (text_of(found, "kind"), found.get("inAnyCase") == Some(&Value::Bool(true))) {
        ("use", true) => "may use it",
        ("use", false) => "may use it under conditions",
        ("administer", true) => "may administer it",
        ("administer", false) => "may administer it under conditions",
        (_, true) => "may look at it",
        (_, false) => "may look at it under conditions",
    };
    let list = |member: &str| items(found, member).iter().filter_map(Value::as_str).collect::<Vec<_>>();
    let _ = writeln!(out, "  {may}: {}", list("operations").join(", "));
    for (word, member) in [("through", "through"), ("only if", "onlyIf"), ("unless", "unless")] {
        for text in list(member) {
            let _ = writeln!(out, "    {word} {text}");
        }
    }
}
