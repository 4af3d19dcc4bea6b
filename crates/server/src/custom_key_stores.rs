//! Custom key stores: keys whose use needs something outside, beside the keeper.
//!
//! Not here: who may do what; KMS keys themselves (`keys`); the protocol of proxies (`xks`).
//! Invariants: whatever is outside gets only what the keeper encrypted before, so neither side alone opens a ciphertext;
//! a secret of a store is in the record as the keeper sealed it, and what signs requests is good for a day; changes are
//! handed back, not committed.

mod record;
mod entry;
mod connection;
mod blob;
mod failure;
mod token;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use kanuki_keeper_protocol::Client;
use kanuki_store::{Cache, KeyBytes as _, Store, StoreError, Transaction, Versioned};
use kanuki_types::{AccountId, ConnectionErrorCode, CustomKeyStoreId, EncryptionContext, KeyId, Region, SecretBytes};

pub use blob::{OuterBlob, named_key, outer_aad};
pub use connection::{Act, check_connection, is_unsettled};
pub use entry::{AccountStores, StoreEntry};
pub use record::{
    Behind, CustomKeyStoreRecords, OutsideKey, ProxyCredential, ProxyRecord, StoreKeyKey, StoreKeys, StoreRecord,
    StoresRecord, TokenRecord, UnsettledKey, UnsettledStores, VpcService,
};

use crate::{
    error::{ApiError, ErrorCode},
    keys::KeyEntry,
    tokens::Tokens,
    xks::{RequestMetadata, XksClient},
};

/// The door to custom key stores and what stands behind them.
#[derive(Debug)]
pub struct CustomKeyStores {
    store: Store,
    keeper: Client,
    entries: Cache<CustomKeyStoreRecords, AccountStores>,
    proxies: XksClient,
    tokens: Tokens,
    /// Held while the helper of a token is started.
    starting: tokio::sync::Mutex<()>,
    /// Stores whose helper was lost.
    lost: Mutex<HashSet<UnsettledKey>>,
}

/// For whom and for which call something outside is asked.
#[derive(Debug, Clone)]
pub struct OutsideCall {
    /// The caller, as `aws:PrincipalArn` has it.
    pub principal_arn: String,
    /// The service that calls for the caller, as `kms:ViaService` has it.
    pub via_service: Option<String>,
    /// The operation.
    pub operation: &'static str,
    /// The request id that the trail has.
    pub request_id: String,
}

impl OutsideCall {
    fn metadata<'a>(&'a self, key_arn: Option<&'a str>) -> RequestMetadata<'a> {
        RequestMetadata {
            aws_principal_arn: Some(&self.principal_arn),
            kms_key_arn: key_arn,
            kms_operation: self.operation,
            kms_request_id: &self.request_id,
            kms_via_service: self.via_service.as_deref(),
        }
    }
}

impl CustomKeyStores {
    /// Opens the door.
    #[must_use]
    pub fn new(store: Store, keeper: Client, proxies: XksClient, tokens: Tokens) -> Self {
        let entries =
            Cache::new(store.clone(), ENTRIES_CACHED_MAX, |place, record| Ok(AccountStores::new(place, record)));
        let (starting, lost) = (tokio::sync::Mutex::default(), Mutex::default());
        Self { store, keeper, entries, proxies, tokens, starting, lost }
    }

    /// The client of proxies.
    #[must_use]
    pub fn proxies(&self) -> &XksClient {
        &self.proxies
    }

