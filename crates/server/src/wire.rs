//! The protocols: which service and operation a request means, its members, and how answers are written.
//!
//! Not here: what the operations do. Invariant: every request gets an answer in the form its client expects, also
//! when nothing in it can be understood.

mod fields;
mod json;
mod query;

pub(crate) use fields::lower_camel;
pub use fields::{Dialect, Fields, LIST_ITEMS_MAX};

use crate::{
    error::{ApiError, ErrorCode},
    http::Incoming,
    operation::Service,
};

/// What a request means before anything in it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The protocol to answer in.
    pub dialect: Dialect,
    /// The service, as its target or action says.
    pub service: Service,
    /// The name of the operation as the client wrote it, cut to a printable length.
    pub operation: String,
    /// Whether the service is one of ours; else `service` only says in whose form to refuse.
    pub service_is_known: bool,
    /// The API version of a Query request.
    pub version: Option<String>,
}

impl Call {
    /// A call that does not come over a wire; its answer is in the form of JSON.
    pub(crate) fn in_process(service: Service, operation: &str) -> Self {
        let operation = printable(operation);
        Self { dialect: Dialect::Json, service, operation, service_is_known: true, version: None }
    }
}

/// Reads service and operation from the request: a target header or a JSON body means JSON, everything else a Query
/// form.
#[must_use]
pub fn recognise(incoming: &Incoming) -> Call {
    let is_json = || incoming.header("content-type").is_some_and(|kind| kind.starts_with("application/x-amz-json"));
    match incoming.header("x-amz-target") {
        Some(target) => json::recognise(&target),
        None if is_json() => json::recognise(""),
        None => query::recognise(incoming),
    }
}

/// Reads the members of the request.
///
/// # Errors
/// `SerializationException` (`MalformedInput`) if the body is not in the form of the protocol.
pub fn members(call: &Call, incoming: &Incoming) -> Result<Fields, ApiError> {
    match call.dialect {
        Dialect::Json => json::members(&incoming.body),
        Dialect::Query => query::members(incoming),
    }
}

/// A success body and its content type.
///
/// # Errors
/// If the output cannot be serialised, which is a defect.
pub fn render_output<O: serde::Serialize>(
    call: &Call,
    output: Option<&O>,
    request_id: &str,
) -> Result<Rendered, ApiError> {
    match call.dialect {
        Dialect::Json => json::render_output(output),
        Dialect::Query => {
            let output = output.map(serde_json::to_value).transpose().map_err(ApiError::internal)?;
            Ok(query::render_output(call, output.as_ref(), request_id))
        }
    }
}

/// A map in a Query answer, as its pairs.
#[must_use]
pub fn xml_map<V: Into<serde_json::Value>>(
    pairs: impl IntoIterator<Item = (impl Into<String>, V)>,
) -> serde_json::Value {
    let pairs = pairs.into_iter().map(|(key, value)| serde_json::json!({ "key": key.into(), "value": value.into() }));
    serde_json::json!({ query::ENTRY: pairs.collect::<Vec<_>>() })
}

/// An error body, its content type and status.
#[must_use]
pub fn render_error(call: &Call, error: &ApiError, request_id: &str) -> Rendered {
    match call.dialect {
        Dialect::Json => json::render_error(error),
        Dialect::Query => query::render_error(call, error, request_id),
    }
}

/// The refusal of an operation that does not exist.
#[must_use]
pub fn unknown_operation(call: &Call) -> ApiError {
    match call.dialect {
        Dialect::Json => ApiError::bare(ErrorCode::UnknownOperation),
        Dialect::Query => ApiError::new(
            ErrorCode::UnknownOperation,
            format!(
                "Could not find operation {} for version {}",
                call.operation,
                call.version.as_deref().unwrap_or("NO_VERSION_SPECIFIED")
            ),
        ),
    }
}

/// An answer in its wire form. The body may hold user secrets and is wiped when it has been sent.
#[derive(Debug)]
pub struct Rendered {
    /// HTTP status.
    pub status: u16,
    /// Value of `Content-Type`.
    pub content_type: &'static str,
    /// The bytes.
    pub body: SecretBody,
}

/// A body that is wiped on drop, and when it grows, and never printed.
#[derive(Default)]
pub struct SecretBody(pub zeroize::Zeroizing<Vec<u8>>);

impl std::fmt::Debug for SecretBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

impl std::io::Write for SecretBody {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let needed = self.0.len().saturating_add(bytes.len());
        if needed > self.0.capacity() {
            // The vector's own growth would free the old memory unwiped.
            let room = needed.max(self.0.capacity().saturating_mul(2)).max(ANSWER_BYTES_USUAL);
            let mut grown = zeroize::Zeroizing::new(Vec::with_capacity(room));
            grown.extend_from_slice(&self.0);
            self.0 = grown;
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl AsRef<[u8]> for SecretBody {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for SecretBody {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

/// Cuts a name that a client chose to a length fit for messages and records. A control character is replaced and not
/// left out, so that nothing becomes another name than it is.
fn printable(name: &str) -> String {
    let shown = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    name.chars().map(shown).take(OPERATION_NAME_CHARS_MAX).collect()
}

/// Room for most answers, in bytes: all of it is wiped.
const ANSWER_BYTES_USUAL: usize = 1024;
/// Longest operation name that is repeated in messages and records, in characters.
const OPERATION_NAME_CHARS_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_body_that_grows_has_all_that_was_written() {
        let (mut body, mut expected) = (SecretBody::default(), Vec::new());
        for number in 0..1000_u32 {
            let bytes = number.to_be_bytes().repeat(number as usize % 40);
            body.write_all(&bytes).unwrap();
            expected.extend(bytes);
        }
        assert!(body.as_ref() == expected);
    }
}
