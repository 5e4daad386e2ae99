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

fn format_uuid(bits: u128) -> String {
    let (a, b, c) = (bits >> 96, (bits >> 80) & 0xffff, (bits >> 64) & 0xffff);
    let (d, e) = ((bits >> 48) & 0xffff, bits & 0xffff_ffff_ffff);
    format!("{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn uuids_have_the_usual_shape() {
        let id = super::random();
        assert_eq!(id.len(), 36);
        assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_ne!(id, super::random());
    }
}
