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
mod signatures;
#[cfg(test)]
mod macs;
#[cfg(test)]
mod encryption;
#[cfg(test)]
mod agreement;
#[cfg(test)]
mod encapsulation;
#[cfg(test)]
mod key_pairs;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod reseals;
#[cfg(test)]
mod authorization_messages;
#[cfg(test)]
mod slow;
#[cfg(test)]
mod wycheproof;
#[cfg(test)]
mod records;
#[cfg(test)]
mod access_keys;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod mfa;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod recipients;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod golden_keys;
