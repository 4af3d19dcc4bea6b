//! The Condition element, compiled: one operator with one key each.
//!
//! Not here: where values come from (`facts`).
//! Invariants: all conditions of a statement must hold; a value that cannot be read for its operator matches nothing,
//! so that a negated operator then holds.
//! Source: "IAM JSON policy elements: Condition operators" and "Multivalued context keys" of the IAM user guide.

pub(crate) mod operator;
pub(crate) mod string;
pub(crate) mod number;
pub(crate) mod date;
pub(crate) mod boolean;
pub(crate) mod binary;
pub(crate) mod ip;
pub(crate) mod arn;

use std::borrow::Cow;

use self::{
    arn::ArnPattern,
    boolean::Booleans,
    date::Instant,
    ip::Range,
    number::Decimal,
    operator::{Comparison, Operator, Relation, SetOperator},
};
use crate::{
    facts::{Fact, Facts},
    fold::fold_key,
    pattern::{Language, Pattern},
    syntax::RawCondition,
    variable::Variable,
};

/// One operator with one key.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    /// The operator, the key and the values as written.
    pub(crate) written: Written,
    /// The key in lower case.
    pub(crate) key: Box<str>,
    values: Values,
}

/// The texts of a condition, for explanations.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) operator: Box<str>,
    pub(crate) key: Box<str>,
    pub(crate) values: Box<[Box<str>]>,
}

/// The values of a policy, read for their operator. What cannot be read is left out: it matches nothing.
#[derive(Debug, Clone)]
enum Values {
    Arn(Box<[ArnPattern]>),
    Binary(Box<[Box<[u8]>]>),
    Bool(Booleans),
    Date(Relation, Box<[Instant]>),
    Ip(Box<[Range]>),
    /// Whether an absent and whether a present key is asked for.
    Null(Booleans),
    Number(Relation, Box<[Decimal<'static>]>),
    Text(Texts),
    TextIgnoringCase(Texts),
}

/// Texts to compare with: those that are only themselves sorted, so that a long list costs little, and the others.
#[derive(Debug, Clone)]
struct Texts {
    /// Ignoring case, they are folded.
    literals: Box<[Box<str>]>,
    patterns: Box<[Pattern]>,
}

impl Texts {
    fn new(values: &[String], language: Language, form: fn(&str) -> Cow<'_, str>) -> Self {
        let (mut literals, mut patterns) = (Vec::new(), Vec::new());
        for pattern in values.iter().map(|value| Pattern::new(value, language)) {
            match pattern.literal() {
                Some(text) => literals.push(form(text).into()),
                None => patterns.push(pattern),
            }
        }
        literals.sort_unstable();
        Self { literals: literals.into(), patterns: patterns.into() }
    }

    fn have(&self, text: &str) -> bool {
        self.literals.binary_search_by(|own| own.as_ref().cmp(text)).is_ok()
    }
}

impl Condition {
    pub(crate) fn new(raw: &RawCondition, variables: bool) -> Self {
        Self {
            operator: raw.operator,
            written: Written {
                operator: raw.operator_text.as_str().into(),
                key: raw.key.as_str().into(),
                values: raw.values.iter().map(|value| value.as_str().into()).collect(),
            },
            key: fold_key(&raw.key).into(),
            values: Values::new(raw.operator.comparison, &raw.values, variables),
        }
    }

    /// Whether the condition holds in a request.
    pub(crate) fn holds(&self, facts: &dyn Facts) -> bool {
        let fact = facts.fact(&self.key).filter(|fact| !matches!(fact, Fact::Many(values) if values.is_empty()));
        if let Values::Null(asked) = &self.values {
            return self.null_holds(asked, fact.is_none());
        }
        match (&fact, self.operator.set) {
            (None, _) if self.operator.if_exists => true,
            (None, None) => self.operator.negated,
            (None, Some(SetOperator::ForAllValues)) => true,
            (None, Some(SetOperator::ForAnyValue)) => false,
            (Some(Fact::Many(_)), None) => false,
            (Some(fact), None) => items(fact).all(|item| self.item_holds(item, facts)),
            // Only empty texts count as no values at all.
            (Some(fact), Some(SetOperator::ForAllValues)) => {
                items(fact).all(|item| matches!(item, Item::Text("")))
                    || items(fact).all(|item| self.item_holds(item, facts))
            }
            (Some(fact), Some(SetOperator::ForAnyValue)) => items(fact).any(|item| self.item_holds(item, facts)),
        }
    }

    fn null_holds(&self, asked: &Booleans, absent: bool) -> bool {
        match self.operator.set {
            None => asked.contains(absent),
            Some(SetOperator::ForAllValues) => true,
            Some(SetOperator::ForAnyValue) => false,
        }
    }

    fn item_holds(&self, item: Item<'_>, facts: &dyn Facts) -> bool {
        self.values.contain(item, facts) != self.operator.negated
    }

    /// The variables of the values.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        let (texts, arns): (&[Pattern], &[ArnPattern]) = match &self.values {
            Values::Text(texts) | Values::TextIgnoringCase(texts) => (&texts.patterns, &[]),
            Values::Arn(patterns) => (&[], patterns),
            _ => (&[], &[]),
        };
        texts.iter().flat_map(Pattern::variables).chain(arns.iter().flat_map(ArnPattern::variables))
    }
}

