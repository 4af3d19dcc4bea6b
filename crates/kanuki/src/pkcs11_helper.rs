//! `kanuki pkcs11-helper`: speaks to one PKCS#11 token for a custom key store.
//!
//! The server starts it and talks to it over standard input, a socket. Not here: who may do what. Rule: PKCS #11
//! version 2.40. Invariants: keys that it makes cannot leave the token; it ends when the server does; its memory shows
//! in no core dump, for it has seen the password.

use std::{
    io::stdin,
    os::{fd::AsFd as _, unix::net::UnixStream},
    path::Path,
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    mechanism::{Mechanism, aead::GcmParams},
    object::{Attribute, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    slot::Slot,
    types::AuthPin,
};
use kanuki_server::tokens::{BACKING_ID_BYTES, TokenReason, TokenRequest, TokenResponse, read_frame, write_frame};
use nix::sys::{
    prctl,
    resource::{Resource, setrlimit},
    signal::Signal,
};

use crate::error::CommandError;

/// Serves until the server closes the socket.
///
/// # Errors
/// If the process cannot be hardened or has no socket.
pub(crate) fn serve(module: &Path, label: &str) -> Result<(), CommandError> {
    prctl::set_dumpable(false).map_err(CommandError::from_error)?;
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(CommandError::from_error)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(CommandError::from_error)?;
    let mut stream = UnixStream::from(stdin().as_fd().try_clone_to_owned().map_err(CommandError::from_error)?);
    let mut token = Token { module, label, found: None, session: None };
    // The end of the stream is the end of the server, or of its need.
    while let Ok(request) = read_frame::<TokenRequest>(&mut stream) {
        let response = token.answer(&request).unwrap_or_else(TokenResponse::Refused);
        write_frame(&mut stream, &response).map_err(CommandError::from_error)?;
    }
    Ok(())
}

/// The token, as far as it was opened.
struct Token<'a> {
    module: &'a Path,
    label: &'a str,
    found: Option<(Pkcs11, Slot)>,
    session: Option<Session>,
}

impl Token<'_> {
    fn answer(&mut self, request: &TokenRequest) -> Result<TokenResponse, TokenReason> {
        match request {
            TokenRequest::Open => {
                self.found = Some(find(self.module, self.label)?);
                Ok(TokenResponse::Done)
            }
            TokenRequest::Login { pin } => {
                let (module, slot) = self.found.as_ref().ok_or(TokenReason::Device)?;
                let session = module.open_rw_session(*slot).map_err(|error| reason(&error))?;
                let pin = AuthPin::from(pin.as_str());
                session.login(UserType::User, Some(&pin)).map_err(|error| reason(&error))?;
                self.session = Some(session);
                Ok(TokenResponse::Done)
            }
            other => answer_in(self.session.as_ref().ok_or(TokenReason::Credentials)?, other),
        }
    }
}

fn find(module: &Path, label: &str) -> Result<(Pkcs11, Slot), TokenReason> {
    let loaded = Pkcs11::new(module).map_err(|_| TokenReason::Module)?;
    loaded.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).map_err(|_| TokenReason::Module)?;
    let slots = loaded.get_slots_with_initialized_token().map_err(|error| reason(&error))?;
    let is_wanted = |slot: &Slot| loaded.get_token_info(*slot).is_ok_and(|token| token.label().trim_end() == label);
    let slot = slots.into_iter().find(is_wanted).ok_or(TokenReason::TokenMissing)?;
    Ok((loaded, slot))
}

