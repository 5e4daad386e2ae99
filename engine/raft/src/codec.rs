//! Framing: what is on disk, with version and check sum.

use serde::{Deserialize, Serialize};

/// The version of every file's format.
pub(crate) const FORMAT_VERSION: u8 = 1;
/// Length and CRC-32 before each record.
pub(crate) const RECORD_HEADER_BYTES: usize = 8;

/// What a reader found at a place.
pub(crate) enum Record<'a> {
    /// A whole record, and where the next one begins.
    Whole { payload: &'a [u8], next: usize },
    /// Nothing was written here.
    End,
    /// Something was, but not all of it or not as it was meant.
    Torn,
}

/// Appends a record to `out`.
pub(crate) fn put_record(out: &mut Vec<u8>, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("records are bounded by MAX_ENTRY_BYTES");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
    out.extend_from_slice(payload);
}

/// Reads the record at `at`.
pub(crate) fn read_record(bytes: &[u8], at: usize) -> Record<'_> {
    let Some(header) = bytes.get(at..at + RECORD_HEADER_BYTES) else {
        return if bytes[at.min(bytes.len())..].iter().all(|byte| *byte == 0) { Record::End } else { Record::Torn };
    };
    let word = |from: usize| u32::from_le_bytes([header[from], header[from + 1], header[from + 2], header[from + 3]]);
    let (length, sum) = (word(0) as usize, word(4));
    if length == 0 {
        return if sum == 0 { Record::End } else { Record::Torn };
    }
    let start = at + RECORD_HEADER_BYTES;
    match bytes.get(start..start + length) {
        Some(payload) if crc32fast::hash(payload) == sum => Record::Whole { payload, next: start + length },
        _ => Record::Torn,
    }
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, rmp_serde::encode::Error> {
    rmp_serde::to_vec_named(value)
}

pub(crate) fn decode<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, rmp_serde::decode::Error> {
    rmp_serde::from_slice(bytes)
}
