//! Key derivation: counter mode with HMAC-SHA-256 of SP 800-108 revision 1, section 4.1.
//!
//! Not for passphrases; those go through Argon2id (`seal/passphrase.rs`).
//! Invariants: every purpose has its own label, so that no key derived for one purpose is a key of another; the fixed
//! input is `label ‖ 0x00 ‖ context ‖ length in bits`, and no label contains the zero byte.

use aws_lc_rs::kdf::{KbkdfCtrHmacAlgorithmId, get_kbkdf_ctr_hmac_algorithm, kbkdf_ctr_hmac};
use zeroize::Zeroizing;

use crate::{error::Failed, material::KEY_BYTES};

/// What a derived key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    /// Sealing secret access keys.
    AccessKeySeal,
    /// Sealing messages about denials.
    AuthorizationMessageSeal,
    /// Sealing import tokens.
    ImportTokenSeal,
    /// Sealing the root key under a key file.
    KeyFileSeal,
    /// Authenticating the keyring.
    KeyringIntegrity,
    /// Wrapping the keys of the keyring.
    KeyringWrap,
    /// Sealing key material.
    MaterialSeal,
    /// Sealing seeds of one-time codes.
    MfaSeedSeal,
    /// Sealing the root key under a passphrase.
    PassphraseSeal,
    /// Sealing records of the store.
    RecordSeal,
    /// Secret access keys of sessions.
    SessionSecret,
    /// Sealing session tokens.
    SessionTokenSeal,
    /// One encryption of user data: key and commitment.
    SymmetricCall,
}

impl Label {
    const fn as_str(self) -> &'static str {
        match self {
            Self::AccessKeySeal => "kanuki access key seal 1",
            Self::AuthorizationMessageSeal => "kanuki authorization message seal 1",
            Self::ImportTokenSeal => "kanuki import token seal 1",
            Self::KeyFileSeal => "kanuki key file seal 1",
            Self::KeyringIntegrity => "kanuki keyring integrity 1",
            Self::KeyringWrap => "kanuki keyring wrap 1",
            Self::MaterialSeal => "kanuki material seal 1",
            Self::MfaSeedSeal => "kanuki mfa seed seal 1",
            Self::PassphraseSeal => "kanuki passphrase seal 1",
            Self::RecordSeal => "kanuki record seal 1",
            Self::SessionSecret => "kanuki session secret 1",
            Self::SessionTokenSeal => "kanuki session token seal 1",
            Self::SymmetricCall => "kanuki symmetric call 1",
        }
    }
}

/// Derives bytes from a key. The context must be unambiguous: fixed lengths, or framed by the caller.
pub(crate) fn derive(key: &[u8], label: Label, context: &[u8], out: &mut [u8]) -> Result<(), Failed> {
    let algorithm = get_kbkdf_ctr_hmac_algorithm(KbkdfCtrHmacAlgorithmId::Sha256).ok_or(Failed)?;
    let bits = out.len().checked_mul(8).and_then(|bits| u32::try_from(bits).ok()).ok_or(Failed)?;
    let label = label.as_str();
    let mut fixed = Vec::with_capacity(label.len() + context.len() + 5);
    fixed.extend_from_slice(label.as_bytes());
    fixed.push(0);
    fixed.extend_from_slice(context);
    fixed.extend_from_slice(&bits.to_be_bytes());
    Ok(kbkdf_ctr_hmac(algorithm, key, &fixed, out)?)
}

/// Derives a key of the usual length.
pub(crate) fn derive_key(key: &[u8], label: Label, context: &[u8]) -> Result<Zeroizing<[u8; KEY_BYTES]>, Failed> {
    let mut out = Zeroizing::new([0; KEY_BYTES]);
    derive(key, label, context, out.as_mut_slice())?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::hmac;

    use super::*;

    const ALL: [Label; 13] = [
        Label::AccessKeySeal,
        Label::AuthorizationMessageSeal,
        Label::ImportTokenSeal,
        Label::KeyFileSeal,
        Label::KeyringIntegrity,
        Label::KeyringWrap,
        Label::MaterialSeal,
        Label::MfaSeedSeal,
        Label::PassphraseSeal,
        Label::RecordSeal,
        Label::SessionSecret,
        Label::SessionTokenSeal,
        Label::SymmetricCall,
    ];

    #[test]
    fn labels_are_distinct_and_without_the_separator() {
        for (i, label) in ALL.iter().enumerate() {
            assert!(!label.as_str().contains('\0'));
            assert!(ALL.iter().skip(i + 1).all(|other| other.as_str() != label.as_str()));
        }
    }

    #[test]
    fn is_the_construction_of_the_standard() {
        let mut out = [0; 64];
        derive(b"key", Label::SymmetricCall, b"context", &mut out).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"key");
        for (block, counter) in out.chunks(32).zip(1u32..) {
            let fixed = b"kanuki symmetric call 1\0context\x00\x00\x02\x00";
            let expected = hmac::sign(&key, &[&counter.to_be_bytes(), fixed.as_slice()].concat());
            assert_eq!(block, expected.as_ref());
        }
    }
}
