//! The messages of the protocol, as JSON writes them.
//!
//! Rule: the payload tables of the specification. Invariant: an answer is used only after its lengths and its integrity
//! value were checked.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// On whose behalf, and for which call, a proxy is asked.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestMetadata<'a> {
    /// The caller, as `aws:PrincipalArn` has it; none when the server asks by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_principal_arn: Option<&'a str>,
    /// The KMS key; none before there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_arn: Option<&'a str>,
    /// The operation of the KMS API.
    pub kms_operation: &'a str,
    /// The request id that the trail has.
    pub kms_request_id: &'a str,
    /// The service that calls for the caller, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_via_service: Option<&'a str>,
}

/// Health and key metadata are asked for with nothing but this.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetadataRequest<'a> {
    pub(super) request_metadata: RequestMetadata<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EncryptRequest<'a> {
    pub(super) request_metadata: RequestMetadata<'a>,
    #[serde(serialize_with = "to_base64")]
    pub(super) additional_authenticated_data: &'a [u8],
    #[serde(serialize_with = "to_base64")]
    pub(super) plaintext: &'a [u8],
    pub(super) encryption_algorithm: &'a str,
    pub(super) ciphertext_data_integrity_value_algorithm: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DecryptRequest<'a> {
    pub(super) request_metadata: RequestMetadata<'a>,
    #[serde(serialize_with = "to_base64")]
    pub(super) additional_authenticated_data: &'a [u8],
    #[serde(serialize_with = "to_base64")]
    pub(super) ciphertext: &'a [u8],
    #[serde(serialize_with = "to_base64_if_any", skip_serializing_if = "Option::is_none")]
    pub(super) ciphertext_metadata: Option<&'a [u8]>,
    pub(super) encryption_algorithm: &'a str,
    #[serde(serialize_with = "to_base64")]
    pub(super) initialization_vector: &'a [u8],
    #[serde(serialize_with = "to_base64")]
    pub(super) authentication_tag: &'a [u8],
}

/// What a proxy made of a plaintext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// As long as the plaintext.
    pub ciphertext: Vec<u8>,
    /// 12 or 16 bytes.
    pub iv: Vec<u8>,
    /// The tag of AES-GCM.
    pub tag: [u8; TAG_BYTES],
    /// Up to [`METADATA_BYTES_MAX`] bytes of the proxy's own.
    pub metadata: Option<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EncryptResponse {
    #[serde(deserialize_with = "from_base64")]
    ciphertext: Vec<u8>,
    #[serde(default, deserialize_with = "from_base64_if_any")]
    ciphertext_metadata: Option<Vec<u8>>,
    #[serde(deserialize_with = "from_base64")]
    initialization_vector: Vec<u8>,
    #[serde(deserialize_with = "from_base64")]
    authentication_tag: Vec<u8>,
    #[serde(deserialize_with = "from_base64")]
    ciphertext_data_integrity_value: Vec<u8>,
}

impl EncryptResponse {
    /// The answer, if it is in form for a plaintext of that length and its integrity value is right.
    pub(super) fn checked(self, plaintext_length: usize, aad: &[u8]) -> Option<Wrapped> {
        let wrapped = Wrapped {
            ciphertext: self.ciphertext,
            iv: self.initialization_vector,
            tag: self.authentication_tag.as_slice().try_into().ok()?,
            // An empty text means the same as none.
            metadata: self.ciphertext_metadata.filter(|metadata| !metadata.is_empty()),
        };
        let fits = wrapped.ciphertext.len() == plaintext_length && wrapped.is_in_form();
        (fits && wrapped.integrity_value(aad) == self.ciphertext_data_integrity_value).then_some(wrapped)
    }
}

impl Wrapped {
    /// Whether its parts have lengths that the specification allows.
    #[must_use]
    pub fn is_in_form(&self) -> bool {
        let metadata_length = self.metadata.as_ref().map_or(0, Vec::len);
        matches!(self.iv.len(), 12 | 16)
            && metadata_length <= METADATA_BYTES_MAX
            && (1..=CIPHERTEXT_BYTES_MAX).contains(&self.ciphertext.len())
    }

    /// Rule: "Ciphertext Data Integrity Value" of the specification: SHA-256 over the parts, without their lengths.
    fn integrity_value(&self, aad: &[u8]) -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(aad);
        hash.update(self.metadata.as_deref().unwrap_or_default());
        hash.update(&self.iv);
        hash.update(&self.ciphertext);
        hash.update(self.tag);
        hash.finalize().to_vec()
    }
}

