//! What can be wrong with a template.

use std::fmt::{Display, Formatter, Result};

/// A fault of a template, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The file, by the name that it was added under.
    pub template: String,
    /// Line, from 1.
    pub line: usize,
    /// Byte column, from 1.
    pub column: usize,
    /// The line's text.
    pub source_line: String,
    /// The template that was being executed, and the part of it; none for a syntax error.
    pub context: Option<(String, String)>,
    /// What is wrong.
    pub message: String,
}

impl Error {
    /// An error at a byte offset of a source.
    pub(crate) fn at(template: &str, source: &str, offset: usize, message: String) -> Self {
        let mut offset = offset.min(source.len());
        while !source.is_char_boundary(offset) {
            offset -= 1;
        }
        let start = source[..offset].rfind('\n').map_or(0, |at| at + 1);
        let end = source[offset..].find('\n').map_or(source.len(), |at| offset + at);
        Self {
            template: template.to_owned(),
            line: 1 + source[..offset].matches('\n').count(),
            column: offset - start + 1,
            source_line: source[start..end].trim_end_matches('\r').to_owned(),
            context: None,
            message,
        }
    }
    /// An error of no place.
    pub(crate) fn of(template: &str, message: String) -> Self {
        Self::at(template, "", 0, message)
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.context {
            None => write!(f, "template: {}:{}: {}", self.template, self.line, self.message),
            Some((name, part)) => write!(
                f,
                "template: {}:{}:{}: executing {name:?} at <{}>: {}",
                self.template,
                self.line,
                self.column - 1,
                shorten(part),
                self.message
            ),
        }
    }
}

/// The longest part that is shown, in characters.
const MAX_PART: usize = 20;

fn shorten(part: &str) -> String {
    if part.chars().count() > MAX_PART {
        return format!("{}...", part.chars().take(MAX_PART).collect::<String>());
    }
    part.to_owned()
}

impl std::error::Error for Error {}
