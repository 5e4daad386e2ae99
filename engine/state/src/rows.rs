//! Rows by id, and the keys that they and the indexes over them are found by.

use drover_base::{AllocId, DeploymentId, EvalId, NodeId};
use imbl::OrdMap;
use std::cmp::Ordering;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Bound, Range};
use std::sync::Arc;

const UUID_LEN: usize = 36;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// What an id is ordered and found by; the order is that of the texts. UUIDs, as nearly all ids are, lie
/// in the key itself: to compare them no other memory is read, and to copy them none is counted.
#[derive(Clone)]
pub(crate) enum Key {
    /// The number that a UUID writes, as two halves.
    Uuid(u64, u64),
    /// Any other text.
    Text(Arc<str>),
}

/// Whatever a row can be asked for by.
pub(crate) trait AsKey {
    /// The key.
    fn as_key(&self) -> Key;
}

impl Key {
    pub(crate) fn of(text: &str) -> Self {
        match parse_uuid(text.as_bytes()) {
            Some((high, low)) => Self::Uuid(high, low),
            None => Self::Text(Arc::from(text)),
        }
    }

    /// Calls `read` with the text.
    fn with_text<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Self::Uuid(high, low) => read(&write_uuid(*high, *low)),
            Self::Text(text) => read(text.as_bytes()),
        }
    }
}

/// Only the usual form with small letters: so equal texts are equal keys, and no others.
fn parse_uuid(text: &[u8]) -> Option<(u64, u64)> {
    if text.len() != UUID_LEN {
        return None;
    }
    if [8, 13, 18, 23].iter().any(|at| text[*at] != b'-') {
        return None;
    }
    let number = |ranges: [Range<usize>; 3]| {
        let (mut bits, mut wrong) = (0_u64, 0);
        for byte in ranges.into_iter().flat_map(|range| &text[range]) {
            let value = VALUES[usize::from(*byte)];
            wrong |= value;
            bits = bits << 4 | u64::from(value & 15);
        }
        (bits, wrong)
    };
    let (high, of_high) = number([0..8, 9..13, 14..18]);
    let (low, of_low) = number([19..23, 24..36, 36..36]);
    ((of_high | of_low) < NO_DIGIT).then_some((high, low))
}

/// What a digit is worth; [`NO_DIGIT`] for every other byte.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < DIGITS.len() {
        values[DIGITS[digit] as usize] = digit as u8;
        digit += 1;
    }
    values
};
const NO_DIGIT: u8 = 128;

fn write_uuid(high: u64, low: u64) -> [u8; UUID_LEN] {
    let mut text = [b'-'; UUID_LEN];
    let mut bits = u128::from(high) << 64 | u128::from(low);
    for (at, byte) in text.iter_mut().enumerate().rev() {
        if !matches!(at, 8 | 13 | 18 | 23) {
            *byte = DIGITS[(bits & 15) as usize];
            bits >>= 4;
        }
    }
    text
}

impl PartialEq for Key {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Uuid(a, b), Self::Uuid(c, d)) => a == c && b == d,
            (Self::Text(own), Self::Text(other)) => own == other,
            _ => false,
        }
    }
}
impl Eq for Key {}
impl PartialOrd for Key {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Key {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Uuid(a, b), Self::Uuid(c, d)) => (a, b).cmp(&(c, d)),
            (Self::Text(own), Self::Text(other)) => own.cmp(other),
            _ => self.with_text(|own| other.with_text(|other| own.cmp(other))),
        }
    }
}
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| fmt::Debug::fmt(&String::from_utf8_lossy(text), f))
    }
}

impl AsKey for Key {
    fn as_key(&self) -> Key {
        self.clone()
    }
}
impl<T: AsKey> AsKey for &T {
    fn as_key(&self) -> Key {
        (*self).as_key()
    }
}
macro_rules! as_key {
    ($($id:ident),+) => { $(impl AsKey for $id {
        fn as_key(&self) -> Key {
            Key::of(self.as_str())
        }
    })+ };
}
as_key!(AllocId, DeploymentId, EvalId, NodeId);

/// Shared rows by id, in the order of the ids. `I` is the type of the ids.
#[derive(Debug)]
pub(crate) struct Rows<I, T> {
    rows: OrdMap<Key, Arc<T>>,
    id: PhantomData<fn(I)>,
}

impl<I, T> Clone for Rows<I, T> {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone(), id: PhantomData }
    }
}
impl<I, T: PartialEq> PartialEq for Rows<I, T> {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows
    }
}
impl<I, T> Default for Rows<I, T> {
    fn default() -> Self {
        Self { rows: OrdMap::new(), id: PhantomData }
    }
}

impl<I: AsKey, T> Rows<I, T> {
    /// Puts a row in, and gives back the one that was there.
    pub(crate) fn insert(&mut self, id: impl AsKey, row: Arc<T>) -> Option<Arc<T>> {
        self.rows.insert(id.as_key(), row)
    }
    /// Takes a row out.
    pub(crate) fn remove(&mut self, id: &impl AsKey) -> Option<Arc<T>> {
        self.rows.remove(&id.as_key())
    }
    /// A row.
    pub(crate) fn get(&self, id: &impl AsKey) -> Option<&Arc<T>> {
        self.rows.get(&id.as_key())
    }
    /// A row to change.
    pub(crate) fn get_mut(&mut self, id: &impl AsKey) -> Option<&mut Arc<T>> {
        self.rows.get_mut(&id.as_key())
    }
    /// Every row.
    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &Arc<T>> + '_ {
        self.rows.values()
    }
    /// The rows from an id on, or from where it would be.
    pub(crate) fn starting_at(&self, id: &str) -> impl Iterator<Item = &Arc<T>> + '_ {
        self.rows.range((Bound::Included(Key::of(id)), Bound::Unbounded)).map(|(_, row)| row)
    }
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_as_their_texts() {
        let texts = [
            "",
            "0",
            "00000000-0000-0000-0000-000000000000",
            "00000000-0000-0000-0000-00000000000g",
            "00112233-4455-6677-8899-aabbccddeeff",
            "00112233-4455-6677-8899-AABBCCDDEEFF",
            "0011223344556677-8899-aabb-ccddeeff-1",
            "a",
            "aaaaaaaa",
            "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "web",
        ];
        for own in texts {
            for other in texts {
                assert_eq!(Key::of(own).cmp(&Key::of(other)), own.cmp(other), "{own} {other}");
                assert_eq!(Key::of(own) == Key::of(other), own == other);
            }
            assert_eq!(format!("{:?}", Key::of(own)), format!("{own:?}"));
        }
        assert!(matches!(Key::of(texts[4]), Key::Uuid(0x0011_2233_4455_6677, 0x8899_aabb_ccdd_eeff)));
        assert_eq!(size_of::<Key>(), 24);
    }

    #[test]
    fn rows_are_found_by_where_they_would_be() {
        let mut rows: Rows<AllocId, String> = Rows::default();
        for id in ["b0000000-0000-0000-0000-000000000000", "c", "a0000000-0000-0000-0000-000000000000"] {
            rows.insert(AllocId::from(id), Arc::new(id.to_owned()));
        }
        let from = |start: &str| rows.starting_at(start).map(|row| row[..1].to_owned()).collect::<String>();
        assert_eq!(
            (from(""), from("b"), from("b1"), from("d")),
            ("abc".into(), "bc".into(), "c".into(), String::new())
        );
    }
}
