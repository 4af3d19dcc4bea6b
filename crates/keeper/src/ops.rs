//! What a ready keeper does: one function per message.
//!
//! Not here: phases, frames; nothing here decides whether a caller may.
//! Invariants: a message is one whole job; sizes are checked before a primitive runs; a failed primitive says nothing.

mod material;
mod symmetric;
mod random;
mod record;
mod access_key;
mod session;

use kanuki_keeper_protocol::{OwnedBytes, Reason, Request, Response};

use crate::{error::OpError, keyring::Keyring};

/// Answers a message of the ready phase.
pub(crate) fn answer(
    request: &Request<'_>,
    keyring: &mut Keyring,
    insecure_fixed_material: bool,
) -> Result<Response, OpError> {
    match request {
        Request::RotateDomainKey => Ok(Response::Bytes(OwnedBytes(keyring.with_next_domain_key()?))),
        Request::CreateMaterial { key } => material::create(keyring, key),
        Request::InsecureSealMaterial { key, material } => {
            if !insecure_fixed_material {
                return Err(OpError::Refused(Reason::BadRequest));
            }
            material::insecure_seal(keyring, key, material)
        }
        Request::Encrypt { material, plaintext, aad } => symmetric::encrypt(keyring, material, plaintext, aad.0),
        Request::Decrypt { material, ciphertext, aad } => symmetric::decrypt(keyring, material, ciphertext.0, aad.0),
        Request::ReEncrypt { source, ciphertext, source_aad, destination, destination_aad } => {
            let plaintext = symmetric::open(keyring, source, ciphertext.0, source_aad.0)?;
            symmetric::seal(keyring, destination, plaintext.expose(), destination_aad.0)
        }
        Request::GenerateDataKey { material, length, aad, plaintext } => {
            symmetric::generate_data_key(keyring, material, *length, aad.0, *plaintext)
        }
        Request::GenerateRandom { length } => random::generate(*length),
        Request::SealRecords { records } => record::seal(keyring, records),
        Request::OpenRecords { records } => record::open(keyring, records),
        Request::CreateAccessKey { access_key_id } => access_key::create(keyring, access_key_id),
        Request::SigningKey { access_key_id, sealed, scope } => {
            access_key::signing_key(keyring, access_key_id, sealed.0, scope)
        }
        Request::IssueSession { access_key_id, claims } => session::issue(keyring, access_key_id, claims.0),
        Request::OpenSession { access_key_id, token, scope } => session::open(keyring, access_key_id, token.0, scope),
        Request::Hello { .. } | Request::Initialise | Request::Unseal { .. } | Request::Drain => {
            Err(OpError::Refused(Reason::WrongPhase))
        }
    }
}
