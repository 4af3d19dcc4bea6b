//! The seed: a declaration of accounts, principals and keys, made where they are missing.
//!
//! Not here: reading the file. Invariants: what exists is never changed; a seed that is wrong in one place makes nothing
//! from that place on and says which; access keys are made fresh, never given.

use std::collections::BTreeMap;

use kanuki_policy::{Document, Target};
use kanuki_store::Transaction;
use kanuki_types::{
    AccountId, AliasArn, AliasName, KeyArn, KeyId, KeyManager, KeySpec, KeyState, KeyUsage, Origin, Region, SecretBytes,
};
use serde::Deserialize;

use super::{
    Accounts, Identity, Owner, PrincipalKind, PrincipalName, PrincipalNames, PrincipalRecord, bootstrap::Makers,
    records::TrustPolicy,
};
use crate::{
    error::ApiError,
    keys::{
        AliasRecord, Aliases, KeyRecord, KeyRecords, Material, MultiRegion, StoredPolicy, alias_key, count_new_key,
        default_policy, key_key,
    },
};

/// A seed file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// The accounts.
    #[serde(default)]
    account: Vec<SeedAccount>,
}

impl Seed {
    /// Whether the seed fixes key material.
    #[must_use]
    pub fn has_insecure_parts(&self) -> bool {
        self.account.iter().any(|account| !account.key.is_empty())
    }
}

/// An account of a seed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedAccount {
    id: AccountId,
    /// Makes an access key for the account's root.
    #[serde(default)]
    root_access_key: bool,
    #[serde(default)]
    user: Vec<SeedUser>,
    #[serde(default)]
    role: Vec<SeedRole>,
    #[serde(default)]
    key: Vec<SeedKey>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedUser {
    name: String,
    #[serde(default = "root_path")]
    path: String,
    #[serde(default)]
    access_key: bool,
    #[serde(default)]
    inline_policies: BTreeMap<String, String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedRole {
    name: String,
    #[serde(default = "root_path")]
    path: String,
    trust_policy: String,
    #[serde(default)]
    inline_policies: BTreeMap<String, String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// A key with a fixed id and fixed material, for tests only.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedKey {
    region: Region,
    insecure_key_id: KeyId,
    /// 64 hexadecimal digits.
    insecure_material: String,
    alias: Option<AliasName>,
    policy: Option<String>,
}

impl std::fmt::Debug for SeedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SeedKey").field("insecure_key_id", &self.insecure_key_id).finish_non_exhaustive()
    }
}

/// Makes what is missing.
///
/// # Errors
/// If a name or policy is wrong, or if store or keeper fail.
pub async fn apply(seed: &Seed, home: AccountId, makers: Makers<'_>, identity: &Identity) -> Result<(), ApiError> {
    // Policies name principals of any account, so every principal comes before the policies that may name it.
    for account in &seed.account {
        if let Some(mut record) = makers.new_account(account.id).await? {
            let mut change = Transaction::default();
            if account.root_access_key {
                let profile = profile(home, account.id, "root");
                let key = makers.access_key(&mut change, account.id, Owner::Root, &profile).await?;
                record.root_access_keys.insert(key);
            }
            change.create::<Accounts>(&account.id, &record);
            makers.store.commit(change).await?;
        }
        for user in &account.user {
            make_user(makers, account.id, user, &profile(home, account.id, &user.name)).await?;
        }
    }
    for account in &seed.account {
        for role in &account.role {
            make_role(makers, identity, account.id, role).await?;
        }
    }
    for account in &seed.account {
        for key in &account.key {
            make_key(makers, identity, account.id, key).await?;
        }
    }
    Ok(())
}

async fn make_user(makers: Makers<'_>, account: AccountId, user: &SeedUser, profile: &str) -> Result<(), ApiError> {
    if exists(makers, account, PrincipalKind::User, &user.name).await? {
        return Ok(());
    }
    check_entity(&user.name, &user.path, &user.inline_policies)?;
    let mut record = PrincipalRecord {
        tags: user.tags.clone(),
        inline_policies: user.inline_policies.clone(),
        ..PrincipalRecord::new(PrincipalKind::User, &user.path, &user.name, makers.now)
    };
    let mut change = Transaction::default();
    let id = makers.new_id(&record);
    if user.access_key {
        let owner = Owner::User(id.clone());
        record.access_keys.insert(makers.access_key(&mut change, account, owner, profile).await?);
    }
    Makers::principal(&mut change, account, &id, &record);
    Ok(makers.store.commit(change).await?)
}

async fn make_role(
    makers: Makers<'_>,
    identity: &Identity,
    account: AccountId,
    role: &SeedRole,
) -> Result<(), ApiError> {
    if exists(makers, account, PrincipalKind::Role, &role.name).await? {
        return Ok(());
    }
    check_entity(&role.name, &role.path, &role.inline_policies)?;
    let document = Document::parse(Target::Trust, &role.trust_policy)
        .map_err(|malformed| wrong(&role.name, &malformed.message))?;
    let principal_ids = principal_ids(identity, &document, &role.name).await?;
    let record = PrincipalRecord {
        tags: role.tags.clone(),
        inline_policies: role.inline_policies.clone(),
        trust_policy: Some(TrustPolicy { text: role.trust_policy.clone(), principal_ids }),
        ..PrincipalRecord::new(PrincipalKind::Role, &role.path, &role.name, makers.now)
    };
    let mut change = Transaction::default();
    Makers::principal(&mut change, account, &makers.new_id(&record), &record);
    Ok(makers.store.commit(change).await?)
}

