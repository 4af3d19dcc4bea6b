//! A bucket of tokens in one atomic number.
//!
//! Not a counter that a clock refills: the number is the instant at which the bucket will be full again, so that time
//! alone refills it and one compare-and-swap takes a token (the generic cell rate algorithm, ITU-T I.371).
//! Invariant: over any span a bucket gives at most its rate times the span, and its burst.

use std::sync::atomic::{AtomicU64, Ordering};

use kanuki_types::Timestamp;

/// How fast a bucket fills, and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    /// Nanoseconds for one token.
    interval: u64,
    /// Nanoseconds for a full bucket; at least one token.
    burst: u64,
}

impl Rate {
    /// That many tokens in a second, up to that many seconds' worth at once.
    pub(super) fn new(per_second: u32, burst_seconds: u32) -> Self {
        let interval = NANOS_PER_SECOND / u64::from(per_second.max(1));
        let tokens = u64::from(per_second.max(1)).saturating_mul(u64::from(burst_seconds.max(1)));
        Self { interval, burst: interval.saturating_mul(tokens) }
    }
}

/// The bucket; full at first.
#[derive(Debug, Default)]
pub(super) struct Bucket(AtomicU64);

impl Bucket {
    /// Takes a token; false if there is none.
    pub(super) fn take(&self, now: Timestamp, rate: Rate) -> bool {
        let now = u64::try_from(now.millis()).unwrap_or_default().saturating_mul(NANOS_PER_MILLI);
        let full_after_take = |full_at: u64| {
            // A clock that was set back must not lock the account out until it has caught up.
            let full_at = if full_at > now.saturating_add(rate.burst) { now } else { full_at.max(now) };
            let next = full_at.saturating_add(rate.interval);
            (next - now <= rate.burst).then_some(next)
        };
        // The number guards nothing but itself.
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, full_after_take).is_ok()
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;
const NANOS_PER_MILLI: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(bucket: &Bucket, millis: i64, rate: Rate) -> usize {
        (0..10_000).take_while(|_| bucket.take(Timestamp::from_millis(millis), rate)).count()
    }

    #[test]
    fn gives_its_burst_and_then_its_rate() {
        let (bucket, rate) = (Bucket::default(), Rate::new(5, 2));
        let start = 1_700_000_000_000;
        assert_eq!(taken(&bucket, start, rate), 10);
        assert_eq!(taken(&bucket, start + 199, rate), 0);
        assert_eq!(taken(&bucket, start + 200, rate), 1);
        assert_eq!(taken(&bucket, start + 1200, rate), 5);
        assert_eq!(taken(&bucket, start + 3_600_000, rate), 10);
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out_and_a_refusal_costs_nothing() {
        let (bucket, rate) = (Bucket::default(), Rate::new(1, 3));
        assert_eq!(taken(&bucket, 1_700_000_000_000, rate), 3);
        assert_eq!(taken(&bucket, 1_600_000_000_000, rate), 3);
        for _ in 0..100 {
            assert!(!bucket.take(Timestamp::from_millis(1_600_000_000_500), rate));
        }
        assert_eq!(taken(&bucket, 1_600_000_001_000, rate), 1);
    }

    #[test]
    fn threads_take_no_token_twice() {
        let (bucket, rate) = (Bucket::default(), Rate::new(1000, 1));
        let at = 1_700_000_000_000;
        let total: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| taken(&bucket, at, rate))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(total, 1000);
    }
}
