//! Points in time as the wire has them: nanoseconds since 1970, or RFC 3339 text.

use crate::Nanos;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Nanoseconds since the Unix epoch; 0 means never. An integer on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixNanos(pub i64);

impl UnixNanos {
    /// The system clock, for shells only.
    pub fn now() -> Self {
        Self(i64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX))
    }
    /// Later (or earlier) by `by`.
    pub fn plus(self, by: Nanos) -> Self {
        Self(self.0.saturating_add(by.0))
    }
    /// How long after `earlier` this is; negative when before it.
    pub fn since(self, earlier: Self) -> Nanos {
        Nanos(self.0.saturating_sub(earlier.0))
    }
    /// As a timestamp.
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_nanosecond(i128::from(self.0)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
    /// Whether no time is set.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

/// A time that the wire shows as RFC 3339 text. `None` is Go's zero time, shown as
/// `0001-01-01T00:00:00Z`; fields that show it as null use `Option<WireTime>`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WireTime(pub Option<UnixNanos>);

const GO_ZERO_TIME: &str = "0001-01-01T00:00:00Z";

impl WireTime {
    /// Whether no time is set.
    pub const fn is_zero(&self) -> bool {
        self.0.is_none()
    }
    /// The time in nanoseconds since the epoch, if set.
    pub const fn nanos(&self) -> Option<UnixNanos> {
        self.0
    }
}

impl From<UnixNanos> for WireTime {
    fn from(nanos: UnixNanos) -> Self {
        Self(Some(nanos))
    }
}

impl fmt::Display for WireTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str(GO_ZERO_TIME),
            Some(nanos) => write!(f, "{}", nanos.timestamp()),
        }
    }
}

impl fmt::Debug for WireTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for WireTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WireTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Some(text) = Option::<std::borrow::Cow<'de, str>>::deserialize(deserializer)? else {
            return Ok(Self(None));
        };
        if text.is_empty() || text.starts_with("0001-01-01T00:00:00") {
            return Ok(Self(None));
        }
        let stamp: Timestamp = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Self(Some(UnixNanos(i64::try_from(stamp.as_nanosecond()).unwrap_or(i64::MAX)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_times_read_and_write_as_go_does() {
        assert_eq!(serde_json::to_string(&WireTime(None)).unwrap(), "\"0001-01-01T00:00:00Z\"");
        assert_eq!(serde_json::from_str::<WireTime>("\"0001-01-01T00:00:00Z\"").unwrap(), WireTime(None));
        assert_eq!(serde_json::from_str::<WireTime>("null").unwrap(), WireTime(None));
    }

    #[test]
    fn times_keep_their_nanoseconds() {
        let time = WireTime::from(UnixNanos(1_700_000_000_123_456_789));
        let text = serde_json::to_string(&time).unwrap();
        assert_eq!(text, "\"2023-11-14T22:13:20.123456789Z\"");
        assert_eq!(serde_json::from_str::<WireTime>(&text).unwrap(), time);
    }
}