async fn make_key(makers: Makers<'_>, identity: &Identity, account: AccountId, key: &SeedKey) -> Result<(), ApiError> {
    let arn = KeyArn { account, region: key.region.clone(), key_id: key.insecure_key_id };
    if makers.store.get::<KeyRecords>(&key_key(&arn)).await?.is_some() {
        return Ok(());
    }
    let name = arn.to_string();
    if key.alias.as_ref().is_some_and(AliasName::is_reserved) {
        return Err(wrong(&name, "aliases that begin with alias/aws/ are reserved"));
    }
    let material =
        material(&key.insecure_material).ok_or_else(|| wrong(&name, "insecure_material has 64 hex digits"))?;
    let spec = KeySpec::SymmetricDefault;
    let sealed = makers.keeper.insecure_seal_material(account, &arn.region, arn.key_id, spec, material).await?;
    let material = Material::first(sealed, makers.now);
    let text = key.policy.clone().unwrap_or_else(|| default_policy(account));
    let document = Document::parse(Target::KeyPolicy, &text).map_err(|malformed| wrong(&name, &malformed.message))?;
    let principal_ids = principal_ids(identity, &document, &name).await?;
    let record = KeyRecord {
        created: makers.now,
        description: String::new(),
        spec,
        usage: KeyUsage::EncryptDecrypt,
        origin: Origin::AwsKms,
        manager: KeyManager::Customer,
        state: KeyState::Enabled,
        deletion_date: None,
        pending_window_days: None,
        policy: StoredPolicy { text, principal_ids },
        tags: BTreeMap::new(),
        aliases: key.alias.iter().cloned().collect(),
        current_material: Some(material.id),
        materials: vec![material],
        pending_material: None,
        rotation: None,
        outside: None,
        on_demand_rotations: 0,
        multi_region: MultiRegion::of_new_key(&arn),
    };
    let mut change = Transaction::default();
    // It counts, but a seed is the operator's own word and stops at no quota.
    count_new_key(makers.store, &arn, record.manager, u64::MAX, &mut change).await?;
    change.create::<KeyRecords>(&key_key(&arn), &record);
    if let Some(name) = &key.alias {
        let alias = AliasArn { account, region: arn.region.clone(), name: name.clone() };
        let record = AliasRecord { target: arn.key_id, created: makers.now, updated: makers.now };
        change.create::<Aliases>(&alias_key(&alias), &record);
    }
    Ok(makers.store.commit(change).await?)
}

async fn exists(makers: Makers<'_>, account: AccountId, kind: PrincipalKind, name: &str) -> Result<bool, ApiError> {
    let key = (account, kind, name.to_ascii_lowercase());
    Ok(makers.store.get::<PrincipalNames>(&key).await?.is_some())
}

async fn principal_ids(
    identity: &Identity,
    document: &Document,
    owner: &str,
) -> Result<BTreeMap<String, kanuki_types::UniqueId>, ApiError> {
    let mut ids = BTreeMap::new();
    for name in document.named_principals() {
        match identity.resolve_principal(name).await? {
            PrincipalName::Account => {}
            PrincipalName::Entity(id) => {
                ids.insert(name.to_owned(), id);
            }
            PrincipalName::Unknown => return Err(wrong(owner, &format!("principal {name} does not exist"))),
        }
    }
    Ok(ids)
}

/// Rule: "IAM and AWS STS quotas" of the IAM user guide, names and paths.
fn check_entity(name: &str, path: &str, policies: &BTreeMap<String, String>) -> Result<(), ApiError> {
    let name_is_right =
        (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b));
    if !name_is_right {
        return Err(wrong(name, "a name has 1 to 64 letters, digits and `_+=,.@-`"));
    }
    let path_is_right =
        path.len() <= 512 && path.starts_with('/') && path.ends_with('/') && path.bytes().all(|b| b.is_ascii_graphic());
    if !path_is_right {
        return Err(wrong(name, "a path begins and ends with a slash"));
    }
    for text in policies.values() {
        Document::parse(Target::Identity, text).map_err(|malformed| wrong(name, &malformed.message))?;
    }
    Ok(())
}

fn material(hex: &str) -> Option<SecretBytes> {
    let id: kanuki_types::MaterialId = hex.parse().ok()?;
    Some(SecretBytes::new(id.as_bytes().to_vec()))
}

fn profile(home: AccountId, account: AccountId, name: &str) -> String {
    if account == home { name.to_owned() } else { format!("{account}/{name}") }
}

fn wrong(what: &str, why: &str) -> ApiError {
    ApiError::validation(format!("seed: `{what}`: {why}"))
}

fn root_path() -> String {
    "/".into()
}
