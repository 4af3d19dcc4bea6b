//! Why a command ended without success: one sentence for the operator.

use std::fmt;

/// A failure with its sentence.
#[derive(Debug)]
pub(crate) struct CommandError(String);

impl CommandError {
    /// A failure in one sentence.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// A failure that another error explains, with everything that lies behind it.
    pub(crate) fn from_error(error: impl std::error::Error) -> Self {
        let mut sentence = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            sentence.push_str(": ");
            sentence.push_str(&error.to_string());
            source = error.source();
        }
        Self(sentence)
    }

    /// Puts what was being done before the sentence.
    pub(crate) fn during(self, what: impl fmt::Display) -> Self {
        Self(format!("{what}: {}", self.0))
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CommandError {}
