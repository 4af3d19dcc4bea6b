//! The installation's own certificate authority, for those who have none.
//!
//! It signs certificates of this server and nothing else. Invariants: its private key is in the store alone, where the
//! keeper seals it; the key of a certificate that it signs lives in this process's memory and ends with it.
//!
//! Rule: RFC 5280 section 4.2 (which extensions a certificate bears); RFC 9525 (names of servers).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kanuki_store::{Keyspace, Store, StoreError, Transaction};
use kanuki_types::{Random, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::{HostNames, TlsError};
use crate::{base64_text, keyspaces};

/// The authorities of an installation: one, under the key [`ONLY`].
#[derive(Debug)]
struct Authorities;

impl Keyspace for Authorities {
    const ID: u8 = keyspaces::CERTIFICATE_AUTHORITIES;
    const NAME: &'static str = "certificate authorities";
    type Key = u64;
    type Value = AuthorityRecord;
}

/// What is kept of an authority. It has no `Debug`: it holds a private key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthorityRecord {
    /// Its name, which every certificate that it signs repeats.
    name: String,
    /// Its certificate, in PEM.
    certificate: String,
    /// Its private key, in PKCS #8.
    #[serde(with = "base64_text")]
    private_key: Vec<u8>,
    /// The end of its certificate.
    expires: Timestamp,
}

/// The authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    expires: Timestamp,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// A certificate with its private key, and when it should be replaced.
pub(super) struct Issued {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) private_key: PrivateKeyDer<'static>,
    pub(super) renew_at: Timestamp,
}

impl Authority {
    /// The installation's authority; it is made if there is none, or if it has ended.
    ///
    /// # Errors
    /// If the store fails, or if no key can be made.
    pub async fn open(store: &Store, random: &dyn Random, now: Timestamp) -> Result<Self, TlsError> {
        let stored = store.get::<Authorities>(&ONLY).await.map_err(TlsError::new)?;
        let (record, seen) = match stored {
            Some(stored) if stored.value.expires > now => return Self::from_record(&stored.value),
            Some(ended) => (new_record(random, now)?, Some(ended.version)),
            None => (new_record(random, now)?, None),
        };
        let mut change = Transaction::default();
        match seen {
            Some(version) => change.update::<Authorities>(&ONLY, version, &record),
            None => change.create::<Authorities>(&ONLY, &record),
        }
        store.commit(change).await.map_err(|error: StoreError| TlsError::new(error))?;
        Self::from_record(&record)
    }

    /// Its certificate in PEM: what clients have to trust.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    fn from_record(record: &AuthorityRecord) -> Result<Self, TlsError> {
        let key = PrivatePkcs8KeyDer::from(record.private_key.as_slice());
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ECDSA_P256_SHA256).map_err(TlsError::new)?;
        let issuer = Issuer::new(authority_parameters(&record.name), key);
        Ok(Self { issuer, certificate: record.certificate.clone(), expires: record.expires })
    }

    /// Signs a certificate of a new key for these names.
    ///
    /// # Errors
    /// If no key can be made.
    pub(super) fn issue(&self, names: &HostNames, now: Timestamp) -> Result<Issued, TlsError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(TlsError::new)?;
        let mut parameters = CertificateParams::new(names.texts()).map_err(TlsError::new)?;
        parameters.distinguished_name.push(DnType::CommonName, "Kanuki");
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
        let expires = now.plus_seconds(DAYS_OF_A_CERTIFICATE * DAY).min(self.expires);
        valid(&mut parameters, now, expires)?;
        let certificate = parameters.signed_by(&key, &self.issuer).map_err(TlsError::new)?;
        Ok(Issued {
            certificate: certificate.der().clone(),
            private_key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            renew_at: now.plus_seconds(DAYS_BEFORE_RENEWAL * DAY),
        })
    }
}

fn new_record(random: &dyn Random, now: Timestamp) -> Result<AuthorityRecord, TlsError> {
    // Two installations' authorities in one list of trusted ones should be told apart by their names.
    let mark: [u8; 4] = random.bytes();
    let name = format!("Kanuki private authority {:08x}", u32::from_be_bytes(mark));
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(TlsError::new)?;
    let mut parameters = authority_parameters(&name);
    let expires = now.plus_seconds(DAYS_OF_AN_AUTHORITY * DAY);
    valid(&mut parameters, now, expires)?;
    let certificate = parameters.self_signed(&key).map_err(TlsError::new)?;
    Ok(AuthorityRecord { name, certificate: pem(certificate.der()), private_key: key.serialize_der(), expires })
}

/// What an authority's certificate says of it, but for the time.
fn authority_parameters(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters
}

fn valid(parameters: &mut CertificateParams, now: Timestamp, expires: Timestamp) -> Result<(), TlsError> {
    let at = |instant: Timestamp| OffsetDateTime::from_unix_timestamp(instant.seconds()).map_err(TlsError::new);
    // Clients' clocks may be behind.
    parameters.not_before = at(now.plus_seconds(-DAY))?;
    parameters.not_after = at(expires)?;
    Ok(())
}

/// A certificate as text (RFC 7468, sections 2 and 5).
fn pem(certificate: &CertificateDer<'_>) -> String {
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for (index, character) in STANDARD.encode(certificate).chars().enumerate() {
        if index > 0 && index % PEM_LINE_CHARS == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str("\n-----END CERTIFICATE-----\n");
    text
}

/// RFC 7468, section 2.
const PEM_LINE_CHARS: usize = 64;
const ONLY: u64 = 0;
const DAY: i64 = 86_400;
const DAYS_OF_AN_AUTHORITY: i64 = 3650;
/// Clients refuse server certificates that are good for much more than a year.
const DAYS_OF_A_CERTIFICATE: i64 = 90;
const DAYS_BEFORE_RENEWAL: i64 = 60;
