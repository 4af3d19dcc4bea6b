//! Policies in files.
//!
//! Not here: their language. Invariant: no more is read than a policy can have.

use std::{fs, io::Read as _, path::Path};

use kanuki_policy::TEXT_CHARS_MAX;

use crate::error::CommandError;

/// The text of a file.
///
/// # Errors
/// If it cannot be read, is no UTF-8, or is longer than a policy can be.
pub(super) fn read(path: &Path) -> Result<String, CommandError> {
    let wrong = |error: std::io::Error| CommandError::from_error(error).during(path.display());
    let mut text = String::new();
    let file = fs::File::open(path).map_err(wrong)?;
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(wrong)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(CommandError::new(format!("{}: a policy has at most {FILE_BYTES_MAX} bytes", path.display())));
    }
    Ok(text)
}

/// A character has at most four bytes.
const FILE_BYTES_MAX: u64 = 4 * TEXT_CHARS_MAX as u64;
