//! StringEqualsIgnoreCase. The other String operators are patterns with and without wildcards.
//!
//! Not here: Unicode case folding.
//! Invariant: letters of U+0000 to U+00FF equal their other case, all other characters only themselves.

use crate::{facts::Facts, fold::fold_char, pattern::Pattern};

/// Whether a pattern without wildcards equals a value, ignoring case.
pub(crate) fn equal_ignoring_case(pattern: &Pattern, value: &str, facts: &dyn Facts) -> bool {
    pattern.resolve(facts).is_some_and(|pieces| pieces.text().map(fold_char).eq(value.chars().map(fold_char)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{facts::FactMap, pattern::Language};

    #[test]
    fn folds_text_and_values_of_variables() {
        let facts: FactMap = [("a:b", "ÄB")].into_iter().collect();
        let pattern = Pattern::new("X${a:b}*", Language { variables: true, wildcards: false });
        assert!(equal_ignoring_case(&pattern, "xäb*", &facts));
        assert!(!equal_ignoring_case(&pattern, "xäbc", &facts));
        assert!(!equal_ignoring_case(&pattern, "xäb*", &FactMap::new()));
    }
}
