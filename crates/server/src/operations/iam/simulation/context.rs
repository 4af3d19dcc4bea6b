//! ContextEntries: condition keys that a simulation is given.
//!
//! Rule: the data type ContextEntry of the IAM API reference.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kanuki_policy::{FactMap, FactValue, ValueKind, fold_key};
use std::collections::BTreeSet;

use super::invalid;
use crate::{
    error::ApiError,
    wire::{Fields, LIST_ITEMS_MAX},
};

/// The type of an entry: of its values, and whether there can be several.
type EntryKind = (&'static str, ValueKind, bool);

/// Reads the entries.
///
/// # Errors
/// `InvalidInput` for an entry without a part, a value that is not of its type, and a key that is given twice.
pub(super) fn read(fields: &mut Fields) -> Result<FactMap, ApiError> {
    let entries = fields.structures("ContextEntries", 0..=LIST_ITEMS_MAX, entry)?.unwrap_or_default();
    let (mut facts, mut seen) = (FactMap::new(), BTreeSet::new());
    for (name, value) in entries {
        if !seen.insert(fold_key(&name)) {
            return Err(invalid(format!("The context key {name} is given more than once.")));
        }
        facts.insert(&name, value);
    }
    Ok(facts)
}

fn entry(fields: &mut Fields) -> Result<(String, FactValue), ApiError> {
    let name = fields.text("ContextKeyName", KEY_CHARS)?;
    let values = fields.texts("ContextKeyValues", 0..=LIST_ITEMS_MAX, 0..=VALUE_CHARS_MAX)?;
    let kind = fields.choice("ContextKeyType", KINDS, |(name, ..)| name)?;
    if fields.has_violations() {
        // The answer names them; what stands here is never used.
        return Ok((String::new(), FactValue::Many(Vec::new())));
    }
    match (name, values, kind) {
        (Some(name), Some(values), Some(kind)) => Ok((name.clone(), value(&name, values, kind)?)),
        _ => Err(invalid("A context entry needs ContextKeyName, ContextKeyValues and ContextKeyType.")),
    }
}

fn value(name: &str, mut values: Vec<String>, (word, kind, many): EntryKind) -> Result<FactValue, ApiError> {
    if !values.iter().all(|value| kind.fits(value)) {
        return Err(invalid(format!("The context key {name} has a value that is not of the type {word}.")));
    }
    let single = |values: &mut Vec<String>| values.pop().filter(|_| values.is_empty());
    if kind == ValueKind::Binary {
        let bytes = single(&mut values).and_then(|text| STANDARD.decode(text).ok());
        let one = || invalid(format!("The context key {name} of the type {word} needs exactly one value."));
        return bytes.map(FactValue::Binary).ok_or_else(one);
    }
    if many {
        return Ok(FactValue::Many(values));
    }
    let one = || invalid(format!("The context key {name} of the type {word} needs exactly one value."));
    single(&mut values).map(FactValue::One).ok_or_else(one)
}

const KINDS: &[EntryKind] = &[
    ("string", ValueKind::String, false),
    ("stringList", ValueKind::String, true),
    ("numeric", ValueKind::Numeric, false),
    ("numericList", ValueKind::Numeric, true),
    ("boolean", ValueKind::Boolean, false),
    ("booleanList", ValueKind::Boolean, true),
    ("ip", ValueKind::Ip, false),
    ("ipList", ValueKind::Ip, true),
    ("binary", ValueKind::Binary, false),
    ("binaryList", ValueKind::Binary, true),
    ("date", ValueKind::Date, false),
    ("dateList", ValueKind::Date, true),
];
const KEY_CHARS: std::ops::RangeInclusive<usize> = 5..=256;
/// Longest value, in characters; the model has no limit.
const VALUE_CHARS_MAX: usize = 8192;
