//! The reading position in a source: white space, comments, names, and errors at a place.

use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span};

use super::MAX_NESTING;

/// A syntax error. Boxed, since results of the parser are passed through many calls.
pub(crate) type Parsed<T> = Result<T, Box<Diagnostic>>;

/// A position in a source, up to an end that may lie before the end of the text.
pub(crate) struct Scanner<'s> {
    pub source: &'s Arc<Source>,
    pub text: &'s str,
    pub at: usize,
    pub end: usize,
    /// Inside of brackets a line's end is white space.
    pub newline_is_space: bool,
    pub depth: usize,
}

impl<'s> Scanner<'s> {
    pub fn new(source: &'s Arc<Source>) -> Self {
        let text = source.text();
        let at = if text.starts_with('\u{feff}') { 3 } else { 0 };
        Self { source, text, at, end: text.len(), newline_is_space: false, depth: 0 }
    }

    /// The byte at an offset from the position; 0 at the end.
    pub fn peek(&self, ahead: usize) -> u8 {
        let at = self.at + ahead;
        if at < self.end { self.text.as_bytes()[at] } else { 0 }
    }

    pub fn at_end(&self) -> bool {
        self.at >= self.end
    }

    pub fn starts_with(&self, text: &str) -> bool {
        self.text.as_bytes()[self.at..self.end].starts_with(text.as_bytes())
    }

    /// Skips white space and comments.
    pub fn skip(&mut self) -> Parsed<()> {
        loop {
            match self.peek(0) {
                b' ' | b'\t' | b'\r' if !self.at_end() => self.at += 1,
                b'\n' if self.newline_is_space => self.at += 1,
                b'#' => self.skip_line(),
                b'/' if self.peek(1) == b'/' => self.skip_line(),
                b'/' if self.peek(1) == b'*' => self.skip_inline_comment()?,
                _ => return Ok(()),
            }
        }
    }

    /// Skips white space, comments and line ends.
    pub fn skip_lines(&mut self) -> Parsed<()> {
        self.skip()?;
        while self.peek(0) == b'\n' {
            self.at += 1;
            self.skip()?;
        }
        Ok(())
    }

    fn skip_line(&mut self) {
        let rest = &self.text.as_bytes()[self.at..self.end];
        self.at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    }

    fn skip_inline_comment(&mut self) -> Parsed<()> {
        match self.text[self.at..self.end].find("*/") {
            Some(length) => {
                self.at += length + 2;
                Ok(())
            }
            None => Err(self.error_here("Unterminated comment", "there is no */ that ends this comment")),
        }
    }

    /// Takes `text` if it is next.
    pub fn take(&mut self, text: &str) -> bool {
        let found = self.starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// Takes a name if one is next.
    pub fn take_name(&mut self) -> Option<(&'s str, Span)> {
        let start = self.at;
        let mut characters = self.text[self.at..self.end].char_indices();
        let first = characters.next()?.1;
        if !(first == '_' || first.is_ascii_alphabetic() || (!first.is_ascii() && unicode_ident::is_xid_start(first))) {
            return None;
        }
        let goes_on = |c: char| {
            c.is_ascii_alphanumeric() || c == '_' || c == '-' || (!c.is_ascii() && unicode_ident::is_xid_continue(c))
        };
        let length = characters.find(|(_, c)| !goes_on(*c)).map_or(self.end - start, |(at, _)| at);
        self.at += length;
        Some((&self.text[start..self.at], Span::new(start, self.at)))
    }

    /// Runs `inner` with line ends as white space, or not, and then as before.
    pub fn with_newlines<T>(&mut self, as_space: bool, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let before = std::mem::replace(&mut self.newline_is_space, as_space);
        let result = inner(self);
        self.newline_is_space = before;
        result
    }

    /// Runs `inner` one level deeper.
    pub fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_NESTING {
            return Err(self.error_here("Too deeply nested", format!("at most {MAX_NESTING} levels are read")));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// The span of what is next: a character, or nothing at the end.
    pub fn here(&self) -> Span {
        let length = self.text[self.at..self.end].chars().next().map_or(0, char::len_utf8);
        Span::new(self.at, self.at + length)
    }

    pub fn span_from(&self, start: usize) -> Span {
        Span::new(start, self.at)
    }

    pub fn error(&self, span: Span, summary: &str, detail: impl Into<String>) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(summary, detail).at(self.source, span))
    }

    pub fn error_here(&self, summary: &str, detail: impl Into<String>) -> Box<Diagnostic> {
        self.error(self.here(), summary, detail)
    }

    /// What is wrong with a character that can start nothing.
    pub fn bad_character(&self) -> Option<Box<Diagnostic>> {
        let detail = match self.text[self.at..self.end].chars().next()? {
            '\'' => "single quotes are not valid; use double quotes (\") around strings",
            '`' | '@' | '$' | '\\' | ';' | '&' | '|' | '^' => "this character is not used within the language",
            '\u{201c}' | '\u{201d}' => "curly quotes are not valid; use plain double quotes (\")",
            c if !c.is_ascii() && !unicode_ident::is_xid_start(c) => "this character is not used within the language",
            c if c.is_ascii_control() && c != '\n' => "this character is not used within the language",
            _ => return None,
        };
        Some(self.error_here("Invalid character", detail))
    }
}
