//! Functions with a different result each time.

use super::{Outcome, bounded, int, text};
use crate::exec::Execution;
use crate::functions::{Function, Functions, Type};
use crate::value::Value;
use base64::Engine;

pub(super) fn add(functions: &mut Functions) {
    use Type::{Int, Text};
    const SETS: [(&str, &str); 3] = [
        ("randAlpha", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        ("randNumeric", "0123456789"),
        ("randAlphaNum", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
    ];
    for (name, set) in SETS {
        functions
            .add(name, Function::new(&[Int], None, move |execution, v| pick(execution, set.as_bytes(), int(&v[0]))));
    }
    functions.add(
        "randAscii",
        Function::new(&[Int], None, |execution, v| {
            let set: Vec<u8> = (32..127).collect();
            pick(execution, &set, int(&v[0]))
        }),
    );
    functions.add(
        "randInt",
        Function::new(&[Int, Int], None, |execution, v| {
            let (from, to) = (int(&v[0]), int(&v[1]));
            if to <= from {
                return Err("invalid argument to Intn".to_owned());
            }
            let offset = below(execution, to.abs_diff(from))?;
            Ok(Value::int(from.wrapping_add_unsigned(offset)))
        }),
    );
    functions.add(
        "randBytes",
        Function::new(&[Int], None, |execution, v| {
            let mut bytes = vec![0; count(int(&v[0]))?];
            execution.host().random(&mut bytes)?;
            Ok(Value::text(base64::engine::general_purpose::STANDARD.encode(bytes)))
        }),
    );
    functions.add(
        "shuffle",
        Function::new(&[Text], None, |execution, v| {
            let mut chars: Vec<char> = text(&v[0]).chars().collect();
            for at in (1..chars.len()).rev() {
                let other = below(execution, at as u64 + 1)?;
                chars.swap(at, usize::try_from(other).unwrap_or(at));
            }
            Ok(Value::text(chars.into_iter().collect::<String>()))
        }),
    );
    functions.add(
        "uuidv4",
        Function::new(&[], None, |execution, _| {
            let mut bytes = [0; 16];
            execution.host().random(&mut bytes)?;
            bytes[6] = bytes[6] & 0x0f | 0x40;
            bytes[8] = bytes[8] & 0x3f | 0x80;
            let digits = hex::encode(bytes);
            let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
            Ok(Value::text(parts.join("-")))
        }),
    );
}

fn count(count: i64) -> Result<usize, String> {
    bounded(usize::try_from(count).unwrap_or(0))
}

/// A number below a limit, each as likely.
fn below(execution: &Execution<'_>, limit: u64) -> Result<u64, String> {
    let rest = u64::MAX - u64::MAX % limit;
    loop {
        let mut bytes = [0; 8];
        execution.host().random(&mut bytes)?;
        let number = u64::from_be_bytes(bytes);
        if number < rest {
            return Ok(number % limit);
        }
    }
}

fn pick(execution: &Execution<'_>, set: &[u8], length: i64) -> Outcome {
    let mut out = Vec::new();
    for _ in 0..count(length)? {
        let at = below(execution, set.len() as u64)?;
        out.push(set[usize::try_from(at).unwrap_or(0)]);
    }
    Ok(Value::text(out))
}
