//! One request as it came in: method, path, query, headers and the whole body.
//!
//! Not here: verification of any of it.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr},
};

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes, Incoming as HyperBody};

use crate::{tls::TlsSession, wire::SecretBody};

/// Longest body that is read, in bytes. The largest legal one carries an attestation document of 262,144 bytes in
/// base64 beside a ciphertext.
pub const BODY_BYTES_MAX: usize = 1_048_576;

/// A request that has been read whole.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The method, as sent.
    pub method: String,
    /// The path, as sent.
    pub path: String,
    /// The query string without its question mark, as sent.
    pub query: String,
    /// Names in lower case with their values, in the order received.
    pub headers: Vec<(String, String)>,
    /// The body, which is wiped when it is done with; empty if it was too large.
    pub body: Bytes,
    /// Whether the body was longer than [`BODY_BYTES_MAX`] and thus not kept.
    pub body_too_large: bool,
    /// The peer's address.
    pub peer: IpAddr,
    /// What the connection agreed on, if it is encrypted.
    pub tls: Option<TlsSession>,
}

impl Default for Incoming {
    fn default() -> Self {
        Self {
            method: "POST".into(),
            path: "/".into(),
            query: String::new(),
            headers: Vec::new(),
            body: Bytes::new(),
            body_too_large: false,
            peer: Ipv4Addr::LOCALHOST.into(),
            tls: None,
        }
    }
}

impl Incoming {
    /// The value of a header; several fields of one name are joined by commas, as RFC 9110 section 5.2 says.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut values = self.headers.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let first = values.next()?;
        let mut joined = Cow::Borrowed(first);
        for value in values {
            let all = joined.to_mut();
            all.push(',');
            all.push_str(value);
        }
        Some(joined)
    }

    /// Reads a request whole, within the limits.
    ///
    /// # Errors
    /// If the connection breaks while the body is read.
    pub(super) async fn read(
        request: hyper::Request<HyperBody>,
        peer: IpAddr,
        tls: Option<TlsSession>,
    ) -> Result<Self, hyper::Error> {
        let (parts, mut body) = request.into_parts();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(announced.min(BODY_BYTES_MAX));
        let mut seen = 0_usize;
        // A body that is too large is read on for a while and thrown away, so that its sender gets to see the answer.
        while let Some(frame) = body.frame().await {
            let frame = frame?;
            let Some(data) = frame.data_ref() else { continue };
            seen = seen.saturating_add(data.len());
            if seen <= BODY_BYTES_MAX {
                bytes.extend_from_slice(data);
            } else if seen > DISCARDED_BYTES_MAX {
                break;
            } else {
                bytes.clear();
            }
        }
        let body_too_large = seen > BODY_BYTES_MAX;
        Ok(Self {
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers,
            body: if body_too_large { Bytes::new() } else { Bytes::from_owner(SecretBody::from(bytes)) },
            body_too_large,
            peer,
            tls,
        })
    }
}

/// Most bytes of a body that are read, kept or not.
const DISCARDED_BYTES_MAX: usize = 8 * BODY_BYTES_MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_headers_are_joined() {
        let headers = [("a", "1"), ("b", "2"), ("a", "3")];
        let headers = headers.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
        let incoming = Incoming { headers, ..Incoming::default() };
        assert_eq!(incoming.header("a").unwrap(), "1,3");
        assert_eq!(incoming.header("b").unwrap(), "2");
        assert_eq!(incoming.header("c"), None);
    }
}