#[derive(Deserialize)]
pub(super) struct DecryptResponse {
    #[serde(deserialize_with = "from_base64")]
    pub(super) plaintext: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HealthResponse {
    /// The specification demands these three; they tell that a proxy answers and not just any web server.
    #[serde(rename = "xksProxyFleetSize")]
    _fleet_size: u64,
    #[serde(rename = "xksProxyVendor")]
    _vendor: String,
    #[serde(rename = "xksProxyModel")]
    _model: String,
    ekm_fleet_details: Vec<ManagerHealth>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManagerHealth {
    health_status: Health,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
enum Health {
    Active,
    Degraded,
    Unavailable,
}

impl HealthResponse {
    /// Whether a key manager is there.
    pub(super) fn is_served(&self) -> bool {
        self.ekm_fleet_details.iter().any(|manager| manager.health_status != Health::Unavailable)
    }
}

/// What an external key is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUse {
    /// Whether it is an AES key of 256 bits that encrypts and decrypts.
    pub fits: bool,
    /// Whether it is switched on.
    pub enabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetadataResponse {
    key_spec: String,
    key_usage: Vec<String>,
    key_status: KeyStatus,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
enum KeyStatus {
    Disabled,
    Enabled,
}

impl MetadataResponse {
    pub(super) fn key_use(&self) -> KeyUse {
        let does = |usage: &str| self.key_usage.iter().any(|own| own == usage);
        KeyUse {
            fits: self.key_spec == "AES_256" && does("ENCRYPT") && does("DECRYPT"),
            enabled: self.key_status == KeyStatus::Enabled,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorResponse {
    pub(super) error_name: String,
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn to_base64_if_any<S: Serializer>(bytes: &Option<&[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    to_base64(bytes.unwrap_or_default(), serializer)
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    STANDARD.decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

fn from_base64_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| STANDARD.decode(text).map_err(serde::de::Error::custom)).transpose()
}

pub(super) const AES_GCM: &str = "AES_GCM";
pub(super) const SHA_256: &str = "SHA_256";
/// Length of the tag.
pub(super) const TAG_BYTES: usize = 16;
/// Longest metadata of a ciphertext (`ciphertextMetadata` of the specification).
pub(super) const METADATA_BYTES_MAX: usize = 20;
/// Longest text that a proxy must take (`plaintext` of the specification).
pub(super) const CIPHERTEXT_BYTES_MAX: usize = 4300;

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's appendix on the integrity value.
    const EXAMPLE: &str = r#"{"authenticationTag": "vBxN2ncH1oEkR8WVXpmyYQ==", "ciphertext": "ghxkK1txeDNn3q8Y",
        "ciphertextDataIntegrityValue": "qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc=",
        "ciphertextMetadata": "a2V5X3ZlcnNpb249MQ==", "initializationVector": "HMrlRw85cAJUd5Ax"}"#;
    const AAD: &[u8] = b"project=nile,department=marketing";

    fn answer(json: &str) -> Option<EncryptResponse> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn the_published_integrity_value_is_right() {
        let wrapped = answer(EXAMPLE).unwrap().checked("Hello World!".len(), AAD).unwrap();
        assert_eq!(wrapped.metadata.unwrap(), b"key_version=1");
    }

    #[test]
    fn answers_out_of_form_are_refused() {
        assert!(answer(EXAMPLE).unwrap().checked(11, AAD).is_none(), "another length than the plaintext's");
        assert!(answer(EXAMPLE).unwrap().checked(12, b"other").is_none(), "another AAD");
        for (from, to) in [
            ("ghxkK1txeDNn3q8Y", "ghxkK1txeDNn3q8Z"),
            ("a2V5X3ZlcnNpb249MQ==", "a2V5X3ZlcnNpb249Mg=="),
            ("a2V5X3ZlcnNpb249MQ==", "YWFhYWFhYWFhYWFhYWFhYWFhYWFh"),
            ("HMrlRw85cAJUd5Ax", "HMrlRw85cAJUd5A="),
            ("vBxN2ncH1oEkR8WVXpmyYQ==", "vBxN2ncH1oEkR8WVXpmy"),
        ] {
            assert!(answer(&EXAMPLE.replace(from, to)).is_none_or(|answer| answer.checked(12, AAD).is_none()), "{to}");
        }
        assert!(answer(&EXAMPLE.replace("ciphertextDataIntegrityValue", "other")).is_none(), "no integrity value");
    }

    #[test]
    fn a_key_fits_only_whole() {
        let of = |spec: &str, usage: &str, status: &str| {
            let json = format!(r#"{{"keySpec": "{spec}", "keyUsage": {usage}, "keyStatus": "{status}"}}"#);
            serde_json::from_str::<MetadataResponse>(&json).unwrap().key_use()
        };
        let both = r#"["ENCRYPT", "DECRYPT", "WRAP"]"#;
        assert_eq!(of("AES_256", both, "ENABLED"), KeyUse { fits: true, enabled: true });
        assert_eq!(of("AES_256", both, "DISABLED"), KeyUse { fits: true, enabled: false });
        assert!(!of("AES_128", both, "ENABLED").fits);
        assert!(!of("AES_256", r#"["ENCRYPT"]"#, "ENABLED").fits);
    }

    #[test]
    fn a_fleet_without_a_manager_that_answers_serves_nothing() {
        let of = |states: &str| {
            let json = format!(
                r#"{{"xksProxyFleetSize": 1, "xksProxyVendor": "v", "xksProxyModel": "m", "ekmVendor": "e",
                    "ekmFleetDetails": [{states}]}}"#
            );
            serde_json::from_str::<HealthResponse>(&json).unwrap().is_served()
        };
        assert!(of(r#"{"healthStatus": "UNAVAILABLE"}, {"healthStatus": "DEGRADED"}"#));
        assert!(!of(r#"{"healthStatus": "UNAVAILABLE"}"#));
        assert!(!of(""));
    }
}
