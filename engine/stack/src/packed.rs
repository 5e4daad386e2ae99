//! Texts in the engine's variables: compressed when large, since a variable holds 64 KiB at most.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// What one variable may hold, names and values together, in bytes; the engines' limit is 65,536.
pub(crate) const MAX_VARIABLE_BYTES: usize = 64_000;
/// The largest text that is unpacked, in bytes.
const MAX_TEXT_BYTES: u64 = 64 * 1024 * 1024;

/// `text`, compressed, in characters that a variable can hold.
pub(crate) fn pack(text: &str) -> String {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    STANDARD.encode(written.expect("writing to memory cannot fail"))
}

/// The text again; none when it is damaged or too large.
pub(crate) fn unpack(packed: &str) -> Option<String> {
    let bytes = STANDARD.decode(packed).ok()?;
    let mut text = String::new();
    let mut decoder = ZlibDecoder::new(bytes.as_slice()).take(MAX_TEXT_BYTES + 1);
    decoder.read_to_string(&mut text).ok()?;
    (text.len() as u64 <= MAX_TEXT_BYTES).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_and_get_smaller() {
        let text = "job.web in namespace default; ".repeat(5000);
        let packed = pack(&text);
        assert!(packed.len() * 20 < text.len(), "{}", packed.len());
        assert_eq!(unpack(&packed).unwrap(), text);
        assert_eq!(unpack(&packed[..packed.len() / 2]), None);
        assert_eq!(unpack("no base64!"), None);
    }
}
