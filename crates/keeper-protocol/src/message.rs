//! The messages: what the server asks and what the keeper answers.
//!
//! Not here: their bytes on the stream (`frame.rs`) and which message is answered in which phase (the keeper's
//! `phase.rs`; the table is in `protocol.md`).
//! Invariants: one message is one whole job; an answer to a failed primitive says only that it failed. The variant of
//! `Hello` stays first in both, so that any two versions can refuse each other.

mod recipient;

use kanuki_types::{
    AccountId, DataKeyPairSpec, EncryptionAlgorithm, MacAlgorithm, MaterialId, MessageType, Region, SigningAlgorithm,
    Timestamp, WrappingAlgorithm, WrappingKeySpec,
};
use serde::{Deserialize, Serialize};

pub use recipient::{Attested, RecipientJob};

use crate::{Bytes, KeyPlace, OwnedBytes, Reason, SealedMaterialRef, Secret, SecretRef, ids};

/// What the server asks. Borrows from the frame, so that no secret is copied on the way in.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request<'a> {
    /// The first message of a connection.
    Hello {
        /// The server's protocol version.
        version: u16,
    },
    /// Makes a new keyring and becomes ready.
    Initialise,
    /// Opens a keyring and becomes ready.
    Unseal {
        /// The keyring, as `Initialise` or `RotateDomainKey` answered it.
        #[serde(borrow)]
        keyring: Bytes<'a>,
    },
    /// Makes a keyring with one more domain key; it takes effect when it is unsealed.
    RotateDomainKey,
    /// Forgets every key; nothing but refusals follows.
    Drain,
    /// Generates and seals key material.
    CreateMaterial {
        /// The key it is for.
        key: KeyPlace,
    },
    /// Seals given key material; for tests and seeds.
    InsecureSealMaterial {
        /// The key it is for.
        key: KeyPlace,
        /// The material.
        #[serde(borrow)]
        material: SecretRef<'a>,
    },
    /// Encrypts user data.
    Encrypt {
        /// The key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
        /// The data.
        #[serde(borrow)]
        plaintext: SecretRef<'a>,
        /// Additional authenticated data.
        #[serde(borrow)]
        aad: Bytes<'a>,
    },
    /// Decrypts user data.
    Decrypt {
        /// The key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
        /// The ciphertext.
        #[serde(borrow)]
        ciphertext: Bytes<'a>,
        /// Additional authenticated data.
        #[serde(borrow)]
        aad: Bytes<'a>,
    },
    /// Decrypts under one key and encrypts under another.
    ReEncrypt {
        /// The key material of the ciphertext.
        #[serde(borrow)]
        source: SealedMaterialRef<'a>,
        /// How the ciphertext was made.
        source_algorithm: EncryptionAlgorithm,
        /// The ciphertext.
        #[serde(borrow)]
        ciphertext: Bytes<'a>,
        /// Additional authenticated data of the ciphertext; empty unless the key is symmetric.
        #[serde(borrow)]
        source_aad: Bytes<'a>,
        /// The key material of the new ciphertext.
        #[serde(borrow)]
        destination: SealedMaterialRef<'a>,
        /// How the new ciphertext is made.
        destination_algorithm: EncryptionAlgorithm,
        /// Additional authenticated data of the new ciphertext; empty unless the key is symmetric.
        #[serde(borrow)]
        destination_aad: Bytes<'a>,
    },
    /// Makes a data key and encrypts it.
    GenerateDataKey {
        /// The key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
        /// Length of the data key, in bytes.
        length: u32,
        /// Additional authenticated data.
        #[serde(borrow)]
        aad: Bytes<'a>,
        /// Whether the data key is answered beside its ciphertext.
        plaintext: bool,
    },
    /// Random bytes.
    GenerateRandom {
        /// How many.
        length: u32,
    },
    /// The public half of an asymmetric key.
    PublicKey {
        /// The key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
    },
    /// Signs.
    Sign {
        /// The key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
        /// How.
        algorithm: SigningAlgorithm,
        /// What the message is.
        message_type: MessageType,
        /// The message, its digest or its representative.
        #[serde(borrow)]
        message: Bytes<'a>,
    },
    /// Verifies a signature.
    Verify {
        /// The key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
        /// How it was signed.
        algorithm: SigningAlgorithm,
        /// What the message is.
        message_type: MessageType,
        /// The message, its digest or its representative.
        #[serde(borrow)]
        message: Bytes<'a>,
        /// The signature.
        #[serde(borrow)]
        signature: Bytes<'a>,
    },
    /// Makes a MAC.
    Mac {
        /// The key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
        /// How.
        algorithm: MacAlgorithm,
        /// The message.
        #[serde(borrow)]
        message: Bytes<'a>,
    },
    /// Verifies a MAC.
    VerifyMac {
        /// The key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
        /// How it was made.
        algorithm: MacAlgorithm,
        /// The message.
        #[serde(borrow)]
        message: Bytes<'a>,
        /// The MAC.
        #[serde(borrow)]
        mac: Bytes<'a>,
    },
    /// Encrypts user data under the public half of an asymmetric key.
    AsymmetricEncrypt {
        /// The key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
        /// How.
        algorithm: EncryptionAlgorithm,
        /// The data.
        #[serde(borrow)]
        plaintext: SecretRef<'a>,
    },
    /// Decrypts user data under the private half of an asymmetric key.
    AsymmetricDecrypt {
        /// The key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
        /// How it was encrypted.
        algorithm: EncryptionAlgorithm,
        /// The ciphertext.
        #[serde(borrow)]
        ciphertext: Bytes<'a>,
    },
    /// Agrees on a secret with the holder of another key.
    DeriveSharedSecret {
        /// The key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
        /// The other side's public key, SubjectPublicKeyInfo in DER.
        #[serde(borrow)]
        peer_public_key: Bytes<'a>,
    },
    /// Makes a shared secret and encapsulates it under the key's own public half.
    Encapsulate {
        /// The key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
    },
    /// Opens an encapsulated secret.
    Decapsulate {
        /// The key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
        /// The encapsulated secret.
        #[serde(borrow)]
        ciphertext: Bytes<'a>,
    },
    /// Makes a key pair and encrypts its private half.
    GenerateDataKeyPair {
        /// The symmetric key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
        /// The type of the pair.
        spec: DataKeyPairSpec,
        /// Additional authenticated data.
        #[serde(borrow)]
        aad: Bytes<'a>,
        /// Whether the private half is answered beside its ciphertext.
        plaintext: bool,
    },
    /// Makes a key under which material can be wrapped, and a token that carries its sealed private half.
    ImportParameters {
        /// The key whose material will be imported.
        key: KeyPlace,
        /// How the material will be wrapped.
        algorithm: WrappingAlgorithm,
        /// The type of the wrapping key.
        wrapping_key_spec: WrappingKeySpec,
        /// The last moment at which the token is taken.
        valid_to: Timestamp,
    },
    /// Unwraps, checks and seals imported key material.
    ImportMaterial {
        /// The key it is for.
        key: KeyPlace,
        /// The token that was answered to `ImportParameters`.
        #[serde(borrow)]
        token: Bytes<'a>,
        /// The wrapped material.
        #[serde(borrow)]
        encrypted: Bytes<'a>,
        /// The present.
        now: Timestamp,
    },
    /// Seals the material of a multi-Region key for its copy in another Region.
    ResealMaterial {
        /// The key material, where it is.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
        /// The Region of the copy.
        region: Region,
    },
    /// Seals records of the store.
    SealRecords {
        /// Place and plaintext of each.
        #[serde(borrow)]
        records: Vec<Record<'a>>,
    },
    /// Opens records of the store.
    OpenRecords {
        /// Place and sealed form of each.
        #[serde(borrow)]
        records: Vec<Record<'a>>,
    },
    /// Generates and seals a secret access key.
    CreateAccessKey {
        /// The access key id to which the secret is bound.
        access_key_id: &'a str,
    },
    /// Seals a secret access key that another system gave out, so that requests to that system can be signed.
    SealAccessKey {
        /// The name to which the secret is bound.
        access_key_id: &'a str,
        /// The secret.
        #[serde(borrow)]
        secret: SecretRef<'a>,
    },
    /// Derives the signing key of one day, Region and service from a sealed secret access key.
    SigningKey {
        /// The access key id to which the secret is bound.
        access_key_id: &'a str,
        /// The sealed secret access key.
        #[serde(borrow)]
        sealed: Bytes<'a>,
        /// What the signing key is good for.
        #[serde(borrow)]
        scope: Scope<'a>,
    },
    /// Makes a session token and its secret access key.
    IssueSession {
        /// The access key id to which the token is bound.
        access_key_id: &'a str,
        /// What the token says, in the server's form.
        #[serde(borrow)]
        claims: Bytes<'a>,
    },
    /// Opens a session token and derives a signing key from its secret access key.
    OpenSession {
        /// The access key id to which the token is bound.
        access_key_id: &'a str,
        /// The token.
        #[serde(borrow)]
        token: Bytes<'a>,
        /// What the signing key is good for.
        #[serde(borrow)]
        scope: Scope<'a>,
    },
    /// Seals what a denial rests on, for an account.
    SealAuthorizationMessage {
        /// The account to which the message is bound.
        #[serde(with = "ids::account")]
        account: AccountId,
        /// The message, in the server's form.
        #[serde(borrow)]
        message: Bytes<'a>,
    },
    /// Opens such a message.
    OpenAuthorizationMessage {
        /// The account to which the message is bound.
        #[serde(with = "ids::account")]
        account: AccountId,
        /// The sealed message.
        #[serde(borrow)]
        sealed: Bytes<'a>,
    },
    /// Generates and seals the seed of a device that shows one-time codes.
    CreateMfaSeed {
        /// The device to which the seed is bound.
        device: &'a str,
    },
    /// Checks one code of a device, or two that follow each other.
    CheckMfaCode {
        /// The device to which the seed is bound.
        device: &'a str,
        /// The sealed seed.
        #[serde(borrow)]
        sealed: Bytes<'a>,
        /// The code; the earlier of two.
        #[serde(borrow)]
        code: SecretRef<'a>,
        /// The code of the step after it.
        #[serde(borrow)]
        next_code: Option<SecretRef<'a>>,
        /// Which steps the code may be of.
        steps: MfaSteps,
    },
    /// Verifies a signature under a public key that is not ours.
    VerifyForeign {
        /// The key.
        #[serde(borrow)]
        key: ForeignKey<'a>,
        /// How it was signed.
        algorithm: ForeignAlgorithm,
        /// The message.
        #[serde(borrow)]
        message: Bytes<'a>,
        /// The signature: of ECDSA both numbers, each as long as the curve's order (RFC 7518 section 3.4).
        #[serde(borrow)]
        signature: Bytes<'a>,
    },
    /// Whether an attested message is genuine.
    VerifyAttestation {
        /// The message with its signature and certificates.
        #[serde(borrow)]
        attested: Attested<'a>,
        /// The present, at which every certificate must be valid.
        now: Timestamp,
    },
    /// Does a job whose secret leaves the keeper only encrypted to somebody.
    ForRecipient {
        /// The recipient's RSA key, SubjectPublicKeyInfo in DER.
        #[serde(borrow)]
        public_key: Bytes<'a>,
        /// The job.
        #[serde(borrow)]
        job: RecipientJob<'a>,
    },
}

