//! What the operations on an account as a whole share.

use crate::{error::ApiError, wire::Fields};

/// Reads an account alias.
pub(super) fn read_alias(fields: &mut Fields) -> Result<String, ApiError> {
    let pattern = "^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$";
    let alias = fields.formed_text("AccountAlias", ALIAS_CHARS, pattern, is_alias)?;
    Ok(fields.require("AccountAlias", alias))
}

fn is_alias(text: &str) -> bool {
    let is_char = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.bytes().all(is_char) && !text.starts_with('-') && !text.ends_with('-') && !text.contains("--")
}

const ALIAS_CHARS: std::ops::RangeInclusive<usize> = 3..=63;
