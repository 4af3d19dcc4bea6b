//! Callers, keys, policies and grants of growing size, each with the decision that it must lead to.
//!
//! Policies are as large as their quotas let them be, and what decides stands last in them.

use std::{collections::BTreeMap, fmt::Write as _, net::Ipv4Addr, sync::Arc};

use kanuki_policy::{Document, NamedDocument, Target};
use kanuki_store::{Store, Versioned};
use kanuki_types::{
    AccountId, Caller, CallerKind, EncryptionContext, KeyArn, KeyId, KeyManager, KeySpec, KeyState, KeyUsage, Origin,
    Timestamp, UniqueId,
};
use tempfile::TempDir;

use crate::{
    authn::Standpoint,
    authz::{Circumstances, Demand},
    identity::{PrincipalEntry, PrincipalKind, PrincipalRecord, StoredPrincipal},
    keys::{
        GRANTS_CACHED_MAX, GrantConstraints, GrantOperation, GrantRecord, GrantTerms, HeldGrants, KeyEntry, KeyRecord,
        POLICY_BYTES_MAX, StoredPolicy,
        grants_testing::{give, numbered, record, store},
    },
};

/// One thing to decide.
pub(super) struct Scene {
    pub(super) name: String,
    pub(super) caller: Standpoint,
    pub(super) demand: Demand,
    /// What must come out.
    pub(super) allowed: bool,
    /// How many times the smallest decision it may take, in any build on any machine.
    pub(super) ratio_max: f64,
}

/// How large the scenes are.
pub(super) struct Scale {
    grants: &'static [usize],
    hostile_chars: usize,
    list_items: usize,
}

/// The table's: up to the quotas.
pub(super) const FULL: Scale = Scale { grants: &[10, 100, 1_000, 50_000], hostile_chars: 8_000, list_items: 1_000 };
/// The bounds': small enough for every test run, large enough that an explosion shows.
pub(super) const SMALL: Scale = Scale { grants: &[2_000], hostile_chars: 1_000, list_items: 200 };

/// What every scene uses.
pub(super) struct Stage {
    pub(super) held: HeldGrants,
    pub(super) circumstances: Circumstances,
    store: Store,
    _directory: TempDir,
}

impl Stage {
    pub(super) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = store(&directory).await;
        let circumstances = Circumstances {
            now: Timestamp::from_seconds(1_800_000_000),
            source_ip: Ipv4Addr::LOCALHOST.into(),
            user_agent: Some("test".into()),
            request_id: String::new(),
            secure_transport: true,
            second_factor: None,
        };
        Self { held: HeldGrants::new(store.clone(), GRANTS_CACHED_MAX), circumstances, store, _directory: directory }
    }

    /// The smallest first.
    pub(super) async fn scenes(&self, scale: &Scale) -> Vec<Scene> {
        let mut scenes = policies();
        scenes.extend(hostile(scale));
        scenes.extend(self.grants(scale).await);
        scenes
    }

    async fn grants(&self, scale: &Scale) -> Vec<Scene> {
        let none = key(1, &key_policy(1, &SILENT));
        let mut scenes = vec![scene("no grants, denied", alice(Vec::new()), encrypt(&none, &[]), false, 300.0)];
        for (number, count) in (1..).zip(scale.grants) {
            let others = key(10 + number, &key_policy(1, &SILENT));
            let of_others = (0..count - 2).map(|number| (numbered(number), grant(&[])));
            self.give(&others, "AIDAOTHER", of_others).await;
            let own = [(numbered(count - 2), grant(&[("object", "x")])), (numbered(count - 1), grant(&[]))];
            self.give(&others, ALICE_ID, own.into_iter()).await;
            let name = format!("{count} grants, 2 of them the caller's");
            scenes.push(scene(&name, alice(Vec::new()), encrypt(&others, &[]), true, 300.0));

            let all = key(20 + number, &key_policy(1, &SILENT));
            let each = (0..*count).map(|number| (numbered(number), grant(&[("object", &format!("o{number}"))])));
            self.give(&all, ALICE_ID, each).await;
            let last = format!("o{}", count - 1);
            let name = format!("{count} grants, all the caller's, each for its object");
            scenes.push(scene(&name, alice(Vec::new()), encrypt(&all, &[("object", &last)]), true, 300.0));
            let name = format!("{count} grants, all the caller's, none fits");
            scenes.push(scene(&name, alice(Vec::new()), encrypt(&all, &[("object", "other")]), false, 300.0));

            let alike = key(30 + number, &key_policy(1, &SILENT));
            self.give(&alike, ALICE_ID, (0..*count).map(|number| (numbered(number), grant(&[])))).await;
            let name = format!("{count} grants, all the caller's, all alike");
            scenes.push(scene(&name, alice(Vec::new()), encrypt(&alike, &[]), true, 300.0));
        }
        let all = key(40, &key_policy(POLICY_BYTES_MAX, &SILENT));
        self.give(&all, "AIDAOTHER", (0..998).map(|number| (numbered(number), grant(&[])))).await;
        self.give(&all, ALICE_ID, [(numbered(998), grant(&[])), (numbered(999), grant(&[]))].into_iter()).await;
        let caller = alice(vec![identity_policy(&SILENT_IDENTITY); POLICIES_MAX]);
        let name = "key policy of 32 KiB, 10 identity policies, 1,000 grants";
        scenes.push(scene(name, caller, encrypt(&all, &[]), true, 20_000.0));
        scenes
    }

    async fn give(
        &self,
        key: &KeyEntry,
        place: &str,
        grants: impl Iterator<Item = (crate::keys::GrantId, GrantRecord)>,
    ) {
        give(&self.store, key.arn(), place, &grants.collect::<Vec<_>>()).await;
    }
}

