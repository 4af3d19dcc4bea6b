//! The segment format: names, headers and record heads, as `format.md` describes them.
//!
//! Not here: files; payloads, which are opaque.
//! Invariant: what is encoded decodes to the same value; all numbers are big-endian.

use crate::{
    EventId, RECORD_BYTES_MAX,
    chain::{Hash, header_hash, record_hash},
};

/// The beginning of a segment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// The segment's number; the first is 1.
    pub(crate) number: u64,
    /// The sequence number of its first record.
    pub(crate) first_sequence: u64,
    /// The length of the file, in bytes.
    pub(crate) capacity: u64,
    /// The hash of the record before its first one.
    pub(crate) previous: Hash,
}

impl Header {
    /// The bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_LEN);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&self.first_sequence.to_be_bytes());
        out.extend_from_slice(&self.capacity.to_be_bytes());
        out.extend_from_slice(&self.previous);
        out.extend_from_slice(&[0; 24]);
        let hash = header_hash(&out);
        out.extend_from_slice(&hash);
        out
    }

    /// The header in these bytes; none if there is no intact header of this version.
    fn decode(bytes: &[u8; HEADER_LEN]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (version, rest) = rest.split_first_chunk::<4>()?;
        let (_, rest) = rest.split_first_chunk::<4>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (first_sequence, rest) = rest.split_first_chunk::<8>()?;
        let (capacity, rest) = rest.split_first_chunk::<8>()?;
        let (previous, _) = rest.split_first_chunk::<32>()?;
        let (fields, hash) = bytes.split_last_chunk::<32>()?;
        let header = Self {
            number: u64::from_be_bytes(*number),
            first_sequence: u64::from_be_bytes(*first_sequence),
            capacity: u64::from_be_bytes(*capacity),
            previous: *previous,
        };
        let intact = magic == MAGIC && u32::from_be_bytes(*version) == FORMAT_VERSION && header_hash(fields) == *hash;
        intact.then_some(header)
    }
}

/// What stands at the beginning of a segment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// A header.
    Begun(Header),
    /// Zeros: the file is prepared and not begun.
    Blank,
    /// Something else.
    Damaged,
}

impl Beginning {
    /// Reads the beginning.
    pub(crate) fn decode(bytes: &[u8; HEADER_LEN]) -> Self {
        if bytes.iter().all(|byte| *byte == 0) {
            return Self::Blank;
        }
        Header::decode(bytes).map_or(Self::Damaged, Self::Begun)
    }
}

/// The fixed part of a record, before its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordHead {
    /// The payload's length, in bytes; 0 is the end of the records.
    pub(crate) length: u32,
    /// How many records of the same group stand before this one. A group is written only after everything before it
    /// is durable: 0 says that whatever stands before was durable when this was written.
    pub(crate) group_place: u32,
    /// The record's number.
    pub(crate) sequence: u64,
    /// The event's id.
    pub(crate) event_id: EventId,
    /// The chain hash.
    pub(crate) hash: Hash,
}

impl RecordHead {
    /// The head of a record that follows on a hash.
    pub(crate) fn new(previous: &Hash, place: (u64, u32), event_id: EventId, payload: &[u8]) -> Self {
        let (sequence, group_place) = place;
        // The length is at most RECORD_BYTES_MAX: the queue takes no more.
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let mut head = Self { length, group_place, sequence, event_id, hash: [0; 32] };
        head.hash = record_hash(previous, &head, payload);
        head
    }

    /// Appends the bytes.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.length.to_be_bytes());
        out.extend_from_slice(&self.group_place.to_be_bytes());
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.event_id.0);
        out.extend_from_slice(&self.hash);
    }

    /// The head in these bytes; none if they are too few. Nothing is checked.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (group_place, rest) = rest.split_first_chunk::<4>()?;
        let (sequence, rest) = rest.split_first_chunk::<8>()?;
        let (event_id, rest) = rest.split_first_chunk::<16>()?;
        let (hash, _) = rest.split_first_chunk::<32>()?;
        Some(Self {
            length: u32::from_be_bytes(*length),
            group_place: u32::from_be_bytes(*group_place),
            sequence: u64::from_be_bytes(*sequence),
            event_id: EventId(*event_id),
            hash: *hash,
        })
    }

    /// Whether all bytes are zero: the end of the records.
    pub(crate) fn is_blank(&self) -> bool {
        *self == Self { length: 0, group_place: 0, sequence: 0, event_id: EventId([0; 16]), hash: [0; 32] }
    }

    /// The payload's length, if a record can be that long.
    pub(crate) fn payload_len(&self) -> Option<usize> {
        let length = usize::try_from(self.length).ok()?;
        (1..=RECORD_BYTES_MAX).contains(&length).then_some(length)
    }

    /// Head and payload, in bytes.
    pub(crate) fn size(&self) -> u64 {
        RECORD_HEAD_BYTES + u64::from(self.length)
    }
}

/// The name of a segment's file.
pub(crate) fn segment_name(number: u64) -> String {
    format!("{NAME_PREFIX}{number:020}{NAME_SUFFIX}")
}

/// The number of the segment whose file has this name.
pub(crate) fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(NAME_PREFIX)?.strip_suffix(NAME_SUFFIX)?;
    let number = digits.parse().ok()?;
    (number > 0 && segment_name(number) == name).then_some(number)
}

/// Length of a header, in bytes.
pub(crate) const HEADER_LEN: usize = 128;
/// Length of a header, in bytes: where the first record begins.
pub(crate) const HEADER_BYTES: u64 = 128;
/// Length of a record's fixed part, in bytes.
pub(crate) const RECORD_HEAD_BYTES: u64 = 64;
/// Length of a record's fixed part, in bytes.
pub(crate) const RECORD_HEAD_LEN: usize = 64;

const MAGIC: &[u8; 8] = b"KNKTRAIL";
const FORMAT_VERSION: u32 = 1;
const NAME_PREFIX: &str = "segment-";
const NAME_SUFFIX: &str = ".ktrail";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_reads_back_and_every_bit_counts() {
        let header = Header { number: 3, first_sequence: 77, capacity: 4096, previous: [9; 32] };
        let bytes: [u8; HEADER_LEN] = header.encode().try_into().unwrap();
        assert_eq!(Beginning::decode(&bytes), Beginning::Begun(header));
        assert_eq!(Beginning::decode(&[0; HEADER_LEN]), Beginning::Blank);
        for bit in 0..HEADER_LEN * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Beginning::decode(&damaged), Beginning::Damaged, "bit {bit}");
        }
    }

    #[test]
    fn record_head_reads_back() {
        let head = RecordHead::new(&[1; 32], (5, 2), EventId([7; 16]), b"payload");
        let mut bytes = Vec::new();
        head.encode(&mut bytes);
        assert_eq!(bytes.len(), RECORD_HEAD_LEN);
        assert_eq!(RecordHead::decode(&bytes), Some(head));
        assert_eq!(RecordHead::decode(&bytes[1..]), None);
        assert_eq!(head.size(), 71);
    }

    #[test]
    fn names_have_one_form() {
        let name = segment_name(42);
        assert_eq!(name, "segment-00000000000000000042.ktrail");
        assert_eq!(segment_number(&name), Some(42));
        assert_eq!(segment_number(&segment_name(u64::MAX)), Some(u64::MAX));
        for other in [&segment_name(0), "segment-42.ktrail", "segment-00000000000000000042.ktrail.new", "lock", ""] {
            assert_eq!(segment_number(other), None, "{other}");
        }
    }
}
