//! Tags of IAM entities: reading, rules, and the condition keys that they supply.
//!
//! Rule: "Tags for IAM resources" of the IAM user guide: keys are unique without regard to case, and their spelling is
//! kept.

use std::collections::BTreeMap;

use kanuki_policy::{FactMap, fold_key};
use serde::Serialize;

use super::members;
use crate::{
    authz::Demand,
    error::{ApiError, ErrorCode},
    keys::tag_facts,
    operation::Plan,
    wire::Fields,
};

/// A tag of an answer.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) key: String,
    pub(super) value: String,
}

/// Tags as answers list them.
pub(super) fn listed(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

/// Reads a list of tags.
pub(super) fn read(fields: &mut Fields) -> Result<Option<Vec<(String, String)>>, ApiError> {
    let tags = fields.text_pairs("Tags", ("Key", 1..=KEY_CHARS_MAX), ("Value", 0..=VALUE_CHARS_MAX))?;
    for (i, (key, value)) in tags.iter().flatten().enumerate() {
        if !key.is_empty() && !key.chars().all(is_tag_char) {
            fields.refuse_form(key, &format!("tags.{}.member.key", i + 1), "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+");
        }
        if !value.chars().all(is_tag_char) {
            fields.refuse_form(value, &format!("tags.{}.member.value", i + 1), "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*");
        }
    }
    Ok(tags)
}

/// Reads a list of tags of a new entity.
pub(super) fn read_new(fields: &mut Fields) -> Result<Vec<(String, String)>, ApiError> {
    Ok(read(fields)?.unwrap_or_default())
}

/// The condition keys of tags in a request.
pub(super) fn facts(facts: &mut FactMap, tags: &[(String, String)]) {
    tag_facts(facts, tags);
}

/// The plan of an operation that makes an entity: if it is made with tags, that takes the right to tag it too, as the
/// service has it. Both accesses see the tags.
pub(super) fn plan_of_new<T>(target: T, [mut make, mut tag]: [Demand; 2], tags: &[(String, String)]) -> Plan<T> {
    facts(&mut make.facts, tags);
    facts(&mut tag.facts, tags);
    Plan::with_more(target, make, (!tags.is_empty()).then_some(tag))
}

/// Reads the keys of tags that are to be removed.
pub(super) fn read_keys(fields: &mut Fields) -> Result<Vec<String>, ApiError> {
    let keys = fields.texts("TagKeys", 0..=TAGS_MAX, 1..=KEY_CHARS_MAX)?;
    Ok(fields.require("TagKeys", keys))
}

/// The condition keys of tag keys in a request.
pub(super) fn key_facts(facts: &mut FactMap, keys: &[String]) {
    if !keys.is_empty() {
        facts.insert("aws:TagKeys", keys.to_vec());
    }
}

/// Adds tags to those of an entity; a key that differs in case alone takes the place of the other.
///
/// # Errors
/// `InvalidInput` for reserved and repeated keys, `LimitExceeded` above [`TAGS_MAX`]; `quota` names the latter.
pub(super) fn add(
    existing: &mut BTreeMap<String, String>,
    tags: &[(String, String)],
    quota: &str,
) -> Result<(), ApiError> {
    let mut folded: Vec<String> = tags.iter().map(|(key, _)| fold_key(key)).collect();
    if folded.iter().any(|key| key.starts_with("aws:")) {
        let message = "Tag keys with the prefix aws: are reserved for the service.";
        return Err(ApiError::new(ErrorCode::InvalidInput, message));
    }
    folded.sort_unstable();
    if folded.windows(2).any(|pair| pair.first() == pair.last()) {
        let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
        return Err(ApiError::new(ErrorCode::InvalidInput, message));
    }
    existing.retain(|key, _| folded.binary_search(&fold_key(key)).is_err());
    existing.extend(tags.iter().cloned());
    if existing.len() > TAGS_MAX {
        return Err(members::over_quota(quota, TAGS_MAX));
    }
    Ok(())
}

/// Removes tags; keys that are not there are of no account.
pub(super) fn remove(existing: &mut BTreeMap<String, String>, keys: &[String]) {
    let folded: Vec<String> = keys.iter().map(|key| fold_key(key)).collect();
    existing.retain(|key, _| !folded.contains(&fold_key(key)));
}

fn is_tag_char(c: char) -> bool {
    c.is_alphabetic() || c.is_numeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}

/// Most tags of an entity.
pub(super) const TAGS_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(tags: &[(&str, &str)]) -> Vec<(String, String)> {
        tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    #[test]
    fn keys_are_one_without_regard_to_case() {
        let mut tags = BTreeMap::from([("Team".to_owned(), "blue".to_owned()), ("a".to_owned(), String::new())]);
        add(&mut tags, &pairs(&[("team", "red")]), "TagsPerUser").unwrap();
        assert_eq!(tags, pairs(&[("a", ""), ("team", "red")]).into_iter().collect());
        let twice = add(&mut tags, &pairs(&[("x", "1"), ("X", "2")]), "TagsPerUser").unwrap_err();
        assert_eq!(twice.code(), ErrorCode::InvalidInput);
        let reserved = add(&mut tags, &pairs(&[("AWS:x", "1")]), "TagsPerUser").unwrap_err();
        assert_eq!(reserved.code(), ErrorCode::InvalidInput);
        remove(&mut tags, &["TEAM".to_owned(), "none".to_owned()]);
        assert_eq!(tags.len(), 1);
    }

    #[test]
    fn the_number_is_limited() {
        let mut tags: BTreeMap<String, String> = (0..TAGS_MAX).map(|i| (format!("k{i}"), String::new())).collect();
        add(&mut tags, &pairs(&[("K0", "1")]), "TagsPerUser").unwrap();
        let error = add(&mut tags, &pairs(&[("more", "1")]), "TagsPerUser").unwrap_err();
        assert_eq!(error.message(), Some("Cannot exceed quota for TagsPerUser: 50"));
    }
}