/// The time steps of which a one-time code is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MfaSteps {
    /// The device's present step.
    pub present: u64,
    /// How many steps before and after the present one are taken too, at most [`crate::MFA_REACH_STEPS_MAX`].
    pub reach: u32,
    /// The last step that was ever taken; only later ones are.
    pub last_taken: Option<u64>,
}

/// A public key that is not ours, as a JSON Web Key has it (RFC 7518 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ForeignKey<'a> {
    /// A point of a curve of NIST; the algorithm says of which.
    Ec {
        /// Its first coordinate, big-endian.
        #[serde(borrow)]
        x: Bytes<'a>,
        /// Its second coordinate, big-endian.
        #[serde(borrow)]
        y: Bytes<'a>,
    },
    /// An RSA key of 2048 to 8192 bits.
    Rsa {
        /// The modulus, big-endian.
        #[serde(borrow)]
        modulus: Bytes<'a>,
        /// The exponent, big-endian.
        #[serde(borrow)]
        exponent: Bytes<'a>,
    },
}

/// How tokens of others may be signed (RFC 7518 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ForeignAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
}

/// One record of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record<'a> {
    /// Keyspace, key and version: what the record is bound to.
    #[serde(borrow)]
    pub place: Bytes<'a>,
    /// The record, plain or sealed.
    #[serde(borrow)]
    pub body: Bytes<'a>,
}

