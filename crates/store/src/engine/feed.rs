//! The change feed: tells listeners, in the committing thread, what a commit changed.
//!
//! Not a queue: a listener that returns late delays the commit. Not a log: there is no replay.
//! Invariants: [`ChangeFeed::publish`] returns only after every listener has returned; a listener that subscribes
//! while the feed is interrupted is told so at once.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

/// A record that a commit wrote or removed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The keyspace.
    pub keyspace: u8,
    /// The key.
    pub key: Vec<u8>,
}

/// Hears of changes. Called in the thread that commits: be quick, never block, never commit from here.
pub trait ChangeListener: Send + Sync + 'static {
    /// These records changed.
    fn changed(&self, changes: &[Change]);

    /// Changes may be missed from now on, so nothing remembered may be used. The embedded engine never says this.
    fn interrupted(&self);

    /// Changes are complete again from now on.
    fn resumed(&self);
}

/// The handle on an engine's feed. Cheap to clone.
#[derive(Clone, Default)]
pub struct ChangeFeed(Arc<Mutex<Listeners>>);

#[derive(Default)]
struct Listeners {
    listeners: Vec<Weak<dyn ChangeListener>>,
    interrupted: bool,
}

impl ChangeFeed {
    /// Adds a listener; it is forgotten when its last `Arc` is gone.
    pub fn subscribe(&self, listener: Weak<dyn ChangeListener>) {
        let mut listeners = self.lock();
        if listeners.interrupted
            && let Some(listener) = listener.upgrade()
        {
            listener.interrupted();
        }
        listeners.listeners.push(listener);
    }

    /// Tells every listener of changes; engines call it between durability and the answer.
    pub fn publish(&self, changes: &[Change]) {
        if !changes.is_empty() {
            self.lock().each(|listener| listener.changed(changes));
        }
    }

    /// Tells every listener that changes may be missed; engines call it when they lose their connection.
    pub fn interrupt(&self) {
        let mut listeners = self.lock();
        listeners.interrupted = true;
        listeners.each(ChangeListener::interrupted);
    }

    /// Tells every listener that changes are complete again.
    pub fn resume(&self) {
        let mut listeners = self.lock();
        listeners.interrupted = false;
        listeners.each(ChangeListener::resumed);
    }

    fn lock(&self) -> MutexGuard<'_, Listeners> {
        // The list is whole at every moment, also after a listener's panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listeners {
    fn each(&mut self, mut tell: impl FnMut(&dyn ChangeListener)) {
        self.listeners.retain(|listener| {
            let listener = listener.upgrade();
            if let Some(listener) = &listener {
                tell(listener.as_ref());
            }
            listener.is_some()
        });
    }
}

impl fmt::Debug for ChangeFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeFeed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Heard {
        fn note(&self, text: impl Into<String>) {
            self.0.lock().unwrap().push(text.into());
        }

        fn take(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    impl ChangeListener for Heard {
        fn changed(&self, changes: &[Change]) {
            changes.iter().for_each(|change| self.note(format!("{}:{}", change.keyspace, change.key.escape_ascii())));
        }

        fn interrupted(&self) {
            self.note("interrupted");
        }

        fn resumed(&self) {
            self.note("resumed");
        }
    }

    fn listen(feed: &ChangeFeed) -> Arc<Heard> {
        let heard = Arc::new(Heard::default());
        let weak: Weak<Heard> = Arc::downgrade(&heard);
        feed.subscribe(weak);
        heard
    }

    #[test]
    fn tells_everyone_and_forgets_the_gone() {
        let feed = ChangeFeed::default();
        let (first, second) = (listen(&feed), listen(&feed));
        feed.publish(&[Change { keyspace: 7, key: b"a".to_vec() }]);
        assert_eq!(first.take(), ["7:a"]);
        assert_eq!(second.take(), ["7:a"]);
        drop(second);
        feed.publish(&[Change { keyspace: 8, key: b"b".to_vec() }]);
        assert_eq!(first.take(), ["8:b"]);
        assert_eq!(feed.lock().listeners.len(), 1);
    }

    #[test]
    fn late_listeners_learn_of_an_interruption() {
        let feed = ChangeFeed::default();
        let early = listen(&feed);
        feed.interrupt();
        let late = listen(&feed);
        feed.resume();
        assert_eq!(early.take(), ["interrupted", "resumed"]);
        assert_eq!(late.take(), ["interrupted", "resumed"]);
        assert!(listen(&feed).take().is_empty());
    }
}
