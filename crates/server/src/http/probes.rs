//! The state of the server, for load balancers and supervisors: `/health` and `/ready`, unsigned and unrecorded.
//!
//! Not here: anything about keys or callers.

use std::sync::atomic::{AtomicU8, Ordering};

/// Where the server is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Answers requests.
    Ready,
    /// Finishes what it has and takes nothing new.
    Draining,
}

/// The present phase, shared between the connections.
#[derive(Debug, Default)]
pub(super) struct PhaseCell(AtomicU8);

impl PhaseCell {
    pub(super) fn get(&self) -> Phase {
        if self.0.load(Ordering::Acquire) == 0 { Phase::Ready } else { Phase::Draining }
    }

    pub(super) fn drain(&self) {
        self.0.store(1, Ordering::Release);
    }
}

/// The answer to a probe: status and body; none if the path is no probe.
pub(super) fn answer(path: &str, phase: Phase, trail_is_healthy: bool) -> Option<(u16, &'static str)> {
    match path {
        "/health" if trail_is_healthy => Some((200, "ok\n")),
        "/health" => Some((503, "the audit trail cannot be written\n")),
        "/ready" if phase == Phase::Ready && trail_is_healthy => Some((200, "ready\n")),
        "/ready" => Some((503, "not ready\n")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_a_trail_is_not_healthy() {
        assert_eq!(answer("/health", Phase::Ready, true).unwrap().0, 200);
        assert_eq!(answer("/health", Phase::Ready, false).unwrap().0, 503);
        assert_eq!(answer("/ready", Phase::Draining, true).unwrap().0, 503);
        assert_eq!(answer("/", Phase::Ready, true), None);
    }
}
