//! The server's side of the wall: one typed, asynchronous method per message.
//!
//! Not here: starting the process, keeping the keyring; nothing is tried again.
//! Invariants: a dead keeper is [`KeeperError::Gone`] for every pending and later call; dropping a call's future leaves
//! nothing behind but an answer that is thrown away.

mod asymmetric;
mod authorization;
mod import;
mod login;
mod mux;
mod recipient;

pub use recipient::Enveloped;

use kanuki_types::{AccountId, EncryptionAlgorithm, KeyId, KeySpec, Region, SecretBytes};
use tokio::net::UnixStream;

use crate::{
    Bytes, KeeperError, KeyPlace, NewMaterial, OwnedBytes, PROTOCOL_VERSION, RECORDS_MAX, Reason, Record, Request,
    Response, Scope, SealedMaterialRef, SecretRef, limits::RECORD_BATCH_BYTES_MAX,
};

/// A connection to the keeper. Clones share it; calls are pipelined.
#[derive(Clone, Debug)]
pub struct Client {
    mux: mux::Mux,
}

impl Client {
    /// Shakes hands on a connected stream and starts the tasks that carry the frames. Needs a runtime with time on.
    /// When the last clone is dropped the connection is closed, which ends the keeper.
    ///
    /// # Errors
    /// [`KeeperError::Protocol`] if the other side speaks another version or none, [`KeeperError::Gone`] if it closes.
    pub async fn connect(stream: UnixStream) -> Result<Self, KeeperError> {
        let client = Self { mux: mux::Mux::start(stream) };
        match client.mux.call(&Request::Hello { version: PROTOCOL_VERSION }).await? {
            Response::Hello { version: PROTOCOL_VERSION } => Ok(client),
            _ => Err(KeeperError::Protocol),
        }
    }

    /// Makes a root key, seals it with the keeper's provider, and makes the first domain and token keys. The keeper is
    /// ready then. Answers the keyring, which the caller must have stored before it stores anything sealed.
    ///
    /// # Errors
    /// [`Reason::WrongPhase`] unless the keeper is sealed.
    pub async fn initialise(&self) -> Result<Vec<u8>, KeeperError> {
        self.bytes(&Request::Initialise).await
    }

    /// Opens a keyring. The keeper is ready then.
    ///
    /// # Errors
    /// [`KeeperError::Failed`] if the keeper's seal does not open it, [`Reason::WrongPhase`] unless it is sealed.
    pub async fn unseal(&self, keyring: Vec<u8>) -> Result<(), KeeperError> {
        self.done(&Request::Unseal { keyring: Bytes(&keyring) }).await
    }

    /// A keyring with one more domain key. Nothing changes until a keeper unseals it, so that nothing is ever sealed
    /// under a key that is not yet stored.
    ///
    /// # Errors
    /// See [`KeeperError`].
    pub async fn rotate_domain_key(&self) -> Result<Vec<u8>, KeeperError> {
        self.bytes(&Request::RotateDomainKey).await
    }

    /// Lets the keeper forget every key. Calls before it are answered, later ones are refused.
    ///
    /// # Errors
    /// See [`KeeperError`].
    pub async fn drain(&self) -> Result<(), KeeperError> {
        self.done(&Request::Drain).await
    }

    /// Generates key material and answers its id, its sealed form and, of an asymmetric key, the public half.
    ///
    /// # Errors
    /// [`Reason::UnsupportedSpec`] for a spec that is not implemented, [`Reason::Busy`] if too much slow work waits.
    pub async fn create_material(
        &self,
        account: AccountId,
        region: &Region,
        key_id: KeyId,
        spec: KeySpec,
    ) -> Result<NewMaterial, KeeperError> {
        let key = KeyPlace { account, region: region.clone(), key_id, spec };
        self.material(&Request::CreateMaterial { key }).await
    }