/// One value of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Item<'a> {
    Bytes(&'a [u8]),
    Text(&'a str),
}

fn items<'f>(fact: &'f Fact<'_>) -> impl Iterator<Item = Item<'f>> {
    let (texts, bytes): (&[Cow<'_, str>], _) = match fact {
        Fact::Binary(bytes) => (&[], Some(Item::Bytes(bytes))),
        Fact::Many(values) => (values, None),
        Fact::One(value) => (std::slice::from_ref(value), None),
    };
    texts.iter().map(|text| Item::Text(text)).chain(bytes)
}

impl Values {
    fn new(comparison: Comparison, values: &[String], variables: bool) -> Self {
        let language = |wildcards| Language { variables, wildcards };
        let texts = || values.iter().map(String::as_str);
        match comparison {
            Comparison::Arn => Self::Arn(texts().filter_map(|text| ArnPattern::parse(text, variables)).collect()),
            Comparison::Binary => Self::Binary(texts().filter_map(binary::parse).collect()),
            Comparison::Bool => Self::Bool(texts().filter_map(boolean::parse).collect()),
            Comparison::Date(relation) => Self::Date(relation, texts().filter_map(Instant::parse).collect()),
            Comparison::Ip => Self::Ip(texts().filter_map(Range::parse).collect()),
            Comparison::Null => Self::Null(texts().filter_map(boolean::parse).collect()),
            Comparison::Numeric(relation) => {
                let numbers = texts().filter_map(Decimal::parse).map(Decimal::into_owned);
                Self::Number(relation, numbers.collect())
            }
            Comparison::StringEquals => Self::Text(Texts::new(values, language(false), |text| text.into())),
            Comparison::StringEqualsIgnoreCase => {
                Self::TextIgnoringCase(Texts::new(values, language(false), |text| fold_key(text).into()))
            }
            Comparison::StringLike => Self::Text(Texts::new(values, language(true), |text| text.into())),
        }
    }

    /// Whether a request's value matches one of these.
    fn contain(&self, item: Item<'_>, facts: &dyn Facts) -> bool {
        let text = match (self, item) {
            (Self::Binary(values), item) => return binary::matches(values, item),
            (_, Item::Bytes(_)) => return false,
            (_, Item::Text(text)) => text,
        };
        match self {
            Self::Arn(patterns) => patterns.iter().any(|pattern| pattern.matches(text, facts)),
            Self::Bool(asked) => boolean::parse(text).is_some_and(|truth| asked.contains(truth)),
            Self::Date(relation, instants) => {
                Instant::parse(text).is_some_and(|instant| instants.iter().any(|own| relation.holds(instant.cmp(own))))
            }
            Self::Ip(ranges) => {
                ip::parse_address(text).is_some_and(|address| ranges.iter().any(|range| range.contains(address)))
            }
            Self::Number(relation, numbers) => {
                Decimal::parse(text).is_some_and(|number| numbers.iter().any(|own| relation.holds(number.cmp(own))))
            }
            Self::Text(own) => own.have(text) || own.patterns.iter().any(|pattern| pattern.matches(text, facts)),
            Self::TextIgnoringCase(own) => {
                own.have(&fold_key(text))
                    || own.patterns.iter().any(|pattern| string::equal_ignoring_case(pattern, text, facts))
            }
            Self::Binary(_) | Self::Null(_) => false,
        }
    }
}
