//! Hashes, identifiers and decryption.

use base64::Engine;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use uuid::Uuid;

use crate::value::Value;

use super::{CallEnv, Function, FunctionTable, Outcome, Param, rsa, text, whole};

/// Highest cost of a bcrypt hash: about a second of work.
const MAX_BCRYPT_COST: u32 = 14;

pub(super) fn add(table: &mut FunctionTable) {
    table.add(hash::<Md5>("md5"));
    table.add(hash::<Sha1>("sha1"));
    table.add(hash::<Sha256>("sha256"));
    table.add(hash::<Sha512>("sha512"));
    table.add(
        Function::new("bcrypt", vec![Param::string("str")], bcrypt_hash)
            .variadic_with(Param::number("cost"))
            .costing(bcrypt_cost),
    );
    table.add(Function::new("uuidv4", vec![], |_, _| Ok(Uuid::new_v4().to_string().into())));
    table.add(Function::new("uuidv5", vec![Param::string("namespace"), Param::string("name")], |_, a| {
        let namespace = match text(&a[0]) {
            "dns" => Uuid::NAMESPACE_DNS,
            "url" => Uuid::NAMESPACE_URL,
            "oid" => Uuid::NAMESPACE_OID,
            "x500" => Uuid::NAMESPACE_X500,
            other => Uuid::parse_str(other)
                .map_err(|_| format!("the namespace {other:?} is neither dns, url, oid, x500 nor a UUID"))?,
        };
        Ok(Uuid::new_v5(&namespace, text(&a[1]).as_bytes()).to_string().into())
    }));
    table.add(
        Function::new("rsadecrypt", vec![Param::string("ciphertext"), Param::string("privatekey")], |_, a| {
            let cipher = base64::engine::general_purpose::STANDARD
                .decode(text(&a[0]))
                .map_err(|_| "the ciphertext is not base64".to_owned())?;
            let plain = rsa::decrypt(&cipher, text(&a[1]))?;
            String::from_utf8(plain).map(Value::from).map_err(|_| "the decrypted bytes are not UTF-8 text".to_owned())
        })
        .costing(|_| 1 << 20),
    );
}

fn hash<D: Digest>(name: &str) -> Function {
    Function::new(name, vec![Param::string("str")], |_, a| {
        let digest = D::digest(text(&a[0]).as_bytes());
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
    })
}

/// Each step of the cost doubles the work; at 10 it takes a twentieth of a second.
fn bcrypt_cost(a: &[Value]) -> u64 {
    let cost = a.get(1).and_then(|cost| whole(cost).ok()).unwrap_or(10).clamp(10, i64::from(MAX_BCRYPT_COST));
    4096 << cost
}

fn bcrypt_hash(_: &CallEnv<'_>, a: &[Value]) -> Outcome {
    let cost = match &a[1..] {
        [] => 10,
        [cost] => u32::try_from(whole(cost)?).map_err(|_| "the cost must not be negative".to_owned())?,
        _ => return Err("bcrypt takes no more than two arguments".to_owned()),
    };
    // Costs below 4 mean the default one, as in the reference.
    let cost = if cost < 4 { 10 } else { cost };
    if cost > MAX_BCRYPT_COST {
        return Err(format!("the cost is at most {MAX_BCRYPT_COST}"));
    }
    if text(&a[0]).len() > 72 {
        return Err("bcrypt takes at most 72 bytes".to_owned());
    }
    let parts = bcrypt::hash_with_result(text(&a[0]), cost).map_err(|error| error.to_string())?;
    Ok(parts.format_for_version(bcrypt::Version::TwoA).into())
}
