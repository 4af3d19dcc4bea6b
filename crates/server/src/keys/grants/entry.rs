//! A grant's record, decoded once: with its key, its id and its operations as a decision compares them.

use kanuki_policy::GrantView;
use kanuki_types::{KeyArn, UniqueId};

use super::record::{GrantId, GrantRecord};

/// A grant, ready for decisions.
#[derive(Debug)]
pub struct GrantEntry {
    arn: KeyArn,
    id: GrantId,
    id_text: String,
    record: GrantRecord,
    operations: Vec<String>,
}

impl GrantEntry {
    pub(super) fn new(arn: KeyArn, id: GrantId, record: GrantRecord) -> Self {
        let operations = record.terms.operations.iter().map(|operation| operation.as_str().to_owned()).collect();
        Self { arn, id, id_text: id.to_string(), record, operations }
    }

    /// The key that it is on.
    #[must_use]
    pub fn arn(&self) -> &KeyArn {
        &self.arn
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> GrantId {
        self.id
    }

    /// Its record.
    #[must_use]
    pub fn record(&self) -> &GrantRecord {
        &self.record
    }

    /// Names of its operations.
    #[must_use]
    pub fn operations(&self) -> &[String] {
        &self.operations
    }

    /// The grant as a decision sees it, given to the principal with this ARN and id.
    #[must_use]
    pub fn view<'a>(&'a self, grantee: &'a str, grantee_id: Option<&'a UniqueId>) -> GrantView<'a> {
        let constraints = &self.record.terms.constraints;
        GrantView {
            id: &self.id_text,
            grantee,
            grantee_id,
            operations: &self.operations,
            encryption_context_equals: Some(&constraints.equals),
            encryption_context_subset: Some(&constraints.subset),
        }
    }
}
