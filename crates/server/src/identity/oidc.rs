//! Identity providers that speak OpenID Connect: whose tokens an account takes.
//!
//! Not here: tokens and keys. Invariant: a provider is found by the issuer's URL, letter by letter.

use std::collections::BTreeMap;

use kanuki_store::{KeyBytes as _, Keyspace, StoreError, Transaction, Versioned};
use kanuki_types::{AccountId, PARTITION, Timestamp};
use serde::{Deserialize, Serialize};

use super::Identity;
use crate::keyspaces;

/// Providers by account and URL without its scheme.
#[derive(Debug)]
pub struct OidcProviders;

impl Keyspace for OidcProviders {
    const ID: u8 = keyspaces::OIDC_PROVIDERS;
    const NAME: &'static str = "OIDC providers";
    type Key = (AccountId, String);
    type Value = OidcProviderRecord;
}

/// A provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcProviderRecord {
    /// When it was made.
    pub created: Timestamp,
    /// The clients for which its tokens may be made.
    pub client_ids: Vec<String>,
    /// SHA-1 fingerprints of certificates, kept for clients that ask; trust does not hang on them.
    pub thumbprints: Vec<String>,
    /// Tags by key.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A provider that is stored.
#[derive(Debug, Clone)]
pub struct OidcProviderEntry {
    /// Its account.
    pub account: AccountId,
    /// The issuer's URL without its scheme.
    pub host_and_path: String,
    /// The version that a change has to name.
    pub version: u64,
    /// The record.
    pub record: OidcProviderRecord,
}

impl OidcProviderEntry {
    /// The ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        oidc_provider_arn(self.account, &self.host_and_path)
    }

    /// Writes it anew.
    pub fn update(&self, change: &mut Transaction, record: &OidcProviderRecord) {
        change.update::<OidcProviders>(&(self.account, self.host_and_path.clone()), self.version, record);
    }

    /// Removes it.
    pub fn delete(&self, change: &mut Transaction) {
        change.delete::<OidcProviders>(&(self.account, self.host_and_path.clone()), self.version);
    }
}

/// The ARN of a provider.
#[must_use]
pub fn oidc_provider_arn(account: AccountId, host_and_path: &str) -> String {
    format!("arn:{PARTITION}:iam::{account}:oidc-provider/{host_and_path}")
}

impl Identity {
    /// The provider whose URL without its scheme this is.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn oidc_provider(
        &self,
        account: AccountId,
        host_and_path: &str,
    ) -> Result<Option<OidcProviderEntry>, StoreError> {
        if host_and_path.is_empty() || host_and_path.len() > URL_CHARS_MAX {
            return Ok(None);
        }
        let found = self.store.get::<OidcProviders>(&(account, host_and_path.to_owned())).await?;
        Ok(found.map(|found| entry(account, host_and_path, found)))
    }

    /// The provider of an issuer's URL.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn oidc_provider_of(
        &self,
        account: AccountId,
        issuer: &str,
    ) -> Result<Option<OidcProviderEntry>, StoreError> {
        match issuer.strip_prefix("https://") {
            Some(host_and_path) => self.oidc_provider(account, host_and_path).await,
            None => Ok(None),
        }
    }

    /// Every provider of an account, at most `limit`.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn oidc_providers(&self, account: AccountId, limit: usize) -> Result<Vec<OidcProviderEntry>, StoreError> {
        let found = self.store.scan::<OidcProviders>(&account.to_key(), None, limit).await?;
        Ok(found.into_iter().map(|((_, host_and_path), found)| entry(account, &host_and_path, found)).collect())
    }

    /// Writes a new provider.
    pub fn create_oidc_provider(
        &self,
        change: &mut Transaction,
        (account, host_and_path): (AccountId, &str),
        record: &OidcProviderRecord,
    ) {
        change.create::<OidcProviders>(&(account, host_and_path.to_owned()), record);
    }
}

fn entry(account: AccountId, host_and_path: &str, found: Versioned<OidcProviderRecord>) -> OidcProviderEntry {
    let Versioned { version, value: record } = found;
    OidcProviderEntry { account, host_and_path: host_and_path.into(), version, record }
}

/// Longest URL of a provider, in characters ("CreateOpenIDConnectProvider" of the IAM API reference).
pub(crate) const URL_CHARS_MAX: usize = 255;
