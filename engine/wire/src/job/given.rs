//! What JSON may stand for a field's value: Go's `encoding/json` reads more than serde does by itself.
//!
//! A null inside a list or a map of scalars is the scalar's zero value, and `-0` is a whole number.
//! Where the reference has no answer at all (a null in a list of objects), the null is refused.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// A kind of value that a field may have.
pub(crate) trait Given: Sized {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// What a null stands for inside a list or a map, where it may stand there.
    fn from_null() -> Option<Self> {
        None
    }
}

/// Reads a field's value; null is `None`.
pub(crate) struct Field<T>(pub(crate) Option<T>);

impl<'de, T: Given> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(Nullable(PhantomData)).map(Self)
    }
}

/// A part of a list or a map.
struct Part<T>(T);

impl<'de, T: Given> Deserialize<'de> for Part<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = deserializer.deserialize_option(Nullable(PhantomData))?.or_else(T::from_null);
        found.map(Self).ok_or_else(|| D::Error::invalid_type(Unexpected::Other("null"), &"an object"))
    }
}

struct Nullable<T>(PhantomData<T>);

impl<'de, T: Given> Visitor<'de> for Nullable<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        T::read(deserializer).map(Some)
    }
}

impl<T: Given> Given for Option<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Field::deserialize(deserializer).map(|field| field.0)
    }
}

impl<T: Given> Given for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(List(PhantomData))
    }

    fn from_null() -> Option<Self> {
        Some(Self::new())
    }
}

struct List<T>(PhantomData<T>);

impl<'de, T: Given> Visitor<'de> for List<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(Part(part)) = parts.next_element()? {
            list.push(part);
        }
        Ok(list)
    }
}

impl<T: Given> Given for BTreeMap<String, T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Map(PhantomData))
    }

    fn from_null() -> Option<Self> {
        Some(Self::new())
    }
}

struct Map<T>(PhantomData<T>);

impl<'de, T: Given> Visitor<'de> for Map<T> {
    type Value = BTreeMap<String, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parts: A) -> Result<BTreeMap<String, T>, A::Error> {
        let mut map = BTreeMap::new();
        while let Some(name) = parts.next_key()? {
            map.insert(name, parts.next_value::<Part<T>>()?.0);
        }
        Ok(map)
    }
}

/// Kinds that read as serde reads them, with a zero value.
macro_rules! scalars {
    ($($kind:ty),*) => {$(
        impl Given for $kind {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize(deserializer)
            }

            fn from_null() -> Option<Self> {
                Some(Self::default())
            }
        }
    )*};
}
scalars!(String, bool, serde_json::Value);

impl Given for super::ConsulMeshConfigEntry {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }
}

macro_rules! whole_numbers {
    ($($kind:ty),*) => {$(
        impl Given for $kind {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader;
                impl Visitor<'_> for Reader {
                    type Value = $kind;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(stringify!($kind))
                    }

                    fn visit_i64<E: Error>(self, value: i64) -> Result<$kind, E> {
                        value.try_into().map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
                    }

                    fn visit_u64<E: Error>(self, value: u64) -> Result<$kind, E> {
                        value.try_into().map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
                    }

                    fn visit_f64<E: Error>(self, value: f64) -> Result<$kind, E> {
                        // `-0` has no whole number of its own in JSON readers.
                        if value == 0.0 && value.is_sign_negative() {
                            return Ok(0);
                        }
                        Err(E::invalid_type(Unexpected::Float(value), &self))
                    }
                }
                deserializer.deserialize_any(Reader)
            }

            fn from_null() -> Option<Self> {
                Some(0)
            }
        }
    )*};
}
whole_numbers!(i8, u8, u16, u32, i64, u64);

#[cfg(test)]
mod tests {
    use crate::job::{Job, Resources};

    #[test]
    fn nulls_among_texts_are_empty_texts() {
        let job: Job = serde_json::from_str(r#"{"Datacenters": ["a", null], "Meta": {"k": null}}"#).unwrap();
        assert_eq!(job.datacenters.unwrap(), ["a", ""]);
        assert_eq!(job.meta.unwrap()["k"], "");
    }

    #[test]
    fn nulls_among_objects_are_refused() {
        let fault = serde_json::from_str::<Job>(r#"{"Constraints": [null]}"#).unwrap_err();
        assert!(fault.to_string().starts_with("invalid type: null, expected an object"), "{fault}");
    }

    #[test]
    fn minus_zero_is_a_whole_number() {
        let read = |text| serde_json::from_str::<Resources>(text);
        assert_eq!(read(r#"{"CPU": -0}"#).unwrap().cpu, Some(0));
        assert!(read(r#"{"CPU": 0.5}"#).is_err());
    }
}
