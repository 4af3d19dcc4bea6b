//! Sealed records: what was edited or moved is refused by name.

use std::{collections::HashMap, fs, sync::atomic::Ordering};

use super::*;
use crate::{
    Expect,
    testing::{Drafts, Fixture, Note, Notes, TestSealer, note},
};

fn key(text: &str) -> String {
    text.to_owned()
}

async fn text(fixture: &Fixture, name: &str) -> Result<Option<String>, StoreError> {
    Ok(fixture.store.get::<Notes>(&key(name)).await?.map(|found| found.value.text))
}

#[tokio::test]
async fn creates_updates_deletes_and_scans() {
    let fixture = Fixture::new().await;
    for name in ["b", "a", "ab", "c"] {
        fixture.create(name, name).await;
    }
    fixture.update("ab", "new").await;
    assert_eq!(text(&fixture, "ab").await.unwrap().unwrap(), "new");
    let found = fixture.store.scan::<Notes>(b"a", None, 10).await.unwrap();
    let texts: Vec<_> = found.iter().map(|(key, found)| (key.as_str(), found.value.text.as_str())).collect();
    assert_eq!(texts, [("a", "a"), ("ab", "new")]);
    let after = key("a").to_key();
    let next = fixture.store.scan::<Notes>(b"", Some(&after), 2).await.unwrap();
    assert_eq!(next.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["ab", "b"]);

    let seen = fixture.store.get::<Notes>(&key("b")).await.unwrap().unwrap();
    let mut transaction = Transaction::default();
    transaction.delete::<Notes>(&key("b"), seen.version);
    fixture.store.commit(transaction).await.unwrap();
    assert_eq!(text(&fixture, "b").await.unwrap(), None);
    assert!(fixture.store.scan::<Drafts>(b"", None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_update_counts_its_version() {
    let fixture = Fixture::new().await;
    fixture.create("a", "1").await;
    let first = fixture.store.get::<Notes>(&key("a")).await.unwrap().unwrap();
    fixture.update("a", "2").await;
    let second = fixture.store.get::<Notes>(&key("a")).await.unwrap().unwrap();
    assert_eq!(second, Versioned { version: first.version + 1, value: note("2") });
}

#[tokio::test]
async fn conflicts_apply_nothing() {
    let fixture = Fixture::new().await;
    fixture.create("a", "1").await;
    let seen = fixture.store.get::<Notes>(&key("a")).await.unwrap().unwrap().version;
    fixture.update("a", "2").await;
    let attempts: [fn(&mut Transaction, u64); 5] = [
        |transaction, _| transaction.create::<Notes>(&key("a"), &note("x")),
        |transaction, seen| transaction.update::<Notes>(&key("a"), seen, &note("x")),
        |transaction, seen| transaction.delete::<Notes>(&key("a"), seen),
        |transaction, seen| transaction.check::<Notes>(&key("a"), Some(seen)),
        |transaction, _| transaction.check::<Notes>(&key("a"), None),
    ];
    for attempt in attempts {
        let mut transaction = Transaction::default();
        transaction.create::<Notes>(&key("beside"), &note("x"));
        attempt(&mut transaction, seen);
        assert!(matches!(fixture.store.commit(transaction).await, Err(StoreError::Conflict)));
    }
    assert_eq!(text(&fixture, "a").await.unwrap().unwrap(), "2");
    assert_eq!(text(&fixture, "beside").await.unwrap(), None);
}

#[tokio::test]
async fn a_check_that_holds_lets_the_rest_through() {
    let fixture = Fixture::new().await;
    fixture.create("a", "1").await;
    let seen = fixture.store.get::<Notes>(&key("a")).await.unwrap().unwrap().version;
    let mut transaction = Transaction::default();
    transaction.check::<Notes>(&key("a"), Some(seen));
    transaction.check::<Notes>(&key("absent"), None);
    transaction.create::<Drafts>(&key("a"), &note("draft"));
    fixture.store.commit(transaction).await.unwrap();
    assert_eq!(fixture.store.get::<Drafts>(&key("a")).await.unwrap().unwrap().value, note("draft"));
}

#[tokio::test]
async fn one_record_named_twice() {
    let fixture = Fixture::new().await;
    fixture.create("a", "1").await;
    let seen = fixture.store.get::<Notes>(&key("a")).await.unwrap().unwrap().version;
    let commit = async |fill: &dyn Fn(&mut Transaction)| {
        let mut transaction = Transaction::default();
        fill(&mut transaction);
        fixture.store.commit(transaction).await
    };
    // A check beside a change that expects the same adds nothing, in either order.
    commit(&|transaction| {
        transaction.check::<Notes>(&key("a"), Some(seen));
        transaction.check::<Notes>(&key("a"), Some(seen));
        transaction.update::<Notes>(&key("a"), seen, &note("2"));
        transaction.check::<Notes>(&key("a"), Some(seen));
    })
    .await
    .unwrap();
    assert_eq!(text(&fixture, "a").await.unwrap().unwrap(), "2");
    // It was read twice with different results: it changed.
    let conflict = |transaction: &mut Transaction| {
        transaction.check::<Notes>(&key("a"), Some(seen));
        transaction.update::<Notes>(&key("a"), seen + 1, &note("3"));
    };
    assert!(matches!(commit(&conflict).await, Err(StoreError::Conflict)));
    // Two changes of one record are a mistake.
    let repeated = |transaction: &mut Transaction| {
        transaction.update::<Notes>(&key("a"), seen + 1, &note("3"));
        transaction.delete::<Notes>(&key("a"), seen + 1);
    };
    assert!(matches!(commit(&repeated).await, Err(StoreError::Limit(LimitError::Repeated))));
    assert_eq!(text(&fixture, "a").await.unwrap().unwrap(), "2");
}

#[tokio::test]
async fn a_successor_is_never_taken_for_its_predecessor() {
    let fixture = Fixture::new().await;
    fixture.create("a", "first").await;
    let first = fixture.store.get::<Notes>(&key("a")).await.unwrap().unwrap().version;
    let mut transaction = Transaction::default();
    transaction.delete::<Notes>(&key("a"), first);
    fixture.store.commit(transaction).await.unwrap();
    let fixture = fixture.reopen().await;
    fixture.create("a", "second").await;
    let mut transaction = Transaction::default();
    transaction.update::<Notes>(&key("a"), first, &note("meant for the first"));
    assert!(matches!(fixture.store.commit(transaction).await, Err(StoreError::Conflict)));
    assert_eq!(text(&fixture, "a").await.unwrap().unwrap(), "second");
}

#[tokio::test]
async fn first_versions_are_unique_across_stores_over_one_engine() {
    let fixture = Fixture::new().await;
    let mut seen = std::collections::HashSet::new();
    for node in 0..4 {
        let sealer = Arc::new(TestSealer::default());
        let store = Store::open(fixture.engine.clone(), sealer).await.unwrap();
        for number in 0..3 {
            let name = format!("{node}-{number}");
            let mut transaction = Transaction::default();
            transaction.create::<Notes>(&name, &note(""));
            store.commit(transaction).await.unwrap();
            assert!(seen.insert(store.get::<Notes>(&name).await.unwrap().unwrap().version));
        }
    }
    // Both reserve at once.
    let stores = [0, 1].map(|_| Store::open(fixture.engine.clone(), fixture.sealer.clone()));
    let [one, two] = stores;
    let (one, two) = (one.await.unwrap(), two.await.unwrap());
    let incarnations = [one.0.incarnations.next(&one), two.0.incarnations.next(&two)];
    let [one, two] = incarnations;
    let (one, two) = tokio::join!(one, two);
    assert!(seen.insert(one.unwrap()) && seen.insert(two.unwrap()));
}

/// Each edit is made to record `b` (or puts it elsewhere) and refused by name, while `a` keeps working.
#[tokio::test]
async fn edited_and_moved_records_are_refused_by_name() {
    let edits = [
        (
            "a flipped bit at the front",
            "update records set value = cast(x'00' || substr(value, 2) as blob) where key = x'620001'",
            "b",
        ),
        (
            "a flipped bit at the end",
            "update records set value = cast(substr(value, 1, length(value) - 1) || x'00' as blob) where key = x'620001'",
            "b",
        ),
        ("a byte more", "update records set value = cast(value || x'00' as blob) where key = x'620001'", "b"),
        ("a byte less", "update records set value = substr(value, 1, length(value) - 1) where key = x'620001'", "b"),
        ("nothing", "update records set value = x'' where key = x'620001'", "b"),
        ("another version", "update records set version = version + 1 where key = x'620001'", "b"),
        ("no version", "update records set version = -1 where key = x'620001'", "b"),
        (
            "another key's value",
            "update records set value = (select value from records where key = x'610001'),
             version = (select version from records where key = x'610001') where key = x'620001'",
            "b",
        ),
        ("another key", "update records set key = x'7a0001' where key = x'620001'", "z"),
        (
            "another keyspace's record",
            "insert into records select 1, key, version, padding, value from records where keyspace = 2",
            "d",
        ),
    ];
    for (what, sql, name) in edits {
        let fixture = Fixture::new().await;
        fixture.create("a", "alpha").await;
        fixture.create("b", "beta").await;
        let mut transaction = Transaction::default();
        transaction.create::<Drafts>(&key("d"), &note("delta"));
        fixture.store.commit(transaction).await.unwrap();
        fixture.edit(sql);
        let is_named = |error: StoreError| match error {
            StoreError::Refused { keyspace: "notes", key } => assert_eq!(key, format!("{name}\\x00\\x01"), "{what}"),
            other => panic!("{what}: {other:?}"),
        };
        is_named(text(&fixture, name).await.unwrap_err());
        is_named(fixture.store.scan::<Notes>(b"", None, 10).await.unwrap_err());
        assert_eq!(text(&fixture, "a").await.unwrap().unwrap(), "alpha", "{what}");
        assert_eq!(fixture.store.scan::<Notes>(b"a", None, 10).await.unwrap().len(), 1, "{what}");
        fixture.update("a", "alpha 2").await;
        fixture.create("e", "epsilon").await;
    }
}

#[tokio::test]
async fn an_old_value_under_the_new_version_is_refused() {
    let fixture = Fixture::new().await;
    fixture.create("a", "before").await;
    let old = fixture.engine.get(Notes::ID, key("a").to_key()).await.unwrap().unwrap();
    fixture.update("a", "after!").await;
    let hex: String = old.value.iter().map(|byte| format!("{byte:02x}")).collect();
    fixture.edit(&format!("update records set value = x'{hex}' where keyspace = 1"));
    assert!(matches!(text(&fixture, "a").await, Err(StoreError::Refused { .. })));
    // The whole old record, version included, is what no seal can tell from the truth; see the head of `store.rs`.
    fixture.edit(&format!("update records set version = {} where keyspace = 1", old.version));
    assert_eq!(text(&fixture, "a").await.unwrap().unwrap(), "before");
}

#[tokio::test]
async fn an_edited_bookkeeping_record_stops_creation_only() {
    let fixture = Fixture::new().await;
    fixture.create("a", "1").await;
    fixture.edit("update records set version = version + 1 where keyspace = 254");
    let fixture = fixture.reopen().await;
    let mut transaction = Transaction::default();
    transaction.create::<Notes>(&key("b"), &note("2"));
    let error = fixture.store.commit(transaction).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused { keyspace: "bookkeeping", .. }), "{error:?}");
    fixture.update("a", "2").await;
}

#[tokio::test]
async fn nothing_reaches_the_file_unsealed() {
    let fixture = Fixture::new().await;
    fixture.create("a", "plain as day").await;
    let mut transaction = Transaction::default();
    transaction.outbox([7; 16], b"plain as day".to_vec());
    fixture.store.commit(transaction).await.unwrap();
    for entry in fs::read_dir(fixture.directory.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(8).any(|window| b"plain as day".windows(8).any(|plain| plain == window)));
    }
}

