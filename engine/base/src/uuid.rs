//! UUIDs from a source of randomness that the caller owns.

use rand::{Rng, RngExt};

/// A random UUID in the usual 36-character form, from `rng`.
pub fn from_rng(rng: &mut impl Rng) -> String {
    format_uuid(rng.random())
}

/// A random UUID from the thread's generator; for shells only.
pub fn random() -> String {
    format_uuid(rand::random())
}

/// Allocations are made by the million: this is worth more than `format!`.
fn format_uuid(bits: u128) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(36);
    for (at, byte) in bits.to_be_bytes().into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn uuids_have_the_usual_shape() {
        let id = super::random();
        assert_eq!(id.len(), 36);
        assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_ne!(id, super::random());
        let bits = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff;
        assert_eq!(super::format_uuid(bits), "00112233-4455-6677-8899-aabbccddeeff");
    }
}
