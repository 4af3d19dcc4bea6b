//! `compat`: the page that says which operations there are and where they differ from AWS KMS on purpose.
//!
//! Not here: the facts. The list of the API is golden data, the table is the binary's own, deviations are in
//! `docs/compat/exceptions.toml`.
//! Invariants: an operation outside of the API, and a deviation of an operation that is not implemented, are errors.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use super::test::build_release;
use crate::{
    api,
    step::{Failure, Steps, output},
    workplace::Workplace,
};

/// The page.
const PAGE: &str = "docs/compat/kms.md";

/// Deliberate deviations.
const DEVIATIONS: &str = "docs/compat/exceptions.toml";

/// Writes the page, or with `--check` compares it.
pub(super) fn compat(workplace: &Workplace, steps: &mut Steps, arguments: &[String]) -> Result<(), Failure> {
    let check = match arguments {
        [] => false,
        [word] if word == "--check" => true,
        _ => return Err(Failure::new("compat takes nothing but `--check`")),
    };
    build_release(workplace, steps)?;
    steps.step("compatibility page", || write_or_compare(workplace, check))
}

/// Makes the page from the release binary; writes it or compares it.
pub(super) fn write_or_compare(workplace: &Workplace, check: bool) -> Result<(), Failure> {
    let table = output(workplace.command(workplace.binary()).arg("operations"))?;
    let page = page(&read(workplace, api::KMS_OPERATIONS_FILE)?, &table, &read(workplace, DEVIATIONS)?)?;
    let path = workplace.file(PAGE);
    if check {
        let same = fs::read_to_string(&path).is_ok_and(|kept| kept == page);
        return if same {
            Ok(())
        } else {
            Err(Failure::new(format!("{PAGE} is out of date; run `cargo xtask compat`")))
        };
    }
    fs::write(&path, page).map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}

fn read(workplace: &Workplace, path: &str) -> Result<String, Failure> {
    fs::read_to_string(workplace.file(path)).map_err(|error| Failure::new(format!("cannot read {path}: {error}")))
}

/// A deliberate difference.
struct Deviation {
    operation: String,
    rule: String,
    decision: String,
    reason: String,
    test: String,
}

/// The text of the page.
fn page(api: &str, table: &str, deviations: &str) -> Result<String, Failure> {
    let api: Vec<&str> = api::names(api).collect();
    let implemented = implemented(table, &api)?;
    let deviations = self::deviations(deviations, &implemented)?;
    let mut out = format!(
        "# KMS operations\n\nMade by `cargo xtask compat`; do not edit. {} of {} operations are implemented.\n\n\
         | operation | implemented | deviations |\n|---|---|---|\n",
        implemented.len(),
        api.len(),
    );
    for name in api {
        let mark = if implemented.contains(name) { "yes" } else { "no" };
        let count = deviations.iter().filter(|deviation| deviation.operation == name).count();
        let count = if count == 0 { String::new() } else { count.to_string() };
        // Writing to a text cannot fail; the same holds below.
        let _ = writeln!(out, "| `{name}` | {mark} | {count} |");
    }
    out.push_str("\n## Deviations\n\nWhere Kanuki differs from AWS KMS on purpose, why, and which test holds it.\n");
    if deviations.is_empty() {
        out.push_str("\nNone.\n");
    }
    for Deviation { operation, rule, decision, reason, test } in deviations {
        let _ = write!(
            out,
            "\n### `{operation}`\n\n- Rule: {rule}\n- Decision: {decision}\n- Reason: {reason}\n- Test: `{test}`\n"
        );
    }
    Ok(out)
}