#[tokio::test]
async fn without_its_sealer_the_store_opens_and_does_nothing() {
    let fixture = Fixture::new().await;
    fixture.create("a", "1").await;
    fixture.sealer.away.store(true, Ordering::Relaxed);
    let store = Store::open(fixture.engine.clone(), fixture.sealer.clone()).await.unwrap();
    assert!(matches!(store.get::<Notes>(&key("a")).await, Err(StoreError::Unavailable(_))));
    let mut transaction = Transaction::default();
    transaction.create::<Notes>(&key("b"), &note("2"));
    assert!(matches!(store.commit(transaction).await, Err(StoreError::Unavailable(_))));
    fixture.sealer.away.store(false, Ordering::Relaxed);
    assert_eq!(text(&fixture, "b").await.unwrap(), None);
}

#[tokio::test]
async fn a_sealer_that_miscounts_is_not_believed() {
    let fixture = Fixture::new().await;
    fixture.create("a", "1").await;
    fixture.create("b", "2").await;
    fixture.sealer.miscounts.store(true, Ordering::Relaxed);
    assert!(matches!(text(&fixture, "a").await, Err(StoreError::Unavailable(_))));
    assert!(matches!(fixture.store.scan::<Notes>(b"", None, 9).await, Err(StoreError::Unavailable(_))));
    let mut transaction = Transaction::default();
    transaction.create::<Notes>(&key("c"), &note("3"));
    transaction.create::<Notes>(&key("d"), &note("4"));
    assert!(matches!(fixture.store.commit(transaction).await, Err(StoreError::Unavailable(_))));
    fixture.sealer.miscounts.store(false, Ordering::Relaxed);
    assert_eq!(fixture.store.scan::<Notes>(b"", None, 9).await.unwrap().len(), 2);
}

