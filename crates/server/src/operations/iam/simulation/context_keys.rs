//! Which condition keys policies ask for.
//!
//! Not here: which of them a call would have.
//! Rule: the pages of GetContextKeysForCustomPolicy and GetContextKeysForPrincipalPolicy of the IAM API reference.

use std::collections::BTreeMap;

use kanuki_policy::{Document, Target, fold_key};
use serde::Serialize;

use super::invalid;
use crate::error::ApiError;

/// The condition keys in use, as written, each once and sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContextKeys {
    context_key_names: Vec<String>,
}

impl ContextKeys {
    /// Those of some documents.
    pub(in crate::operations::iam) fn of<'a>(documents: impl Iterator<Item = &'a Document>) -> Self {
        let mut names: BTreeMap<String, &str> = BTreeMap::new();
        for name in documents.flat_map(Document::condition_keys_as_written) {
            names.entry(fold_key(name)).or_insert(name);
        }
        Self { context_key_names: names.into_values().map(Into::into).collect() }
    }
}

/// Reads policies of principals or of resources.
///
/// # Errors
/// `InvalidInput` with what is wrong with it as a policy of a principal.
pub(in crate::operations::iam) fn parse_any(texts: &[String]) -> Result<Vec<Document>, ApiError> {
    let read = |(i, text): (usize, &String)| {
        Document::parse(Target::Identity, text).or_else(|error| {
            Document::parse(Target::Resource, text).map_err(|_| invalid(format!("PolicyInputList.{}: {error}", i + 1)))
        })
    };
    texts.iter().enumerate().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_once_in_the_spelling_that_comes_first() {
        let own = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*",
            "Resource":"arn:aws:kms:*:*:key/${aws:PrincipalTag/Key}",
            "Condition":{"StringLike":{"kms:ViaService":"${aws:username}*","AWS:principaltag/key":"x"}}}}"#;
        let of_resource = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*",
            "Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"},"StringEquals":{"KMS:viaservice":"a"}}}}"#;
        let documents = parse_any(&[own.to_owned(), of_resource.to_owned()]).unwrap();
        let names = ContextKeys::of(documents.iter()).context_key_names;
        assert_eq!(names, ["AWS:principaltag/key", "aws:SecureTransport", "aws:username", "kms:ViaService"]);
        let error = parse_any(&[own.to_owned(), "{}".to_owned()]).unwrap_err();
        assert_eq!(error.message(), Some("PolicyInputList.2: Syntax errors in policy."));
    }
}
