//! Accepts connections, reads bounded requests, writes answers that have been recorded.
//!
//! Not here: anything about the meaning of a request. Invariants: no request is read without limits on bytes and time;
//! nothing is written to a client but a [`Recorded`](crate::record::Recorded) answer or the state of the server itself.

mod incoming;
mod listener;
mod probes;
mod insecure_clock;
mod insecure_neighbour;

pub use incoming::{BODY_BYTES_MAX, Incoming};
pub use insecure_clock::SteerableClock;
pub(crate) use insecure_neighbour::InsecureNeighbour;
pub use listener::{HttpLimits, Server};
pub use probes::Phase;
