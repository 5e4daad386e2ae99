//! From values to tapes: the data model of JSON.

use super::{Span, Tape, TapeError, Token};
use serde::ser::{self, Error as _, Impossible, Serialize};
use std::fmt::Display;

impl ser::Error for TapeError {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl Tape {
    fn push_text(&mut self, text: &str) -> Result<Span, TapeError> {
        let too_long = |_| TapeError::custom("the document is longer than 4 GiB");
        let start = u32::try_from(self.text.len()).map_err(too_long)?;
        self.text.push_str(text);
        u32::try_from(self.text.len()).map_err(too_long)?;
        Ok(Span { start, len: text.len() as u32 })
    }

    fn push(&mut self, token: Token) -> Result<(), TapeError> {
        self.tokens.push(token);
        Ok(())
    }

    fn begin(&mut self, token: Token) -> Open<'_> {
        let at = self.tokens.len();
        self.tokens.push(token);
        Open { tape: self, at, wrapped: None }
    }

    /// An object with one field, whose value is a list or object: `{"Variant": …}`.
    fn begin_variant(&mut self, variant: &'static str, token: Token) -> Open<'_> {
        let wrapped = self.tokens.len();
        self.tokens.extend([Token::Object(0), Token::Field(variant)]);
        Open { wrapped: Some(wrapped), ..self.begin(token) }
    }
}

/// A list or object that is being written.
pub(super) struct Open<'t> {
    tape: &'t mut Tape,
    at: usize,
    /// The object around it, for variants.
    wrapped: Option<usize>,
}

impl Open<'_> {
    fn close(self) -> Result<(), TapeError> {
        let end = u32::try_from(self.tape.tokens.len()).map_err(|_| TapeError::custom("too many values"))?;
        for at in [Some(self.at), self.wrapped].into_iter().flatten() {
            match &mut self.tape.tokens[at] {
                Token::List(place) | Token::Object(place) => *place = end,
                _ => {}
            }
        }
        Ok(())
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TapeError> {
        value.serialize(Writer(self.tape))
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), TapeError> {
        self.tape.tokens.push(Token::Field(name));
        self.item(value)
    }
}

/// Writes one value at the end.
pub(super) struct Writer<'t>(pub(super) &'t mut Tape);

impl<'t> ser::Serializer for Writer<'t> {
    type Ok = ();
    type Error = TapeError;
    type SerializeSeq = Open<'t>;
    type SerializeTuple = Open<'t>;
    type SerializeTupleStruct = Open<'t>;
    type SerializeTupleVariant = Open<'t>;
    type SerializeMap = Open<'t>;
    type SerializeStruct = Open<'t>;
    type SerializeStructVariant = Open<'t>;

    fn serialize_bool(self, value: bool) -> Result<(), TapeError> {
        self.0.push(Token::Bool(value))
    }
    fn serialize_i8(self, value: i8) -> Result<(), TapeError> {
        self.serialize_i64(value.into())
    }
    fn serialize_i16(self, value: i16) -> Result<(), TapeError> {
        self.serialize_i64(value.into())
    }
    fn serialize_i32(self, value: i32) -> Result<(), TapeError> {
        self.serialize_i64(value.into())
    }
    fn serialize_i64(self, value: i64) -> Result<(), TapeError> {
        self.0.push(u64::try_from(value).map_or(Token::Signed(value), Token::Unsigned))
    }
    fn serialize_u8(self, value: u8) -> Result<(), TapeError> {
        self.serialize_u64(value.into())
    }
    fn serialize_u16(self, value: u16) -> Result<(), TapeError> {
        self.serialize_u64(value.into())
    }
    fn serialize_u32(self, value: u32) -> Result<(), TapeError> {
        self.serialize_u64(value.into())
    }
    fn serialize_u64(self, value: u64) -> Result<(), TapeError> {
        self.0.push(Token::Unsigned(value))
    }
    fn serialize_f32(self, value: f32) -> Result<(), TapeError> {
        self.serialize_f64(value.into())
    }
    fn serialize_f64(self, value: f64) -> Result<(), TapeError> {
        self.0.push(if value.is_finite() { Token::Float(value) } else { Token::Null })
    }
    fn serialize_char(self, value: char) -> Result<(), TapeError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, value: &str) -> Result<(), TapeError> {
        let span = self.0.push_text(value)?;
        self.0.push(Token::Text(span))
    }
    fn serialize_bytes(self, value: &[u8]) -> Result<(), TapeError> {
        let mut list = self.0.begin(Token::List(0));
        value.iter().try_for_each(|byte| list.item(byte))?;
        list.close()
    }
    fn serialize_none(self) -> Result<(), TapeError> {
        self.0.push(Token::Null)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), TapeError> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), TapeError> {
        self.0.push(Token::Null)
    }
    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), TapeError> {
        self.0.push(Token::Null)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), TapeError> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), TapeError> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), TapeError> {
        let mut object = self.0.begin(Token::Object(0));
        object.field(variant, value)?;
        object.close()
    }
    fn serialize_seq(self, _len: Option<usize>) -> Result<Open<'t>, TapeError> {
        Ok(self.0.begin(Token::List(0)))
    }
    fn serialize_tuple(self, _len: usize) -> Result<Open<'t>, TapeError> {
        Ok(self.0.begin(Token::List(0)))
    }
    fn serialize_tuple_struct(self, _: &'static str, _len: usize) -> Result<Open<'t>, TapeError> {
        Ok(self.0.begin(Token::List(0)))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Open<'t>, TapeError> {
        Ok(self.0.begin_variant(variant, Token::List(0)))
    }
    fn serialize_map(self, _len: Option<usize>) -> Result<Open<'t>, TapeError> {
        Ok(self.0.begin(Token::Object(0)))
    }
    fn serialize_struct(self, _: &'static str, _len: usize) -> Result<Open<'t>, TapeError> {
        Ok(self.0.begin(Token::Object(0)))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Open<'t>, TapeError> {
        Ok(self.0.begin_variant(variant, Token::Object(0)))
    }
}

