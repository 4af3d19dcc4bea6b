//! Secrets on their way to the client who may have them: text that is wiped on drop.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kanuki_types::SecretBytes;
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use crate::error::ApiError;

/// Secret bytes as the answer writes them. It is serialised into the answer's body and nowhere else.
pub(crate) struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The base64 of secret bytes.
    #[must_use]
    pub(crate) fn base64(bytes: &SecretBytes) -> Self {
        Self(STANDARD.encode(bytes.expose()).into())
    }

    /// A secret that is text already.
    ///
    /// # Errors
    /// If it is not UTF-8, which is a defect.
    pub(crate) fn plain(bytes: &SecretBytes) -> Result<Self, ApiError> {
        let text = std::str::from_utf8(bytes.expose()).map_err(ApiError::internal)?;
        Ok(Self(text.to_owned().into()))
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
