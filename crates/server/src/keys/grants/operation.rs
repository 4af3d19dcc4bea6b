//! The operations that a grant can give, and on which keys.
//!
//! Not here: who gets them. Invariant: what a key cannot do is not granted on it.
//!
//! Rule: "Grant operations" of the AWS KMS developer guide, in the form of botocore 1.44.5.

use kanuki_types::{KeySpec, KeyUsage};
use serde::{Deserialize, Serialize};

/// Declares the operations; their names on the wire are the variants'.
macro_rules! grant_operations {
    ($($name:ident,)+) => {
        /// An operation that a grant can give: the part of an action behind `kms:`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum GrantOperation {
            $(#[doc = concat!("`", stringify!($name), "`.")] $name,)+
        }

        impl GrantOperation {
            /// Every operation, in the order of the API model.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }
        }
    };
}

grant_operations! {
    Decrypt, Encrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext, ReEncryptFrom, ReEncryptTo, Sign, Verify,
    GetPublicKey, CreateGrant, RetireGrant, DescribeKey, GenerateDataKeyPair, GenerateDataKeyPairWithoutPlaintext,
    GenerateMac, VerifyMac, DeriveSharedSecret, Encapsulate, Decapsulate,
}

use GrantOperation::{
    CreateGrant, Decapsulate, Decrypt, DeriveSharedSecret, DescribeKey, Encapsulate, Encrypt, GenerateDataKey,
    GenerateDataKeyPair, GenerateDataKeyPairWithoutPlaintext, GenerateDataKeyWithoutPlaintext, GenerateMac,
    GetPublicKey, ReEncryptFrom, ReEncryptTo, RetireGrant, Sign, Verify, VerifyMac,
};

impl GrantOperation {
    /// Whether a key of this type can have it in a grant.
    #[must_use]
    pub fn is_for(self, spec: KeySpec, usage: KeyUsage) -> bool {
        ON_EVERY_KEY.contains(&self) || on_keys_of(spec, usage).contains(&self)
    }

    /// The operation that an IAM action is about, such as `Encrypt` for `kms:Encrypt`; none if no grant gives it.
    #[must_use]
    pub fn of_action(action: &str) -> Option<Self> {
        let name = action.strip_prefix("kms:")?;
        Self::ALL.iter().copied().find(|operation| operation.as_str() == name)
    }

    /// Whether it has an encryption context that constraints could be compared with.
    #[must_use]
    pub const fn has_context(self) -> bool {
        !matches!(self, DescribeKey | RetireGrant)
    }

    /// The operations that a key of this type can have in a grant.
    pub fn all_for(spec: KeySpec, usage: KeyUsage) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |operation| operation.is_for(spec, usage))
    }
}

const fn on_keys_of(spec: KeySpec, usage: KeyUsage) -> &'static [GrantOperation] {
    match (spec, usage) {
        (KeySpec::SymmetricDefault, _) => &[
            Encrypt,
            Decrypt,
            GenerateDataKey,
            GenerateDataKeyWithoutPlaintext,
            GenerateDataKeyPair,
            GenerateDataKeyPairWithoutPlaintext,
            ReEncryptFrom,
            ReEncryptTo,
        ],
        (_, KeyUsage::EncryptDecrypt) => &[Encrypt, Decrypt, ReEncryptFrom, ReEncryptTo, GetPublicKey],
        (_, KeyUsage::SignVerify) => &[Sign, Verify, GetPublicKey],
        (_, KeyUsage::KeyAgreement) => &[DeriveSharedSecret, GetPublicKey],
        (_, KeyUsage::GenerateVerifyMac) => &[GenerateMac, VerifyMac],
        (_, KeyUsage::EncapsulateDecapsulate) => &[Encapsulate, Decapsulate, GetPublicKey],
    }
}

const ON_EVERY_KEY: &[GrantOperation] = &[CreateGrant, RetireGrant, DescribeKey];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_grants_what_it_can_do() {
        let names = |spec, usage| {
            GrantOperation::all_for(spec, usage).map(GrantOperation::as_str).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            names(KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt),
            "Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo CreateGrant \
             RetireGrant DescribeKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext"
        );
        assert_eq!(
            names(KeySpec::Rsa2048, KeyUsage::SignVerify),
            "Sign Verify GetPublicKey CreateGrant RetireGrant DescribeKey"
        );
        assert_eq!(
            names(KeySpec::Hmac256, KeyUsage::GenerateVerifyMac),
            "CreateGrant RetireGrant DescribeKey GenerateMac VerifyMac"
        );
        assert!(!GrantOperation::GenerateDataKey.is_for(KeySpec::Rsa2048, KeyUsage::EncryptDecrypt));
    }
}
