//! The types that values of condition keys have, for those who write values down instead of making a request.
//!
//! Not here: which type a key has. Invariant: a text fits a type exactly if the operators of that type can read it.
//! Source: the data type ContextEntry of the IAM API reference.

use crate::condition::{binary, boolean, date::Instant, ip, number::Decimal};

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// Bytes in base64.
    Binary,
    /// `true` or `false`.
    Boolean,
    /// An instant, in ISO 8601 or in seconds.
    Date,
    /// An address of IPv4 or IPv6.
    Ip,
    /// A decimal number.
    Numeric,
    /// Any text.
    String,
}

impl ValueKind {
    /// Whether a text is a value of this type.
    #[must_use]
    pub fn fits(self, text: &str) -> bool {
        match self {
            Self::Binary => binary::parse(text).is_some(),
            Self::Boolean => boolean::parse(text).is_some(),
            Self::Date => Instant::parse(text).is_some(),
            Self::Ip => ip::parse_address(text).is_some(),
            Self::Numeric => Decimal::parse(text).is_some(),
            Self::String => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_takes_its_own() {
        for (kind, good, bad) in [
            (ValueKind::Binary, "QmluYXJ5", "*"),
            (ValueKind::Boolean, "True", "yes"),
            (ValueKind::Date, "2027-01-31T10:00:00Z", "tomorrow"),
            (ValueKind::Ip, "2001:db8::1", "203.0.113.0/24"),
            (ValueKind::Numeric, "-1.50", "one"),
        ] {
            assert!(kind.fits(good) && !kind.fits(bad), "{kind:?}");
        }
        assert!(ValueKind::String.fits(""));
    }
}
