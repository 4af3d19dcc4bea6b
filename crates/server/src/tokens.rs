//! PKCS#11 tokens behind custom key stores: one helper process for each connected store.
//!
//! Not here: the module of the token's vendor; only the helper loads it (`kanuki pkcs11-helper`), because it opens files
//! and sockets and may crash or hang. What a failure means to a caller of the API is told in `custom_key_stores`.
//! Invariants: a request to a helper takes a bounded time, and a helper that has not answered in time is killed; frames
//! and the number of waiting requests are bounded; the password of a token is sent once, at the start, and kept nowhere.

mod exchange;
mod message;

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex as StdMutex, PoisonError},
};

use kanuki_types::{CustomKeyStoreId, SecretBytes};
use tokio::{sync::Mutex, time::timeout};

pub use exchange::{START_TIME_MAX, TOKEN_TIME_MAX};
pub use message::{
    BACKING_ID_BYTES, FRAME_BYTES_MAX, TokenReason, TokenRequest, TokenResponse, read_frame, write_frame,
};

use crate::xks::Wrapped;
use exchange::Helper;

/// What the operator chose.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// This very program, which is the helper too.
    pub program: PathBuf,
    /// The vendor's module.
    pub module: PathBuf,
    /// The environment that the module gets, and nothing more.
    pub environment: BTreeMap<String, String>,
    /// Labels of tokens by the cluster ids under which clients name them.
    pub clusters: BTreeMap<String, String>,
}

/// The helpers of every store.
#[derive(Debug)]
pub struct Tokens {
    settings: Option<TokenSettings>,
    slots: StdMutex<HashMap<CustomKeyStoreId, Arc<Slot>>>,
}

/// The helper of one store; none before it is started and after it was lost.
#[derive(Debug, Default)]
struct Slot {
    helper: Mutex<Option<Helper>>,
}

/// Why a token did not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenError {
    /// As many requests as allowed wait already.
    Busy,
    /// No helper: it ended, or could not be started.
    Gone,
    /// The helper refused.
    Refused(TokenReason),
    /// The helper did not answer in time and was killed.
    TimedOut,
    /// The operator has named no such cluster.
    UnknownCluster,
}

impl Tokens {
    /// Tokens as the operator chose, or none.
    #[must_use]
    pub fn new(settings: Option<TokenSettings>) -> Self {
        Self { settings, slots: StdMutex::default() }
    }

    /// Whether the operator has named the cluster.
    #[must_use]
    pub fn knows(&self, cluster_id: &str) -> bool {
        self.settings.as_ref().is_some_and(|settings| settings.clusters.contains_key(cluster_id))
    }

