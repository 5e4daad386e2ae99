//! `#[serde(with = "serde_null")]`: empty collections are `null` on the wire, and `null` reads as empty.
//!
//! Go shows a nil slice or map as `null`; our types have no nil, so that empty stands for it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Collections that can say whether they are empty.
pub trait IsEmpty {
    /// Whether there is nothing in it.
    fn is_empty_value(&self) -> bool;
}

impl<T> IsEmpty for Vec<T> {
    fn is_empty_value(&self) -> bool {
        self.is_empty()
    }
}
impl<K, V> IsEmpty for std::collections::BTreeMap<K, V> {
    fn is_empty_value(&self) -> bool {
        self.is_empty()
    }
}

/// Writes `null` for an empty collection.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<T: IsEmpty + Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_empty_value() { serializer.serialize_none() } else { value.serialize(serializer) }
}

/// Reads `null` as the default.
///
/// # Errors
/// Those of the deserializer.
pub fn deserialize<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
