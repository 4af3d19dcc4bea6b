//! What a ready keeper does: one function per message.
//!
//! Not here: phases, frames, threads; nothing here decides whether a caller may.
//! Invariants: a message is one whole job; sizes, and whether an algorithm is its key spec's, are checked before a
//! primitive runs; a failed primitive says nothing.

mod material;
mod symmetric;
mod encryption;
mod signature;
mod mac;
mod agreement;
mod encapsulation;
mod key_pair;
mod import;
mod random;
mod attestation;
mod recipient;
mod record;
mod access_key;
mod session;
mod authorization_message;
mod mfa;
mod foreign;

use kanuki_keeper_protocol::{OwnedBytes, Reason, Request, Response};

use crate::{error::OpError, vault::Vault};

/// Answers a message of the ready phase.
pub(crate) fn answer(request: &Request<'_>, vault: &Vault) -> Result<Response, OpError> {
    match request {
        Request::RotateDomainKey => Ok(Response::Bytes(OwnedBytes(vault.keyring().with_next_domain_key()?))),
        Request::CreateMaterial { key } => material::create(vault, key),
        Request::InsecureSealMaterial { key, material } => material::insecure_seal(vault, key, material),
        Request::Encrypt { material, plaintext, aad } => symmetric::encrypt(vault, material, plaintext, aad.0),
        Request::Decrypt { material, ciphertext, aad } => symmetric::decrypt(vault, material, ciphertext.0, aad.0),
        Request::ReEncrypt {
            source,
            source_algorithm,
            ciphertext,
            source_aad,
            destination,
            destination_algorithm,
            destination_aad,
        } => {
            let source = (source, *source_algorithm, source_aad.0);
            let destination = (destination, *destination_algorithm, destination_aad.0);
            encryption::re_encrypt(vault, source, ciphertext.0, destination)
        }
        Request::GenerateDataKey { material, length, aad, plaintext } => {
            symmetric::generate_data_key(vault, material, *length, aad.0, *plaintext)
        }
        Request::GenerateRandom { length } => random::generate(*length),
        Request::PublicKey { material } => material::public_key(vault, material),
        Request::Sign { material, algorithm, message_type, message } => {
            signature::sign(vault, material, *algorithm, *message_type, message.0)
        }
        Request::Verify { material, algorithm, message_type, message, signature } => {
            signature::verify(vault, material, *algorithm, *message_type, (message.0, signature.0))
        }
        Request::Mac { material, algorithm, message } => mac::generate(vault, material, *algorithm, message.0),
        Request::VerifyMac { material, algorithm, message, mac } => {
            mac::verify(vault, material, *algorithm, message.0, mac.0)
        }
        Request::AsymmetricEncrypt { material, algorithm, plaintext } => {
            encryption::encrypt(vault, material, *algorithm, plaintext.0)
        }
        Request::AsymmetricDecrypt { material, algorithm, ciphertext } => {
            encryption::decrypt(vault, material, *algorithm, ciphertext.0)
        }
        Request::DeriveSharedSecret { material, peer_public_key } => {
            agreement::derive(vault, material, peer_public_key.0)
        }
        Request::Encapsulate { material } => encapsulation::encapsulate(vault, material),
        Request::Decapsulate { material, ciphertext } => encapsulation::decapsulate(vault, material, ciphertext.0),
        Request::GenerateDataKeyPair { material, spec, aad, plaintext } => {
            key_pair::generate(vault, material, *spec, aad.0, *plaintext)
        }
        Request::ImportParameters { key, algorithm, wrapping_key_spec, valid_to } => {
            import::parameters(vault, key, *algorithm, *wrapping_key_spec, *valid_to)
        }
        Request::ImportMaterial { key, token, encrypted, now } => {
            import::material(vault, key, token.0, encrypted.0, *now)
        }
        Request::ResealMaterial { material, region } => material::reseal(vault, material, region),
        Request::SealRecords { records } => record::seal(&mut vault.keyring(), records),
        Request::OpenRecords { records } => record::open(&mut vault.keyring(), records),
        Request::CreateAccessKey { access_key_id } => access_key::create(&mut vault.keyring(), access_key_id),
        Request::SealAccessKey { access_key_id, secret } => {
            access_key::seal(&mut vault.keyring(), access_key_id, secret.0)
        }
        Request::SigningKey { access_key_id, sealed, scope } => {
            access_key::signing_key(&mut vault.keyring(), access_key_id, sealed.0, scope)
        }
        Request::IssueSession { access_key_id, claims } => {
            session::issue(&mut vault.keyring(), access_key_id, claims.0)
        }
        Request::OpenSession { access_key_id, token, scope } => {
            session::open(&mut vault.keyring(), access_key_id, token.0, scope)
        }
        Request::SealAuthorizationMessage { account, message } => {
            authorization_message::seal(&mut vault.keyring(), *account, message.0)
        }
        Request::OpenAuthorizationMessage { account, sealed } => {
            authorization_message::open(&mut vault.keyring(), *account, sealed.0)
        }
        Request::CreateMfaSeed { device } => mfa::create(&mut vault.keyring(), device),
        Request::CheckMfaCode { device, sealed, code, next_code, steps } => {
            mfa::check(&mut vault.keyring(), device, sealed.0, (code.0, next_code.map(|code| code.0)), *steps)
        }
        Request::VerifyForeign { key, algorithm, message, signature } => {
            foreign::verify(key, *algorithm, message.0, signature.0)
        }

        Request::VerifyAttestation { attested, now } => attestation::verify(attested, *now),
        Request::ForRecipient { public_key, job } => recipient::answer(vault, public_key.0, job),
        Request::Hello { .. } | Request::Initialise | Request::Unseal { .. } | Request::Drain => {
            Err(OpError::Refused(Reason::WrongPhase))
        }
    }
}
