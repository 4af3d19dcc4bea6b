//! The keeper as a real process: what it gives up, and that it still works afterwards.
//!
//! Not here: the messages one by one (`wall/`).

#[cfg(test)]
mod hardened;
#[cfg(test)]
mod serving;
