//! Signatures of requests to proxies.
//!
//! Not here: the secret; the keeper derives the day's key from it.
//! Rule: "Authentication" of the specification; AWS Signature Version 4 with the service name `kms-xks-proxy`. Path
//! segments are of characters that need no encoding, and there is no query.

use hmac::{Hmac, KeyInit as _, Mac as _};
use kanuki_types::{SecretBytes, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::authn::hex;

/// Who signs, for which Region, and when.
pub(super) struct Signer<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) region: &'a str,
    pub(super) time: Timestamp,
}

impl Signer<'_> {
    /// The `Authorization` header of a POST.
    pub(super) fn authorization(&self, key: &SecretBytes, host: &str, path: &str, body: &[u8]) -> String {
        let Self { access_key_id, region, time } = self;
        let (timestamp, body_hash) = (time.iso8601_basic(), hex(&Sha256::digest(body)));
        let canonical = format!(
            "POST\n{path}\n\ncontent-type:{CONTENT_TYPE}\nhost:{host}\nx-amz-date:{timestamp}\n\n{SIGNED}\n{body_hash}"
        );
        let scope = format!("{}/{region}/{SERVICE}/aws4_request", time.date_basic());
        let to_sign = format!("{ALGORITHM}\n{timestamp}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
        let signature = hex(&tag(key, to_sign.as_bytes()));
        format!("{ALGORITHM} Credential={access_key_id}/{scope}, SignedHeaders={SIGNED}, Signature={signature}")
    }
}

/// HMAC takes a key of any length, so there is always a tag; an empty one would be refused by every proxy.
fn tag(key: &SecretBytes, text: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key.expose())
        .map(|mac| mac.chain_update(text).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

/// The service that credentials of proxies are scoped to.
pub(super) const SERVICE: &str = "kms-xks-proxy";
pub(super) const CONTENT_TYPE: &str = "application/json";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SIGNED: &str = "content-type;host;x-amz-date";
