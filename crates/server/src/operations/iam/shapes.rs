//! The structures that answers of IAM are made of.
//!
//! Rule: the data types of the IAM API reference. Policy documents are percent-encoded there; lists leave out what the
//! reference says that they leave out.

use kanuki_types::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::tags::{self, Tag};
use crate::{identity::StoredPrincipal, wire::lower_camel};

/// Which of a user's or role's members an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// All.
    Full,
    /// Those of lists: no tags, no boundary.
    Listed,
}

/// A user.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct User {
    pub(super) path: String,
    pub(super) user_name: Option<String>,
    pub(super) user_id: String,
    pub(super) arn: String,
    pub(super) create_date: String,
    pub(super) permissions_boundary: Option<Boundary>,
    pub(super) tags: Option<Vec<Tag>>,
}

/// The boundary of a user or role.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Boundary {
    permissions_boundary_type: &'static str,
    permissions_boundary_arn: String,
}

impl Boundary {
    /// The boundary with that policy's ARN.
    pub(super) fn new(arn: String) -> Self {
        Self { permissions_boundary_type: "Policy", permissions_boundary_arn: arn }
    }
}

impl User {
    /// A user that is stored; `boundary` is the ARN of its boundary.
    pub(super) fn of(user: &StoredPrincipal, detail: Detail, boundary: Option<String>) -> Self {
        let record = user.record();
        let full = detail == Detail::Full;
        Self {
            path: record.path.clone(),
            user_name: Some(record.name.clone()),
            user_id: user.id().to_string(),
            arn: user.arn(),
            create_date: instant(record.created),
            permissions_boundary: boundary.filter(|_| full).map(Boundary::new),
            tags: (full && !record.tags.is_empty()).then(|| tags::listed(&record.tags)),
        }
    }
}

/// An instant as IAM writes it.
pub(super) fn instant(at: Timestamp) -> String {
    at.iso8601()
}

/// An answer as an audit record writes it: names begin with a small letter.
pub(super) fn recorded(output: &impl Serialize) -> Value {
    fn small(value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let members = members.into_iter().filter(|(_, value)| !value.is_null());
                Value::Object(members.map(|(name, value)| (lower_camel(&name), small(value))).collect())
            }
            Value::Array(items) => items.into_iter().map(small).collect(),
            other => other,
        }
    }
    serde_json::to_value(output).map(small).unwrap_or(Value::Null)
}