fn answer_in(session: &Session, request: &TokenRequest) -> Result<TokenResponse, TokenReason> {
    match request {
        TokenRequest::CreateKey { id, label } => {
            let template = key_template(&bytes(id)?, label);
            session.generate_key(&Mechanism::AesKeyGen, &template).map_err(|error| reason(&error))?;
            Ok(TokenResponse::Done)
        }
        TokenRequest::DestroyKey { id } => {
            for key in keys(session, id)? {
                session.destroy_object(key).map_err(|error| reason(&error))?;
            }
            Ok(TokenResponse::Done)
        }
        TokenRequest::Encrypt { id, plaintext, aad } => {
            let key = key(session, id)?;
            let mut iv = [0; IV_BYTES];
            session.generate_random_slice(&mut iv).map_err(|error| reason(&error))?;
            let mechanism = gcm(&mut iv, aad)?;
            let sealed = session.encrypt(&mechanism, key, plaintext).map_err(|error| reason(&error))?;
            drop(mechanism);
            Ok(TokenResponse::Sealed { iv: iv.to_vec(), sealed })
        }
        TokenRequest::Decrypt { id, iv, sealed, aad } => {
            let key = key(session, id)?;
            let mut iv = iv.clone();
            let opened = session.decrypt(&gcm(&mut iv, aad)?, key, sealed);
            opened.map(TokenResponse::Bytes).map_err(|error| match error {
                // Tokens do not agree on how they say that a tag is wrong.
                Error::Pkcs11(
                    RvError::EncryptedDataInvalid | RvError::EncryptedDataLenRange | RvError::GeneralError,
                    _,
                ) => TokenReason::Ciphertext,
                other => reason(&other),
            })
        }
        TokenRequest::Random { length } => {
            let length = u32::try_from(*length).map_err(|_| TokenReason::Device)?;
            session.generate_random_vec(length).map(TokenResponse::Bytes).map_err(|error| reason(&error))
        }
        TokenRequest::Open | TokenRequest::Login { .. } => Err(TokenReason::Device),
    }
}

fn key_template(id: &[u8], label: &str) -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::ValueLen(KEY_BYTES.into()),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Id(id.to_vec()),
        Attribute::Label(label.as_bytes().to_vec()),
    ]
}

fn keys(session: &Session, id: &str) -> Result<Vec<ObjectHandle>, TokenReason> {
    let template = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Id(bytes(id)?)];
    session.find_objects(&template).map_err(|error| reason(&error))
}

/// The only key with that id.
fn key(session: &Session, id: &str) -> Result<ObjectHandle, TokenReason> {
    match keys(session, id)?.as_slice() {
        [key] => Ok(*key),
        _ => Err(TokenReason::KeyMissing),
    }
}

fn gcm<'a>(iv: &'a mut [u8], aad: &'a [u8]) -> Result<Mechanism<'a>, TokenReason> {
    GcmParams::new(iv, aad, TAG_BITS.into()).map(Mechanism::AesGcm).map_err(|_| TokenReason::Device)
}

/// The bytes of an id in hexadecimal digits.
fn bytes(id: &str) -> Result<Vec<u8>, TokenReason> {
    let digits: Option<Vec<u8>> =
        id.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() == 2 * BACKING_ID_BYTES).ok_or(TokenReason::KeyMissing)?;
    let (pairs, _) = digits.as_chunks::<2>();
    Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

fn reason(error: &Error) -> TokenReason {
    match error {
        Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _) => {
            TokenReason::Credentials
        }
        Error::Pkcs11(RvError::PinLocked, _) => TokenReason::UserLocked,
        Error::Pkcs11(RvError::UserPinNotInitialized, _) => TokenReason::UserMissing,
        Error::Pkcs11(RvError::UserAlreadyLoggedIn | RvError::UserAnotherAlreadyLoggedIn, _) => {
            TokenReason::UserLoggedIn
        }
        Error::Pkcs11(RvError::TokenNotPresent | RvError::TokenNotRecognized, _) => TokenReason::TokenMissing,
        Error::LibraryLoading(_) | Error::MissingSymbol(_) => TokenReason::Module,
        _ => TokenReason::Device,
    }
}

/// AES with 256 bits.
const KEY_BYTES: u64 = 32;
/// Rule: SP 800-38D, the recommended length.
const IV_BYTES: usize = 12;
const TAG_BITS: u64 = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_one_form() {
        assert_eq!(bytes("000102030405060708090a0b0c0d0e0F").unwrap()[15], 0x0f);
        for wrong in ["", "00", "000102030405060708090a0b0c0d0e0g", "000102030405060708090a0b0c0d0e0f00"] {
            assert_eq!(bytes(wrong), Err(TokenReason::KeyMissing), "{wrong}");
        }
    }
}