/// Date, Region and service of a signature (AWS Signature Version 4, "credential scope").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope<'a> {
    /// Eight digits: year, month, day.
    pub date: &'a str,
    /// The Region.
    pub region: &'a str,
    /// The service name.
    pub service: &'a str,
}

/// What the keeper answers.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// To [`Request::Hello`], whatever the server's version is.
    Hello {
        /// The keeper's protocol version.
        version: u16,
    },
    /// Done; nothing to say.
    Done,
    /// A keyring, a ciphertext.
    Bytes(OwnedBytes),
    /// A plaintext, a signing key, random bytes.
    Secret(Secret),
    /// A data key, an access key, a session.
    BytesAndSecret {
        /// What may be stored or shown.
        bytes: OwnedBytes,
        /// What may not.
        secret: Secret,
    },
    /// New key material.
    Material {
        /// Its id.
        #[serde(with = "ids::material_id")]
        material_id: MaterialId,
        /// Its sealed form.
        blob: OwnedBytes,
        /// The public half of an asymmetric key.
        public_key: Option<OwnedBytes>,
    },
    /// A data key pair.
    DataKeyPair {
        /// The encrypted private half.
        private_key_ciphertext: OwnedBytes,
        /// The public half.
        public_key: OwnedBytes,
        /// The private half, if it was asked for.
        private_key: Option<Secret>,
    },
    /// What somebody needs who wraps material for import.
    ImportParameters {
        /// To be given back with the wrapped material.
        token: OwnedBytes,
        /// The wrapping key's public half.
        public_key: OwnedBytes,
    },
    /// Whether a signature or MAC is good.
    Verdict(bool),
    /// One entry per record of the request, in its order; none where the record was refused.
    Records(Vec<Option<OwnedBytes>>),
    /// A primitive failed.
    Failed,
    /// The request is not answered.
    Refused(Reason),
    /// The step of the (later) one-time code, if it was right and not taken before.
    MfaStep(Option<u64>),
    /// To [`Request::ForRecipient`].
    ForRecipient {
        /// The secret, as CMS EnvelopedData (RFC 5652).
        enveloped: OwnedBytes,
        /// The ciphertext of what was generated.
        ciphertext: Option<OwnedBytes>,
        /// The public half of a data key pair.
        public_key: Option<OwnedBytes>,
    },
}
