//! Advice about a document: what is stored but hardly meant.
//!
//! Not here: refusals; a document with findings is stored all the same. Where a document is refused, that is the only
//! finding.
//! Invariants: no finding changes a decision; work stays bounded by the limits of lists that are compared.
//! Source: "IAM Access Analyzer policy check reference" of the IAM user guide, which names the checks.

mod condition;
mod key_policy;
mod overlap;

use std::ops::Range;

use crate::{
    document::{Document, Target},
    json,
    syntax::{self, RawEffect, RawStatement, Syntax, Version},
    variable,
};

/// One piece of advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub kind: FindingKind,
    /// Its name, such as `MISSING_QUALIFIER`.
    pub code: &'static str,
    /// What it is about.
    pub details: String,
    /// The statement, from 0; none if it is about the whole document.
    pub statement: Option<usize>,
    /// The bytes of the text that the statement takes.
    pub span: Option<Range<usize>>,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingKind {
    /// A part of the document has no effect, or it is refused.
    Error,
    /// It allows more than it seems to.
    SecurityWarning,
    /// It can be shorter.
    Suggestion,
    /// It is unusual and may not be meant.
    Warning,
}

/// Looks through a document.
#[must_use]
pub fn findings(target: Target, text: &str) -> Vec<Finding> {
    let refused = |details| vec![about_document(FindingKind::Error, "POLICY_REFUSED", details)];
    if let Err(error) = Document::parse(target, text) {
        // The service has no words for what is not JSON in a key policy.
        return refused(if error.message.is_empty() { NO_JSON.into() } else { error.message });
    }
    // The document has passed, so that neither reading fails again.
    match json::read(text).ok().and_then(|json| syntax::read(&json).ok()) {
        Some(document) => in_document(target, &document),
        None => refused(String::new()),
    }
}

fn in_document(target: Target, document: &Syntax) -> Vec<Finding> {
    let mut found = Vec::new();
    if document.version != Some(Version::V2012) {
        found.push(about_document(
            FindingKind::Warning,
            "OUTDATED_POLICY_VERSION",
            "variables are plain text before version 2012-10-17".into(),
        ));
    }
    for (index, statement) in document.statements.iter().enumerate() {
        let mut notes = Notes { index, span: statement.span.clone(), found: &mut found };
        in_statement(statement, document.version == Some(Version::V2012), &mut notes);
        key_policy::statement(target, statement, statement.effect == RawEffect::Allow, &mut notes);
    }
    found
}

fn in_statement(statement: &RawStatement, variables: bool, notes: &mut Notes<'_>) {
    let allows = statement.effect == RawEffect::Allow;
    if statement.sid.as_deref() == Some("") {
        notes.add(FindingKind::Suggestion, "EMPTY_SID", "the Sid is empty".into());
    }
    if let Some(action) = &statement.action {
        if action.not && allows {
            notes.add(FindingKind::Warning, "ALLOW_WITH_NOT_ACTION", "every action not listed is allowed".into());
        }
        overlap::actions(&action.list, notes);
    }
    if let Some(resource) = &statement.resource {
        if resource.not && allows {
            let details = "every resource not listed, of every account, is covered".into();
            notes.add(FindingKind::SecurityWarning, "ALLOW_WITH_NOT_RESOURCE", details);
        }
        overlap::resources(&resource.list, notes);
        for text in resource.list.iter().filter(|text| *text != "*") {
            if variable::split_arn(text).len() < variable::ARN_PARTS {
                notes.add(FindingKind::Error, "MISSING_ARN_FIELD", format!("`{text}` has fewer than six parts"));
            }
            if variables {
                condition::variables(text, notes);
            }
        }
    }
    condition::block(&statement.conditions, allows, variables, notes);
}

fn about_document(kind: FindingKind, code: &'static str, details: String) -> Finding {
    Finding { kind, code, details, statement: None, span: None }
}

/// Collects the findings of one statement.
struct Notes<'f> {
    index: usize,
    span: Range<usize>,
    found: &'f mut Vec<Finding>,
}

impl Notes<'_> {
    fn add(&mut self, kind: FindingKind, code: &'static str, details: String) {
        let (statement, span) = (Some(self.index), Some(self.span.clone()));
        self.found.push(Finding { kind, code, details, statement, span });
    }
}

const NO_JSON: &str = "the text is not JSON, repeats a member, or nests too deep";

#[cfg(test)]
mod tests;
