//! What server and keeper say to each other: messages, frames, limits, version handshake, client.
//!
//! Not here: cryptography, key material, sockets and processes; the caller brings a connected stream.
//! Invariants: nothing from the other side is unbounded; a buffer that carried a message is wiped; a secret is never
//! printed.

mod limits;
mod buffer;
mod bytes;
mod ids;
mod place;
mod message;
mod frame;
mod ciphertext;
mod error;
mod client;

pub use bytes::{Bytes, OwnedBytes, Secret, SecretRef};
pub use ciphertext::{
    CIPHERTEXT_OVERHEAD, COMMITMENT_BYTES, CiphertextHeader, CiphertextParts, DERIVATION_PREFIX_BYTES, GCM_NONCE_BYTES,
    HEADER_BYTES, HeaderFields, KDF_NONCE_BYTES, TAG_BYTES,
};
pub use client::{Client, Enveloped};
pub use error::{KeeperError, Reason};
pub use frame::{Frame, FrameError, FrameReader, FrameWriter, decode};
pub use limits::{
    ACCESS_KEY_ID_BYTES_MAX, ATTESTED_BYTES_MAX, AUTHORIZATION_MESSAGE_BYTES_MAX, CERTIFICATE_BYTES_MAX,
    CERTIFICATES_MAX, CLAIMS_BYTES_MAX, FOREIGN_KEY_BYTES_MAX, FOREIGN_MESSAGE_BYTES_MAX, FRAME_BYTES_MAX,
    GENERATED_BYTES_MAX, IMPORT_BYTES_MAX, KEYRING_BYTES_MAX, MESSAGE_BYTES_MAX, MFA_DEVICE_BYTES_MAX,
    MFA_REACH_STEPS_MAX, PEER_KEY_BYTES_MAX, PLAINTEXT_BYTES_MAX, PROTOCOL_VERSION, RECIPIENT_KEY_BYTES_MAX,
    RECORDS_MAX, SCOPE_PART_BYTES_MAX, SEALED_OVERHEAD,
};
pub use message::{Attested, ForeignAlgorithm, ForeignKey, MfaSteps, RecipientJob, Record, Request, Response, Scope};
pub use place::{KeyPlace, MaterialPlace, NewMaterial, SealedMaterial, SealedMaterialRef};
