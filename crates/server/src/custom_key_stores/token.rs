//! What custom key stores ask of PKCS#11 tokens, and what a failure of one means to a caller of the API.
//!
//! Rule: "Troubleshooting a custom key store" of the developer guide; `ConnectionErrorCode` of the API reference.
//! Invariant: a store whose helper was lost is noted, so that the job connects it anew or says that it cannot.

use kanuki_types::{ConnectionErrorCode, CustomKeyStoreId, SecretBytes};

use super::{Behind, CustomKeyStores, OutsideKey, StoreEntry, TokenRecord, UnsettledKey};
use crate::{
    error::{ApiError, ErrorCode},
    tokens::{BACKING_ID_BYTES, TokenError, TokenReason},
    xks::{Wrapped, is_certificate},
};

impl CustomKeyStores {
    /// Takes a cluster for a new store: it is known, its token is there, and the certificate is one.
    ///
    /// # Errors
    /// The errors of CreateCustomKeyStore.
    pub async fn token_behind(
        &self,
        id: &CustomKeyStoreId,
        cluster_id: &str,
        trust_anchor: &str,
        password: &SecretBytes,
    ) -> Result<TokenRecord, ApiError> {
        if !is_certificate(trust_anchor.as_bytes()) {
            let message = "TrustAnchorCertificate is not one certificate in PEM.";
            return Err(ApiError::new(ErrorCode::IncorrectTrustAnchor, message));
        }
        self.tokens.look(cluster_id).await.map_err(|error| of_setup(error, cluster_id))?;
        let sealed_password = self.seal_password(id, password).await?;
        Ok(TokenRecord { cluster_id: cluster_id.into(), trust_anchor: trust_anchor.into(), sealed_password })
    }

    /// Checks that a store may be moved to a cluster. Whether another token holds the same keys cannot be known.
    ///
    /// # Errors
    /// The errors of UpdateCustomKeyStore.
    pub fn check_cluster(&self, old: &TokenRecord, cluster_id: &str) -> Result<(), ApiError> {
        if old.cluster_id == cluster_id {
            return Ok(());
        }
        let (code, what) = match self.tokens.knows(cluster_id) {
            true => (ErrorCode::CloudHsmClusterNotRelated, "is not known to hold the same keys"),
            false => (ErrorCode::CloudHsmClusterNotFound, "is not known to this installation"),
        };
        Err(ApiError::new(code, format!("The cluster {cluster_id} {what}.")))
    }

    /// Seals the password of a token's user to its store.
    ///
    /// # Errors
    /// If the keeper fails.
    pub async fn seal_password(&self, id: &CustomKeyStoreId, password: &SecretBytes) -> Result<Vec<u8>, ApiError> {
        let sealed = self.keeper.seal_records(vec![(password_place(id), password.expose().to_vec())]).await?;
        sealed.into_iter().next().ok_or_else(|| ApiError::internal("the keeper sealed nothing"))
    }

    /// Starts the helper of a store and logs in.
    pub(super) async fn connect_token(
        &self,
        store: &StoreEntry,
        token: &TokenRecord,
    ) -> Result<(), ConnectionErrorCode> {
        let id = &store.record().id;
        let opened = self.keeper.open_records(vec![(password_place(id), token.sealed_password.clone())]).await;
        let password = opened.ok().and_then(|records| records.into_iter().next().flatten()).map(SecretBytes::new);
        let password = password.ok_or(ConnectionErrorCode::InternalError)?;
        self.tokens.open(id, &token.cluster_id, &password).await.map_err(|error| {
            tracing::warn!(store = %id, ?error, "the token of a custom key store could not be connected");
            of_connection(error)
        })
    }

    /// Makes the key in a token on which a new KMS key will stand; answers its id.
    ///
    /// # Errors
    /// The errors of CreateKey.
    pub async fn create_backing_key(
        &self,
        store: &StoreEntry,
        id: [u8; BACKING_ID_BYTES],
        label: &str,
    ) -> Result<String, ApiError> {
        let key: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        self.ensure_open(store).await.map_err(|error| self.of_store(store, error))?;
        let made = self.tokens.create_key(&store.record().id, &key, label).await;
        made.map(|()| key).map_err(|error| self.of_store(store, error))
    }

    /// Destroys the key in a token on which a KMS key stood; answers whether it is gone.
    pub async fn destroy_backing_key(&self, store: &StoreEntry, key: &OutsideKey) -> bool {
        if !store.is_connected() || self.ensure_open(store).await.is_err() {
            return false;
        }
        let destroyed = self.tokens.destroy_key(&store.record().id, &key.key).await;
        destroyed.map_err(|error| self.note(store, error)).is_ok()
    }

    /// Random bytes of a token.
    ///
    /// # Errors
    /// The errors of GenerateRandom.
    pub async fn random(&self, store: &StoreEntry, length: usize) -> Result<SecretBytes, ApiError> {
        self.ensure_open(store).await.map_err(|error| self.of_store(store, error))?;
        self.tokens.random(&store.record().id, length).await.map_err(|error| self.of_store(store, error))
    }

    pub(super) async fn wrap_in_token(
        &self,
        store: &StoreEntry,
        key: &str,
        data: (&[u8], &[u8]),
    ) -> Result<Wrapped, ApiError> {
        self.ensure_open(store).await.map_err(|error| self.of_use(store, error))?;
        let wrapped = self.tokens.encrypt(&store.record().id, key, data).await;
        wrapped.map_err(|error| self.of_use(store, error))
    }

