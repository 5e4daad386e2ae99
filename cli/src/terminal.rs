//! The person's terminal while a command elsewhere uses it.

use crate::error::CliError;
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use std::sync::Mutex;

/// How the terminal was before.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// While this lives, every key goes to the command as it is.
pub struct RawMode;

impl RawMode {
    /// Begins.
    ///
    /// # Errors
    /// The standard input is no terminal that can be set.
    pub fn enter() -> Result<Self, CliError> {
        let failed = |error: nix::Error| CliError::new(format!("cannot set the terminal: {error}"));
        let before = tcgetattr(std::io::stdin()).map_err(failed)?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        tcsetattr(std::io::stdin(), SetArg::TCSANOW, &raw).map_err(failed)?;
        *BEFORE.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(before);
        Ok(Self)
    }

    /// Ends it, also where no value of this is at hand.
    pub fn leave() {
        if let Some(before) = BEFORE.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
            // A terminal that is gone needs no setting.
            let _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, &before);
        }
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        Self::leave();
    }
}

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// For the command.
    Data(Vec<u8>),
    /// The last of it.
    End(Vec<u8>),
    /// The person wants out.
    Leave,
}

/// Watches for the escape character and a dot at the beginning of a line. The character twice sends it once.
#[derive(Debug)]
pub struct EscapeFilter {
    escape: u8,
    at_line_start: bool,
    is_pending: bool,
}

impl EscapeFilter {
    /// For an escape character.
    pub const fn new(escape: u8) -> Self {
        Self { escape, at_line_start: true, is_pending: false }
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Typed {
        let mut data = Vec::with_capacity(bytes.len() + 1);
        for &byte in bytes {
            if self.is_pending {
                self.is_pending = false;
                match byte {
                    b'.' => return Typed::Leave,
                    _ if byte == self.escape => {}
                    _ => data.push(self.escape),
                }
            } else if self.at_line_start && byte == self.escape {
                self.is_pending = true;
                continue;
            }
            data.push(byte);
            self.at_line_start = matches!(byte, b'\r' | b'\n');
        }
        Typed::Data(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &[&str], expected: &[Typed]) {
        let mut filter = EscapeFilter::new(b'~');
        let got: Vec<Typed> = typed.iter().map(|bytes| filter.feed(bytes.as_bytes())).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn only_the_escape_at_the_beginning_of_a_line_leaves() {
        let data = |text: &str| Typed::Data(text.as_bytes().to_vec());
        check(&["~."], &[Typed::Leave]);
        check(&["ls\r~", "."], &[data("ls\r"), Typed::Leave]);
        check(&["a~."], &[data("a~.")]);
        check(&["~~.x"], &[data("~.x")]);
        check(&["~", "x"], &[data(""), data("~x")]);
    }
}
