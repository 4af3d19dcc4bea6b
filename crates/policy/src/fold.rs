//! Comparison that ignores case, for the characters that a policy can hold (U+0000 to U+00FF).
//!
//! Not here: Unicode case folding; policy text never reaches beyond U+00FF, so other characters equal only themselves.
//! Invariant: folding twice changes nothing more.

/// The name of a condition key as it is compared: in lower case.
///
/// [`Facts::fact`](crate::Facts::fact) receives keys in this form.
#[must_use]
pub fn fold_key(key: &str) -> String {
    key.chars().map(fold_char).collect()
}

/// One character in lower case.
pub(crate) fn fold_char(c: char) -> char {
    match c {
        'A'..='Z' => c.to_ascii_lowercase(),
        // U+00D7 is the multiplication sign, in the middle of the capital letters.
        '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{de}' => c.to_lowercase().next().unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_latin_1_and_nothing_else() {
        assert_eq!(fold_key("aws:PrincipalTag/GRÖSSE×Ω"), "aws:principaltag/grösse×Ω");
    }
}
