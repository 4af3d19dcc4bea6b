//! Uses that are noted and not yet written.
//!
//! Invariants: a note that was made is found, at every moment, here or in the store; no lock is held for longer than a
//! map's operation. Memory is bounded by the keys that are used between two writings, and those exist.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, PoisonError, RwLock},
};

use kanuki_trail::EventId;
use kanuki_types::{KeyArn, Timestamp};

use super::record::Use;

/// The notes.
#[derive(Debug)]
pub(super) struct Notes {
    /// What calls note into, by the hash of the key.
    fresh: [Mutex<HashMap<KeyArn, Note>>; SHARDS],
    /// What is being written; also what could not be written.
    leaving: RwLock<HashMap<KeyArn, Use>>,
    hasher: RandomState,
}

/// A use, with as little copied as can be.
#[derive(Debug)]
struct Note {
    sequence: u64,
    operation: &'static str,
    time: Timestamp,
    event_id: EventId,
    request_id: String,
}

impl Default for Notes {
    fn default() -> Self {
        let fresh = std::array::from_fn(|_| Mutex::default());
        Self { fresh, leaving: RwLock::default(), hasher: RandomState::new() }
    }
}

impl Notes {
    /// Notes a use, unless a later one is noted.
    pub(super) fn note(
        &self,
        arn: &KeyArn,
        sequence: u64,
        operation: &'static str,
        time: Timestamp,
        (event_id, request_id): (EventId, &str),
    ) {
        let Some(shard) = self.shard(arn) else { return };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(note) = shard.get_mut(arn) {
            if note.sequence < sequence {
                (note.sequence, note.operation, note.time, note.event_id) = (sequence, operation, time, event_id);
                note.request_id.replace_range(.., request_id);
            }
            return;
        }
        let request_id = request_id.to_owned();
        shard.insert(arn.clone(), Note { sequence, operation, time, event_id, request_id });
    }

    /// The latest use that is noted and not yet written.
    pub(super) fn of(&self, arn: &KeyArn) -> Option<Use> {
        // Held over both looks: a note never is in neither.
        let leaving = self.leaving.read().unwrap_or_else(PoisonError::into_inner);
        let shard = self.shard(arn)?.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = shard.get(arn).map(Use::from);
        drop(shard);
        fresh.into_iter().chain(leaving.get(arn).cloned()).max_by_key(|noted| noted.sequence)
    }

    /// Moves what was noted to what leaves, and answers all of that.
    pub(super) fn leave(&self) -> HashMap<KeyArn, Use> {
        let mut leaving = self.leaving.write().unwrap_or_else(PoisonError::into_inner);
        for shard in &self.fresh {
            let fresh = std::mem::take(&mut *shard.lock().unwrap_or_else(PoisonError::into_inner));
            for (arn, note) in fresh {
                add_later(&mut leaving, arn, Use::from(&note));
            }
        }
        leaving.clone()
    }

    /// Adds what was read from the trail.
    pub(super) fn add(&self, arn: KeyArn, found: Use) {
        add_later(&mut self.leaving.write().unwrap_or_else(PoisonError::into_inner), arn, found);
    }

    /// Forgets what left: it is written.
    pub(super) fn left(&self) {
        self.leaving.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn shard(&self, arn: &KeyArn) -> Option<&Mutex<HashMap<KeyArn, Note>>> {
        let place = usize::try_from(self.hasher.hash_one(arn) % SHARDS as u64).ok()?;
        self.fresh.get(place)
    }
}

fn add_later(uses: &mut HashMap<KeyArn, Use>, arn: KeyArn, found: Use) {
    match uses.get_mut(&arn) {
        Some(known) if known.sequence >= found.sequence => {}
        Some(known) => *known = found,
        None => {
            uses.insert(arn, found);
        }
    }
}

impl From<&Note> for Use {
    fn from(note: &Note) -> Self {
        Self {
            operation: note.operation.to_owned(),
            time: Timestamp::from_seconds(note.time.seconds()),
            event_id: note.event_id.to_string(),
            request_id: note.request_id.clone(),
            sequence: note.sequence,
        }
    }
}

/// Calls that note at the same time seldom meet.
const SHARDS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(digit: char) -> KeyArn {
        let key_id = format!("{0}234abcd-12ab-34cd-56ef-1234567890ab", digit).parse().unwrap();
        KeyArn { account: "111122223333".parse().unwrap(), region: "us-east-1".parse().unwrap(), key_id }
    }

    fn note(notes: &Notes, digit: char, sequence: u64) {
        let request_id = sequence.to_string();
        let ids = (EventId([7; 16]), request_id.as_str());
        notes.note(&arn(digit), sequence, "Encrypt", Timestamp::from_millis(1500), ids);
    }

    #[test]
    fn the_later_use_wins_in_whatever_order_they_come() {
        let notes = Notes::default();
        for sequence in [5, 9, 7] {
            note(&notes, '1', sequence);
        }
        let noted = notes.of(&arn('1')).unwrap();
        assert_eq!((noted.sequence, noted.request_id.as_str(), noted.time.millis()), (9, "9", 1000));
        assert_eq!(notes.of(&arn('2')), None);
    }

    #[test]
    fn what_leaves_is_found_until_it_has_left() {
        let notes = Notes::default();
        note(&notes, '1', 5);
        note(&notes, '2', 6);
        assert_eq!(notes.leave().len(), 2);
        assert_eq!(notes.of(&arn('1')).unwrap().sequence, 5);
        note(&notes, '1', 8);
        assert_eq!(notes.of(&arn('1')).unwrap().sequence, 8);
        // Not written: it leaves again, with what came meanwhile.
        assert_eq!(notes.leave().get(&arn('1')).unwrap().sequence, 8);
        notes.left();
        assert_eq!(notes.of(&arn('1')), None);
    }
}
