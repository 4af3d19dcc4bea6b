//! Advice about conditions and variables.
//!
//! Not here: keys of services; only global keys and those of KMS and STS are known.

use super::{FindingKind, Notes};
use crate::{
    condition::{
        arn::ArnPattern,
        binary, boolean,
        date::Instant,
        ip::Range,
        number::Decimal,
        operator::{Comparison, SetOperator},
    },
    fold::fold_key,
    syntax::RawCondition,
};

/// Looks through the conditions of a statement.
pub(super) fn block(conditions: &[RawCondition], allows: bool, with_variables: bool, notes: &mut Notes<'_>) {
    for (at, condition) in conditions.iter().enumerate() {
        let key = fold_key(&condition.key);
        names(&key, condition, notes);
        set_operator(&key, condition, conditions, allows, notes);
        values(condition, with_variables, notes);
        let before = conditions.iter().take(at).take(COMPARED_MAX);
        let twice = |other: &RawCondition| {
            other.operator_text == condition.operator_text && other.key != condition.key && fold_key(&other.key) == key
        };
        if before.into_iter().any(twice) {
            let details = format!("`{}` stands there twice, in different case", condition.key);
            notes.add(FindingKind::Error, "DUPLICATE_KEYS_WITH_DIFFERENT_CASE", details);
        }
    }
}

fn names(key: &str, condition: &RawCondition, notes: &mut Notes<'_>) {
    let known = |name: &str| GLOBAL.contains(&name) || GLOBAL_TAGS.iter().any(|start| name.starts_with(start));
    if key.strip_prefix("aws:").is_some_and(|name| !known(name)) {
        let details = format!("there is no global key `{}`", condition.key);
        notes.add(FindingKind::Error, "INVALID_GLOBAL_CONDITION_KEY", details);
    }
}

fn set_operator(key: &str, condition: &RawCondition, all: &[RawCondition], allows: bool, notes: &mut Notes<'_>) {
    let (written, operator) = (&condition.key, condition.operator);
    let multivalued = MULTIVALUED.contains(&key);
    match operator.set {
        Some(_) if operator.comparison == Comparison::Null => {
            let details = format!("with a set operator, Null does not look at `{written}`");
            notes.add(FindingKind::Warning, "NULL_WITH_SET_OPERATOR", details);
        }
        None if multivalued && operator.comparison != Comparison::Null => {
            let details = format!("`{written}` has several values and needs ForAllValues or ForAnyValue");
            notes.add(FindingKind::Error, "MISSING_QUALIFIER", details);
        }
        Some(SetOperator::ForAllValues) => {
            if !multivalued && is_single_valued(key) {
                let details = format!("`{written}` has one value, and ForAllValues is true without it");
                notes.add(FindingKind::Warning, "FORALLVALUES_WITH_SINGLE_VALUED_KEY", details);
            }
            let guards = |other: &RawCondition| {
                other.operator.comparison == Comparison::Null
                    && other.operator.set.is_none()
                    && other.values.iter().all(|value| value.eq_ignore_ascii_case("false"))
                    && fold_key(&other.key) == key
            };
            if allows && !all.iter().take(COMPARED_MAX).any(guards) {
                let details = format!("ForAllValues allows requests without `{written}`; add Null with false");
                notes.add(FindingKind::SecurityWarning, "ALLOW_WITH_UNGUARDED_FORALLVALUES", details);
            }
        }
        Some(SetOperator::ForAnyValue) if operator.negated => {
            let details = format!("one value of `{written}` that is not listed is enough");
            notes.add(FindingKind::Warning, "AMBIGUOUS_SET_OPERATOR", details);
        }
        _ => {}
    }
}

