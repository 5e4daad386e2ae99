//! `printf`: the format string.

use super::verbs::{self, Flags};
use crate::value::Value;

/// The largest width and precision.
const MAX_WIDTH: usize = 1_000_000;

/// Formats values. Faults stand in the text, as `%!d(string=x)`.
#[must_use]
pub fn sprintf(format: &[u8], values: &[Value]) -> Vec<u8> {
    let mut printer = Printer { format, at: 0, values, next: 0, reordered: false, good: true, out: Vec::new() };
    printer.run();
    printer.out
}

struct Printer<'a> {
    format: &'a [u8],
    at: usize,
    values: &'a [Value],
    next: usize,
    /// An explicit index was used.
    reordered: bool,
    /// The last explicit index was good.
    good: bool,
    out: Vec<u8>,
}

impl Printer<'_> {
    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    fn run(&mut self) {
        while let Some(byte) = self.peek() {
            if byte != b'%' {
                self.out.push(byte);
                self.at += 1;
                continue;
            }
            self.at += 1;
            self.verb();
        }
        if !self.reordered && self.next < self.values.len() {
            self.extra();
        }
    }

    fn extra(&mut self) {
        self.out.extend(b"%!(EXTRA ");
        for (at, value) in self.values[self.next..].iter().enumerate() {
            if at > 0 {
                self.out.extend(b", ");
            }
            if value.is_nil() {
                self.out.extend(b"<nil>");
                continue;
            }
            self.out.extend(value.type_name().bytes());
            self.out.push(b'=');
            verbs::value(&mut self.out, value, 'v', &Flags::default(), 0);
        }
        self.out.push(b')');
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        while let Some(byte) = self.peek() {
            match byte {
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b'#' => flags.sharp = true,
                b' ' => flags.space = true,
                b'0' => flags.zero = true,
                _ => break,
            }
            self.at += 1;
        }
        flags
    }

    fn verb(&mut self) {
        self.good = true;
        let mut flags = self.flags();
        let mut indexed = self.index();
        if self.peek() == Some(b'*') {
            self.at += 1;
            match self.star() {
                Some(width) => {
                    flags.minus |= width < 0;
                    flags.width = Some(usize::try_from(width.unsigned_abs()).unwrap_or(0));
                }
                None => self.out.extend(b"%!(BADWIDTH)"),
            }
            indexed = false;
        } else {
            flags.width = self.number();
            if indexed && flags.width.is_some() {
                self.good = false;
            }
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if indexed {
                self.good = false;
            }
            indexed = self.index();
            if self.peek() == Some(b'*') {
                self.at += 1;
                match self.star().map(usize::try_from) {
                    Some(Ok(precision)) => flags.precision = Some(precision),
                    Some(Err(_)) => {}
                    None => self.out.extend(b"%!(BADPREC)"),
                }
                indexed = false;
            } else {
                flags.precision = Some(self.number().unwrap_or(0));
            }
        }
        if !indexed {
            self.index();
        }
        self.apply(flags);
    }

    fn apply(&mut self, mut flags: Flags) {
        let rest = &self.format[self.at..];
        let Some(chunk) = rest.utf8_chunks().next() else {
            self.out.extend(b"%!(NOVERB)");
            return;
        };
        let verb = chunk.valid().chars().next().unwrap_or(char::REPLACEMENT_CHARACTER);
        self.at += if chunk.valid().is_empty() { 1 } else { verb.len_utf8() };
        if verb == '%' {
            self.out.push(b'%');
        } else if !self.good {
            self.out.extend(format!("%!{verb}(BADINDEX)").bytes());
        } else if self.next >= self.values.len() {
            self.out.extend(format!("%!{verb}(MISSING)").bytes());
        } else {
            let value = &self.values[self.next];
            self.next += 1;
            if verb == 'v' && flags.sharp {
                flags.sharp = false;
                flags.go_syntax = true;
            } else if verb == 'v' {
                flags.plus = false;
            }
            if verb == 'T' {
                let name = if value.is_nil() { "<nil>".to_owned() } else { value.type_name() };
                verbs::value(&mut self.out, &Value::text(name), 's', &flags, 0);
            } else {
                verbs::value(&mut self.out, value, verb, &flags, 0);
            }
        }
    }

    fn number(&mut self) -> Option<usize> {
        let mut number: Option<usize> = None;
        while let Some(byte @ b'0'..=b'9') = self.peek() {
            number = Some((number.unwrap_or(0) * 10 + usize::from(byte - b'0')).min(MAX_WIDTH));
            self.at += 1;
        }
        number
    }

    /// `[3]`
    fn index(&mut self) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let Some(length) = self.format[self.at..].iter().position(|&byte| byte == b']') else {
            self.good = false;
            self.at += 1;
            return false;
        };
        let inner = &self.format[self.at + 1..self.at + length];
        self.at += length + 1;
        let number = std::str::from_utf8(inner).ok().and_then(|text| text.parse::<usize>().ok());
        match number {
            Some(number) if number >= 1 && number <= self.values.len() => self.next = number - 1,
            _ => self.good = false,
        }
        true
    }

    /// The argument of `*`.
    fn star(&mut self) -> Option<i64> {
        let value = self.values.get(self.next)?;
        self.next += 1;
        match value {
            Value::Int(it, _) if it.unsigned_abs() <= MAX_WIDTH as u64 => Some(*it),
            _ => None,
        }
    }
}