    /// Seals given key material, for tests and seeds: bytes for symmetric and HMAC keys, else PKCS#8 in DER.
    ///
    /// # Errors
    /// [`Reason::BadRequest`] if the keeper was not started for it or the material does not fit the spec.
    pub async fn insecure_seal_material(
        &self,
        account: AccountId,
        region: &Region,
        key_id: KeyId,
        spec: KeySpec,
        material: SecretBytes,
    ) -> Result<NewMaterial, KeeperError> {
        let key = KeyPlace { account, region: region.clone(), key_id, spec };
        self.material(&Request::InsecureSealMaterial { key, material: SecretRef(material.expose()) }).await
    }

    /// Seals the material of a multi-Region key for its copy in another Region: account, key id, material id and spec
    /// stay, the Region changes. The material stays in the keeper.
    ///
    /// # Errors
    /// [`Reason::BadRequest`] if the key is a single-Region key or the Region is the one that it is in,
    /// [`KeeperError::Failed`] if the material does not open at its place.
    pub async fn reseal_material(
        &self,
        material: SealedMaterialRef<'_>,
        region: &Region,
    ) -> Result<Vec<u8>, KeeperError> {
        self.bytes(&Request::ResealMaterial { material, region: region.clone() }).await
    }

    /// Encrypts up to [`crate::PLAINTEXT_BYTES_MAX`] bytes. The ciphertext is [`crate::CIPHERTEXT_OVERHEAD`] bytes
    /// longer.
    ///
    /// # Errors
    /// See [`KeeperError`].
    pub async fn encrypt(
        &self,
        material: SealedMaterialRef<'_>,
        plaintext: &SecretBytes,
        aad: &[u8],
    ) -> Result<Vec<u8>, KeeperError> {
        let plaintext = SecretRef(plaintext.expose());
        self.bytes(&Request::Encrypt { material, plaintext, aad: Bytes(aad) }).await
    }

    /// Decrypts.
    ///
    /// # Errors
    /// [`KeeperError::Failed`] if the ciphertext is not exactly what was encrypted under this material with this
    /// additional data.
    pub async fn decrypt(
        &self,
        material: SealedMaterialRef<'_>,
        ciphertext: &[u8],
        aad: &[u8],
    ) -> Result<SecretBytes, KeeperError> {
        self.secret(&Request::Decrypt { material, ciphertext: Bytes(ciphertext), aad: Bytes(aad) }).await
    }

    /// Decrypts under one symmetric key and encrypts under another; the plaintext stays in the keeper.
    ///
    /// # Errors
    /// As [`Client::decrypt`] and [`Client::encrypt`].
    pub async fn re_encrypt(
        &self,
        source: SealedMaterialRef<'_>,
        ciphertext: &[u8],
        source_aad: &[u8],
        destination: SealedMaterialRef<'_>,
        destination_aad: &[u8],
    ) -> Result<Vec<u8>, KeeperError> {
        let symmetric = EncryptionAlgorithm::SymmetricDefault;
        self.re_encrypt_with(source, symmetric, ciphertext, source_aad, destination, symmetric, destination_aad).await
    }

    /// Makes a data key of 1 to [`crate::GENERATED_BYTES_MAX`] bytes and answers its ciphertext and itself.
    ///
    /// # Errors
    /// See [`KeeperError`].
    pub async fn generate_data_key(
        &self,
        material: SealedMaterialRef<'_>,
        length: usize,
        aad: &[u8],
    ) -> Result<(Vec<u8>, SecretBytes), KeeperError> {
        let length = to_u32(length)?;
        self.bytes_and_secret(&Request::GenerateDataKey { material, length, aad: Bytes(aad), plaintext: true }).await
    }

    /// Makes a data key and answers only its ciphertext.
    ///
    /// # Errors
    /// See [`KeeperError`].
    pub async fn generate_data_key_without_plaintext(
        &self,
        material: SealedMaterialRef<'_>,
        length: usize,
        aad: &[u8],
    ) -> Result<Vec<u8>, KeeperError> {
        let length = to_u32(length)?;
        self.bytes(&Request::GenerateDataKey { material, length, aad: Bytes(aad), plaintext: false }).await
    }

