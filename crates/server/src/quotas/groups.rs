//! Which operations share a quota, and how much AWS gives each group.
//!
//! Rule: "Request quotas" of the AWS KMS developer guide. Operations on key material share one quota by the kind of the
//! key; every other operation has its own. Not of the guide: ML-KEM, which it does not name, has what the other
//! asymmetric kinds have; the shared symmetric quota is in every Region that of the largest ones.

use kanuki_types::KeySpec;

use super::Draw;

/// A group: its place in [`GROUPS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Group(pub(super) usize);

/// Every group with its calls per second: first those of key material, then operations by name, sorted.
pub(super) const GROUPS: &[(&str, u32)] = &[
    ("symmetric", 100_000),
    ("rsa", 1000),
    ("ecc", 1000),
    ("ml_dsa", 1000),
    ("ml_kem", 1000),
    ("data_key_pair_ecc", 100),
    ("data_key_pair_ed25519", 100),
    ("data_key_pair_rsa_2048", 20),
    ("data_key_pair_rsa_3072", 4),
    ("data_key_pair_rsa_4096", 1),
    ("data_key_pair_sm2", 25),
    ("CancelKeyDeletion", 5),
    ("ConnectCustomKeyStore", 5),
    ("CreateAlias", 5),
    ("CreateCustomKeyStore", 5),
    ("CreateGrant", 50),
    ("CreateKey", 5),
    ("DeleteAlias", 15),
    ("DeleteCustomKeyStore", 5),
    ("DeleteImportedKeyMaterial", 15),
    ("DescribeCustomKeyStores", 5),
    ("DescribeKey", 2000),
    ("DisableKey", 5),
    ("DisableKeyRotation", 5),
    ("DisconnectCustomKeyStore", 5),
    ("EnableKey", 5),
    ("EnableKeyRotation", 15),
    ("GetKeyLastUsage", 5),
    ("GetKeyPolicy", 1000),
    ("GetKeyRotationStatus", 1000),
    ("GetParametersForImport", 1),
    ("GetPublicKey", 2000),
    ("ImportKeyMaterial", 15),
    ("ListAliases", 500),
    ("ListGrants", 100),
    ("ListKeyPolicies", 100),
    ("ListKeyRotations", 100),
    ("ListKeys", 500),
    ("ListResourceTags", 2000),
    ("ListRetirableGrants", 100),
    ("PutKeyPolicy", 15),
    ("ReplicateKey", 5),
    ("RetireGrant", 50),
    ("RevokeGrant", 50),
    ("RotateKeyOnDemand", 5),
    ("ScheduleKeyDeletion", 15),
    ("TagResource", 10),
    ("UntagResource", 5),
    ("UpdateAlias", 5),
    ("UpdateCustomKeyStore", 5),
    ("UpdateKeyDescription", 5),
    ("UpdatePrimaryRegion", 5),
];

pub(super) const SYMMETRIC: Group = Group(0);
const RSA: Group = Group(1);
const ECC: Group = Group(2);
const ML_DSA: Group = Group(3);
const ML_KEM: Group = Group(4);
const PAIR_ECC: Group = Group(5);
const PAIR_ED25519: Group = Group(6);
const PAIR_RSA_2048: Group = Group(7);
const PAIR_RSA_3072: Group = Group(8);
const PAIR_RSA_4096: Group = Group(9);
const PAIR_SM2: Group = Group(10);
/// Where the operations begin.
const OPERATIONS_FROM: usize = 11;

/// How the group of an operation is found.
pub(super) fn draw_of(operation: &str) -> Draw {
    let operations = GROUPS.get(OPERATIONS_FROM..).unwrap_or_default();
    if let Ok(place) = operations.binary_search_by(|(name, _)| (*name).cmp(operation)) {
        return Draw::One(Group(OPERATIONS_FROM + place));
    }
    match operation {
        "GenerateDataKeyPair" | "GenerateDataKeyPairWithoutPlaintext" => Draw::ByPairSpec,
        "GenerateRandom" => Draw::One(SYMMETRIC),
        // The operations on key material; a new one is charged by its key too.
        _ => Draw::ByKey,
    }
}

/// The group of operations on the material of a key.
pub(super) fn of_key(spec: KeySpec) -> Group {
    let name = spec.as_str();
    match () {
        () if name.starts_with("RSA_") => RSA,
        () if name.starts_with("ECC_") || name == "SM2" => ECC,
        () if name.starts_with("ML_DSA_") => ML_DSA,
        () if name.starts_with("ML_KEM_") => ML_KEM,
        () => SYMMETRIC,
    }
}

/// The group of a data key pair. Kinds that the guide does not name, and names of no kind, cost what a curve costs.
pub(super) fn of_pair_spec(spec: &str) -> Group {
    match spec {
        "ECC_NIST_EDWARDS25519" => PAIR_ED25519,
        "RSA_2048" => PAIR_RSA_2048,
        "RSA_3072" => PAIR_RSA_3072,
        "RSA_4096" => PAIR_RSA_4096,
        "SM2" => PAIR_SM2,
        _ => PAIR_ECC,
    }
}