impl ser::SerializeSeq for Open<'_> {
    type Ok = ();
    type Error = TapeError;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TapeError> {
        self.item(value)
    }
    fn end(self) -> Result<(), TapeError> {
        self.close()
    }
}

impl ser::SerializeTuple for Open<'_> {
    type Ok = ();
    type Error = TapeError;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TapeError> {
        self.item(value)
    }
    fn end(self) -> Result<(), TapeError> {
        self.close()
    }
}

impl ser::SerializeTupleStruct for Open<'_> {
    type Ok = ();
    type Error = TapeError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TapeError> {
        self.item(value)
    }
    fn end(self) -> Result<(), TapeError> {
        self.close()
    }
}

impl ser::SerializeTupleVariant for Open<'_> {
    type Ok = ();
    type Error = TapeError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TapeError> {
        self.item(value)
    }
    fn end(self) -> Result<(), TapeError> {
        self.close()
    }
}

impl ser::SerializeMap for Open<'_> {
    type Ok = ();
    type Error = TapeError;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), TapeError> {
        key.serialize(KeyWriter(self.tape))
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TapeError> {
        self.item(value)
    }
    fn end(self) -> Result<(), TapeError> {
        self.close()
    }
}

impl ser::SerializeStruct for Open<'_> {
    type Ok = ();
    type Error = TapeError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), TapeError> {
        self.field(key, value)
    }
    fn end(self) -> Result<(), TapeError> {
        self.close()
    }
}

impl ser::SerializeStructVariant for Open<'_> {
    type Ok = ();
    type Error = TapeError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), TapeError> {
        self.field(key, value)
    }
    fn end(self) -> Result<(), TapeError> {
        self.close()
    }
}

/// Writes keys of maps: texts, and what has a short text.
struct KeyWriter<'t>(&'t mut Tape);

impl KeyWriter<'_> {
    fn key(self, text: &str) -> Result<(), TapeError> {
        let span = self.0.push_text(text)?;
        self.0.push(Token::Key(span))
    }

    fn refuse<T>() -> Result<T, TapeError> {
        Err(TapeError::custom("key must be a string"))
    }
}

macro_rules! keys_of_numbers {
    ($($method:ident: $kind:ty,)*) => {$(
        fn $method(self, value: $kind) -> Result<(), TapeError> {
            self.key(&value.to_string())
        }
    )*};
}

type No = Impossible<(), TapeError>;

impl ser::Serializer for KeyWriter<'_> {
    type Ok = ();
    type Error = TapeError;
    type SerializeSeq = No;
    type SerializeTuple = No;
    type SerializeTupleStruct = No;
    type SerializeTupleVariant = No;
    type SerializeMap = No;
    type SerializeStruct = No;
    type SerializeStructVariant = No;

    keys_of_numbers! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_char: char,
    }

    fn serialize_str(self, value: &str) -> Result<(), TapeError> {
        self.key(value)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), TapeError> {
        self.key(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), TapeError> {
        value.serialize(self)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), TapeError> {
        value.serialize(self)
    }
    fn serialize_f32(self, _: f32) -> Result<(), TapeError> {
        Self::refuse()
    }
    fn serialize_f64(self, _: f64) -> Result<(), TapeError> {
        Self::refuse()
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<(), TapeError> {
        Self::refuse()
    }
    fn serialize_none(self) -> Result<(), TapeError> {
        Self::refuse()
    }
    fn serialize_unit(self) -> Result<(), TapeError> {
        Self::refuse()
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), TapeError> {
        Self::refuse()
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), TapeError> {
        Self::refuse()
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<No, TapeError> {
        Self::refuse()
    }
    fn serialize_tuple(self, _: usize) -> Result<No, TapeError> {
        Self::refuse()
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<No, TapeError> {
        Self::refuse()
    }
    fn serialize_tuple_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<No, TapeError> {
        Self::refuse()
    }
    fn serialize_map(self, _: Option<usize>) -> Result<No, TapeError> {
        Self::refuse()
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<No, TapeError> {
        Self::refuse()
    }
    fn serialize_struct_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<No, TapeError> {
        Self::refuse()
    }
}
