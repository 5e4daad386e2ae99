//! Printing: `print`, `printf` and what `%v` shows.

mod float;
mod printf;
mod quote;
mod verbs;

use crate::value::Value;
pub use float::shortest;
pub use printf::sprintf;
pub use quote::{Quote, quote};

/// A value as an action prints it.
#[must_use]
pub fn display(value: &Value) -> Vec<u8> {
    match value {
        Value::Absent | Value::Nil => b"<no value>".to_vec(),
        value => plain(value),
    }
}

/// A value as `%v` shows it.
#[must_use]
pub fn plain(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    verbs::value(&mut out, value, 'v', &verbs::Flags::default(), 0);
    out
}

/// Like [`plain`], as text.
#[must_use]
pub fn plain_text(value: &Value) -> String {
    String::from_utf8_lossy(&plain(value)).into_owned()
}

/// `print`: a space between operands of which neither is a string.
#[must_use]
pub fn print(values: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut text_before = false;
    for (at, value) in values.iter().enumerate() {
        let text = matches!(value, Value::Text(_));
        if at > 0 && !text && !text_before {
            out.push(b' ');
        }
        out.extend(plain(value));
        text_before = text;
    }
    out
}

/// `println`: a space between all operands, and a line feed.
#[must_use]
pub fn println(values: &[Value]) -> Vec<u8> {
    let mut out = values.iter().map(plain).collect::<Vec<_>>().join(&b' ');
    out.push(b'\n');
    out
}
