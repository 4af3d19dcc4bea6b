//! The stores of an account and Region, decoded once.

use std::sync::Arc;

use kanuki_store::{Transaction, Versioned};
use kanuki_types::{AccountId, ConnectionState, CustomKeyStoreId, Region};

use super::record::{Behind, CustomKeyStoreRecords, ProxyRecord, StoreRecord, StoresRecord};
use crate::xks::Proxy;

/// The custom key stores of an account and Region, and the version under which they were read.
#[derive(Debug)]
pub struct AccountStores {
    place: (AccountId, Region),
    version: Option<u64>,
    stores: Vec<Arc<StoreEntry>>,
}

/// A custom key store.
#[derive(Debug)]
pub struct StoreEntry {
    record: StoreRecord,
    account: AccountId,
    region: Region,
    proxy: Option<Proxy>,
}

impl AccountStores {
    pub(super) fn new(place: &(AccountId, Region), read: Versioned<StoresRecord>) -> Self {
        let Versioned { version, value } = read;
        let (account, region) = place;
        let stores = value.stores.into_iter();
        let stores = stores.map(|record| Arc::new(StoreEntry::new(*account, region, record))).collect();
        Self { place: place.clone(), version: Some(version), stores }
    }

    /// Where nobody has made any.
    pub(super) fn none(place: (AccountId, Region)) -> Self {
        Self { place, version: None, stores: Vec::new() }
    }

    /// Every store, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<StoreEntry>> {
        self.stores.iter()
    }

    /// The store with that id.
    #[must_use]
    pub fn find(&self, id: &CustomKeyStoreId) -> Option<&Arc<StoreEntry>> {
        self.stores.iter().find(|store| store.record.id == *id)
    }

    /// Writes the stores changed, if nobody changed any of them meanwhile.
    pub fn write(&self, transaction: &mut Transaction, change: impl FnOnce(&mut Vec<StoreRecord>)) {
        let mut record = StoresRecord { stores: self.stores.iter().map(|store| store.record.clone()).collect() };
        change(&mut record.stores);
        match self.version {
            Some(version) => transaction.update::<CustomKeyStoreRecords>(&self.place, version, &record),
            None => transaction.create::<CustomKeyStoreRecords>(&self.place, &record),
        }
    }

    /// Writes one store changed, if nobody changed any of them meanwhile.
    pub fn write_one(&self, transaction: &mut Transaction, changed: StoreRecord) {
        self.write(transaction, |stores| {
            if let Some(store) = stores.iter_mut().find(|store| store.id == changed.id) {
                *store = changed;
            }
        });
    }

    /// Makes a change depend on the stores as they were read.
    pub fn expect_unchanged(&self, transaction: &mut Transaction) {
        transaction.check::<CustomKeyStoreRecords>(&self.place, self.version);
    }
}

impl StoreEntry {
    /// A store of an account and Region.
    #[must_use]
    pub fn new(account: AccountId, region: &Region, record: StoreRecord) -> Self {
        let proxy = match &record.behind {
            Behind::Proxy(proxy) => Some(proxy_of(&record.id, region, proxy)),
            Behind::Token(_) => None,
        };
        Self { account, region: region.clone(), proxy, record }
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> &StoreRecord {
        &self.record
    }

    /// The account that owns it.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Its Region.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Whether it can be used.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.record.state == ConnectionState::Connected
    }

    /// The cluster id, of a store on a token.
    #[must_use]
    pub fn cluster_id(&self) -> Option<&str> {
        match &self.record.behind {
            Behind::Token(token) => Some(&token.cluster_id),
            Behind::Proxy(_) => None,
        }
    }

    /// The proxy behind it, if it is one.
    #[must_use]
    pub fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }
}

fn proxy_of(id: &CustomKeyStoreId, region: &Region, record: &ProxyRecord) -> Proxy {
    let host = record.endpoint.strip_prefix(SCHEME).unwrap_or(&record.endpoint);
    Proxy {
        // Names of hosts know no case, certificates and tables of addresses are in the small one.
        host: host.to_ascii_lowercase(),
        path: record.path.clone(),
        vpc_service: record.vpc_service.as_ref().map(|service| service.name.clone()),
        region: region.clone(),
        access_key_id: record.credential.access_key_id.clone(),
        secret_name: secret_name(id, &record.credential.access_key_id),
        sealed_secret: record.credential.sealed_secret.clone(),
    }
}

/// The name to which the keeper binds the secret of a proxy's credential. No access key id of this server has a slash.
pub(super) fn secret_name(id: &CustomKeyStoreId, access_key_id: &str) -> String {
    format!("xks/{id}/{access_key_id}")
}

const SCHEME: &str = "https://";
