//! The steerable clock of the insecure test mode, and the endpoint that steers it.
//!
//! Not here in any other mode: without a steerable clock the endpoint does not exist. Invariant: time moves forward only.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use kanuki_types::{Clock, Timestamp};
use serde::Deserialize;
use serde_json::json;

/// A clock that runs with the world's and can be moved ahead of it.
pub struct SteerableClock {
    wall: Arc<dyn Clock>,
    ahead_seconds: AtomicI64,
}

impl std::fmt::Debug for SteerableClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SteerableClock").field("ahead_seconds", &self.ahead_seconds).finish_non_exhaustive()
    }
}

impl SteerableClock {
    /// A clock that shows the world's time until it is moved.
    #[must_use]
    pub fn new(wall: Arc<dyn Clock>) -> Self {
        Self { wall, ahead_seconds: AtomicI64::new(0) }
    }

    /// Moves the clock ahead as the body says, `{"advance_seconds": N}`; answers status and body.
    pub(super) fn steer(&self, body: &[u8]) -> (u16, String) {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Steer {
            advance_seconds: u32,
        }
        match serde_json::from_slice::<Steer>(body) {
            Ok(Steer { advance_seconds }) => {
                self.ahead_seconds.fetch_add(i64::from(advance_seconds), Ordering::AcqRel);
                (200, json!({ "now": self.now().iso8601() }).to_string())
            }
            Err(_) => (400, json!({ "error": "the body is {\"advance_seconds\": N}" }).to_string()),
        }
    }
}

impl Clock for SteerableClock {
    fn now(&self) -> Timestamp {
        self.wall.now().plus_seconds(self.ahead_seconds.load(Ordering::Acquire))
    }
}

/// Where the clock is steered.
pub(super) const PATH: &str = "/_insecure/clock";
