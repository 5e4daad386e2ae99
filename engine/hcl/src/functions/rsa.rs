//! Decryption with an RSA private key (PKCS #1 v1.5), for `rsadecrypt`.
//!
//! It runs on the user's own machine on the user's own key, never for a remote caller, so timing tells nobody anything.

use base64::Engine;
use num_bigint::BigUint;

/// Largest modulus, in bits.
const MAX_MODULUS_BITS: u64 = 8_192;
const NOT_A_KEY: &str = "the private key is not an unencrypted RSA key in PEM form";

/// Decrypts `cipher` with the key of a PEM text.
pub(super) fn decrypt(cipher: &[u8], pem: &str) -> Result<Vec<u8>, String> {
    let der = pem_content(pem).ok_or(NOT_A_KEY)?;
    let (modulus, exponent) = private_key(&der).ok_or(NOT_A_KEY)?;
    let message = BigUint::from_bytes_be(cipher);
    if modulus.bits() > MAX_MODULUS_BITS || message >= modulus {
        return Err("the ciphertext does not belong to this key".to_owned());
    }
    let size = modulus.bits().div_ceil(8) as usize;
    let plain = message.modpow(&exponent, &modulus).to_bytes_be();
    // 0x00 0x02, at least eight non-zero bytes, 0x00, the message; the first zero is not in `plain`.
    let end = plain.iter().position(|byte| *byte == 0);
    match end {
        Some(end) if plain.len() + 1 == size && plain[0] == 2 && end >= 9 => Ok(plain[end + 1..].to_vec()),
        _ => Err("decryption failed: the key or the ciphertext is wrong".to_owned()),
    }
}

fn pem_content(pem: &str) -> Option<Vec<u8>> {
    let begin = pem.find("-----BEGIN ")?;
    let header_end = pem[begin + 11..].find("-----")? + begin + 16;
    let body_end = pem[header_end..].find("-----END ")? + header_end;
    let body: String = pem[header_end..body_end].split_whitespace().collect();
    base64::engine::general_purpose::STANDARD.decode(body).ok()
}

/// The modulus and private exponent of a PKCS #1 key, or of one inside of PKCS #8.
fn private_key(der: &[u8]) -> Option<(BigUint, BigUint)> {
    let (0x30, content, _) = element(der)? else { return None };
    let (0x02, _version, rest) = element(content)? else { return None };
    let (tag, first, rest) = element(rest)?;
    if tag == 0x30 {
        // PKCS #8: an algorithm, then the key as an octet string.
        let (0x04, inner, _) = element(rest)? else { return None };
        return private_key(inner);
    }
    let (0x02, _public, rest) = element(rest)? else { return None };
    let (0x02, private, _) = element(rest)? else { return None };
    Some((BigUint::from_bytes_be(first), BigUint::from_bytes_be(private)))
}

/// The tag and content of the first DER element, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let count = usize::from(first & 0x7f);
        if count > 4 {
            return None;
        }
        length = rest.get(..count)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        rest = &rest[count..];
    }
    Some((tag, rest.get(..length)?, &rest[length..]))
}