    /// Looks whether the token of a cluster is there, without logging in.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn look(&self, cluster_id: &str) -> Result<(), TokenError> {
        self.started(cluster_id).await.map(drop)
    }

    /// Starts the helper of a store anew and logs in.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn open(
        &self,
        store: &CustomKeyStoreId,
        cluster_id: &str,
        password: &SecretBytes,
    ) -> Result<(), TokenError> {
        let slot = self.slot(store);
        let mut held = timeout(START_TIME_MAX, slot.helper.lock()).await.map_err(|_| TokenError::TimedOut)?;
        *held = None;
        *held = Some(self.logged_in(cluster_id, password).await?);
        Ok(())
    }

    /// Whether a helper of the store runs.
    pub async fn is_open(&self, store: &CustomKeyStoreId) -> bool {
        let slot = self.slot(store);
        let held = timeout(TOKEN_TIME_MAX, slot.helper.lock()).await;
        // Whoever holds it that long is being served by one.
        held.map_or(true, |held| held.is_some())
    }

    /// Ends the helper of a store; one that is being used ends when its request does.
    pub fn close(&self, store: &CustomKeyStoreId) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(store);
    }

    /// Makes a key that never leaves the token.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn create_key(&self, store: &CustomKeyStoreId, id: &str, label: &str) -> Result<(), TokenError> {
        let request = TokenRequest::CreateKey { id: id.into(), label: label.into() };
        self.ask(store, &request).await.and_then(done)
    }

    /// Destroys a key; one that is not there is destroyed already.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn destroy_key(&self, store: &CustomKeyStoreId, id: &str) -> Result<(), TokenError> {
        self.ask(store, &TokenRequest::DestroyKey { id: id.into() }).await.and_then(done)
    }

    /// Encrypts with AES-GCM in the token.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn encrypt(
        &self,
        store: &CustomKeyStoreId,
        id: &str,
        (plaintext, aad): (&[u8], &[u8]),
    ) -> Result<Wrapped, TokenError> {
        let request = TokenRequest::Encrypt { id: id.into(), plaintext: plaintext.into(), aad: aad.into() };
        match self.ask(store, &request).await? {
            TokenResponse::Sealed { iv, sealed } => {
                let (ciphertext, tag) = sealed.split_last_chunk().ok_or(TokenError::Gone)?;
                let wrapped = Wrapped { ciphertext: ciphertext.to_vec(), iv, tag: *tag, metadata: None };
                let fits = wrapped.ciphertext.len() == plaintext.len() && wrapped.is_in_form();
                if fits { Ok(wrapped) } else { Err(TokenError::Refused(TokenReason::Device)) }
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Decrypts with AES-GCM in the token.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn decrypt(
        &self,
        store: &CustomKeyStoreId,
        id: &str,
        (wrapped, aad): (&Wrapped, &[u8]),
    ) -> Result<Vec<u8>, TokenError> {
        let sealed = [wrapped.ciphertext.as_slice(), &wrapped.tag].concat();
        let request = TokenRequest::Decrypt { id: id.into(), iv: wrapped.iv.clone(), sealed, aad: aad.into() };
        match self.ask(store, &request).await? {
            TokenResponse::Bytes(bytes) => Ok(bytes),
            other => Err(unexpected(&other)),
        }
    }

    /// Random bytes of the token.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn random(&self, store: &CustomKeyStoreId, length: usize) -> Result<SecretBytes, TokenError> {
        match self.ask(store, &TokenRequest::Random { length }).await? {
            TokenResponse::Bytes(bytes) if bytes.len() == length => Ok(SecretBytes::new(bytes)),
            other => Err(unexpected(&other)),
        }
    }

    async fn logged_in(&self, cluster_id: &str, password: &SecretBytes) -> Result<Helper, TokenError> {
        let mut helper = self.started(cluster_id).await?;
        let pin = String::from_utf8_lossy(password.expose()).into_owned();
        helper.ask(&TokenRequest::Login { pin }).await.and_then(done)?;
        Ok(helper)
    }

    async fn started(&self, cluster_id: &str) -> Result<Helper, TokenError> {
        let settings = self.settings.as_ref().ok_or(TokenError::UnknownCluster)?;
        let label = settings.clusters.get(cluster_id).ok_or(TokenError::UnknownCluster)?;
        let mut helper = Helper::start(settings, label)?;
        helper.ask(&TokenRequest::Open).await.and_then(done)?;
        Ok(helper)
    }

    /// Asks the helper of a store. It is taken out meanwhile, so that whatever interrupts the exchange ends it too.
    async fn ask(&self, store: &CustomKeyStoreId, request: &TokenRequest) -> Result<TokenResponse, TokenError> {
        let slot = self.slot(store);
        // The map, this call and those that wait.
        if Arc::strong_count(&slot) > WAITING_MAX + 2 {
            return Err(TokenError::Busy);
        }
        let mut held = timeout(TOKEN_TIME_MAX, slot.helper.lock()).await.map_err(|_| TokenError::TimedOut)?;
        let mut helper = held.take().ok_or(TokenError::Gone)?;
        let answer = helper.ask(request).await;
        if !matches!(answer, Err(TokenError::Gone | TokenError::TimedOut)) {
            *held = Some(helper);
        }
        answer
    }

    fn slot(&self, store: &CustomKeyStoreId) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(store.clone()).or_default())
    }
}

fn done(response: TokenResponse) -> Result<(), TokenError> {
    match response {
        TokenResponse::Done => Ok(()),
        other => Err(unexpected(&other)),
    }
}

fn unexpected(response: &TokenResponse) -> TokenError {
    match response {
        TokenResponse::Refused(reason) => TokenError::Refused(*reason),
        // A helper of this very program answers what it was asked.
        _ => TokenError::Gone,
    }
}

/// Most requests that wait for one token.
const WAITING_MAX: usize = 256;