/// The implemented operations of KMS in the binary's table: a list of `{service, name, action, implemented}`.
fn implemented(table: &str, api: &[&str]) -> Result<BTreeSet<String>, Failure> {
    let wrong = || Failure::new("`kanuki operations` printed no list of operations");
    let table: serde_json::Value = serde_json::from_str(table).map_err(|_| wrong())?;
    let mut out = BTreeSet::new();
    for entry in table.as_array().ok_or_else(wrong)? {
        let text = |name: &str| entry.get(name).and_then(serde_json::Value::as_str).ok_or_else(wrong);
        let is_implemented = entry.get("implemented").and_then(serde_json::Value::as_bool).ok_or_else(wrong)?;
        let (service, name) = (text("service")?, text("name")?);
        if service != "kms" {
            continue;
        }
        if !api.contains(&name) {
            return Err(Failure::new(format!("the binary has `{name}`, which is no operation of KMS")));
        }
        if is_implemented {
            out.insert(name.to_owned());
        }
    }
    if out.is_empty() {
        return Err(Failure::new("the binary's table has no operation of KMS"));
    }
    Ok(out)
}

/// The deviations in the order of their file; `*` stands for every operation.
fn deviations(text: &str, implemented: &BTreeSet<String>) -> Result<Vec<Deviation>, Failure> {
    let table: toml::Table = text.parse().map_err(|error| Failure::new(format!("{DEVIATIONS}: {error}")))?;
    if let Some(key) = table.keys().find(|key| *key != "deviation") {
        return Err(Failure::new(format!("{DEVIATIONS}: `{key}` is unknown; entries are called `deviation`")));
    }
    let entries = table.get("deviation").and_then(toml::Value::as_array).into_iter().flatten();
    entries
        .map(|entry| {
            let member = |name: &str| {
                let text = entry.get(name).and_then(toml::Value::as_str).map(one_line);
                text.filter(|text| !text.is_empty())
                    .ok_or_else(|| Failure::new(format!("{DEVIATIONS}: a deviation has no `{name}`")))
            };
            let operation = member("operation")?;
            if operation != "*" && !implemented.contains(&operation) {
                return Err(Failure::new(format!("{DEVIATIONS}: `{operation}` is not implemented")));
            }
            Ok(Deviation {
                operation,
                rule: member("rule")?,
                decision: member("decision")?,
                reason: member("reason")?,
                test: member("test")?,
            })
        })
        .collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = "# Head\nDecrypt\nEncrypt\n";
    const TABLE: &str = r#"[
        {"service": "kms", "name": "Encrypt", "action": "kms:Encrypt", "implemented": true},
        {"service": "kms", "name": "Decrypt", "action": "kms:Decrypt", "implemented": false},
        {"service": "sts", "name": "AssumeRole", "action": "sts:AssumeRole", "implemented": true}
    ]"#;
    const DEVIATION: &str =
        "[[deviation]]\noperation = \"Encrypt\"\nrule = \"a\"\ndecision = \"b\nc\"\nreason = \"d\"\ntest = \"e\"\n";

    #[test]
    fn joins_the_three_sources() {
        let page = page(API, TABLE, &DEVIATION.replace("\"b\nc\"", "\"\"\"b\nc\"\"\"")).unwrap();
        assert!(page.contains("1 of 2 operations"));
        assert!(page.contains("| `Decrypt` | no |  |\n| `Encrypt` | yes | 1 |\n"), "{page}");
        assert!(page.contains("### `Encrypt`\n\n- Rule: a\n- Decision: b c\n- Reason: d\n- Test: `e`\n"), "{page}");
        assert!(!page.contains("AssumeRole"));
    }

    #[test]
    fn refuses_what_does_not_fit_together() {
        let entry = |operation: &str| {
            format!(
                "[[deviation]]\noperation = \"{operation}\"\nrule = \"a\"\ndecision = \"b\"\nreason = \"c\"\ntest = \"d\""
            )
        };
        assert!(page(API, TABLE, &entry("Encrypt")).is_ok());
        assert!(page(API, TABLE, &entry("*")).is_ok());
        assert!(page(API, TABLE, &entry("Decrypt")).is_err(), "not implemented");
        assert!(page(API, TABLE, &entry("Encrypt").replace("reason = \"c\"", "")).is_err(), "no reason");
        assert!(page(API, TABLE, "[[exception]]").is_err(), "wrong name");
        assert!(page("Decrypt", TABLE, "").is_err(), "an operation outside of the API");
        assert!(page(API, "[]", "").is_err(), "an empty table");
        assert!(page(API, "{}", "").is_err(), "no table");
    }
}
