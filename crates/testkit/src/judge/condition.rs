//! Conditions, in the judge's words.
//!
//! Not here: which keys a request has, and BinaryEquals.
//! Rule: "IAM JSON policy elements: Condition operators" and "Multivalued context keys" of the IAM user guide.

use std::net::IpAddr;

use serde_json::Value;

use super::{
    Context, Values,
    text::{self, Found, Wildcards},
    texts,
};

/// Whether every operator and every key of a block holds.
pub(super) fn holds(block: Option<&Value>, context: &Context, variables: bool) -> bool {
    let Some(Value::Object(operators)) = block else { return true };
    operators.iter().all(|(operator, keys)| {
        let Value::Object(keys) = keys else { return false };
        keys.iter().all(|(key, values)| one(operator, key, &texts(values), context, variables))
    })
}

fn one(operator: &str, key: &str, values: &[String], context: &Context, variables: bool) -> bool {
    let (set, base) = match operator.split_once(':') {
        Some((set, base)) => (Some(set), base),
        None => (None, operator),
    };
    let (base, if_exists) = match base.strip_suffix("IfExists") {
        Some(base) => (base, true),
        None => (base, false),
    };
    let found = text::lookup(context, key);
    if base == "Null" {
        return match set {
            Some("ForAllValues") => true,
            Some(_) => false,
            None => {
                values.iter().any(|value| value.eq_ignore_ascii_case(if found.is_none() { "true" } else { "false" }))
            }
        };
    }
    let (positive, negated) = positive_form(base);
    let Some(found) = found else {
        return match set {
            _ if if_exists => true,
            Some("ForAllValues") => true,
            Some(_) => false,
            None => negated,
        };
    };
    let context = variables.then_some(context);
    let holds = |request: &String| values.iter().any(|value| compare(positive, value, request, context)) != negated;
    match (set, found) {
        (None, Values::One(request)) => holds(request),
        (None, Values::Many(_)) => false,
        (Some("ForAllValues"), found) => {
            let requests = as_list(found);
            requests.iter().all(String::is_empty) || requests.iter().all(holds)
        }
        (Some(_), found) => as_list(found).iter().any(holds),
    }
}

fn as_list(values: &Values) -> Vec<String> {
    match values {
        Values::Many(list) => list.clone(),
        Values::One(value) => vec![value.clone()],
    }
}

/// The operator that a negated one is the opposite of, and whether it is one.
fn positive_form(base: &str) -> (&str, bool) {
    match base {
        "StringNotEquals" => ("StringEquals", true),
        "StringNotEqualsIgnoreCase" => ("StringEqualsIgnoreCase", true),
        "StringNotLike" => ("StringLike", true),
        "NumericNotEquals" => ("NumericEquals", true),
        "DateNotEquals" => ("DateEquals", true),
        "NotIpAddress" => ("IpAddress", true),
        "ArnNotEquals" | "ArnNotLike" => ("ArnLike", true),
        "ArnEquals" => ("ArnLike", false),
        other => (other, false),
    }
}

fn compare(operator: &str, value: &str, request: &str, context: Option<&Context>) -> bool {
    let text = |value: &str, request: &str, wildcards| match text::value_tokens(value, context, wildcards) {
        Found::Tokens(tokens) => text::matches(&tokens, request),
        Found::Unresolved => false,
    };
    match operator {
        "StringEquals" => text(value, request, Wildcards::None),
        "StringLike" => text(value, request, Wildcards::Everywhere),
        "StringEqualsIgnoreCase" => match text::value_tokens(value, context, Wildcards::None) {
            Found::Tokens(tokens) => {
                let folded = |text: String| text.to_lowercase();
                let plain = tokens.iter().filter_map(|token| match token {
                    text::Token::Just(c) => Some(*c),
                    _ => None,
                });
                folded(plain.collect()) == folded(request.into())
            }
            Found::Unresolved => false,
        },
        "ArnLike" => {
            let (pattern, own) = (text::arn_parts(value), text::arn_parts(request));
            let whole = pattern.len() == super::ARN_PARTS && own.len() == super::ARN_PARTS;
            whole
                && pattern.first() == Some(&"arn")
                && pattern.iter().zip(&own).all(|(pattern, own)| text(pattern, own, Wildcards::Everywhere))
        }
        "Bool" => truth(value).is_some() && truth(value) == truth(request),
        "IpAddress" => in_range(value, request),
        _ => match operator.strip_prefix("Numeric") {
            Some(how) => ordered(how, number(request), number(value)),
            None => operator.strip_prefix("Date").is_some_and(|how| ordered(how, instant(request), instant(value))),
        },
    }
}

