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

/// Whether [`fold_key`] makes the one text of the other; asks for no memory.
#[must_use]
pub fn folds_to(key: &str, folded: &str) -> bool {
    // Folding keeps the number of bytes: every character of U+0000 to U+00FF has as many as its other case.
    key.len() == folded.len()
        && if key.is_ascii() {
            key.bytes().map(|byte| byte.to_ascii_lowercase()).eq(folded.bytes())
        } else {
            key.chars().map(fold_char).eq(folded.chars())
        }
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

    #[test]
    fn comparing_is_folding_first() {
        for key in ["aws:TagKeys", "GRÖSSE×Ω", "", "ÀÞ"] {
            assert!(folds_to(key, &fold_key(key)));
            assert_eq!(folds_to(key, key), fold_key(key) == key, "{key}");
        }
        assert!((0..=255_u8).map(char::from).all(|c| fold_char(c).len_utf8() == c.len_utf8()));
        assert!(!folds_to("a", "b") && !folds_to("ab", "a") && !folds_to("a", "A"));
    }
}
