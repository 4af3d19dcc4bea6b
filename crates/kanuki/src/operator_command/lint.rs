//! Advice about a policy: of a file, and as text.

use std::path::Path;

use kanuki_policy::{Target, findings};
use kanuki_server::keys::finding_json;
use serde_json::{Value, json};

use super::{items, policy_file, text_of};
use crate::{
    cli::{DocumentKind, LintArgs},
    error::CommandError,
};

/// What is found in a file; none if there is no such file.
pub(super) fn file(args: &LintArgs) -> Result<Option<Value>, CommandError> {
    let path = Path::new(&args.what);
    if !path.is_file() {
        return match args.kind {
            Some(_) => Err(CommandError::new(format!("there is no file {}", path.display()))),
            None => Ok(None),
        };
    }
    let text = policy_file::read(path)?;
    let guessed = if text.contains("Principal\"") { DocumentKind::Key } else { DocumentKind::Identity };
    let target = match args.kind.unwrap_or(guessed) {
        DocumentKind::Identity => Target::Identity,
        DocumentKind::Key => Target::KeyPolicy,
        DocumentKind::Session => Target::Session,
        DocumentKind::Trust => Target::Trust,
    };
    let found: Vec<Value> = findings(target, &text).iter().map(finding_json).collect();
    Ok(Some(json!({ "file": args.what, "findings": found })))
}

/// Whether there is neither an error nor a security warning.
pub(super) fn is_clean(found: &Value) -> bool {
    let grave = |finding: &Value| ["error", "security-warning"].contains(&text_of(finding, "kind"));
    !items(found, "findings").iter().any(grave)
}

pub(super) fn text(found: &Value) -> String {
    let what = match text_of(found, "key") {
        "" => text_of(found, "file"),
        key => key,
    };
    let line = |finding: &Value| {
        let place = match finding.get("statement").and_then(Value::as_u64) {
            Some(number) => format!(" in statement {number}"),
            None => String::new(),
        };
        format!(
            "{what}: {}{place}: {}: {}\n",
            text_of(finding, "kind"),
            text_of(finding, "code"),
            text_of(finding, "details")
        )
    };
    match items(found, "findings") {
        [] => format!("{what}: nothing to be said against it\n"),
        all => all.iter().map(line).collect(),
    }
}
