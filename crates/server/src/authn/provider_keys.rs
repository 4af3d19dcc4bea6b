//! The signing keys of identity providers, from files that the operator names.
//!
//! Not here: the verification. Invariants: a set of keys is read at most once in [`READ_SECONDS_MIN`] per issuer, however
//! many tokens come; a key that left the set is not trusted for longer than [`READ_SECONDS_MAX`]; sets have bounds.
//!
//! Rule: RFC 7517 section 5 (a set of keys), RFC 7518 section 6.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kanuki_keeper_protocol::{Bytes, ForeignAlgorithm, ForeignKey};
use kanuki_types::Timestamp;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::web_token;

/// Where the keys of issuers are.
pub struct ProviderKeys {
    sources: BTreeMap<String, Source>,
}

/// The keys of one issuer.
struct Source {
    path: PathBuf,
    /// Read by one token at a time; the others wait for it.
    known: Mutex<Option<Known>>,
}

#[derive(Clone)]
struct Known {
    read: Timestamp,
    keys: Arc<[WebKey]>,
}

impl fmt::Debug for ProviderKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sources.keys()).finish()
    }
}

/// A key of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WebKey {
    id: String,
    /// The only algorithm that it is for, if it names one.
    algorithm: Option<String>,
    parts: Parts,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Parts {
    Ec { curve: Curve, x: Vec<u8>, y: Vec<u8> },
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Curve {
    P256,
    P384,
    P521,
}

impl WebKey {
    /// The key, if it is the named one and for that algorithm.
    pub(super) fn for_token(&self, key_id: &str, algorithm: ForeignAlgorithm) -> Option<ForeignKey<'_>> {
        let named = self.algorithm.as_deref().map(web_token::algorithm);
        if self.id != key_id || named.is_some_and(|named| named != Some(algorithm)) {
            return None;
        }
        match (&self.parts, algorithm) {
            (Parts::Ec { curve: Curve::P256, x, y }, ForeignAlgorithm::Es256)
            | (Parts::Ec { curve: Curve::P384, x, y }, ForeignAlgorithm::Es384)
            | (Parts::Ec { curve: Curve::P521, x, y }, ForeignAlgorithm::Es512) => {
                Some(ForeignKey::Ec { x: Bytes(x), y: Bytes(y) })
            }
            (
                Parts::Rsa { modulus, exponent },
                ForeignAlgorithm::Rs256 | ForeignAlgorithm::Rs384 | ForeignAlgorithm::Rs512,
            ) => Some(ForeignKey::Rsa { modulus: Bytes(modulus), exponent: Bytes(exponent) }),
            _ => None,
        }
    }
}

impl ProviderKeys {
    /// Keys in files, by issuer. The files are read when they are needed.
    #[must_use]
    pub fn in_files(files: BTreeMap<String, PathBuf>) -> Self {
        let source = |(issuer, path)| (issuer, Source { path, known: Mutex::new(None) });
        Self { sources: files.into_iter().map(source).collect() }
    }

    /// The keys of an issuer; read anew if they are old, or if the wanted one is not among them. None if the operator
    /// names no keys for the issuer.
    ///
    /// # Errors
    /// If the file cannot be read or is no set of keys, and there is nothing younger than [`READ_SECONDS_MAX`].
    pub(super) async fn of(
        &self,
        issuer: &str,
        key_id: &str,
        now: Timestamp,
    ) -> Result<Option<Arc<[WebKey]>>, io::Error> {
        let Some(source) = self.sources.get(issuer) else { return Ok(None) };
        let mut known = source.known.lock().await;
        if let Some(Known { read, keys }) = &*known {
            let age = now.seconds().saturating_sub(read.seconds()).max(0);
            let has_key = keys.iter().any(|key| key.id == key_id);
            if age < READ_SECONDS_MIN || (has_key && age < READ_SECONDS_MAX) {
                return Ok(Some(Arc::clone(keys)));
            }
        }
        let path = source.path.clone();
        let read = tokio::task::spawn_blocking(move || read_file(&path)).await.map_err(io::Error::other)?;
        match (read, &*known) {
            (Ok(keys), _) => {
                let keys: Arc<[WebKey]> = keys.into();
                *known = Some(Known { read: now, keys: Arc::clone(&keys) });
                Ok(Some(keys))
            }
            (Err(_), Some(old)) if now.seconds() - old.read.seconds() < READ_SECONDS_MAX => {
                Ok(Some(Arc::clone(&old.keys)))
            }
            (Err(error), _) => Err(error),
        }
    }
}

fn read_file(path: &Path) -> io::Result<Vec<WebKey>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(SET_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > SET_BYTES_MAX) {
        return Err(io::Error::other("the set of keys is too long"));
    }
    parse_set(&bytes).ok_or_else(|| io::Error::other("the file is no set of keys"))
}

/// Reads a set. Keys that are of no use here (encryption, other types, without an id) are left out.
fn parse_set(bytes: &[u8]) -> Option<Vec<WebKey>> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_slice(bytes).ok()?;
    (set.keys.len() <= KEYS_MAX).then(|| set.keys.into_iter().filter_map(parse_key).collect())
}

fn parse_key(value: serde_json::Value) -> Option<WebKey> {
    #[derive(Deserialize)]
    struct Key {
        kty: String,
        kid: String,
        #[serde(default, rename = "use")]
        usage: Option<String>,
        #[serde(default)]
        alg: Option<String>,
        #[serde(default)]
        crv: Option<String>,
        #[serde(default)]
        n: Option<String>,
        #[serde(default)]
        e: Option<String>,
        #[serde(default)]
        x: Option<String>,
        #[serde(default)]
        y: Option<String>,
    }
    let key: Key = serde_json::from_value(value).ok()?;
    if key.usage.is_some_and(|usage| usage != "sig") {
        return None;
    }
    let number = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?).ok();
    let parts = match key.kty.as_str() {
        "RSA" => Parts::Rsa { modulus: without_zeros(number(key.n)?), exponent: without_zeros(number(key.e)?) },
        "EC" => {
            let curve = match key.crv?.as_str() {
                "P-256" => Curve::P256,
                "P-384" => Curve::P384,
                "P-521" => Curve::P521,
                _ => return None,
            };
            Parts::Ec { curve, x: number(key.x)?, y: number(key.y)? }
        }
        _ => return None,
    };
    Some(WebKey { id: key.kid, algorithm: key.alg, parts })
}

/// Some issuers write a zero before the modulus.
fn without_zeros(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}

/// Longest set of keys, in bytes.
const SET_BYTES_MAX: u64 = 256 << 10;
/// Most keys of a set.
const KEYS_MAX: usize = 100;
/// A set is read again no sooner than after so many seconds.
const READ_SECONDS_MIN: i64 = 10;
/// A set is read again after so many seconds at the latest.
const READ_SECONDS_MAX: i64 = 300;

#[cfg(test)]
mod tests;
