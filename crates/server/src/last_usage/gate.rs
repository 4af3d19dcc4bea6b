//! Knows when every call that was under way at some moment has ended.
//!
//! A writer that wants everything noted up to a record first turns the gate, so that calls which come later are counted
//! apart, and then waits for those who were there before. No call ever waits for the writer.
//! Invariant: between two turns everybody who entered before the first has left before the second is allowed.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The gate: two counters, of which the newcomers use one.
#[derive(Debug, Default)]
pub(super) struct Gate {
    turns: AtomicUsize,
    inside: [AtomicUsize; 2],
}

/// Somebody who is inside, until dropped.
#[derive(Debug)]
pub(super) struct Inside<'a>(&'a AtomicUsize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Gate {
    /// Enters.
    pub(super) fn enter(&self) -> Inside<'_> {
        loop {
            let turns = self.turns.load(Ordering::SeqCst);
            let counter = self.counter(turns);
            counter.fetch_add(1, Ordering::SeqCst);
            let inside = Inside(counter);
            // A turn in between may have missed this one: enter again, on the side of the newcomers.
            if self.turns.load(Ordering::SeqCst) == turns {
                return inside;
            }
        }
    }

    /// Turns, if everybody from before the last turn has left; else false.
    pub(super) fn turn(&self) -> bool {
        if !self.is_quiet() {
            return false;
        }
        self.turns.fetch_add(1, Ordering::SeqCst);
        true
    }

    /// Whether everybody from before the last turn has left.
    pub(super) fn is_quiet(&self) -> bool {
        self.counter(self.turns.load(Ordering::SeqCst).wrapping_add(1)).load(Ordering::SeqCst) == 0
    }

    fn counter(&self, turns: usize) -> &AtomicUsize {
        let [even, odd] = &self.inside;
        if turns.is_multiple_of(2) { even } else { odd }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_those_before_and_not_for_those_after() {
        let gate = Gate::default();
        let before = gate.enter();
        assert!(gate.turn());
        let after = gate.enter();
        assert!(!gate.is_quiet() && !gate.turn());
        drop(before);
        assert!(gate.is_quiet());
        assert!(gate.turn());
        assert!(!gate.is_quiet());
        drop(after);
        assert!(gate.is_quiet());
    }

    /// Whoever saw the gate quiet after a turn sees all that was done inside before the turn.
    #[test]
    fn nothing_done_inside_is_missed() {
        use std::sync::atomic::AtomicU64;
        let (gate, begun, done) = (Gate::default(), AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        let inside = gate.enter();
                        begun.fetch_add(1, Ordering::SeqCst);
                        done.fetch_add(1, Ordering::SeqCst);
                        drop(inside);
                    }
                });
            }
            scope.spawn(|| {
                for _ in 0..500 {
                    let seen = begun.load(Ordering::SeqCst);
                    if gate.turn() {
                        while !gate.is_quiet() {
                            std::thread::yield_now();
                        }
                        assert!(done.load(Ordering::SeqCst) >= seen);
                    }
                }
            });
        });
    }
}