    /// The stores of an account in a Region.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn of(&self, account: AccountId, region: &Region) -> Result<Arc<AccountStores>, StoreError> {
        let place = (account, region.clone());
        Ok(self.entries.get(&place).await?.unwrap_or_else(|| Arc::new(AccountStores::none(place))))
    }

    /// The mark of a store that is being connected or disconnected.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn unsettled_mark(&self, key: &UnsettledKey) -> Result<Option<Versioned<()>>, StoreError> {
        self.store.get::<UnsettledStores>(key).await
    }

    /// Stores that are being connected or disconnected.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn unsettled(&self, limit: usize) -> Result<Vec<(UnsettledKey, Versioned<()>)>, StoreError> {
        self.store.scan::<UnsettledStores>(&[], None, limit).await
    }

    /// Makes a change that leaves a store unsettled tell the job of it.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn mark_unsettled(&self, change: &mut Transaction, store: &StoreEntry) -> Result<(), StoreError> {
        let key = (store.account(), store.region().clone(), store.record().id.clone());
        match self.unsettled_mark(&key).await? {
            Some(mark) => change.check::<UnsettledStores>(&key, Some(mark.version)),
            None => change.create::<UnsettledStores>(&key, &()),
        }
        Ok(())
    }

    /// Whether a KMS key is in a store, in whichever state.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn has_keys(&self, store: &StoreEntry) -> Result<bool, StoreError> {
        let prefix = (store.account(), store.region().clone(), store.record().id.clone()).to_key();
        Ok(!self.store.scan::<StoreKeys>(&prefix, None, 1).await?.is_empty())
    }

    /// The KMS key on a key of a store.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn key_on(&self, key: &StoreKeyKey) -> Result<Option<Versioned<KeyId>>, StoreError> {
        self.store.get::<StoreKeys>(key).await
    }

    /// Takes a KMS key that is deleted out of its store.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn release(&self, change: &mut Transaction, key: &KeyEntry) -> Result<(), StoreError> {
        let Some(outside) = &key.record().outside else { return Ok(()) };
        let arn = key.arn();
        let place = (arn.account, arn.region.clone(), outside.store.clone(), outside.key.clone());
        if let Some(stored) = self.key_on(&place).await? {
            change.delete::<StoreKeys>(&place, stored.version);
        }
        Ok(())
    }

    /// Seals the secret of a proxy's credential to its store and name.
    ///
    /// # Errors
    /// If the keeper fails.
    pub async fn seal_credential(
        &self,
        id: &CustomKeyStoreId,
        access_key_id: String,
        secret: &SecretBytes,
    ) -> Result<ProxyCredential, ApiError> {
        let sealed_secret = self.keeper.seal_access_key(&entry::secret_name(id, &access_key_id), secret).await?;
        Ok(ProxyCredential { access_key_id, sealed_secret })
    }

    /// Asks a proxy that is about to be taken whether it serves.
    ///
    /// # Errors
    /// The errors of CreateCustomKeyStore and UpdateCustomKeyStore.
    pub async fn try_out(&self, store: &StoreEntry, call: &OutsideCall) -> Result<(), ApiError> {
        let Some(proxy) = store.proxy() else { return Ok(()) };
        let metadata = RequestMetadata { aws_principal_arn: None, kms_via_service: None, ..call.metadata(None) };
        self.proxies.health(proxy, metadata).await.map_err(failure::of_setup)
    }

    /// Connects a store.
    ///
    /// # Errors
    /// Why it is not connected.
    pub async fn connect(&self, store: &StoreEntry, request_id: &str) -> Result<(), ConnectionErrorCode> {
        let Some(proxy) = store.proxy() else {
            return match &store.record().behind {
                Behind::Token(token) => self.connect_token(store, token).await,
                Behind::Proxy(_) => Err(ConnectionErrorCode::InternalError),
            };
        };
        let metadata = RequestMetadata {
            aws_principal_arn: None,
            kms_key_arn: None,
            kms_operation: "ConnectCustomKeyStore",
            kms_request_id: request_id,
            kms_via_service: None,
        };
        self.proxies.health(proxy, metadata).await.map_err(|error| {
            tracing::warn!(store = %store.record().id, ?error, "an external key store could not be connected");
            failure::of_connection(&error)
        })
    }

    /// Lets go of what is kept for a store.
    pub fn disconnect(&self, store: &StoreEntry) {
        match store.proxy() {
            Some(proxy) => self.proxies.forget(proxy),
            None => self.tokens.close(&store.record().id),
        }
    }

    /// Checks that a key of a proxy is one that a KMS key can stand on.
    ///
    /// # Errors
    /// The errors of CreateKey.
    pub async fn check_external_key(&self, store: &StoreEntry, key: &str, call: &OutsideCall) -> Result<(), ApiError> {
        let Some(proxy) = store.proxy() else { return Ok(()) };
        let asked = self.proxies.key_metadata(proxy, key, call.metadata(None)).await;
        let found = asked.map_err(failure::of_new_key)?;
        let refused = |text: &str| Err(ApiError::new(ErrorCode::XksKeyInvalidConfiguration, text));
        match (found.fits, found.enabled) {
            (false, _) => refused("The external key is not a 256-bit AES key that encrypts and decrypts."),
            (true, false) => refused("The external key is not enabled."),
            (true, true) => Ok(()),
        }
    }

    /// Puts the layer of a key's store around a ciphertext of the keeper's.
    ///
    /// # Errors
    /// `KMSInvalidStateException` with the cause.
    pub async fn wrap(
        &self,
        call: &OutsideCall,
        key: &KeyEntry,
        inner: &[u8],
        context: &EncryptionContext,
    ) -> Result<Vec<u8>, ApiError> {
        let (outside, store) = placed(key)?;
        let names = kanuki_keeper_protocol::CiphertextHeader::parse(inner)
            .ok_or_else(|| ApiError::internal("the keeper answered no ciphertext"))?;
        let aad = outer_aad(&names, context);
        let wrapped = match store.proxy() {
            Some(proxy) => {
                let metadata = call.metadata(Some(key.arn_text()));
                let wrapped = self.proxies.encrypt(proxy, &outside.key, metadata, (inner, &aad)).await;
                wrapped.map_err(|error| refused_use(store, error))?
            }
            None => self.wrap_in_token(store, &outside.key, (inner, &aad)).await?,
        };
        Ok(OuterBlob { key: names, wrapped }.to_bytes())
    }

    /// Takes the layer of a key's store away; answers a ciphertext of the keeper's.
    ///
    /// # Errors
    /// `InvalidCiphertextException` for another format; `KMSInvalidStateException` with the cause.
    pub async fn unwrap(
        &self,
        call: &OutsideCall,
        key: &KeyEntry,
        blob: &[u8],
        context: &EncryptionContext,
    ) -> Result<Vec<u8>, ApiError> {
        let (outside, store) = placed(key)?;
        let outer = OuterBlob::parse(blob).ok_or_else(|| ApiError::bare(ErrorCode::InvalidCiphertext))?;
        let aad = outer_aad(&outer.key, context);
        let Some(proxy) = store.proxy() else {
            return self.unwrap_in_token(store, &outside.key, (&outer.wrapped, &aad)).await;
        };
        let metadata = call.metadata(Some(key.arn_text()));
        let opened = self.proxies.decrypt(proxy, &outside.key, metadata, (&outer.wrapped, &aad)).await;
        opened.map_err(|error| refused_use(store, error))
    }
}

/// Where a key is, and its store.
fn placed(key: &KeyEntry) -> Result<(&OutsideKey, &StoreEntry), ApiError> {
    let outside = key.record().outside.as_ref();
    let found = outside.and_then(|outside| Some((outside, key.store()?)));
    found.ok_or_else(|| ApiError::internal("a key outside has no custom key store"))
}

fn refused_use(store: &StoreEntry, error: crate::xks::XksError) -> ApiError {
    tracing::warn!(store = %store.record().id, ?error, "an external key store refused the use of a key");
    failure::of_use(error)
}

/// Rule: "Resource quotas" of the developer guide: custom key stores per account and Region.
pub const STORES_MAX: usize = 10;
/// Most accounts and Regions whose stores are kept decoded.
const ENTRIES_CACHED_MAX: usize = 100_000;
