//! Booleans of Bool and Null.
//!
//! Not here: other words for true and false.
//! Invariant: the case of the literal does not count.

/// Which of the two truth values a list holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Booleans {
    no: bool,
    yes: bool,
}

impl Booleans {
    pub(crate) fn contains(self, truth: bool) -> bool {
        if truth { self.yes } else { self.no }
    }
}

impl FromIterator<bool> for Booleans {
    fn from_iter<I: IntoIterator<Item = bool>>(truths: I) -> Self {
        truths.into_iter().fold(Self::default(), |seen, truth| Self { no: seen.no | !truth, yes: seen.yes | truth })
    }
}

/// Reads `true` or `false`.
pub(crate) fn parse(text: &str) -> Option<bool> {
    [("true", true), ("false", false)].into_iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|(_, b)| b)
}
