//! The limits of the protocol, which both sides keep.
//!
//! Not here: limits of the API; the server answers those with their own errors before it asks the keeper.
//! Invariant: every part of a message that can grow has a limit here or is bounded by the frame.

/// Version of the protocol. Both sides come from one binary; a difference is a mix-up and ends the connection.
pub const PROTOCOL_VERSION: u16 = 1;

/// Greatest value of a frame's length field: request id and body, in bytes.
pub const FRAME_BYTES_MAX: usize = 1 << 20;

/// Longest plaintext of one call, in bytes (`Encrypt` of the AWS KMS API reference).
pub const PLAINTEXT_BYTES_MAX: usize = 4096;

/// Most bytes that one call generates: `NumberOfBytes` of `GenerateDataKey` and `GenerateRandom`.
pub const GENERATED_BYTES_MAX: usize = 1024;

/// Longest message of one signature or MAC, in bytes (`Sign` and `GenerateMac` of the AWS KMS API reference).
pub const MESSAGE_BYTES_MAX: usize = 4096;

/// Longest public key of the other side, in bytes (`DeriveSharedSecret` of the AWS KMS API reference).
pub const PEER_KEY_BYTES_MAX: usize = 8192;

/// Longest import token and longest wrapped key material, in bytes (`ImportKeyMaterial` of the AWS KMS API reference).
pub const IMPORT_BYTES_MAX: usize = 6144;

/// Most records in one frame.
pub const RECORDS_MAX: usize = 1024;

/// Longest access key id, in bytes (`AccessKeyId` of the AWS IAM API reference).
pub const ACCESS_KEY_ID_BYTES_MAX: usize = 128;

/// Longest part of a signing scope (date, Region or service name), in bytes.
pub const SCOPE_PART_BYTES_MAX: usize = 64;

/// Longest claims of a session, in bytes: a session policy of 2048 characters, fifty tags and the rest fit.
pub const CLAIMS_BYTES_MAX: usize = 64 << 10;

/// Longest message about a denial, in bytes; sealed it is [`SEALED_OVERHEAD`] longer.
pub const AUTHORIZATION_MESSAGE_BYTES_MAX: usize = 8 << 10;

/// How much longer a sealed blob of the keeper's is than what it seals, in bytes.
pub const SEALED_OVERHEAD: usize = 50;

/// Longest name of a device that shows one-time codes, in bytes (`SerialNumber` of the AWS IAM API reference, with room
/// for a path).
pub const MFA_DEVICE_BYTES_MAX: usize = 1024;

/// Most steps of 30 seconds that a one-time code may be away from the present: fifty minutes.
pub const MFA_REACH_STEPS_MAX: u32 = 100;

/// Longest message whose foreign signature is verified, in bytes (`WebIdentityToken` of the AWS STS API reference).
pub const FOREIGN_MESSAGE_BYTES_MAX: usize = 20_000;

/// Longest part of a foreign key or signature, in bytes: an RSA key of 8192 bits.
pub const FOREIGN_KEY_BYTES_MAX: usize = 1024;

/// Longest attested message, in bytes: the payload of an attestation document has up to 16,384, and a frame around it.
pub const ATTESTED_BYTES_MAX: usize = 17 << 10;

/// Most roots, and most intermediate certificates, of an attested message.
pub const CERTIFICATES_MAX: usize = 8;

/// Longest certificate, in bytes.
pub const CERTIFICATE_BYTES_MAX: usize = 2048;

/// Longest public key of a recipient, in bytes: `public_key` of an attestation document.
pub const RECIPIENT_KEY_BYTES_MAX: usize = 1024;

/// Longest keyring, in bytes.
pub const KEYRING_BYTES_MAX: usize = 64 << 10;

/// Records of one call are split so that a frame carries at most this many bytes of them.
pub(crate) const RECORD_BATCH_BYTES_MAX: usize = FRAME_BYTES_MAX / 2;
