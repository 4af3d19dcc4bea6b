//! What a grant gives: its operations, and the constraints under which it gives them.
//!
//! Not here: whether a call meets a constraint; the decision compares that. Invariants: at most one of the two context
//! constraints has pairs; no pairs are no constraint.
//!
//! Rule: `GrantConstraints` and "Grant constraints" of the AWS KMS API reference and developer guide.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::operation::GrantOperation;

/// Most pairs of a context constraint.
pub const CONSTRAINT_PAIRS_MAX: usize = 8;
/// Longest value of a context constraint, in characters.
pub const CONSTRAINT_VALUE_CHARS_MAX: usize = 384;

/// What a grant gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantTerms {
    /// The operations, each once, in the order in which they were given.
    pub operations: Vec<GrantOperation>,
    /// When it gives them.
    #[serde(default, skip_serializing_if = "GrantConstraints::is_empty")]
    pub constraints: GrantConstraints,
}

impl GrantTerms {
    /// Whether these terms give nothing that `parent` does not give: the rule for grants made through a grant.
    #[must_use]
    pub fn are_within(&self, parent: &Self) -> bool {
        self.operations.iter().all(|operation| parent.operations.contains(operation))
            && self.constraints.are_as_strict_as(&parent.constraints)
    }
}

/// When a grant gives what it gives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantConstraints {
    /// The encryption context must be exactly these pairs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub equals: BTreeMap<String, String>,
    /// The encryption context must hold these pairs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub subset: BTreeMap<String, String>,
    /// The call must be made on behalf of this resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_arn: Option<String>,
}

impl GrantConstraints {
    /// Whether there is no constraint.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs().is_empty() && self.source_arn.is_none()
    }

    /// The pairs of the context constraint; none if there is no such constraint.
    #[must_use]
    pub fn pairs(&self) -> &BTreeMap<String, String> {
        if self.equals.is_empty() { &self.subset } else { &self.equals }
    }

    /// The value of `kms:GrantConstraintType`.
    #[must_use]
    pub fn kind(&self) -> Option<&'static str> {
        match (self.equals.is_empty(), self.subset.is_empty()) {
            (false, _) => Some(EQUALS),
            (true, false) => Some(SUBSET),
            (true, true) => None,
        }
    }

    /// The constraints as lists of grants show them; none if there are none.
    #[must_use]
    pub fn wire_form(&self) -> Option<Value> {
        let mut members = serde_json::Map::new();
        if let Some(kind) = self.kind() {
            members.insert(kind.into(), json!(self.pairs()));
        }
        if let Some(source_arn) = &self.source_arn {
            members.insert("SourceArn".into(), source_arn.clone().into());
        }
        (!members.is_empty()).then_some(Value::Object(members))
    }

    fn are_as_strict_as(&self, parent: &Self) -> bool {
        let source = parent.source_arn.is_none() || self.source_arn == parent.source_arn;
        let pairs = if parent.equals.is_empty() {
            parent.subset.iter().all(|(key, value)| self.pairs().get(key) == Some(value))
        } else {
            self.equals == parent.equals
        };
        source && pairs
    }
}

const EQUALS: &str = "EncryptionContextEquals";
const SUBSET: &str = "EncryptionContextSubset";

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    fn equals(given: &[(&str, &str)]) -> GrantConstraints {
        GrantConstraints { equals: pairs(given), ..GrantConstraints::default() }
    }

    fn subset(given: &[(&str, &str)]) -> GrantConstraints {
        GrantConstraints { subset: pairs(given), ..GrantConstraints::default() }
    }

    #[test]
    fn a_child_is_equal_or_stricter() {
        let none = GrantConstraints::default();
        let (a, ab) = (&[("a", "1")][..], &[("a", "1"), ("b", "2")][..]);
        let source = GrantConstraints { source_arn: Some("arn".into()), ..GrantConstraints::default() };
        for (child, parent, expected) in [
            (&none, &none, true),
            (&subset(a), &none, true),
            (&subset(ab), &subset(a), true),
            (&equals(ab), &subset(a), true),
            (&equals(a), &equals(a), true),
            (&source, &none, true),
            (&none, &subset(a), false),
            (&subset(a), &subset(ab), false),
            (&subset(&[("a", "2")]), &subset(a), false),
            (&subset(a), &equals(a), false),
            (&equals(ab), &equals(a), false),
            (&none, &source, false),
        ] {
            assert_eq!(child.are_as_strict_as(parent), expected, "{child:?} under {parent:?}");
        }
    }

    #[test]
    fn a_child_gives_no_more_operations() {
        let terms = |operations: &[GrantOperation]| GrantTerms {
            operations: operations.to_vec(),
            constraints: GrantConstraints::default(),
        };
        let parent = terms(&[GrantOperation::CreateGrant, GrantOperation::Decrypt]);
        assert!(terms(&[GrantOperation::Decrypt]).are_within(&parent));
        assert!(!terms(&[GrantOperation::Decrypt, GrantOperation::Encrypt]).are_within(&parent));
    }
}
