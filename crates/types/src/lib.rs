//! The vocabulary that every other crate shares.
//!
//! Not here: input and output, cryptography, the clock itself, anything asynchronous.
//! Invariant: a value of a type of this crate is well formed; its constructor has checked it.

mod account;
mod region;
mod arn;
mod key_id;
mod key;
mod custom_key_store;
mod algorithms;
mod alias;
mod material_id;
mod encryption_context;
mod caller;
mod secret;
mod time;
mod random;

pub use account::{AccountId, ParseAccountIdError};
pub use algorithms::{
    DataKeyPairSpec, MacAlgorithm, MessageType, SigningAlgorithm, WrappingAlgorithm, WrappingKeySpec,
};
pub use alias::{ALIAS_NAME_LEN_MAX, AWS_ALIAS_PREFIX, AliasArn, AliasName, ParseAliasNameError};
pub use arn::{ARN_LEN_MAX, Arn, PARTITION, ParseArnError};
pub use caller::{Caller, CallerKind, UniqueId};
pub use custom_key_store::{
    ConnectionErrorCode, ConnectionState, CustomKeyStoreId, CustomKeyStoreType, ParseCustomKeyStoreIdError,
    XksProxyConnectivity,
};
pub use encryption_context::{ENCRYPTION_CONTEXT_BYTES_MAX, EncryptionContext, EncryptionContextTooLarge};
pub use key::{DataKeySpec, EncryptionAlgorithm, KeyManager, KeySpec, KeyState, KeyUsage, Origin};
pub use key_id::{KeyArn, KeyId, ParseKeyIdError};
pub use material_id::{MaterialId, ParseMaterialIdError};
pub use random::Random;
pub use region::{ParseRegionError, REGION_LEN_MAX, Region};
pub use secret::SecretBytes;
pub use time::{Clock, Timestamp};
