//! The one error that commands return, and the one place where exit codes are chosen.

use crate::context::Program;
use crate::output;

/// What sort of failure it is; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Anything not named below.
    Failure,
    /// Called in a way that makes no sense.
    Usage,
    /// No such command.
    UnknownCommand,
    /// No engine answers.
    Unreachable,
}

/// What went wrong, where, and what to do.
#[derive(Debug)]
pub struct CliError {
    /// Its sort.
    pub kind: ErrorKind,
    /// What is wrong.
    pub message: String,
    /// `file:line:column` or the thing.
    pub place: Option<String>,
    /// What to do.
    pub hints: Vec<String>,
}

impl CliError {
    /// A plain failure.
    pub fn new(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Failure, message: message.into(), place: None, hints: Vec::new() }
    }
    /// A failure of a kind.
    pub fn of(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, ..Self::new(message) }
    }
    /// Called in a way that makes no sense; `help` says where to read on.
    pub fn usage(message: impl Into<String>, help: String) -> Self {
        Self { kind: ErrorKind::Usage, hints: vec![help], ..Self::new(message) }
    }
    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
    /// Shows it on the standard error.
    pub fn print(&self, program: Program) {
        if self.message.is_empty() {
            return;
        }
        let mut text = self.message.trim_end().to_owned();
        if let Some(place) = &self.place {
            text.push_str(&format!("\n  at {place}"));
        }
        for hint in &self.hints {
            match (self.kind, program) {
                (ErrorKind::Usage | ErrorKind::UnknownCommand, _) => text.push_str(&format!("\n{hint}")),
                (_, Program::Drover) => text.push_str(&format!("\nhint: {hint}")),
                (_, Program::Nomad) => {}
            }
        }
        output::error_line(&text);
    }
}

/// The exit code of a failed command whose plain failures end with `failure`.
pub const fn exit_code(kind: ErrorKind, failure: u8) -> u8 {
    match kind {
        ErrorKind::Failure | ErrorKind::Usage | ErrorKind::Unreachable => failure,
        ErrorKind::UnknownCommand => 127,
    }
}

/// Says during what a request failed.
pub trait During<T> {
    /// `what: error`.
    ///
    /// # Errors
    /// The request's.
    fn during(self, what: &str) -> Result<T, CliError>;
}

impl<T> During<T> for drover_sdk::Result<T> {
    fn during(self, what: &str) -> Result<T, CliError> {
        self.map_err(|error| {
            let kind = if error.is_unreachable() { ErrorKind::Unreachable } else { ErrorKind::Failure };
            CliError::of(kind, format!("{what}: {error}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_an_interface() {
        assert_eq!(exit_code(ErrorKind::Failure, 1), 1);
        assert_eq!(exit_code(ErrorKind::Unreachable, 255), 255);
        assert_eq!(exit_code(ErrorKind::UnknownCommand, 1), 127);
    }
}