    pub(super) async fn unwrap_in_token(
        &self,
        store: &StoreEntry,
        key: &str,
        data: (&Wrapped, &[u8]),
    ) -> Result<Vec<u8>, ApiError> {
        self.ensure_open(store).await.map_err(|error| self.of_use(store, error))?;
        let opened = self.tokens.decrypt(&store.record().id, key, data).await;
        opened.map_err(|error| self.of_use(store, error))
    }

    /// Stores whose helper was lost since the last look.
    pub fn take_lost(&self) -> Vec<UnsettledKey> {
        self.lost.lock().unwrap_or_else(std::sync::PoisonError::into_inner).drain().collect()
    }

    /// A connected store has no helper after a start of the server and after a loss: the first use starts one.
    async fn ensure_open(&self, store: &StoreEntry) -> Result<(), TokenError> {
        let Behind::Token(token) = &store.record().behind else { return Err(TokenError::UnknownCluster) };
        self.open_once(store, token).await.map_err(|_| self.note(store, TokenError::Gone))
    }

    /// Starts a helper unless one runs. One start at a time: whoever waited finds it done.
    async fn open_once(&self, store: &StoreEntry, token: &TokenRecord) -> Result<(), ConnectionErrorCode> {
        if self.tokens.is_open(&store.record().id).await {
            return Ok(());
        }
        let _starting = self.starting.lock().await;
        if self.tokens.is_open(&store.record().id).await {
            return Ok(());
        }
        self.connect_token(store, token).await
    }

    /// Makes a store serve again whose helper was lost; a crash of the new one is given another chance.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn connect_again(&self, store: &StoreEntry) -> Result<(), ConnectionErrorCode> {
        let Behind::Token(token) = &store.record().behind else { return Ok(()) };
        match self.open_once(store, token).await {
            Err(ConnectionErrorCode::InternalError) => self.open_once(store, token).await,
            opened => opened,
        }
    }

    /// The answer of operations that use a key.
    fn of_use(&self, store: &StoreEntry, error: TokenError) -> ApiError {
        let invalid = |text: &str| ApiError::new(ErrorCode::InvalidState, text);
        match self.note(store, error) {
            TokenError::Busy => ApiError::new(ErrorCode::Throttling, TOO_MANY),
            TokenError::Gone => ApiError::new(ErrorCode::KeyUnavailable, NOT_THERE),
            TokenError::TimedOut => ApiError::new(ErrorCode::DependencyTimeout, TOO_SLOW),
            TokenError::Refused(TokenReason::Ciphertext) => ApiError::bare(ErrorCode::InvalidCiphertext),
            TokenError::Refused(TokenReason::Device) => ApiError::new(ErrorCode::KeyUnavailable, NOT_THERE),
            TokenError::Refused(TokenReason::KeyMissing) => invalid("The key is not in the token of its key store."),
            TokenError::Refused(_) | TokenError::UnknownCluster => invalid(NOT_THERE),
        }
    }

    /// The answer of operations on a store.
    fn of_store(&self, store: &StoreEntry, error: TokenError) -> ApiError {
        match self.note(store, error) {
            TokenError::Busy => ApiError::new(ErrorCode::Throttling, TOO_MANY),
            TokenError::TimedOut => ApiError::new(ErrorCode::DependencyTimeout, TOO_SLOW),
            _ => ApiError::new(ErrorCode::CustomKeyStoreInvalidState, NOT_THERE),
        }
    }

    /// Notes a store whose helper was lost.
    fn note(&self, store: &StoreEntry, error: TokenError) -> TokenError {
        if matches!(error, TokenError::Gone | TokenError::TimedOut) {
            tracing::warn!(store = %store.record().id, ?error, "the token of a custom key store was lost");
            let key = (store.account(), store.region().clone(), store.record().id.clone());
            self.lost.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(key);
        }
        error
    }
}

fn of_setup(error: TokenError, cluster_id: &str) -> ApiError {
    let (code, what) = match error {
        TokenError::UnknownCluster => (ErrorCode::CloudHsmClusterNotFound, "is not known to this installation"),
        TokenError::Refused(TokenReason::TokenMissing) => (ErrorCode::CloudHsmClusterNotActive, "has no token"),
        _ => (ErrorCode::CloudHsmClusterInvalidConfiguration, "cannot be reached as it is configured"),
    };
    ApiError::new(code, format!("The cluster {cluster_id} {what}."))
}

fn of_connection(error: TokenError) -> ConnectionErrorCode {
    match error {
        TokenError::Refused(TokenReason::Credentials) => ConnectionErrorCode::InvalidCredentials,
        TokenError::Refused(TokenReason::UserLocked) => ConnectionErrorCode::UserLockedOut,
        TokenError::Refused(TokenReason::UserLoggedIn) => ConnectionErrorCode::UserLoggedIn,
        TokenError::Refused(TokenReason::UserMissing) => ConnectionErrorCode::UserNotFound,
        TokenError::Refused(TokenReason::TokenMissing) | TokenError::UnknownCluster => {
            ConnectionErrorCode::ClusterNotFound
        }
        TokenError::Refused(TokenReason::Device) | TokenError::TimedOut => ConnectionErrorCode::NetworkErrors,
        _ => ConnectionErrorCode::InternalError,
    }
}

/// What the keeper binds a password to; no place of a record of the store begins like this.
fn password_place(id: &CustomKeyStoreId) -> Vec<u8> {
    format!("password of custom key store {id}").into_bytes()
}

const NOT_THERE: &str = "The token of the custom key store cannot be used.";
const TOO_MANY: &str =
    "Too many requests wait for the token of the custom key store. Reduce the frequency of your calls.";
const TOO_SLOW: &str = "The token of the custom key store did not answer in time.";
