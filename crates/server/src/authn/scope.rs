//! The credential scope: access key, date, Region, service.

use crate::error::{ApiError, ErrorCode};

/// A `Credential` value, split; its parts are what the client claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialScope {
    /// The access key id.
    pub access_key_id: String,
    /// `YYYYMMDD`.
    pub date: String,
    /// The Region signed for.
    pub region: String,
    /// The service signed for.
    pub service: String,
    /// Must be `aws4_request`.
    pub terminator: String,
}

impl CredentialScope {
    /// Splits `keyid/date/region/service/term`.
    ///
    /// # Errors
    /// `IncompleteSignatureException` if there are not exactly five parts.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let parts: Vec<&str> = text.split('/').collect();
        let [access_key_id, date, region, service, terminator] = parts.as_slice() else {
            let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
            return Err(ApiError::new(
                ErrorCode::IncompleteSignature,
                format!(
                    "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, \
                     got '{shown}'"
                ),
            ));
        };
        Ok(Self {
            access_key_id: (*access_key_id).into(),
            date: (*date).into(),
            region: (*region).into(),
            service: (*service).into(),
            terminator: (*terminator).into(),
        })
    }

    /// The scope as the string to sign writes it.
    #[must_use]
    pub fn scope(&self) -> String {
        format!("{}/{}/{}/{}", self.date, self.region, self.service, self.terminator)
    }
}

/// Most characters of a wrong value that a message repeats.
const SHOWN_CHARS_MAX: usize = 256;