/// Policies of growing size and number.
fn policies() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for (bytes, ratio_max) in [(1, 1.0), (1 << 10, 200.0), (4 << 10, 500.0), (16 << 10, 2_000.0), (32 << 10, 4_000.0)] {
        let name = if bytes == 1 {
            "key policy of one statement".into()
        } else {
            format!("key policy of {} KiB", bytes >> 10)
        };
        let key = key(1, &key_policy(bytes, &ALLOWS));
        scenes.push(scene(&name, alice(Vec::new()), encrypt(&key, &[("tenant", "mine")]), true, ratio_max));
    }
    for (name, filler) in [("other principals", Filler::Principal), ("other actions", Filler::Action)] {
        let name = format!("key policy of 32 KiB about {name}");
        let policy = key_policy(POLICY_BYTES_MAX, &Key { filler, ..ALLOWS });
        scenes.push(scene(&name, alice(Vec::new()), encrypt(&key(1, &policy), &[("tenant", "mine")]), true, 4_000.0));
    }
    for count in [1, POLICIES_MAX] {
        let mut texts = vec![identity_policy(&SILENT_IDENTITY); count - 1];
        texts.push(identity_policy(&ALLOWS_IDENTITY));
        let key = key(1, &key_policy(1, &TO_ACCOUNT));
        let name = format!("{count} identity policies of 6,144 characters");
        scenes.push(scene(&name, alice(texts), encrypt(&key, &[("tenant", "mine")]), true, 20_000.0));
    }
    scenes
}

