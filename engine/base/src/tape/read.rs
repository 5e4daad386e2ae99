//! From tapes to values.

use super::{Scalar, Tape, TapeError, Token, View};
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer, Unexpected, Visitor};
use std::fmt::Display;

/// What is not read although it is on the tape.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// Fields of the outermost object that are left out.
    pub left_out: &'static [&'static str],
    /// Whether nulls in objects are left out, and the fields below which they are not.
    pub nulls_left_out_except_below: Option<&'static [&'static str]>,
}

impl Tape {
    /// Reads the document.
    ///
    /// # Errors
    /// It is not that of a `T`; says where the types differ.
    pub fn read<T: DeserializeOwned>(&self, rules: &Rules) -> Result<T, TapeError> {
        T::deserialize(Reader { view: self.root(), rules, keeps_nulls: false, is_outermost: true })
    }
}

impl de::Error for TapeError {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

#[derive(Clone, Copy)]
struct Reader<'t, 'r> {
    view: View<'t>,
    rules: &'r Rules,
    keeps_nulls: bool,
    is_outermost: bool,
}

impl<'t, 'r> Reader<'t, 'r> {
    fn within(self, view: View<'t>) -> Self {
        Self { view, is_outermost: false, ..self }
    }

    fn parts(self) -> Parts<'t, 'r> {
        let at = self.view.at + 1;
        Parts { reader: self, at, end: self.view.tape.after(self.view.at) }
    }
}

impl<'t> de::Deserializer<'t> for Reader<'t, '_> {
    type Error = TapeError;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, TapeError> {
        match self.view.token() {
            Token::List(_) => return visitor.visit_seq(self.parts()),
            Token::Object(_) => return visitor.visit_map(self.parts()),
            _ => {}
        }
        match self.view.scalar() {
            Some(Scalar::Bool(value)) => visitor.visit_bool(value),
            Some(Scalar::Unsigned(value)) => visitor.visit_u64(value),
            Some(Scalar::Signed(value)) => visitor.visit_i64(value),
            Some(Scalar::Float(value)) => visitor.visit_f64(value),
            Some(Scalar::Text(text)) => visitor.visit_borrowed_str(text),
            Some(Scalar::Null) | None => visitor.visit_unit(),
        }
    }

    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, TapeError> {
        if self.view.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(self, _: &'static str, visitor: V) -> Result<V::Value, TapeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TapeError> {
        if let Some(text) = self.view.as_str() {
            return visitor.visit_enum(IntoDeserializer::<TapeError>::into_deserializer(text));
        }
        let mut entries = self.view.entries();
        match (entries.next(), entries.next()) {
            (Some((name, value)), None) => visitor.visit_enum(Variant { name, value: self.within(value) }),
            _ => Err(TapeError::invalid_type(Unexpected::Other("no variant"), &"a text or an object with one field")),
        }
    }

    serde::forward_to_deserialize_any! {
        <W: Visitor<'t>>
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// What is left to read of a list or an object.
struct Parts<'t, 'r> {
    reader: Reader<'t, 'r>,
    /// The next item, or the next name.
    at: usize,
    end: usize,
}

impl<'t> Parts<'t, '_> {
    fn is_left_out(&self, name: &str, value: View<'t>) -> bool {
        let Reader { rules, keeps_nulls, is_outermost, .. } = self.reader;
        (is_outermost && rules.left_out.contains(&name))
            || (!keeps_nulls && rules.nulls_left_out_except_below.is_some() && value.is_null())
    }
}

impl<'t> de::SeqAccess<'t> for Parts<'t, '_> {
    type Error = TapeError;

    fn next_element_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<Option<S::Value>, TapeError> {
        if self.at >= self.end {
            return Ok(None);
        }
        let tape = self.reader.view.tape;
        let item = self.reader.within(View { tape, at: self.at });
        self.at = tape.after(self.at);
        seed.deserialize(item).map(Some)
    }
}

impl<'t> de::MapAccess<'t> for Parts<'t, '_> {
    type Error = TapeError;

    fn next_key_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<Option<S::Value>, TapeError> {
        let tape = self.reader.view.tape;
        while self.at < self.end {
            let name = tape.name_at(self.at);
            if !self.is_left_out(name, View { tape, at: self.at + 1 }) {
                return seed.deserialize(Name(name)).map(Some);
            }
            self.at = tape.after(self.at + 1);
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<S::Value, TapeError> {
        let tape = self.reader.view.tape;
        let name = tape.name_at(self.at);
        let mut value = self.reader.within(View { tape, at: self.at + 1 });
        let free = self.reader.rules.nulls_left_out_except_below;
        value.keeps_nulls |= free.is_some_and(|free| free.contains(&name));
        self.at = tape.after(self.at + 1);
        seed.deserialize(value)
    }
}

/// A name, borrowed from the tape or the program.
struct Name<'t>(&'t str);

macro_rules! numbers_of_keys {
    ($($method:ident: $kind:ty => $visit:ident,)*) => {$(
        fn $method<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, TapeError> {
            match self.0.parse::<$kind>() {
                Ok(number) => visitor.$visit(number),
                Err(_) => visitor.visit_borrowed_str(self.0),
            }
        }
    )*};
}

impl<'t> de::Deserializer<'t> for Name<'t> {
    type Error = TapeError;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, TapeError> {
        visitor.visit_borrowed_str(self.0)
    }

    numbers_of_keys! {
        deserialize_i8: i8 => visit_i8,
        deserialize_i16: i16 => visit_i16,
        deserialize_i32: i32 => visit_i32,
        deserialize_i64: i64 => visit_i64,
        deserialize_u8: u8 => visit_u8,
        deserialize_u16: u16 => visit_u16,
        deserialize_u32: u32 => visit_u32,
        deserialize_u64: u64 => visit_u64,
    }

    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, TapeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(self, _: &'static str, visitor: V) -> Result<V::Value, TapeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'t>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TapeError> {
        StrDeserializer::<TapeError>::new(self.0).deserialize_enum(name, variants, visitor)
    }

    serde::forward_to_deserialize_any! {
        <W: Visitor<'t>>
        bool f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

/// `{"Variant": …}`.
struct Variant<'t, 'r> {
    name: &'t str,
    value: Reader<'t, 'r>,
}

impl<'t, 'r> de::EnumAccess<'t> for Variant<'t, 'r> {
    type Error = TapeError;
    type Variant = Reader<'t, 'r>;

    fn variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Result<(S::Value, Self::Variant), TapeError> {
        Ok((seed.deserialize(Name(self.name))?, self.value))
    }
}

impl<'t> de::VariantAccess<'t> for Reader<'t, '_> {
    type Error = TapeError;

    fn unit_variant(self) -> Result<(), TapeError> {
        de::Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Result<S::Value, TapeError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'t>>(self, _: usize, visitor: V) -> Result<V::Value, TapeError> {
        de::Deserializer::deserialize_any(self, visitor)
    }

    fn struct_variant<V: Visitor<'t>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, TapeError> {
        de::Deserializer::deserialize_any(self, visitor)
    }
}
