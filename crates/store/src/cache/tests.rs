//! The cache never serves what a commit has changed, and stays bounded.

use std::sync::atomic::{AtomicU64, AtomicUsize};

use tokio::sync::Notify;

use super::*;
use crate::{
    BoxFuture, ChangeFeed, Committed, Engine, EngineError, RawEntry, RawRecord, RawWrite, SqliteEngine, Transaction,
    testing::{Drafts, Fixture, Notes, note},
};

fn cache(fixture: &Fixture, capacity: usize) -> Cache<Notes, String> {
    Cache::<Notes, _>::new(fixture.store.clone(), capacity, |_, record| Ok(record.value.text))
}

fn key(text: &str) -> String {
    text.to_owned()
}

#[tokio::test]
async fn remembers_until_the_record_changes() {
    let fixture = Fixture::new().await;
    let cache = cache(&fixture, 10);
    assert!(cache.get(&key("a")).await.unwrap().is_none());
    fixture.create("a", "1").await;
    let first = cache.get(&key("a")).await.unwrap().unwrap();
    assert_eq!(*first, "1");
    let mut transaction = Transaction::default();
    transaction.create::<Drafts>(&key("a"), &note("same key, other keyspace"));
    fixture.store.commit(transaction).await.unwrap();
    assert!(Arc::ptr_eq(&first, &cache.get(&key("a")).await.unwrap().unwrap()));
    fixture.update("a", "2").await;
    assert_eq!(*cache.get(&key("a")).await.unwrap().unwrap(), "2");
    let seen = fixture.store.get::<Notes>(&key("a")).await.unwrap().unwrap().version;
    let mut transaction = Transaction::default();
    transaction.delete::<Notes>(&key("a"), seen);
    fixture.store.commit(transaction).await.unwrap();
    assert!(cache.get(&key("a")).await.unwrap().is_none());
}

#[tokio::test]
async fn stays_bounded() {
    let fixture = Fixture::new().await;
    for number in 0..300 {
        fixture.create(&number.to_string(), "").await;
    }
    for capacity in [1, 7, 100] {
        let cache = cache(&fixture, capacity);
        for number in 0..300 {
            cache.get(&number.to_string()).await.unwrap().unwrap();
            assert!(cache.entries.by_key.len() <= capacity);
        }
        assert!(!cache.entries.by_key.is_empty());
    }
}

#[tokio::test]
async fn names_the_record_that_cannot_be_decoded() {
    let fixture = Fixture::new().await;
    fixture.create("a", "1").await;
    let cache = Cache::<Notes, u8>::new(fixture.store.clone(), 10, |_, _| Err("no".into()));
    let error = cache.get(&key("a")).await.unwrap_err();
    assert!(matches!(error, StoreError::Encoding(_)));
    assert_eq!(error.to_string(), "`notes` record `a\\x00\\x01` is not in the expected form");
}

#[tokio::test]
async fn answers_nothing_from_memory_while_the_feed_is_interrupted() {
    let fixture = Fixture::new().await;
    fixture.create("a", "1").await;
    let decoded = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&decoded);
    let cache = Cache::<Notes, ()>::new(fixture.store.clone(), 10, move |_, _| {
        counting.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    let decodes_of_two_gets = async || {
        let before = decoded.load(Ordering::Relaxed);
        cache.get(&key("a")).await.unwrap().unwrap();
        cache.get(&key("a")).await.unwrap().unwrap();
        decoded.load(Ordering::Relaxed) - before
    };
    assert_eq!(decodes_of_two_gets().await, 1);
    fixture.store.changes().interrupt();
    assert_eq!(decodes_of_two_gets().await, 2);
    fixture.store.changes().resume();
    assert_eq!(decodes_of_two_gets().await, 1);
    assert_eq!(decodes_of_two_gets().await, 0);
}

/// An engine whose next read, once armed, waits between the read and the answer.
struct Slow {
    engine: Arc<SqliteEngine>,
    armed: AtomicBool,
    has_read: Notify,
    may_answer: Notify,
}

impl Engine for Slow {
    fn get(&self, keyspace: u8, key: Vec<u8>) -> BoxFuture<'_, Result<Option<RawRecord>, EngineError>> {
        Box::pin(async move {
            let found = self.engine.get(keyspace, key).await;
            if self.armed.swap(false, Ordering::Relaxed) {
                self.has_read.notify_one();
                self.may_answer.notified().await;
            }
            found
        })
    }

    fn scan(
        &self,
        keyspace: u8,
        prefix: Vec<u8>,
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<RawEntry>, EngineError>> {
        self.engine.scan(keyspace, prefix, after, limit)
    }

    fn commit(&self, writes: Vec<RawWrite>) -> BoxFuture<'_, Result<Committed, EngineError>> {
        self.engine.commit(writes)
    }

    fn changes(&self) -> ChangeFeed {
        self.engine.changes()
    }
}

/// A read that was overtaken by a change must not leave what it read behind: neither by an ordinary change nor by an
/// interruption that began and ended meanwhile.
#[tokio::test]
async fn an_overtaken_read_leaves_nothing_behind() {
    let interruption = |feed: ChangeFeed| {
        feed.interrupt();
        feed.resume();
    };
    for interrupted in [false, true] {
        let fixture = Fixture::new().await;
        fixture.create("a", "old").await;
        let slow = Arc::new(Slow {
            engine: fixture.engine.clone(),
            armed: AtomicBool::new(false),
            has_read: Notify::new(),
            may_answer: Notify::new(),
        });
        let store = Store::open(slow.clone(), fixture.sealer.clone()).await.unwrap();
        let cache = Arc::new(Cache::<Notes, String>::new(store, 10, |_, record| Ok(record.value.text)));
        slow.armed.store(true, Ordering::Relaxed);
        let reading = Arc::clone(&cache);
        let reader = tokio::spawn(async move { reading.get(&key("a")).await.unwrap().unwrap() });
        slow.has_read.notified().await;
        if interrupted {
            interruption(slow.changes());
        } else {
            fixture.update("a", "new").await;
            assert_eq!(*cache.get(&key("a")).await.unwrap().unwrap(), "new");
        }
        slow.may_answer.notify_one();
        assert_eq!(*reader.await.unwrap(), "old");
        if interrupted {
            assert!(cache.entries.by_key.is_empty());
        } else {
            assert_eq!(*cache.get(&key("a")).await.unwrap().unwrap(), "new");
        }
    }
}

/// While one task counts a record up, no other ever finds less than what had been acknowledged before it asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn never_finds_what_was_before_an_acknowledged_change() {
    const ROUNDS: u64 = 300;
    let fixture = Fixture::new().await;
    fixture.create("a", "0").await;
    let cache =
        Arc::new(Cache::<Notes, u64>::new(fixture.store.clone(), 10, |_, record| Ok(record.value.text.parse()?)));
    let acknowledged = Arc::new(AtomicU64::new(0));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (cache, acknowledged) = (Arc::clone(&cache), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                loop {
                    let at_least = acknowledged.load(Ordering::SeqCst);
                    let found = *cache.get(&key("a")).await.unwrap().unwrap();
                    assert!(found >= at_least, "{found} after {at_least}");
                    if at_least == ROUNDS {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for round in 1..=ROUNDS {
        fixture.update("a", &round.to_string()).await;
        acknowledged.store(round, Ordering::SeqCst);
    }
    for reader in readers {
        reader.await.unwrap();
    }
}