fn truth(text: &str) -> Option<bool> {
    text.to_lowercase().parse().ok()
}

fn ordered(how: &str, request: Option<i128>, value: Option<i128>) -> bool {
    let (Some(request), Some(value)) = (request, value) else { return false };
    match how {
        "Equals" => request == value,
        "LessThan" => request < value,
        "LessThanEquals" => request <= value,
        "GreaterThan" => request > value,
        "GreaterThanEquals" => request >= value,
        _ => false,
    }
}

/// A decimal number in billionths.
fn number(text: &str) -> Option<i128> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(part) || part.len() > 9 || whole.len() > 19 {
        return None;
    }
    let billionths: i128 = format!("{part:0<9}").parse().ok()?;
    Some(sign * (whole.parse::<i128>().ok()? * 1_000_000_000 + billionths))
}

/// An instant in milliseconds: a whole number of seconds, or a date with or without a time.
fn instant(text: &str) -> Option<i128> {
    if !text.contains('-') && !text.contains('T') {
        return Some(text.parse::<i64>().ok()? as i128 * 1000);
    }
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
    let mut numbers = date.split('-').map(|part| part.parse::<i128>().ok());
    let (year, month) = (numbers.next()??, numbers.next()??);
    let day = numbers.next().unwrap_or(Some(1))?;
    let time = time.strip_suffix('Z').unwrap_or(time);
    let (time, offset) = match time.split_once(['+', '-']) {
        Some((before, offset)) => (before, minutes(offset)? * if time.contains('-') { -1 } else { 1 }),
        None => (time, 0),
    };
    let seconds = time.split(':').nth(2).unwrap_or("0");
    let millis = number(seconds)? / 1_000_000;
    Some((days(year, month, day) * 24 * 60 + minutes(time)? - offset) * 60_000 + millis)
}

/// Minutes of a time of day, whatever stands behind the minute.
fn minutes(time: &str) -> Option<i128> {
    let mut fields = time.split(':').map(|field| field.parse::<i128>().ok());
    Some(fields.next()?? * 60 + fields.next()??)
}

/// Days from the first of January 1970, counted year by year and month by month.
fn days(year: i128, month: i128, day: i128) -> i128 {
    let leap = |year: i128| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let years: i128 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let months: i128 = (1..month)
        .map(|month| match month {
            2 if leap(year) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        })
        .sum();
    years + months + day - 1
}

fn in_range(range: &str, address: &str) -> bool {
    let (network, length) = match range.split_once('/') {
        Some((network, length)) => (network, Some(length)),
        None => (range, None),
    };
    let parsed = |text: &str| text.parse::<IpAddr>().ok().map(|address| address.to_canonical());
    let bits = |address: IpAddr| match address {
        IpAddr::V4(v4) => (32, format!("{:032b}", v4.to_bits())),
        IpAddr::V6(v6) => (128, format!("{:0128b}", v6.to_bits())),
    };
    let (Some((family, network)), Some((other, address))) = (parsed(network).map(bits), parsed(address).map(bits))
    else {
        return false;
    };
    let length = length.map_or(Some(family), |length| length.parse::<usize>().ok());
    let prefix = length.and_then(|length| network.get(..length));
    family == other && prefix.is_some_and(|prefix| address.starts_with(prefix))
}