    /// Random bytes, 1 to [`crate::GENERATED_BYTES_MAX`].
    ///
    /// # Errors
    /// See [`KeeperError`].
    pub async fn generate_random(&self, length: usize) -> Result<SecretBytes, KeeperError> {
        self.secret(&Request::GenerateRandom { length: to_u32(length)? }).await
    }

    /// Seals records, each bound to its place (the first of the pair). Many records cross in several frames.
    ///
    /// # Errors
    /// [`Reason::TooLarge`] if one record does not fit a frame.
    pub async fn seal_records(&self, records: Vec<(Vec<u8>, Vec<u8>)>) -> Result<Vec<Vec<u8>>, KeeperError> {
        let sealed = self.records(&records, |records| Request::SealRecords { records }).await?;
        sealed.into_iter().map(|record| record.ok_or(KeeperError::Failed)).collect()
    }

    /// Opens records. None stands for a record that was refused: edited, of another place, or of another keyring.
    ///
    /// # Errors
    /// [`Reason::TooLarge`] if one record does not fit a frame.
    pub async fn open_records(&self, records: Vec<(Vec<u8>, Vec<u8>)>) -> Result<Vec<Option<Vec<u8>>>, KeeperError> {
        self.records(&records, |records| Request::OpenRecords { records }).await
    }

    /// Generates a secret access key of 40 characters `[A-Za-z0-9+/]`; answers its sealed form and itself.
    ///
    /// # Errors
    /// See [`KeeperError`].
    pub async fn create_access_key(&self, access_key_id: &str) -> Result<(Vec<u8>, SecretBytes), KeeperError> {
        self.bytes_and_secret(&Request::CreateAccessKey { access_key_id }).await
    }

    /// Seals a secret access key that another system gave out; [`Client::signing_key`] takes it under the same name.
    ///
    /// # Errors
    /// [`Reason::TooLarge`] if the name or the secret is longer than 128 bytes.
    pub async fn seal_access_key(&self, access_key_id: &str, secret: &SecretBytes) -> Result<Vec<u8>, KeeperError> {
        self.bytes(&Request::SealAccessKey { access_key_id, secret: SecretRef(secret.expose()) }).await
    }

    /// The signing key of AWS Signature Version 4 for one day, Region and service: 32 bytes.
    ///
    /// # Errors
    /// [`KeeperError::Failed`] if the sealed secret is not this access key id's.
    pub async fn signing_key(
        &self,
        access_key_id: &str,
        sealed: Vec<u8>,
        date: &str,
        region: &str,
        service: &str,
    ) -> Result<SecretBytes, KeeperError> {
        let scope = Scope { date, region, service };
        self.secret(&Request::SigningKey { access_key_id, sealed: Bytes(&sealed), scope }).await
    }

    /// Makes temporary credentials: the token, which is the sealed claims bound to the access key id, and the secret
    /// access key of 40 characters, which is derived from the token and never stored.
    ///
    /// # Errors
    /// See [`KeeperError`].
    pub async fn issue_session(
        &self,
        access_key_id: &str,
        claims: Vec<u8>,
    ) -> Result<(Vec<u8>, SecretBytes), KeeperError> {
        self.bytes_and_secret(&Request::IssueSession { access_key_id, claims: Bytes(&claims) }).await
    }

    /// Opens a session token; answers its claims and the signing key for one day, Region and service.
    ///
    /// # Errors
    /// [`KeeperError::Failed`] if the token was not issued for this access key id under this keyring.
    pub async fn open_session(
        &self,
        access_key_id: &str,
        token: Vec<u8>,
        date: &str,
        region: &str,
        service: &str,
    ) -> Result<(Vec<u8>, SecretBytes), KeeperError> {
        let scope = Scope { date, region, service };
        self.bytes_and_secret(&Request::OpenSession { access_key_id, token: Bytes(&token), scope }).await
    }