fn values(condition: &RawCondition, with_variables: bool, notes: &mut Notes<'_>) {
    if condition.values.is_empty() {
        let details = format!("the values of `{}` are an empty list", condition.key);
        notes.add(FindingKind::Warning, "EMPTY_ARRAY_CONDITION", details);
    }
    for value in &condition.values {
        let reads = match condition.operator.comparison {
            Comparison::Arn => ArnPattern::parse(value, with_variables).is_some(),
            Comparison::Binary => binary::parse(value).is_some(),
            Comparison::Bool | Comparison::Null => boolean::parse(value).is_some(),
            Comparison::Date(_) => Instant::parse(value).is_some(),
            Comparison::Ip => Range::parse(value).is_some(),
            Comparison::Numeric(_) => Decimal::parse(value).is_some(),
            Comparison::StringEquals | Comparison::StringEqualsIgnoreCase | Comparison::StringLike => true,
        };
        let takes_variables = matches!(
            condition.operator.comparison,
            Comparison::Arn | Comparison::StringEquals | Comparison::StringEqualsIgnoreCase | Comparison::StringLike
        );
        match (takes_variables, reads) {
            (false, _) if with_variables && value.contains("${") => {
                let details = format!("{} does not know variables: `{value}`", condition.operator_text);
                notes.add(FindingKind::Error, "INVALID_VARIABLE_FOR_OPERATOR", details);
            }
            (_, false) => {
                let details = format!("{} cannot read `{value}`, which matches nothing", condition.operator_text);
                notes.add(FindingKind::Error, "DATA_TYPE_MISMATCH", details);
            }
            (true, true) if with_variables => variables(value, notes),
            _ => {}
        }
        if condition.operator.comparison == Comparison::Ip && Range::has_host_bits(value) {
            let details = format!("bits behind the length of `{value}` do not count");
            notes.add(FindingKind::Warning, "HOST_BITS_IN_RANGE", details);
        }
    }
}

/// Looks through the variables of a text, up to the first that is malformed.
pub(super) fn variables(text: &str, notes: &mut Notes<'_>) {
    if let Some((code, details)) = text.split("${").skip(1).find_map(malformed) {
        notes.add(FindingKind::Error, code, format!("`{text}`: {details}"));
    }
}

/// What is wrong with a variable, given what follows its `${`.
fn malformed(body: &str) -> Option<(&'static str, &'static str)> {
    let Some((inside, _)) = body.split_once('}') else {
        return Some(("MISSING_BRACE_IN_VARIABLE", "a variable lacks its closing brace"));
    };
    let (name, default) = inside.split_once(',').map_or((inside, None), |(name, rest)| (name, Some(rest)));
    if name.is_empty() {
        return Some(("EMPTY_VARIABLE", "a variable has no name"));
    }
    if name.trim() != name {
        return Some(("UNSUPPORTED_SPACE_IN_VARIABLE", "the name of a variable has blanks at an end"));
    }
    // A default that holds a brace is cut short here; its opening quote is enough.
    let unquoted = default.is_some_and(|default| !default.trim_start().starts_with('\''));
    unquoted.then_some(("MISSING_QUOTE_IN_VARIABLE", "the default of a variable is not in single quotes"))
}

fn is_single_valued(key: &str) -> bool {
    // Keys of other services are not known, nor are those of tokens of identity providers.
    ["aws:", "kms:", "sts:"].iter().any(|service| key.starts_with(service))
}

/// How many conditions each condition is compared with.
const COMPARED_MAX: usize = 128;

/// Keys with several values, in lower case.
const MULTIVALUED: [&str; 9] = [
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:resourceorgpaths",
    "aws:tagkeys",
    "kms:encryptioncontextkeys",
    "kms:grantoperations",
    "kms:resourcealiases",
    "sts:transitivetagkeys",
];

/// What begins the names of global keys about tags.
const GLOBAL_TAGS: [&str; 3] = ["principaltag/", "requesttag/", "resourcetag/"];

/// Names of global keys behind `aws:`, in lower case ("AWS global condition context keys" of the IAM user guide).
const GLOBAL: [&str; 42] = [
    "calledvia",
    "calledviafirst",
    "calledvialast",
    "currenttime",
    "ec2instancesourceprivateipv4",
    "ec2instancesourcevpc",
    "epochtime",
    "federatedprovider",
    "multifactorauthage",
    "multifactorauthpresent",
    "principalaccount",
    "principalarn",
    "principalisawsservice",
    "principalorgid",
    "principalorgpaths",
    "principalservicename",
    "principalservicenameslist",
    "principaltype",
    "referer",
    "requestedregion",
    "resourceaccount",
    "resourceorgid",
    "resourceorgpaths",
    "securetransport",
    "sourceaccount",
    "sourcearn",
    "sourceidentity",
    "sourceip",
    "sourceorgid",
    "sourceorgpaths",
    "sourcevpc",
    "sourcevpce",
    "tagkeys",
    "tokenissuetime",
    "useragent",
    "userid",
    "username",
    "viaawsservice",
    "vpceaccount",
    "vpceorgid",
    "vpceorgpaths",
    "vpcsourceip",
];
