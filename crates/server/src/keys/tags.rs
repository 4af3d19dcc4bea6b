//! Tags of keys: reading, rules, and the condition keys that they supply.
//!
//! Rule: "Tags in AWS KMS" of the developer guide; the texts are those of the live service.

use std::collections::BTreeMap;

use kanuki_policy::{FactMap, fold_key};

use crate::{
    error::{ApiError, ErrorCode},
    wire::Fields,
};

/// Most tags of a key.
pub const TAGS_MAX: usize = 50;

/// Reads a list of tags.
///
/// # Errors
/// `SerializationException` for another type.
pub fn read_tags(fields: &mut Fields, name: &str) -> Result<Option<Vec<(String, String)>>, ApiError> {
    fields.text_pairs(name, ("TagKey", 1..=TAG_KEY_CHARS_MAX), ("TagValue", 0..=TAG_VALUE_CHARS_MAX))
}

/// Checks the rules between tags. Keys that differ in case alone would be one condition key with two values, so that what
/// a policy sees need not be what is written: no key has both.
///
/// # Errors
/// `TagException`.
pub fn validate_tags(
    tags: &[(String, String)],
    existing: &BTreeMap<String, String>,
    tags_max: usize,
) -> Result<(), ApiError> {
    let refuse = |message: &str| Err(ApiError::new(ErrorCode::Tag, message));
    if tags.iter().any(|(key, _)| has_reserved_prefix(key)) {
        return refuse("Tags beginning with aws: are reserved");
    }
    let mut folded: Vec<String> = tags.iter().map(|(key, _)| fold_key(key)).collect();
    folded.sort_unstable();
    let is_respelled = |key: &String| {
        !existing.contains_key(key) && {
            let key = fold_key(key);
            existing.keys().any(|own| fold_key(own) == key)
        }
    };
    if folded.windows(2).any(|pair| pair.first() == pair.last()) || tags.iter().any(|(key, _)| is_respelled(key)) {
        return refuse("Duplicate tag keys");
    }
    let added = tags.iter().filter(|(key, _)| !existing.contains_key(key)).count();
    if existing.len() + added > tags_max {
        return refuse("Too many tags");
    }
    Ok(())
}

/// The condition keys that tags in a request supply.
pub fn tag_facts(facts: &mut FactMap, tags: &[(String, String)]) {
    if tags.is_empty() {
        return;
    }
    for (key, value) in tags {
        facts.insert(&format!("aws:RequestTag/{key}"), value.clone());
    }
    facts.insert("aws:TagKeys", tags.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>());
}

fn has_reserved_prefix(key: &str) -> bool {
    key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
}

const TAG_KEY_CHARS_MAX: usize = 128;
const TAG_VALUE_CHARS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tags: &[(&str, &str)], existing: usize) -> Option<String> {
        let tags: Vec<(String, String)> = tags.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let existing = (0..existing).map(|i| (format!("k{i}"), String::new())).collect();
        validate_tags(&tags, &existing, TAGS_MAX).err().map(|error| error.message().unwrap().to_owned())
    }

    #[test]
    fn rules() {
        assert_eq!(message(&[("AWS:x", "1")], 0).unwrap(), "Tags beginning with aws: are reserved");
        assert_eq!(message(&[("a", "1"), ("a", "2")], 0).unwrap(), "Duplicate tag keys");
        assert_eq!(message(&[("a", "1"), ("A", "2")], 0).unwrap(), "Duplicate tag keys");
        assert_eq!(message(&[("K0", "1")], 1).unwrap(), "Duplicate tag keys");
        assert_eq!(message(&[("k0", "1")], 1), None);
        assert_eq!(message(&[("a", "1"), ("b", "2")], 49).unwrap(), "Too many tags");
        assert_eq!(message(&[("k0", "1"), ("b", "2")], 49), None);
        assert_eq!(message(&[("é", "1"), ("aé", "2")], 0), None);
    }
}
