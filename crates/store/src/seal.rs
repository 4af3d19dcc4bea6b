//! The seal of a record, and the place it is bound to.
//!
//! Not here: cryptography. The keeper seals; this crate says what and where.
//! Invariant: two different places never have the same bytes.

use std::{error, fmt};

use crate::{BoxFuture, Source};

/// Seals and opens records. The store asks in batches of up to [`crate::SCAN_LIMIT_MAX`] records; an implementation
/// that has smaller frames splits them.
pub trait Sealer: Send + Sync + 'static {
    /// Seals each `(place, value)`: encrypts the value and binds it to the place. One result per record, in order.
    ///
    /// # Errors
    /// [`SealError`] if none could be sealed.
    fn seal(&self, records: Vec<(Vec<u8>, Vec<u8>)>) -> BoxFuture<'_, Result<Vec<Vec<u8>>, SealError>>;

    /// Opens each `(place, sealed value)`; none for a record whose seal does not verify at that place. One result per
    /// record, in order.
    ///
    /// # Errors
    /// [`SealError`] if the seals could not be looked at.
    fn open(&self, records: Vec<(Vec<u8>, Vec<u8>)>) -> BoxFuture<'_, Result<Vec<Option<Vec<u8>>>, SealError>>;
}

/// Why records could not be sealed or opened at all. A seal that does not verify is not an error of the sealer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SealError {
    /// The sealer answered with a number of results that is not the number of records.
    Miscounted,
    /// The sealer cannot be asked now.
    Unavailable(Source),
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Miscounted => "the sealer answered for a different number of records",
            Self::Unavailable(_) => "the sealer is unavailable",
        })
    }
}

impl error::Error for SealError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Miscounted => None,
            Self::Unavailable(source) => Some(source.as_ref()),
        }
    }
}

/// The bytes that a record's seal is bound to: format, keyspace, key and version, each behind its length.
pub(crate) fn place(keyspace: u8, key: &[u8], version: u64) -> Vec<u8> {
    let parts: [&[u8]; 4] = [&[SEAL_FORMAT], &[keyspace], key, &version.to_be_bytes()];
    let mut place = Vec::with_capacity(PLACE_BYTES_FIXED + key.len());
    for part in parts {
        // Keys have at most 1 KiB, and the engine refuses a longer one before its seal is used.
        place.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        place.extend_from_slice(part);
    }
    place
}

/// The number of the form in which a record's place is written.
pub const SEAL_FORMAT: u8 = 1;

/// Four lengths, the format, the keyspace and the version.
const PLACE_BYTES_FIXED: usize = 4 * 4 + 1 + 1 + 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_in_the_documented_form() {
        let expected = [
            &[0, 0, 0, 1, 1][..],
            &[0, 0, 0, 1, 9],
            &[0, 0, 0, 3, b'k', b'e', b'y'],
            &[0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 5],
        ];
        let place = place(9, b"key", 5);
        assert_eq!(place, expected.concat());
        assert_eq!(place.len(), PLACE_BYTES_FIXED + 3);
    }
}
