//! AWS JSON 1.1: the target header names the operation, the body is one JSON object.
//!
//! Rule: "AWS JSON 1.1 protocol" of the Smithy specification.

use serde_json::{Value, json};

use super::{Call, Dialect, Fields, Rendered, SecretBody, printable};
use crate::{
    error::{ApiError, ErrorCode},
    operation::Service,
};

/// Splits `Prefix.Operation`; an unknown prefix leaves an operation that no table has.
pub(super) fn recognise(target: &str) -> Call {
    let (prefix, operation) = target.split_once('.').unwrap_or(("", target));
    let known = Service::by_target_prefix(prefix);
    Call {
        dialect: Dialect::Json,
        service: known.unwrap_or(Service::Kms),
        operation: printable(if known.is_some() { operation } else { target }),
        service_is_known: known.is_some(),
        version: None,
    }
}

/// The members of the object; an empty body is an empty object.
pub(super) fn members(body: &[u8]) -> Result<Fields, ApiError> {
    if body.is_empty() {
        return Ok(Fields::new(Dialect::Json, serde_json::Map::new()));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(Fields::new(Dialect::Json, members)),
        Ok(_) | Err(_) => Err(ApiError::bare(ErrorCode::Serialization)),
    }
}

pub(super) fn render_output<O: serde::Serialize>(output: Option<&O>) -> Result<Rendered, ApiError> {
    let mut body = SecretBody::default();
    if let Some(output) = output {
        serde_json::to_writer(&mut body, output).map_err(ApiError::internal)?;
    }
    Ok(Rendered { status: 200, content_type: CONTENT_TYPE, body })
}

pub(super) fn render_error(error: &ApiError) -> Rendered {
    let code = error.code();
    // The service writes this one member with a capital letter.
    let member = if code == ErrorCode::AccessDenied { "Message" } else { "message" };
    let body = match error.message() {
        Some(message) => json!({ "__type": code.json_name(), member: message }),
        None => json!({ "__type": code.json_name() }),
    };
    Rendered { status: code.json_status(), content_type: CONTENT_TYPE, body: body.to_string().into_bytes().into() }
}

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
#[cfg(test)]
mod tests {
    use super::*;

    fn text(rendered: &Rendered) -> String {
        String::from_utf8(rendered.body.0.to_vec()).unwrap()
    }

    #[test]
    fn target_names_the_operation() {
        assert_eq!(recognise("TrentService.Encrypt").operation, "Encrypt");
        assert_eq!(recognise("NoService.Encrypt").operation, "NoService.Encrypt");
        assert!(!recognise("ListKeys").service_is_known);
        assert_eq!(recognise("").operation, "");
    }

    #[test]
    fn body_must_be_an_object() {
        for body in ["[]", "null", "{", "{} {}", "\"x\"", &"[".repeat(100_000)] {
            assert_eq!(members(body.as_bytes()).unwrap_err().code(), ErrorCode::Serialization, "{body:.20}");
        }
        assert!(members(b"").is_ok());
    }

    #[test]
    fn denial_has_its_capital_letter() {
        let denied = render_error(&ApiError::new(ErrorCode::AccessDenied, "no"));
        assert_eq!(text(&denied), r#"{"Message":"no","__type":"AccessDeniedException"}"#);
        let bare = render_error(&ApiError::bare(ErrorCode::InvalidCiphertext));
        assert_eq!(text(&bare), r#"{"__type":"InvalidCiphertextException"}"#);
    }
}