/// What somebody writes who wants decisions to take long.
fn hostile(scale: &Scale) -> Vec<Scene> {
    let Scale { hostile_chars: chars, list_items: items, .. } = *scale;
    let value = "a".repeat(chars);
    let list =
        |item: &dyn Fn(usize) -> String| serde_json::to_string(&(0..items).map(item).collect::<Vec<_>>()).unwrap();
    let names: Vec<String> = (0..items).map(|number| format!("k{number}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    let many = &many[..many.len().min(900)];
    let conditions = (0..items.min(400)).map(|number| format!(r#""kms:EncryptionContext:k{number}":"""#));
    let conditions = conditions.collect::<Vec<_>>().join(",");
    let long = &[("a", value.as_str())][..];
    let like = |pattern: String| format!(r#""StringLike":{{"kms:EncryptionContext:a":"{pattern}"}}"#);
    let on_a = |operator: &str, list: String| format!(r#""{operator}":{{"kms:EncryptionContext:a":{list}}}"#);
    let all_of =
        |operator: &str, list: String| format!(r#""ForAllValues:{operator}":{{"kms:EncryptionContextKeys":{list}}}"#);
    let last = format!("v{}", items - 1);
    let last = &[("a", last.as_str())][..];
    [
        ("stars with a letter each", like("*a".repeat(chars / 2) + "b"), long, false),
        ("a star before a long text", like(format!("*{}b", "a".repeat(chars / 2))), long, false),
        ("a star before question marks", like(format!("*{}b", "?a".repeat(chars / 4))), long, false),
        ("a list of StringEquals", on_a("StringEquals", list(&|n| format!("v{n}"))), last, true),
        ("a list of StringEqualsIgnoreCase", on_a("StringEqualsIgnoreCase", list(&|n| format!("V{n}"))), last, true),
        ("a list of StringLike", on_a("StringLike", list(&|n| format!("v{n}*"))), last, true),
        ("ForAllValues:StringEquals, a list over many keys", all_of("StringEquals", list(&|n| format!("k{n}"))), many, true),
        ("ForAllValues:StringLike, a list over many keys", all_of("StringLike", list(&|n| format!("k{n}*"))), many, true),
        ("many conditions over many keys", format!(r#""StringEquals":{{{conditions}}}"#), many, true),
    ]
    .into_iter()
    .map(|(name, condition, context, allowed)| {
        let policy = document(&[&format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"{ALICE}"}},"Action":"kms:Encrypt","Resource":"*","Condition":{{{condition}}}}}"#
        )]);
        assert!(policy.len() <= POLICY_BYTES_MAX, "{name}");
        scene(&format!("hostile: {name}"), alice(Vec::new()), encrypt(&key(1, &policy), context), allowed, 100_000.0)
    })
    .collect()
}

fn scene(name: &str, caller: Standpoint, demand: Demand, allowed: bool, ratio_max: f64) -> Scene {
    Scene { name: name.into(), caller, demand, allowed, ratio_max }
}

/// The caller, with identity policies.
fn alice(policies: Vec<String>) -> Standpoint {
    let account: AccountId = ACCOUNT.parse().unwrap();
    let id = UniqueId::new(ALICE_ID);
    let value = PrincipalRecord::new(PrincipalKind::User, "/", "alice", Timestamp::from_millis(0));
    let stored = StoredPrincipal::new(account, id.clone(), Versioned { version: 1, value }).unwrap();
    let policies = policies.iter().map(|text| NamedDocument {
        name: "policy".into(),
        document: Arc::new(Document::parse(Target::Identity, text).unwrap()),
    });
    let entry = PrincipalEntry::with_policies(stored, policies.collect());
    let caller = Caller { account, kind: CallerKind::User { path: "/".into(), name: "alice".into(), id } };
    Standpoint::direct(caller, Some(Arc::new(entry)), "us-west-2".parse().unwrap())
}

fn key(number: u8, policy: &str) -> Arc<KeyEntry> {
    let arn = KeyArn {
        account: ACCOUNT.parse().unwrap(),
        region: "us-west-2".parse().unwrap(),
        key_id: KeyId::single_region([number; 16]),
    };
    let principal_ids = [(ALICE.to_owned(), UniqueId::new(ALICE_ID))].into();
    let value = KeyRecord {
        created: Timestamp::from_millis(0),
        description: String::new(),
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsage::EncryptDecrypt,
        origin: Origin::AwsKms,
        manager: KeyManager::Customer,
        state: KeyState::Enabled,
        deletion_date: None,
        pending_window_days: None,
        policy: StoredPolicy { text: policy.into(), principal_ids },
        tags: BTreeMap::new(),
        aliases: [].into(),
        materials: Vec::new(),
        current_material: None,
        pending_material: None,
        rotation: None,
        outside: None,
        on_demand_rotations: 0,
        multi_region: None,
    };
    Arc::new(KeyEntry::new(arn, Versioned { version: 1, value }).unwrap())
}

fn encrypt(key: &Arc<KeyEntry>, pairs: &[(&str, &str)]) -> Demand {
    let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let context = EncryptionContext::new(pairs).unwrap();
    Demand::on_key("kms:Encrypt", key, None).with_context(&context)
}

fn grant(subset: &[(&str, &str)]) -> GrantRecord {
    let subset = subset.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let constraints = GrantConstraints { subset, ..GrantConstraints::default() };
    let operations = vec![GrantOperation::Decrypt, GrantOperation::Encrypt, GrantOperation::GenerateDataKey];
    GrantRecord { terms: GrantTerms { operations, constraints }, ..record(ALICE_ID) }
}

/// What a key policy is filled with, and what stands last in it.
struct Key {
    filler: Filler,
    last: &'static str,
}

#[derive(Clone, Copy)]
enum Filler {
    /// Statements about the caller and the action, which a condition shuts out.
    Condition,
    Action,
    Principal,
}

/// The policy with as many statements as fit into so many bytes.
fn key_policy(bytes: usize, Key { filler, last }: &Key) -> String {
    let fill = |number: usize| {
        let (principal, action) = match filler {
            Filler::Condition => (ALICE.to_owned(), "Encrypt"),
            Filler::Action => (ALICE.to_owned(), "Sign"),
            Filler::Principal => (format!("arn:aws:iam::444455556666:role/app-{number}"), "Encrypt"),
        };
        let number = format!("{number:03}");
        format!(
            r#"{{"Sid":"S{number}","Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":["kms:{action}","kms:Verify"],"Resource":"*","Condition":{{"StringEquals":{{"kms:EncryptionContext:tenant":"t{number}"}}}}}}"#
        )
    };
    filled(bytes, fill, last)
}

struct Identity {
    last: &'static str,
}

/// The policy with as many statements as its quota lets it have.
fn identity_policy(Identity { last }: &Identity) -> String {
    let fill = |number: usize| {
        format!(
            r#"{{"Sid":"S{number:03}","Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt"],"Resource":"arn:aws:kms:*:{ACCOUNT}:key/{number:03}*","Condition":{{"StringLike":{{"kms:EncryptionContext:tenant":"t{number:03}*"}}}}}}"#
        )
    };
    filled(IDENTITY_POLICY_CHARS_MAX, fill, last)
}

fn filled(bytes: usize, fill: impl Fn(usize) -> String, last: &str) -> String {
    let mut statements: Vec<String> = Vec::new();
    let fixed = document(&[last]).len();
    let mut length = fixed;
    for number in 0.. {
        let statement = fill(number);
        length += statement.len() + 1;
        if length > bytes {
            break;
        }
        statements.push(statement);
    }
    statements.push(last.to_owned());
    document(&statements.iter().map(String::as_str).collect::<Vec<_>>())
}

fn document(statements: &[&str]) -> String {
    let mut text = String::new();
    write!(text, r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(",")).unwrap();
    text
}

const ACCOUNT: &str = "111122223333";
const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
const ALICE_ID: &str = "AIDAALICE";
/// A managed policy's size quota, and how many may be attached ("IAM and AWS STS quotas" of the IAM user guide).
const IDENTITY_POLICY_CHARS_MAX: usize = 6_144;
const POLICIES_MAX: usize = 10;

const ALLOWS: Key = Key {
    filler: Filler::Condition,
    last: r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"},"Action":"kms:Encrypt","Resource":"*"}"#,
};
/// Gives the caller something else.
const SILENT: Key = Key {
    filler: Filler::Condition,
    last: r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"},"Action":"kms:Sign","Resource":"*"}"#,
};
const TO_ACCOUNT: Key = Key {
    filler: Filler::Condition,
    last: r#"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}"#,
};
const ALLOWS_IDENTITY: Identity = Identity { last: r#"{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}"# };
const SILENT_IDENTITY: Identity = Identity { last: r#"{"Effect":"Allow","Action":"kms:Sign","Resource":"*"}"# };