/// The numbers of [`Notes`] under another type.
struct Counts;

impl Keyspace for Counts {
    const ID: u8 = Notes::ID;
    const NAME: &'static str = "counts";
    type Key = String;
    type Value = u64;
}

/// Values that JSON cannot hold.
struct Unspeakable;

impl Keyspace for Unspeakable {
    const ID: u8 = 3;
    const NAME: &'static str = "unspeakable";
    type Key = String;
    type Value = HashMap<(u8, u8), Note>;
}

/// The numbers of [`Notes`] under another type of key.
struct Fixed;

impl Keyspace for Fixed {
    const ID: u8 = Notes::ID;
    const NAME: &'static str = "fixed";
    type Key = [u8; 5];
    type Value = Note;
}

#[tokio::test]
async fn what_does_not_fit_its_type_is_named() {
    let fixture = Fixture::new().await;
    fixture.create("a", "1").await;
    let error = fixture.store.get::<Counts>(&key("a")).await.unwrap_err();
    assert!(matches!(error, StoreError::Encoding(_)));
    assert_eq!(error.to_string(), "`counts` record `a\\x00\\x01` is not in the expected form");
    assert!(matches!(fixture.store.scan::<Fixed>(b"", None, 9).await, Err(StoreError::Encoding(_))));
    let mut transaction = Transaction::default();
    transaction.create::<Unspeakable>(&key("u"), &HashMap::from([((1, 2), note(""))]));
    assert!(!transaction.is_empty());
    assert!(matches!(fixture.store.commit(transaction).await, Err(StoreError::Encoding(_))));
}

#[tokio::test]
async fn an_empty_transaction_is_nothing() {
    let fixture = Fixture::new().await;
    let transaction = Transaction::default();
    assert!(transaction.is_empty());
    fixture.store.commit(transaction).await.unwrap();
}

#[tokio::test]
async fn limits_come_before_the_sealer() {
    let fixture = Fixture::new().await;
    fixture.sealer.away.store(true, Ordering::Relaxed);
    let write = RawWrite {
        keyspace: 1,
        key: vec![0; crate::KEY_BYTES_MAX + 1],
        expect: Expect::Any,
        change: RawChange::Put { version: 1, value: vec![] },
    };
    assert!(matches!(fixture.store.write(vec![write]).await, Err(StoreError::Limit(LimitError::Key))));
}
