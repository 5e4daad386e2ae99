//! A document laid out once, in two pieces of memory: what `serde_json::Value` is for, without an allocation per
//! value. Structures are written to it as they would be to JSON, and are read back from it, looked up and compared.

mod read;
mod view;
mod write;

pub use read::Rules;
pub use view::{Items, Scalar, View};

use serde::Serialize;

/// A document. Built by [`Tape::of`], looked at through [`Tape::root`].
#[derive(Clone, Debug, Default)]
pub struct Tape {
    tokens: Vec<Token>,
    /// All texts, one after the other; tokens say where theirs is.
    text: String,
}

/// A value, or the name of the one that follows. Lists and objects know where they end.
#[derive(Clone, Copy, Debug)]
enum Token {
    Null,
    Bool(bool),
    Unsigned(u64),
    /// Below zero.
    Signed(i64),
    Float(f64),
    Text(Span),
    /// Name of a structure's field.
    Field(&'static str),
    /// Key of a map.
    Key(Span),
    /// The place after its last item.
    List(u32),
    /// The place after its last value.
    Object(u32),
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    len: u32,
}

/// Why a value cannot be laid out or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TapeError(String);

impl Tape {
    /// Lays a value out.
    ///
    /// # Errors
    /// Keys of maps that are no texts, and values whose own `Serialize` fails.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, TapeError> {
        let mut tape = Self::default();
        value.serialize(write::Writer(&mut tape))?;
        Ok(tape)
    }

    /// The whole document.
    pub fn root(&self) -> View<'_> {
        View { tape: self, at: 0 }
    }

    fn text_of(&self, span: Span) -> &str {
        let start = span.start as usize;
        &self.text[start..start + span.len as usize]
    }

    /// The place after the value at `at`.
    fn after(&self, at: usize) -> usize {
        match self.tokens[at] {
            Token::List(end) | Token::Object(end) => end as usize,
            _ => at + 1,
        }
    }
}

#[cfg(test)]
mod tests;
