//! Encodings and checksums.

use super::{bytes, text};
use crate::functions::{Functions, Type};
use crate::value::Value;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::Digest;

pub(super) fn add(functions: &mut Functions) {
    use Type::Text;
    functions.plain("b64enc", &[Text], None, |v| Ok(Value::text(STANDARD.encode(bytes(&v[0])))));
    functions.plain("b64dec", &[Text], None, |v| {
        Ok(match base64_decode(bytes(&v[0])) {
            Ok(bytes) => Value::text(bytes),
            Err(at) => Value::text(format!("illegal base64 data at input byte {at}")),
        })
    });
    functions.plain("b32enc", &[Text], None, |v| Ok(Value::text(base32_encode(bytes(&v[0])))));
    functions.plain("b32dec", &[Text], None, |v| {
        Ok(match base32_decode(&text(&v[0])) {
            Ok(bytes) => Value::text(bytes),
            Err(at) => Value::text(format!("illegal base32 data at input byte {at}")),
        })
    });
    functions.plain("sha1sum", &[Text], None, |v| Ok(Value::text(hex::encode(sha1::Sha1::digest(bytes(&v[0]))))));
    functions.plain("sha256sum", &[Text], None, |v| Ok(Value::text(hex::encode(sha2::Sha256::digest(bytes(&v[0]))))));
    functions.plain("sha512sum", &[Text], None, |v| Ok(Value::text(hex::encode(sha2::Sha512::digest(bytes(&v[0]))))));
    functions.plain("adler32sum", &[Text], None, |v| {
        let (mut a, mut b) = (1_u32, 0_u32);
        for &byte in bytes(&v[0]) {
            a = (a + u32::from(byte)) % 65521;
            b = (b + a) % 65521;
        }
        Ok(Value::text((b << 16 | a).to_string()))
    });
}

/// Decodes; on failure the first byte that is wrong. Line ends are passed over.
pub(super) fn base64_decode(input: &[u8]) -> Result<Vec<u8>, usize> {
    let clean: Vec<u8> = input.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    STANDARD.decode(&clean).map_err(|error| match error {
        base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
        _ => clean.len(),
    })
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32_encode(input: &[u8]) -> String {
    let mut out = String::with_capacity(input.len().div_ceil(5) * 8);
    for chunk in input.chunks(5) {
        let mut block = [0_u8; 8];
        block[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(block);
        let used = (chunk.len() * 8).div_ceil(5);
        for at in 0..8 {
            let digit = usize::try_from(bits >> (35 - at * 5) & 31).unwrap_or(0);
            out.push(if at < used { char::from(BASE32[digit]) } else { '=' });
        }
    }
    out
}

fn base32_decode(input: &str) -> Result<Vec<u8>, usize> {
    let clean: String = input.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let body = clean.trim_end_matches('=');
    let padding = clean.len() - body.len();
    let mut out = Vec::new();
    let (mut bits, mut held) = (0_u64, 0);
    for (at, byte) in body.bytes().enumerate() {
        let digit = BASE32.iter().position(|&known| known == byte).ok_or(at)?;
        bits = bits << 5 | digit as u64;
        held += 5;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xff) as u8);
        }
    }
    if !clean.len().is_multiple_of(8) || !matches!(padding, 0 | 1 | 3 | 4 | 6) {
        return Err(clean.len());
    }
    Ok(out)
}
