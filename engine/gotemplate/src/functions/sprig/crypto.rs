//! Passwords and encryption.

use super::{Outcome, bytes, encodings, int, text};
use crate::exec::Execution;
use crate::functions::{Function, Functions, Type};
use crate::value::Value;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};

/// The cost of a password's hash.
const COST: u32 = 10;

pub(super) fn add(functions: &mut Functions) {
    use Type::{Text, Uint32};
    functions.add("bcrypt", Function::new(&[Text], None, |execution, v| Ok(Value::text(hashed(execution, &v[0])?))));
    functions.add(
        "htpasswd",
        Function::new(&[Text, Text], None, |execution, v| {
            let user = text(&v[0]);
            if user.contains(':') {
                return Ok(Value::text(format!("invalid username: {user}")));
            }
            Ok(Value::text(format!("{user}:{}", hashed(execution, &v[1])?)))
        }),
    );
    functions.add(
        "encryptAES",
        Function::new(&[Text, Text], None, |execution, v| {
            let mut start = [0; 16];
            execution.host().random(&mut start)?;
            let cipher = cbc::Encryptor::<aes::Aes256>::new(&key(&v[0]).into(), &start.into());
            let sealed = cipher.encrypt_padded_vec_mut::<Pkcs7>(bytes(&v[1]));
            Ok(Value::text(STANDARD.encode([&start[..], &sealed].concat())))
        }),
    );
    functions.plain("decryptAES", &[Text, Text], None, |v| {
        let sealed =
            encodings::base64_decode(bytes(&v[1])).map_err(|at| format!("illegal base64 data at input byte {at}"))?;
        let (start, body) = sealed.split_first_chunk::<16>().ok_or("crypto/aes: the text is too short")?;
        let cipher = cbc::Decryptor::<aes::Aes256>::new(&key(&v[0]).into(), start.into());
        cipher
            .decrypt_padded_vec_mut::<Pkcs7>(body)
            .map(Value::text)
            .map_err(|_| "crypto/aes: the text is damaged, or the key is another one".to_owned())
    });
    functions.plain("derivePassword", &[Uint32, Text, Text, Text, Text], None, derive);
}

fn hashed(execution: &Execution<'_>, password: &Value) -> Result<String, String> {
    let mut salt = [0; 16];
    execution.host().random(&mut salt)?;
    let hash = bcrypt::hash_with_salt(bytes(password), COST, salt)
        .map_err(|error| format!("failed to encrypt string with bcrypt: {error}"))?;
    Ok(hash.format_for_version(bcrypt::Version::TwoA))
}

/// The first 32 bytes of a password, filled up with zeros.
fn key(password: &Value) -> [u8; 32] {
    let mut key = [0; 32];
    let password = bytes(password);
    let length = password.len().min(32);
    key[..length].copy_from_slice(&password[..length]);
    key
}

/// The templates of the Master Password algorithm, by the type of password.
const TEMPLATES: [(&str, &[&str]); 6] = [
    ("maximum", &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"]),
    (
        "long",
        &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
    ),
    ("medium", &["CvcnoCvc", "CvcCvcno"]),
    ("short", &["Cvcn"]),
    ("basic", &["aaanaaan", "aannaaan", "aaannaaa"]),
    ("pin", &["nnnn"]),
];

/// The characters that a letter of a template stands for.
fn class(letter: char) -> &'static [u8] {
    match letter {
        'V' => b"AEIOU",
        'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        'v' => b"aeiou",
        'c' => b"bcdfghjklmnpqrstvwxyz",
        'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        'n' => b"0123456789",
        'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// The Master Password algorithm, version 3.
fn derive(v: &[Value]) -> Outcome {
    const SCOPE: &[u8] = b"com.lyndir.masterpassword";
    let counter = u32::try_from(int(&v[0])).map_err(|_| "the counter is too large".to_owned())?;
    let kind = text(&v[1]);
    let Some((_, templates)) = TEMPLATES.iter().find(|(name, _)| *name == kind) else {
        return Ok(Value::text(format!("cannot find password template {kind}")));
    };
    let scoped = |name: &[u8]| [SCOPE, &u32::try_from(name.len()).unwrap_or(u32::MAX).to_be_bytes(), name].concat();
    let mut master = [0; 64];
    let cost = scrypt::Params::new(15, 8, 2, 64).map_err(|error| format!("failed to derive password: {error}"))?;
    scrypt::scrypt(bytes(&v[2]), &scoped(bytes(&v[3])), &cost, &mut master)
        .map_err(|error| format!("failed to derive password: {error}"))?;
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&master).map_err(|error| error.to_string())?;
    mac.update(&scoped(bytes(&v[4])));
    mac.update(&counter.to_be_bytes());
    let seed = mac.finalize().into_bytes();
    let template = templates[usize::from(seed[0]) % templates.len()];
    let letters = template.chars().zip(&seed[1..]).map(|(letter, &byte)| {
        let class = class(letter);
        class[usize::from(byte) % class.len()]
    });
    Ok(Value::text(letters.collect::<Vec<u8>>()))
}
