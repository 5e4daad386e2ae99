//! Source texts and places in them.

use std::fmt;
use std::sync::{Arc, OnceLock};

use unicode_segmentation::UnicodeSegmentation;

use crate::diagnostic::Diagnostic;

/// Largest source text accepted, in bytes.
pub const MAX_SOURCE_BYTES: usize = 4 << 20;

/// A half-open byte range of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes `start..end`.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        // Sources are limited to MAX_SOURCE_BYTES, which fits.
        Self { start: start as u32, end: end as u32 }
    }

    /// From the start of `self` to the end of `other`.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }

    /// The empty range at the start of this one.
    #[must_use]
    pub fn start_point(self) -> Self {
        Self { start: self.start, end: self.start }
    }
}

/// A place as people count it: line and column from 1 (columns in characters as seen), byte from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in grapheme clusters, from 1.
    pub column: usize,
    /// Byte offset, from 0.
    pub byte: usize,
}

/// A range in a named file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The file's name as it was given.
    pub file: String,
    /// First character.
    pub start: Position,
    /// One past the last character.
    pub end: Position,
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.start.line, self.start.column)
    }
}

/// One source text with its name.
#[derive(Debug)]
pub struct Source {
    name: String,
    text: String,
    line_starts: OnceLock<Vec<u32>>,
    /// Where the text begins in the file, for a text inside of a JSON string.
    origin: Option<Position>,
}

impl Source {
    /// A source from text that is known to be small and UTF-8, such as a flag's value.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), line_starts: OnceLock::new(), origin: None })
    }

    /// A source from a file's bytes.
    ///
    /// # Errors
    /// The text is larger than [`MAX_SOURCE_BYTES`] or not UTF-8.
    #[expect(clippy::result_large_err, reason = "made once a file, and callers add it to diagnostics of their own")]
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Arc<Self>, Diagnostic> {
        if bytes.len() > MAX_SOURCE_BYTES {
            return Err(Diagnostic::error(
                "File too large",
                format!("{name} has {} bytes; at most {MAX_SOURCE_BYTES} are read", bytes.len()),
            ));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(name, text)),
            Err(error) => {
                let at = error.valid_up_to();
                let source = Self::new(name, String::from_utf8_lossy(bytes));
                Err(Diagnostic::error(
                    "Invalid character encoding",
                    "all files must be UTF-8; choose that encoding in your editor and save again",
                )
                .at(&source, Span::new(at, at + 1)))
            }
        }
    }

    /// A text that is written in this source at `span`, in quotes and perhaps with escapes.
    #[must_use]
    pub fn embedded(&self, text: &str, span: Span) -> Arc<Self> {
        let origin = Some(self.position(span.start as usize + 1));
        Arc::new(Self { name: self.name.clone(), text: text.to_owned(), line_starts: OnceLock::new(), origin })
    }

    /// The name that diagnostics show.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a span; empty when the span does not lie on character bounds.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// Line, column and byte of a byte offset.
    #[must_use]
    pub fn position(&self, byte: usize) -> Position {
        let byte = byte.min(self.text.len());
        let starts = self.line_starts();
        let line = starts.partition_point(|&start| start as usize <= byte);
        let start = starts[line - 1] as usize;
        let before = self.text.get(start..byte).unwrap_or("");
        let before = before.strip_prefix('\u{feff}').unwrap_or(before);
        let column = if before.is_ascii() { before.len() } else { before.graphemes(true).count() };
        match self.origin {
            // Escapes may stand before the place: the line is right, the column and byte are near.
            Some(origin) => Position { line: origin.line, column: origin.column + column, byte: origin.byte + byte },
            None => Position { line, column: column + 1, byte },
        }
    }

    /// The range of a span.
    #[must_use]
    pub fn range(&self, span: Span) -> Range {
        Range {
            file: self.name.clone(),
            start: self.position(span.start as usize),
            end: self.position(span.end as usize),
        }
    }

    /// The text of a line (from 1) without its end.
    #[must_use]
    pub fn line(&self, number: usize) -> &str {
        if self.origin.is_some() {
            return "";
        }
        let starts = self.line_starts();
        let Some(&start) = starts.get(number.wrapping_sub(1)) else { return "" };
        let end = starts.get(number).map_or(self.text.len(), |&next| next as usize);
        self.text[start as usize..end].trim_end_matches(['\n', '\r'])
    }

    fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let ends = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(ends.map(|(at, _)| at as u32 + 1)).collect()
        })
    }
}
