//! The records of custom key stores, as they are stored.
//!
//! All stores of an account in a Region are one record: they are few, and what must be unique among them then is so
//! whoever makes two at once. Invariants: unknown members of a record are refused; a secret of a store is in it only as
//! the keeper sealed it.

use kanuki_store::Keyspace;
use kanuki_types::{
    AccountId, ConnectionErrorCode, ConnectionState, CustomKeyStoreId, KeyId, Region, Timestamp, XksProxyConnectivity,
};
use serde::{Deserialize, Serialize};

use crate::keyspaces;

/// The custom key stores of each account and Region.
#[derive(Debug)]
pub struct CustomKeyStoreRecords;

impl Keyspace for CustomKeyStoreRecords {
    const ID: u8 = keyspaces::CUSTOM_KEY_STORES;
    const NAME: &'static str = "custom key stores";
    type Key = (AccountId, Region);
    type Value = StoresRecord;
}

/// The custom key stores of an account and Region, oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoresRecord {
    /// At most [`super::STORES_MAX`].
    pub stores: Vec<StoreRecord>,
}

/// A custom key store.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreRecord {
    /// Its id.
    pub id: CustomKeyStoreId,
    /// Its name, unique in account and Region.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it can be used.
    pub state: ConnectionState,
    /// Why it could not be connected; only in the state FAILED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ConnectionErrorCode>,
    /// What stands behind it.
    pub behind: Behind,
}

/// What stands behind a custom key store.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Behind {
    /// An external key store proxy.
    Proxy(ProxyRecord),
    /// A PKCS#11 token.
    Token(TokenRecord),
}

/// An external key store proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyRecord {
    /// How it is reached.
    pub connectivity: XksProxyConnectivity,
    /// `https://` and the host.
    pub endpoint: String,
    /// The path, up to the version.
    pub path: String,
    /// The VPC endpoint service; only with its connectivity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_service: Option<VpcService>,
    /// What requests are signed with.
    pub credential: ProxyCredential,
}

/// A VPC endpoint service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VpcService {
    /// Its name.
    pub name: String,
    /// The account that owns it.
    pub owner: AccountId,
}

/// The credential of a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyCredential {
    /// Its name.
    pub access_key_id: String,
    /// Its secret, sealed by the keeper to the store and the name.
    #[serde(with = "crate::base64_text")]
    pub sealed_secret: Vec<u8>,
}

/// A PKCS#11 token under the name of a CloudHSM cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRecord {
    /// The cluster id that the operator gave the token.
    pub cluster_id: String,
    /// The certificate that the client gave.
    pub trust_anchor: String,
    /// The password of the token's user, sealed by the keeper to the store.
    #[serde(with = "crate::base64_text")]
    pub sealed_password: Vec<u8>,
}

/// KMS keys by their custom key store and the key there.
#[derive(Debug)]
pub struct StoreKeys;

impl Keyspace for StoreKeys {
    const ID: u8 = keyspaces::CUSTOM_KEY_STORE_KEYS;
    const NAME: &'static str = "keys of custom key stores";
    type Key = StoreKeyKey;
    type Value = KeyId;
}

/// Account, Region and id of a store, and the key there.
pub type StoreKeyKey = (AccountId, Region, CustomKeyStoreId, String);

/// Stores that are being connected or disconnected.
#[derive(Debug)]
pub struct UnsettledStores;

impl Keyspace for UnsettledStores {
    const ID: u8 = keyspaces::CUSTOM_KEY_STORES_UNSETTLED;
    const NAME: &'static str = "unsettled custom key stores";
    type Key = UnsettledKey;
    type Value = ();
}

/// Account, Region and id of a store.
pub type UnsettledKey = (AccountId, Region, CustomKeyStoreId);

/// Where a KMS key of a custom key store really is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutsideKey {
    /// The store, in the account and Region of the KMS key.
    pub store: CustomKeyStoreId,
    /// The key there: `XksKeyId`, or the id of the token's object in hexadecimal digits.
    pub key: String,
}
