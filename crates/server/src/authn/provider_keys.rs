//! The signing keys of identity providers: from files that the operator names, or, if the operator wants it, from the
//! providers.
//!
//! Not here: the verification. Invariants: a set of keys is read at most once in [`READ_SECONDS_MIN`] per issuer, however
//! many tokens come; a key that left the set is not trusted for longer than [`READ_SECONDS_MAX`], or, while the set
//! cannot be read, [`STALE_SECONDS_MAX`]; sets have bounds, and so has the number of issuers.
//!
//! Rule: RFC 7517 section 5 (a set of keys), RFC 7518 section 6.

mod fetch;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kanuki_keeper_protocol::{Bytes, ForeignAlgorithm, ForeignKey};
use kanuki_types::Timestamp;
use serde::Deserialize;
use tokio::sync::Mutex;

pub use fetch::Fetcher;

use super::web_token;

/// Where the keys of issuers are.
pub struct ProviderKeys {
    files: BTreeMap<String, Arc<Source>>,
    fetcher: Option<Arc<Fetcher>>,
    fetched: std::sync::Mutex<HashMap<String, Arc<Source>>>,
}

/// The keys of one issuer.
struct Source {
    place: Place,
    /// Read by one token at a time; the others wait for it.
    state: Mutex<State>,
}

enum Place {
    File(PathBuf),
    Issuer(Arc<Fetcher>, String),
}

#[derive(Default)]
struct State {
    /// When it was last tried to read the set.
    tried: Option<Timestamp>,
    known: Option<Known>,
}

#[derive(Clone)]
struct Known {
    read: Timestamp,
    keys: Arc<[WebKey]>,
}

impl fmt::Debug for ProviderKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderKeys").field("files", &self.files.keys()).finish_non_exhaustive()
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
    /// Keys in files, by issuer. The files are read when they are needed. Keys of other issuers are fetched, if there is
    /// a fetcher.
    #[must_use]
    pub fn new(files: BTreeMap<String, PathBuf>, fetcher: Option<Fetcher>) -> Self {
        let files = files.into_iter().map(|(issuer, path)| (issuer, Arc::new(Source::new(Place::File(path)))));
        Self { files: files.collect(), fetcher: fetcher.map(Arc::new), fetched: std::sync::Mutex::default() }
    }

    /// The keys of an issuer; read anew if they are old, or if the wanted one is not among them. None if there is no way
    /// to have them.
    ///
    /// # Errors
    /// If the set cannot be read or is none, and what is known of it is too old.
    pub(super) async fn of(
        &self,
        issuer: &str,
        key_id: &str,
        now: Timestamp,
    ) -> Result<Option<Arc<[WebKey]>>, io::Error> {
        match self.source(issuer) {
            Some(source) => source.keys(key_id, now).await.map(Some),
            None => Ok(None),
        }
    }

    fn source(&self, issuer: &str) -> Option<Arc<Source>> {
        if let Some(source) = self.files.get(issuer) {
            return Some(Arc::clone(source));
        }
        let fetcher = self.fetcher.as_ref()?;
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        if fetched.len() >= ISSUERS_MAX && !fetched.contains_key(issuer) {
            fetched.clear();
        }
        let new = || Arc::new(Source::new(Place::Issuer(Arc::clone(fetcher), issuer.to_owned())));
        Some(Arc::clone(fetched.entry(issuer.to_owned()).or_insert_with(new)))
    }
}

impl Source {
    fn new(place: Place) -> Self {
        Self { place, state: Mutex::default() }
    }

    async fn keys(&self, key_id: &str, now: Timestamp) -> Result<Arc<[WebKey]>, io::Error> {
        let mut state = self.state.lock().await;
        let age = |at: Timestamp| now.seconds().saturating_sub(at.seconds()).max(0);
        if let Some(Known { read, keys }) = &state.known {
            let has_key = keys.iter().any(|key| key.id == key_id);
            if has_key && age(*read) < READ_SECONDS_MAX {
                return Ok(Arc::clone(keys));
            }
        }
        let stale = |known: &Option<Known>| {
            known.as_ref().filter(|known| age(known.read) < STALE_SECONDS_MAX).map(|known| Arc::clone(&known.keys))
        };
        if state.tried.is_some_and(|tried| age(tried) < READ_SECONDS_MIN) {
            return stale(&state.known).ok_or_else(|| io::Error::other("it was tried a moment ago"));
        }
        state.tried = Some(now);
        match self.read().await {
            Ok(keys) => {
                let keys: Arc<[WebKey]> = keys.into();
                state.known = Some(Known { read: now, keys: Arc::clone(&keys) });
                Ok(keys)
            }
            Err(error) => stale(&state.known).ok_or(error),
        }
    }

    async fn read(&self) -> io::Result<Vec<WebKey>> {
        let bytes = match &self.place {
            Place::File(path) => {
                let path = path.clone();
                tokio::task::spawn_blocking(move || read_file(&path)).await.map_err(io::Error::other)??
            }
            Place::Issuer(fetcher, issuer) => fetcher.key_set(issuer).await?,
        };
        parse_set(&bytes).ok_or_else(|| io::Error::other("it is no set of keys"))
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(SET_BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > SET_BYTES_MAX) {
        return Err(io::Error::other("the set of keys is too long"));
    }
    Ok(bytes)
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

/// Reads a set of keys and does nothing with it: how many of its keys could be used. For fuzzing.
#[must_use]
pub fn read_key_set(bytes: &[u8]) -> Option<usize> {
    Some(parse_set(bytes)?.len())
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
/// A set that cannot be read again is used for so many seconds.
const STALE_SECONDS_MAX: i64 = 3600;
/// Most issuers whose fetched keys are kept.
const ISSUERS_MAX: usize = 1000;

#[cfg(test)]
mod tests;