    async fn records<'a>(
        &self,
        records: &'a [(Vec<u8>, Vec<u8>)],
        request: impl Fn(Vec<Record<'a>>) -> Request<'a>,
    ) -> Result<Vec<Option<Vec<u8>>>, KeeperError> {
        let mut answers = Vec::with_capacity(records.len());
        let mut rest = records;
        while !rest.is_empty() {
            let (batch, later) = rest.split_at_checked(batch_length(rest)).unwrap_or((rest, &[]));
            let batch = batch.iter().map(|(place, body)| Record { place: Bytes(place), body: Bytes(body) }).collect();
            match self.mux.call(&request(batch)).await? {
                Response::Records(records) => answers.extend(records.into_iter().map(|record| record.map(|r| r.0))),
                other => return Err(unexpected(&other)),
            }
            rest = later;
        }
        if answers.len() == records.len() { Ok(answers) } else { Err(KeeperError::Protocol) }
    }

    async fn done(&self, request: &Request<'_>) -> Result<(), KeeperError> {
        match self.mux.call(request).await? {
            Response::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    async fn bytes(&self, request: &Request<'_>) -> Result<Vec<u8>, KeeperError> {
        match self.mux.call(request).await? {
            Response::Bytes(bytes) => Ok(bytes.0),
            other => Err(unexpected(&other)),
        }
    }

    async fn secret(&self, request: &Request<'_>) -> Result<SecretBytes, KeeperError> {
        match self.mux.call(request).await? {
            Response::Secret(secret) => Ok(secret.0),
            other => Err(unexpected(&other)),
        }
    }

    async fn bytes_and_secret(&self, request: &Request<'_>) -> Result<(Vec<u8>, SecretBytes), KeeperError> {
        match self.mux.call(request).await? {
            Response::BytesAndSecret { bytes, secret } => Ok((bytes.0, secret.0)),
            other => Err(unexpected(&other)),
        }
    }

    async fn material(&self, request: &Request<'_>) -> Result<NewMaterial, KeeperError> {
        match self.mux.call(request).await? {
            Response::Material { material_id, blob, public_key } => {
                let public_key = public_key.map(|OwnedBytes(public_key)| public_key);
                Ok(NewMaterial { id: material_id, sealed: blob.0, public_key })
            }
            other => Err(unexpected(&other)),
        }
    }

    async fn verdict(&self, request: &Request<'_>) -> Result<bool, KeeperError> {
        match self.mux.call(request).await? {
            Response::Verdict(good) => Ok(good),
            other => Err(unexpected(&other)),
        }
    }
}

/// What an answer that is not the wanted one means.
fn unexpected(response: &Response) -> KeeperError {
    match response {
        Response::Failed => KeeperError::Failed,
        Response::Refused(reason) => KeeperError::Refused(*reason),
        _ => KeeperError::Protocol,
    }
}

/// How many of the records go into the next frame: at least one, at most as many as fit.
fn batch_length(records: &[(Vec<u8>, Vec<u8>)]) -> usize {
    let mut bytes = 0usize;
    let fitting = records.iter().take(RECORDS_MAX).take_while(|(place, body)| {
        bytes = bytes.saturating_add(place.len()).saturating_add(body.len()).saturating_add(RECORD_FRAMING_BYTES);
        bytes <= RECORD_BATCH_BYTES_MAX
    });
    fitting.count().max(1)
}

fn to_u32(length: usize) -> Result<u32, KeeperError> {
    u32::try_from(length).map_err(|_| KeeperError::Refused(Reason::TooLarge))
}

/// What a record takes beyond its bytes, at most: lengths on the wire and the overhead of sealing.
const RECORD_FRAMING_BYTES: usize = 64;

#[cfg(test)]
mod tests;
