//! Decimal numbers, compared exactly.
//!
//! Not here: exponents, and binary floating point.
//! Invariant: numbers of any length keep all their digits.

use std::{borrow::Cow, cmp::Ordering};

/// `[+-]?digits[.digits]`, without zeros that do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    whole: Cow<'a, str>,
    fraction: Cow<'a, str>,
}

impl<'a> Decimal<'a> {
    /// Reads a number; surrounding blanks are ignored.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (digits, ""),
        };
        let are_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !are_digits(whole) || !are_digits(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: negative && !zero, whole: whole.into(), fraction: fraction.into() })
    }

    /// The same number with its own text.
    pub(crate) fn into_owned(self) -> Decimal<'static> {
        Decimal {
            negative: self.negative,
            whole: self.whole.into_owned().into(),
            fraction: self.fraction.into_owned().into(),
        }
    }

    /// The order of two numbers.
    pub(crate) fn cmp(&self, other: &Decimal<'_>) -> Ordering {
        // Digits after the point compare like text: a longer fraction with the same beginning is greater.
        let size = |a: &Decimal<'_>, b: &Decimal<'_>| {
            (a.whole.len().cmp(&b.whole.len()))
                .then_with(|| a.whole.cmp(&b.whole))
                .then_with(|| a.fraction.cmp(&b.fraction))
        };
        match (self.negative, other.negative) {
            (false, false) => size(self, other),
            (true, true) => size(other, self),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(a: &str, b: &str) -> Ordering {
        Decimal::parse(a).unwrap().cmp(&Decimal::parse(b).unwrap())
    }

    #[test]
    fn exact_order() {
        for (a, b) in [
            ("9007199254740992", "9007199254740993"),
            ("-2", "-1"),
            ("-1", "0"),
            ("9", "10"),
            ("1.25", "1.5"),
            ("0.000000001", "0.0000000011"),
            ("99999999999999999999999999", "100000000000000000000000000"),
        ] {
            assert_eq!(order(a, b), Ordering::Less, "{a} {b}");
            assert_eq!(order(b, a), Ordering::Greater, "{a} {b}");
        }
        for (a, b) in [("10", "10.0"), ("-0", "+0.00"), (" 007\t", "7"), ("1.50", "1.5")] {
            assert_eq!(order(a, b), Ordering::Equal, "{a} {b}");
        }
    }

    #[test]
    fn what_is_no_number() {
        for text in ["", "-", "+-1", "1e5", "1.", ".5", "1.2.3", "0x1", "ten", "1 2", "٣"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn order_is_that_of_scaled_integers(a in -9_999_999i64..9_999_999, b in -9_999_999i64..9_999_999) {
            let text = |n: i64| {
                let sign = if n < 0 { "-" } else { "" };
                format!("{sign}{}.{:03}", n.abs() / 1000, n.abs() % 1000)
            };
            prop_assert_eq!(order(&text(a), &text(b)), a.cmp(&b));
        }
    }
}
