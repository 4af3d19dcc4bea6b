//! What a key identifier in a request stands for.
//!
//! Rule: "Key identifiers" of the AWS KMS developer guide; the texts are those of the live service. A key of another
//! account is never found missing: whether it exists is not the caller's to know.

use std::sync::Arc;

use kanuki_types::{AccountId, AliasArn, AliasName, Arn, KeyArn, KeyId, Region};

use super::{Keys, entry::KeyEntry};
use crate::error::{ApiError, ErrorCode};

/// Which identifiers a member takes, and how a broken ARN is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// What an alias can stand for: key id and key ARN. The operations on aliases declare no error for a broken ARN.
    AliasTargets,
    /// What can be read by any name: as [`Names::KeysAndAliases`], for operations that declare an error for a broken ARN.
    Described,
    /// Key id and key ARN.
    Keys,
    /// Key id, key ARN, alias name and alias ARN.
    KeysAndAliases,
}

/// The key behind an identifier.
#[derive(Debug, Clone)]
pub enum KeyName {
    /// A key.
    Found {
        /// The key.
        entry: Arc<KeyEntry>,
        /// The alias by which the request named it.
        alias: Option<AliasName>,
    },
    /// Nothing, in another account.
    Hidden {
        /// The ARN as the client wrote it.
        arn: String,
        /// The account it names.
        account: AccountId,
    },
}

impl Keys {
    /// Finds the key behind an identifier, seen from an account and a Region.
    ///
    /// # Errors
    /// `NotFoundException` and `InvalidArnException` with the texts of the service.
    pub async fn resolve(
        &self,
        account: AccountId,
        region: &Region,
        identifier: &str,
        names: Names,
    ) -> Result<KeyName, ApiError> {
        if identifier.starts_with("arn:") {
            return self.resolve_arn(account, region, identifier, names).await;
        }
        if identifier.starts_with("alias/") {
            check_alias_allowed(names)?;
            let Ok(name) = identifier.parse() else {
                return Err(alias_missing(&format!("arn:aws:kms:{region}:{account}:{identifier}")));
            };
            return self.resolve_alias(account, AliasArn { account, region: region.clone(), name }).await;
        }
        let Ok(key_id) = identifier.parse::<KeyId>() else {
            return Err(ApiError::new(ErrorCode::NotFound, format!("Invalid keyId '{}'", shorten(identifier))));
        };
        self.resolve_key(account, KeyArn { account, region: region.clone(), key_id }).await
    }

    async fn resolve_arn(
        &self,
        account: AccountId,
        region: &Region,
        identifier: &str,
        names: Names,
    ) -> Result<KeyName, ApiError> {
        let malformed = || {
            let code = match names {
                Names::Described | Names::Keys => ErrorCode::InvalidArn,
                Names::AliasTargets | Names::KeysAndAliases => ErrorCode::NotFound,
            };
            ApiError::new(code, format!("Invalid arn {}", shorten(identifier)))
        };
        let arn: Arn = identifier.parse().map_err(|_| malformed())?;
        if arn.service != "kms" || arn.partition != kanuki_types::PARTITION {
            return Err(malformed());
        }
        if arn.region != region.as_str() {
            return Err(ApiError::new(ErrorCode::NotFound, format!("Invalid arn {}", shorten(&arn.region))));
        }
        if arn.resource.starts_with("alias/") {
            check_alias_allowed(names)?;
            let alias = AliasArn::from_arn(&arn).ok_or_else(|| alias_missing(identifier))?;
            return self.resolve_alias(account, alias).await;
        }
        if let Some(id) = arn.resource.strip_prefix("key/")
            && id.parse::<KeyId>().is_err()
        {
            return Err(ApiError::new(ErrorCode::NotFound, format!("Invalid keyId '{}'", shorten(id))));
        }
        self.resolve_key(account, KeyArn::from_arn(&arn).ok_or_else(malformed)?).await
    }

    async fn resolve_key(&self, account: AccountId, arn: KeyArn) -> Result<KeyName, ApiError> {
        match self.get(&arn).await? {
            Some(entry) => Ok(KeyName::Found { entry, alias: None }),
            None if arn.account == account => {
                Err(ApiError::new(ErrorCode::NotFound, format!("Key '{arn}' does not exist")))
            }
            None => Ok(KeyName::Hidden { account: arn.account, arn: arn.to_string() }),
        }
    }

    async fn resolve_alias(&self, account: AccountId, alias: AliasArn) -> Result<KeyName, ApiError> {
        let target = match self.alias(&alias).await? {
            Some(record) => {
                let arn = KeyArn { account: alias.account, region: alias.region.clone(), key_id: record.target };
                self.get(&arn).await?
            }
            None => None,
        };
        match target {
            Some(entry) => Ok(KeyName::Found { entry, alias: Some(alias.name) }),
            None if alias.account == account => Err(alias_missing(&alias.to_string())),
            None => Ok(KeyName::Hidden { account: alias.account, arn: alias.to_string() }),
        }
    }
}

fn check_alias_allowed(names: Names) -> Result<(), ApiError> {
    match names {
        Names::Described | Names::KeysAndAliases => Ok(()),
        Names::AliasTargets | Names::Keys => {
            Err(ApiError::new(ErrorCode::InvalidArn, "Key Aliases are not supported for this operation."))
        }
    }
}

fn alias_missing(arn: &str) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("Alias {} is not found.", shorten(arn)))
}

fn shorten(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

/// Most characters of a wrong identifier that a message repeats.
const SHOWN_CHARS_MAX: usize = 512;
