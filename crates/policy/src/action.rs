//! The Action and NotAction elements, compiled.
//!
//! Not here: their validation.
//! Invariant: case never counts.
//! Source: "IAM JSON policy elements: Action" of the IAM user guide.

use crate::{
    pattern::{Language, Pattern},
    syntax::Listed,
};

/// The element of a statement.
#[derive(Debug, Clone)]
pub(crate) struct ActionElement {
    not: bool,
    patterns: Box<[ActionPattern]>,
}

/// One value.
#[derive(Debug, Clone)]
pub(crate) enum ActionPattern {
    /// `*`.
    Any,
    /// `prefix:name`; no prefix for `*:name`.
    Named { prefix: Option<Box<str>>, name: Pattern },
    /// A text without a colon, which matches nothing.
    Nothing,
}

impl ActionElement {
    /// Compiles the element. Missing or empty, it matches nothing, also if it is NotAction: such a statement, which
    /// only a key policy may hold, is inert.
    pub(crate) fn new(raw: Option<&Listed<Vec<String>>>) -> Self {
        let not = raw.is_some_and(|raw| raw.not && !raw.list.is_empty());
        let list = raw.map_or(&[][..], |raw| &raw.list);
        Self { not, patterns: list.iter().map(|text| ActionPattern::new(text)).collect() }
    }

    /// Whether the element covers an action.
    pub(crate) fn matches(&self, action: &str) -> bool {
        let parts = action.split_once(':');
        self.patterns.iter().any(|pattern| pattern.matches(parts)) != self.not
    }
}

impl ActionPattern {
    pub(crate) fn new(text: &str) -> Self {
        let language = Language { variables: false, wildcards: true };
        match text.split_once(':') {
            None if text == "*" => Self::Any,
            None => Self::Nothing,
            Some((prefix, name)) => {
                Self::Named { prefix: (prefix != "*").then(|| prefix.into()), name: Pattern::new(name, language) }
            }
        }
    }

    /// Whether the value covers an action, which comes cut at its first colon.
    pub(crate) fn matches(&self, action: Option<(&str, &str)>) -> bool {
        match self {
            Self::Any => true,
            Self::Nothing => false,
            Self::Named { prefix, name } => action.is_some_and(|(service, called)| {
                prefix.as_ref().is_none_or(|prefix| prefix.eq_ignore_ascii_case(service))
                    && name.matches_ignoring_case(called)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(not: bool, list: &[&str]) -> ActionElement {
        ActionElement::new(Some(&Listed { not, list: list.iter().map(|text| (*text).into()).collect() }))
    }

    #[test]
    fn a_list_matches_by_any_and_its_not_form_by_none() {
        assert!(element(false, &["iam:*", "KMS:decrypt"]).matches("kms:Decrypt"));
        assert!(!element(true, &["iam:*", "KMS:decrypt"]).matches("kms:Decrypt"));
        assert!(element(true, &["iam:*"]).matches("kms:Decrypt"));
    }

    #[test]
    fn without_values_nothing_matches() {
        assert!(!ActionElement::new(None).matches("kms:Decrypt"));
        assert!(!element(true, &[]).matches("kms:Decrypt"));
    }
}
