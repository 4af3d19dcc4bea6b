//! The canonical request and the string to sign.
//!
//! Not here: keys and comparison. Rule: "Create a canonical request" of the IAM user guide, for services other than S3.

use std::{borrow::Cow, fmt::Write as _};

use sha2::{Digest as _, Sha256};

use super::presented::{ALGORITHM, Presented};
use crate::{
    error::{ApiError, ErrorCode},
    http::Incoming,
};

/// The text that the client signed.
///
/// # Errors
/// `MalformedQueryString` for broken escapes, `InvalidSignature` for headers that had to be signed and were not, and for
/// a stated hash of the body that is not its hash.
pub(super) fn string_to_sign(incoming: &Incoming, presented: &Presented) -> Result<String, ApiError> {
    check_signed(incoming, presented)?;
    let request = canonical_request(incoming, presented)?;
    Ok(format!(
        "{ALGORITHM}\n{}\n{}\n{}",
        presented.time.iso8601_basic(),
        presented.credential.scope(),
        hex(&Sha256::digest(request.as_bytes()))
    ))
}

/// Method, path, query, headers, their names, and the hash of the body, each on its line.
pub(super) fn canonical_request(incoming: &Incoming, presented: &Presented) -> Result<String, ApiError> {
    let mut text = String::with_capacity(512);
    let _ = writeln!(text, "{}\n{}\n{}", incoming.method, path(&incoming.path), query(&incoming.query)?);
    for name in &presented.signed_headers {
        let value = match name.as_str() {
            ":authority" => incoming.header("host"),
            name => incoming.header(name),
        };
        let _ = writeln!(text, "{name}:{}", fold_blanks(&value.unwrap_or_default()));
    }
    let _ = write!(text, "\n{}\n{}", presented.signed_headers.join(";"), payload_hash(incoming)?);
    Ok(text)
}

/// Every header that could change what the request means must be under the signature.
fn check_signed(incoming: &Incoming, presented: &Presented) -> Result<(), ApiError> {
    let unsigned = incoming
        .headers
        .iter()
        .map(|(name, _)| name)
        .find(|name| name.starts_with("x-amz-") && !presented.signed_headers.contains(name));
    match unsigned {
        None => Ok(()),
        Some(name) => {
            let message = format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.");
            Err(ApiError::new(ErrorCode::InvalidSignature, message))
        }
    }
}

/// Removes empty and dot segments, then encodes each segment as sent once more.
fn path(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let mut out = String::from("/");
    for (i, segment) in segments.iter().enumerate() {
        if i > 0 {
            out.push('/');
        }
        encode(&mut out, segment.as_bytes());
    }
    let ends_in_folder = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    if ends_in_folder && !segments.is_empty() {
        out.push('/');
    }
    out
}

/// Decodes and encodes names and values, sorts them, and leaves the signature out.
fn query(query: &str) -> Result<String, ApiError> {
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        if name.as_ref() == b"X-Amz-Signature" {
            continue;
        }
        let (mut encoded_name, mut encoded_value) = (String::new(), String::new());
        encode(&mut encoded_name, &name);
        encode(&mut encoded_value, &value);
        pairs.push((encoded_name, encoded_value));
    }
    pairs.sort();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    Ok(pairs.join("&"))
}

/// Decodes `%XX` strictly; a plus sign stays one.
fn decode(text: &str) -> Result<Cow<'_, [u8]>, ApiError> {
    let malformed = |message: String| ApiError::new(ErrorCode::MalformedQueryString, message);
    let bytes = text.as_bytes();
    for (i, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%') {
        let Some(digits) = bytes.get(i + 1..i + 3) else {
            return Err(malformed("Incomplete trailing escape % sequence".into()));
        };
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            let shown = String::from_utf8_lossy(digits);
            return Err(malformed(format!("Illegal hex character in escape % pattern: %{shown}")));
        }
    }
    Ok(percent_encoding::percent_decode(bytes).into())
}

fn encode(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(*byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

/// Trims a value and makes inner runs of blanks one.
fn fold_blanks(value: &str) -> Cow<'_, str> {
    let trimmed = value.trim_matches([' ', '\t']);
    if trimmed.contains("  ") {
        trimmed.split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ").into()
    } else {
        trimmed.into()
    }
}

/// The hash of the body that came; a stated hash must equal it, and unsigned or chunked payloads are S3's matter.
fn payload_hash(incoming: &Incoming) -> Result<String, ApiError> {
    let computed = hex(&Sha256::digest(&incoming.body));
    match incoming.header("x-amz-content-sha256") {
        Some(stated) if stated.trim() != computed => {
            let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            Err(ApiError::new(ErrorCode::InvalidSignature, message))
        }
        _ => Ok(computed),
    }
}

/// Bytes as hexadecimal digits in lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS.get(usize::from(n)).copied().unwrap_or(b'0'));
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0xf));
    }
    text
}

#[cfg(test)]
mod tests;
