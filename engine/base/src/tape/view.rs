//! Looking at tapes.

use super::{Tape, Token};
use std::borrow::Cow;

/// A value of a tape. Two views are equal when their values are, whatever the order of keys.
#[derive(Clone, Copy, Debug)]
pub struct View<'t> {
    pub(super) tape: &'t Tape,
    pub(super) at: usize,
}

/// A value without parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'t> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number from zero on.
    Unsigned(u64),
    /// A whole number below zero.
    Signed(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(&'t str),
}

impl<'t> View<'t> {
    pub(super) fn token(self) -> Token {
        self.tape.tokens[self.at]
    }

    /// The value, when it has no parts.
    pub fn scalar(self) -> Option<Scalar<'t>> {
        Some(match self.token() {
            Token::Null => Scalar::Null,
            Token::Bool(value) => Scalar::Bool(value),
            Token::Unsigned(value) => Scalar::Unsigned(value),
            Token::Signed(value) => Scalar::Signed(value),
            Token::Float(value) => Scalar::Float(value),
            Token::Text(span) => Scalar::Text(self.tape.text_of(span)),
            Token::Field(_) | Token::Key(_) | Token::List(_) | Token::Object(_) => return None,
        })
    }

    /// The text, when it is one.
    pub fn as_str(self) -> Option<&'t str> {
        match self.token() {
            Token::Text(span) => Some(self.tape.text_of(span)),
            _ => None,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        matches!(self.token(), Token::Null)
    }

    /// Whether it is a list or an object without anything in it.
    pub fn is_hollow(self) -> bool {
        matches!(self.token(), Token::List(end) | Token::Object(end) if end as usize == self.at + 1)
    }

    /// Whether it is a list.
    pub fn is_list(self) -> bool {
        matches!(self.token(), Token::List(_))
    }

    /// Whether it is an object.
    pub fn is_object(self) -> bool {
        matches!(self.token(), Token::Object(_))
    }

    /// The items of a list; nothing for anything else.
    pub fn items(self) -> Items<'t> {
        let end = if let Token::List(end) = self.token() { end as usize } else { 0 };
        Items { tape: self.tape, at: self.at + 1, end }
    }

    /// Names and values of an object; nothing for anything else.
    pub fn entries(self) -> impl Iterator<Item = (&'t str, Self)> {
        let end = if let Token::Object(end) = self.token() { end as usize } else { 0 };
        let mut at = self.at + 1;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let name = self.tape.name_at(at);
            let value = View { tape: self.tape, at: at + 1 };
            at = self.tape.after(at + 1);
            Some((name, value))
        })
    }

    /// The value of a name in an object.
    pub fn get(self, name: &str) -> Option<Self> {
        self.entries().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    fn is_same_object(self, other: Self) -> bool {
        // Mostly both are of one structure, so that names come in one order.
        let (mut ours, mut theirs) = (self.entries(), other.entries());
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some((our_name, our)), Some((their_name, their))) if our_name == their_name => {
                    if our != their {
                        return false;
                    }
                }
                (Some(_), Some(_)) => break,
                _ => return false,
            }
        }
        self.entries().count() == other.entries().count()
            && self.entries().all(|(name, value)| other.get(name).is_some_and(|other| other == value))
    }
}

impl Tape {
    /// The name of the value that follows.
    pub(super) fn name_at(&self, at: usize) -> &str {
        match self.tokens[at] {
            Token::Field(name) => name,
            Token::Key(span) => self.text_of(span),
            _ => "",
        }
    }
}

impl PartialEq for View<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.token(), other.token()) {
            (Token::List(_), Token::List(_)) => self.items().eq(other.items()),
            (Token::Object(_), Token::Object(_)) => self.is_same_object(*other),
            _ => self.scalar().is_some_and(|value| other.scalar() == Some(value)),
        }
    }
}

/// The items of a list.
#[derive(Clone, Debug)]
pub struct Items<'t> {
    tape: &'t Tape,
    at: usize,
    end: usize,
}

impl<'t> Iterator for Items<'t> {
    type Item = View<'t>;

    fn next(&mut self) -> Option<View<'t>> {
        if self.at >= self.end {
            return None;
        }
        let item = View { tape: self.tape, at: self.at };
        self.at = self.tape.after(self.at);
        Some(item)
    }
}

impl<'t> Scalar<'t> {
    /// As JSON writes it, texts without quotes.
    pub fn to_text(self) -> Cow<'t, str> {
        match self {
            Self::Null => "null".into(),
            Self::Bool(true) => "true".into(),
            Self::Bool(false) => "false".into(),
            Self::Unsigned(value) => value.to_string().into(),
            Self::Signed(value) => value.to_string().into(),
            Self::Float(value) => {
                serde_json::Number::from_f64(value).map_or_else(String::new, |n| n.to_string()).into()
            }
            Self::Text(text) => text.into(),
        }
    }

    /// The number, when it is one.
    pub fn as_f64(self) -> Option<f64> {
        match self {
            Self::Unsigned(value) => Some(value as f64),
            Self::Signed(value) => Some(value as f64),
            Self::Float(value) => Some(value),
            Self::Null | Self::Bool(_) | Self::Text(_) => None,
        }
    }
}
