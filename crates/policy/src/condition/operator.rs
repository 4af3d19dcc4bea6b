//! The condition operators and their names.
//!
//! Not here: the comparisons.
//! Invariant: names count their case; only the combinations that the grammar has are known.
//! Source: "IAM JSON policy elements: Condition operators" of the IAM user guide.

use std::cmp::Ordering;

/// An operator: `[ForAllValues:|ForAnyValue:]Base[IfExists]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(crate) set: Option<SetOperator>,
    pub(crate) comparison: Comparison,
    pub(crate) negated: bool,
    pub(crate) if_exists: bool,
}

/// How the values of a multivalued key are taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetOperator {
    ForAllValues,
    ForAnyValue,
}

/// What is compared, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Arn,
    Binary,
    Bool,
    Date(Relation),
    Ip,
    Null,
    Numeric(Relation),
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
}

/// How the request's value stands to the policy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Equals,
    GreaterThan,
    GreaterThanEquals,
    LessThan,
    LessThanEquals,
}

impl Operator {
    /// Reads a name; none if there is no such operator.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (set, rest) = if let Some(rest) = text.strip_prefix("ForAllValues:") {
            (Some(SetOperator::ForAllValues), rest)
        } else if let Some(rest) = text.strip_prefix("ForAnyValue:") {
            (Some(SetOperator::ForAnyValue), rest)
        } else {
            (None, text)
        };
        let (base, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |base| (base, true));
        let (_, comparison, negated) = BASES.iter().copied().find(|(name, ..)| *name == base)?;
        if comparison == Comparison::Null && if_exists {
            return None;
        }
        Some(Self { set, comparison, negated, if_exists })
    }
}

impl Relation {
    /// Whether it holds for the order of the request's value to the policy's.
    pub(crate) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equals => order.is_eq(),
            Self::GreaterThan => order.is_gt(),
            Self::GreaterThanEquals => order.is_ge(),
            Self::LessThan => order.is_lt(),
            Self::LessThanEquals => order.is_le(),
        }
    }
}

/// Base names, each with whether it is the negated form.
const BASES: [(&str, Comparison, bool); 27] = [
    ("StringEquals", Comparison::StringEquals, false),
    ("StringNotEquals", Comparison::StringEquals, true),
    ("StringEqualsIgnoreCase", Comparison::StringEqualsIgnoreCase, false),
    ("StringNotEqualsIgnoreCase", Comparison::StringEqualsIgnoreCase, true),
    ("StringLike", Comparison::StringLike, false),
    ("StringNotLike", Comparison::StringLike, true),
    ("NumericEquals", Comparison::Numeric(Relation::Equals), false),
    ("NumericNotEquals", Comparison::Numeric(Relation::Equals), true),
    ("NumericLessThan", Comparison::Numeric(Relation::LessThan), false),
    ("NumericLessThanEquals", Comparison::Numeric(Relation::LessThanEquals), false),
    ("NumericGreaterThan", Comparison::Numeric(Relation::GreaterThan), false),
    ("NumericGreaterThanEquals", Comparison::Numeric(Relation::GreaterThanEquals), false),
    ("DateEquals", Comparison::Date(Relation::Equals), false),
    ("DateNotEquals", Comparison::Date(Relation::Equals), true),
    ("DateLessThan", Comparison::Date(Relation::LessThan), false),
    ("DateLessThanEquals", Comparison::Date(Relation::LessThanEquals), false),
    ("DateGreaterThan", Comparison::Date(Relation::GreaterThan), false),
    ("DateGreaterThanEquals", Comparison::Date(Relation::GreaterThanEquals), false),
    ("Bool", Comparison::Bool, false),
    ("BinaryEquals", Comparison::Binary, false),
    ("IpAddress", Comparison::Ip, false),
    ("NotIpAddress", Comparison::Ip, true),
    ("ArnEquals", Comparison::Arn, false),
    ("ArnLike", Comparison::Arn, false),
    ("ArnNotEquals", Comparison::Arn, true),
    ("ArnNotLike", Comparison::Arn, true),
    ("Null", Comparison::Null, false),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_suffix() {
        let operator = Operator::parse("ForAnyValue:StringNotLikeIfExists").unwrap();
        assert_eq!(
            operator,
            Operator {
                set: Some(SetOperator::ForAnyValue),
                comparison: Comparison::StringLike,
                negated: true,
                if_exists: true
            }
        );
    }

    #[test]
    fn unknown_names() {
        for text in [
            "",
            "stringequals",
            "StringEqual",
            "BoolNot",
            "BinaryNotEquals",
            "NullIfExists",
            "ForAllValues:NullIfExists",
            "forAllValues:StringEquals",
            "ForAllValues:ForAnyValue:StringEquals",
            "StringEqualsIfExistsIfExists",
            "StringEqualsifexists",
            "IfExists",
        ] {
            assert_eq!(Operator::parse(text), None, "{text}");
        }
    }
}
