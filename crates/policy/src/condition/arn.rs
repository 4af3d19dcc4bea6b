//! The ARN operators: six parts, each a pattern of its own.
//!
//! Not here: the Resource element, whose stars may cross colons.
//! Invariant: no wildcard crosses one of the first five colons.
//! Source: "Amazon Resource Name (ARN) condition operators" of the IAM user guide.

use crate::{
    facts::Facts,
    pattern::{Language, Pattern},
    variable::{ARN_PARTS, Variable, split_arn},
};

/// A pattern of ARNs.
#[derive(Debug, Clone)]
pub(crate) struct ArnPattern {
    /// What follows `arn:`.
    parts: Box<[Pattern]>,
}

impl ArnPattern {
    /// Reads a pattern; none if it has not six parts of which the first is `arn`.
    pub(crate) fn parse(text: &str, variables: bool) -> Option<Self> {
        let language = Language { variables, wildcards: true };
        let parts = if variables { split_arn(text) } else { text.splitn(ARN_PARTS, ':').collect() };
        let (scheme, parts) = parts.split_first()?;
        let is_arn = *scheme == "arn" && parts.len() == ARN_PARTS - 1;
        is_arn.then(|| Self { parts: parts.iter().map(|part| Pattern::new(part, language)).collect() })
    }

    /// Whether an ARN matches.
    pub(crate) fn matches(&self, arn: &str, facts: &dyn Facts) -> bool {
        let Some(rest) = arn.strip_prefix("arn:") else { return false };
        let mut values = rest.splitn(ARN_PARTS - 1, ':');
        let each = self.parts.iter().all(|part| values.next().is_some_and(|value| part.matches(value, facts)));
        each && values.next().is_none()
    }

    /// The variables of all parts.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.parts.iter().flat_map(Pattern::variables)
    }
}
