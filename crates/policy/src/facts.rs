//! Where condition keys get their values.
//!
//! Not here: which keys a request has; its caller knows that.
//! Invariant: nothing is computed unless a condition or a variable asks for it.

use std::{borrow::Cow, collections::BTreeMap};

use crate::fold::fold_key;

/// The source of the values of condition keys.
pub trait Facts {
    /// The value of a key; none if the request does not have it.
    ///
    /// `key` comes in lower case, as [`fold_key`] writes it: compare names ignoring case, including what follows
    /// the slash of a tag key and what follows `kms:EncryptionContext:`.
    fn fact(&self, key: &str) -> Option<Fact<'_>>;
}

/// The value of a condition key in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<'a> {
    /// Bytes, for BinaryEquals.
    Binary(Cow<'a, [u8]>),
    /// The values of a multivalued key, however many there are. An empty list counts as an absent key.
    Many(Vec<Cow<'a, str>>),
    /// The value of a single-valued key.
    One(Cow<'a, str>),
}

/// An owned set of facts, for simulation, tests and small requests. Keys are compared ignoring case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FactMap(BTreeMap<String, FactValue>);

/// An owned value of a condition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactValue {
    /// Bytes.
    Binary(Vec<u8>),
    /// The values of a multivalued key.
    Many(Vec<String>),
    /// The value of a single-valued key.
    One(String),
}

impl FactMap {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key; a value that the key had, in whatever case, is replaced.
    pub fn insert(&mut self, key: &str, value: impl Into<FactValue>) {
        self.0.insert(fold_key(key), value.into());
    }

    /// Sets every key of another set.
    pub fn insert_all(&mut self, other: &Self) {
        self.0.extend(other.0.iter().map(|(key, value)| (key.clone(), value.clone())));
    }

    /// How many bytes all values have.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let bytes = |value: &FactValue| match value {
            FactValue::Binary(bytes) => bytes.len(),
            FactValue::Many(values) => values.iter().map(String::len).sum(),
            FactValue::One(value) => value.len(),
        };
        self.0.values().map(bytes).sum()
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &str) {
        self.0.remove(&fold_key(key));
    }
}

impl Facts for FactMap {
    fn fact(&self, key: &str) -> Option<Fact<'_>> {
        let value = self.0.get(key).or_else(|| self.0.get(&fold_key(key)))?;
        Some(match value {
            FactValue::Binary(bytes) => Fact::Binary(bytes.into()),
            FactValue::Many(values) => Fact::Many(values.iter().map(Into::into).collect()),
            FactValue::One(value) => Fact::One(value.into()),
        })
    }
}

impl<K: AsRef<str>, V: Into<FactValue>> FromIterator<(K, V)> for FactMap {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut map = Self::new();
        pairs.into_iter().for_each(|(key, value)| map.insert(key.as_ref(), value));
        map
    }
}

impl From<&str> for FactValue {
    fn from(value: &str) -> Self {
        Self::One(value.into())
    }
}

impl From<String> for FactValue {
    fn from(value: String) -> Self {
        Self::One(value)
    }
}

impl From<bool> for FactValue {
    fn from(value: bool) -> Self {
        Self::One(value.to_string())
    }
}

impl From<Vec<String>> for FactValue {
    fn from(values: Vec<String>) -> Self {
        Self::Many(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_ignore_case_in_both_directions() {
        let facts: FactMap = [("aws:PrincipalTag/Team", "Blue")].into_iter().collect();
        for key in ["aws:principaltag/team", "AWS:PRINCIPALTAG/TEAM"] {
            assert_eq!(facts.fact(key), Some(Fact::One("Blue".into())));
        }
        assert_eq!(facts.fact("aws:principaltag/teams"), None);
    }
}
