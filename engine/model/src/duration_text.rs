//! Durations as text, as `"1h30m0s"`; numbers are nanoseconds.

use drover_base::Nanos;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// Writes the text.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(value: &Nanos, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads text, a number, or nothing.
///
/// # Errors
/// Text that is no duration.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Nanos, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Number(i64),
        Text(String),
        Nothing(()),
    }
    match Given::deserialize(deserializer)? {
        Given::Number(nanos) => Ok(Nanos(nanos)),
        Given::Nothing(()) => Ok(Nanos(0)),
        Given::Text(text) if text.is_empty() => Ok(Nanos(0)),
        Given::Text(text) => {
            Nanos::parse(&text).map_err(|_| D::Error::custom(format!("time: invalid duration {text:?}")))
        }
    }
}
