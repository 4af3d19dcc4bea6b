//! Every message across the wall, against a keeper on a thread of this process.
//!
//! Not here: what the keeper gives up as a process of its own (`process.rs`).

#[cfg(test)]
mod playground;
#[cfg(test)]
mod phases;
#[cfg(test)]
mod symmetric;
#[cfg(test)]
mod materials;
#[cfg(test)]
mod records;
#[cfg(test)]
mod access_keys;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod golden;
