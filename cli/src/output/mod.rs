//! What people read: tables, `key = value` lists, times, sizes, colours.

pub mod alloc_table;
pub mod diff;
mod format;
mod style;
mod table;
mod template;
mod time;
mod units;

pub use format::{Format, templated};
pub use style::{Colour, bold, choose_colour, colour, paint};
pub use table::{Table, fields};
pub use time::{ago, now, stamp, stamp_or, wire_stamp_or};
pub use units::{bytes, mib, plural};

use std::io::{ErrorKind, Write};

/// Prints a line on the standard output. A reader that has gone away is not an error: the process just ends.
pub fn line(text: &str) {
    raw(format!("{text}\n").as_bytes());
}

/// Prints bytes on the standard output as they are.
pub fn raw(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
        let code = if error.kind() == ErrorKind::BrokenPipe { 0 } else { 1 };
        std::process::exit(code);
    }
}

/// Prints a line on the standard error.
pub fn error_line(text: &str) {
    error_raw(format!("{text}\n").as_bytes());
}

/// Prints bytes on the standard error as they are.
pub fn error_raw(bytes: &[u8]) {
    // Nobody is left to be told when the standard error is gone.
    let _ = std::io::stderr().lock().write_all(bytes);
}

/// The first eight characters of an id, or all of it.
pub fn id(id: &str, verbose: bool) -> &str {
    if verbose { id } else { drover_base::short_id(id) }
}

/// A value as indented JSON with four spaces and sorted keys, as the reference prints what it has read.
pub fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    let mut value = serde_json::to_value(value).unwrap_or_default();
    value.sort_all_objects();
    indented(&value)
}

fn indented<T: serde::Serialize + ?Sized>(value: &T) -> String {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    match value.serialize(&mut serializer) {
        Ok(()) => String::from_utf8(bytes).unwrap_or_default(),
        Err(error) => error.to_string(),
    }
}
