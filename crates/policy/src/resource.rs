//! The Resource and NotResource elements, compiled.
//!
//! Not here: their validation.
//! Invariant: only `*` matches a request without a resource.
//! Source: "IAM JSON policy elements: Resource" of the IAM user guide.

use crate::{
    facts::Facts,
    pattern::Pattern,
    syntax::Listed,
    variable::{ARN_PARTS, Variable, split_arn},
};

/// The element of a statement.
#[derive(Debug, Clone)]
pub(crate) enum ResourceElement {
    /// No element where none belongs: a trust policy is about its role.
    Everything,
    /// Values.
    Listed { not: bool, patterns: Box<[ResourcePattern]> },
    /// No element, or no value, in a key policy: stored and inert.
    Nothing,
}

/// One value.
#[derive(Debug, Clone)]
pub(crate) enum ResourcePattern {
    /// A pattern of ARNs. An ARN with fewer than six parts may also be completed with `*` parts.
    Arn { pattern: Pattern, completed: Option<Pattern> },
    /// A text that is no ARN, which matches nothing.
    Nothing,
    /// `*`.
    Star,
}

/// How texts of the element are understood.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResourceRules {
    /// `${…}` is a variable.
    pub(crate) variables: bool,
    /// ARNs with fewer than six parts are completed.
    pub(crate) completes: bool,
    /// The element's place has no resources of its own.
    pub(crate) without_element: bool,
}

impl ResourceElement {
    pub(crate) fn new(raw: Option<&Listed<Vec<String>>>, rules: ResourceRules) -> Self {
        match raw {
            None if rules.without_element => Self::Everything,
            Some(Listed { not, list }) if !list.is_empty() => Self::Listed {
                not: *not,
                patterns: list.iter().map(|text| ResourcePattern::new(text, rules)).collect(),
            },
            _ => Self::Nothing,
        }
    }

    /// Whether the element covers a resource: an ARN, or `*` for a request without one.
    pub(crate) fn matches(&self, resource: &str, facts: &dyn Facts) -> bool {
        match self {
            Self::Everything => true,
            Self::Listed { not, patterns } => patterns.iter().any(|pattern| pattern.matches(resource, facts)) != *not,
            Self::Nothing => false,
        }
    }

    /// The variables in use.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        let patterns: &[ResourcePattern] = match self {
            Self::Listed { patterns, .. } => patterns,
            Self::Everything | Self::Nothing => &[],
        };
        patterns.iter().flat_map(ResourcePattern::variables)
    }
}

impl ResourcePattern {
    pub(crate) fn new(text: &str, rules: ResourceRules) -> Self {
        if text == "*" {
            return Self::Star;
        }
        if !text.starts_with("arn:") {
            return Self::Nothing;
        }
        let missing = ARN_PARTS.saturating_sub(split_arn(text).len());
        let completed = format!("{text}{}", ":*".repeat(missing));
        Self::Arn {
            pattern: Pattern::resource(text, rules.variables),
            completed: (rules.completes && missing > 0).then(|| Pattern::resource(&completed, rules.variables)),
        }
    }

    pub(crate) fn matches(&self, resource: &str, facts: &dyn Facts) -> bool {
        match self {
            Self::Arn { pattern, completed } => {
                resource != "*"
                    && (pattern.matches(resource, facts)
                        || completed.as_ref().is_some_and(|pattern| pattern.matches(resource, facts)))
            }
            Self::Nothing => false,
            Self::Star => true,
        }
    }

    fn variables(&self) -> impl Iterator<Item = &Variable> {
        let patterns = match self {
            Self::Arn { pattern, completed } => [Some(pattern), completed.as_ref()],
            Self::Nothing | Self::Star => [None, None],
        };
        patterns.into_iter().flatten().flat_map(Pattern::variables)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::FactMap;

    const IDENTITY: ResourceRules = ResourceRules { variables: true, completes: true, without_element: false };
    const KEY_POLICY: ResourceRules = ResourceRules { variables: true, completes: false, without_element: false };
    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1";

    fn element(not: bool, list: &[&str], rules: ResourceRules) -> ResourceElement {
        let list = list.iter().map(|text| (*text).into()).collect();
        ResourceElement::new(Some(&Listed { not, list }), rules)
    }

    #[test]
    fn short_arns_are_completed_in_identity_policies_only() {
        let none = FactMap::new();
        assert!(element(false, &["arn:aws:kms"], IDENTITY).matches(KEY, &none));
        assert!(!element(false, &["arn:aws:kms"], KEY_POLICY).matches(KEY, &none));
        assert!(element(false, &["arn:aws:kms:*"], KEY_POLICY).matches(KEY, &none));
    }

    #[test]
    fn only_a_star_covers_a_request_without_resource() {
        let none = FactMap::new();
        assert!(element(false, &["*"], IDENTITY).matches("*", &none));
        assert!(!element(false, &["arn:*:*:*:*:*"], IDENTITY).matches("*", &none));
        assert!(element(true, &["arn:aws:kms:*:*:*"], IDENTITY).matches("*", &none));
        assert!(!element(true, &["*"], IDENTITY).matches("*", &none));
    }

    #[test]
    fn a_pattern_without_value_matches_nothing_so_its_not_form_covers_all() {
        let none = FactMap::new();
        let pattern = ["arn:aws:kms:*:*:key/${aws:username}"];
        assert!(!element(false, &pattern, IDENTITY).matches(KEY, &none));
        assert!(element(true, &pattern, IDENTITY).matches(KEY, &none));
    }

    #[test]
    fn variables_are_known_only_behind_the_fifth_colon() {
        let facts: FactMap = [("aws:PrincipalAccount", "111122223333")].into_iter().collect();
        let before = element(false, &["arn:aws:kms:*:${aws:PrincipalAccount}:key/1"], IDENTITY);
        assert!(!before.matches(KEY, &facts));
        assert_eq!(before.variables().count(), 0);
    }

    #[test]
    fn missing_elements() {
        let none = FactMap::new();
        let trust = ResourceRules { variables: true, completes: false, without_element: true };
        assert!(ResourceElement::new(None, trust).matches(KEY, &none));
        assert!(!ResourceElement::new(None, KEY_POLICY).matches(KEY, &none));
        assert!(!element(true, &[], KEY_POLICY).matches(KEY, &none));
    }
}
