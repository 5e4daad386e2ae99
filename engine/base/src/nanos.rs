//! Durations as the wire has them: signed whole nanoseconds, written by people in Go's syntax.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

const NANOSECOND: i64 = 1;
const MICROSECOND: i64 = 1_000 * NANOSECOND;
const MILLISECOND: i64 = 1_000 * MICROSECOND;
const SECOND: i64 = 1_000 * MILLISECOND;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// A signed duration in nanoseconds. On the wire it is an integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nanos(pub i64);

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseDurationError {
    /// Nothing that looks like a duration.
    #[error("invalid duration {0:?}: write it like \"30s\", \"1h30m\" or \"500ms\"")]
    Invalid(String),
    /// A number without its unit.
    #[error("missing unit in duration {0:?}: write it like \"30s\", \"1h30m\" or \"500ms\"")]
    MissingUnit(String),
    /// A unit that does not exist.
    #[error("unknown unit {1:?} in duration {0:?}: units are ns, us, ms, s, m, h")]
    UnknownUnit(String, String),
}

impl Nanos {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Whole seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs * SECOND)
    }
    /// Whole milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis * MILLISECOND)
    }
    /// Whole minutes.
    pub const fn from_mins(mins: i64) -> Self {
        Self(mins * MINUTE)
    }
    /// Whole hours.
    pub const fn from_hours(hours: i64) -> Self {
        Self(hours * HOUR)
    }
    /// As a `std` duration; negative ones are zero.
    pub fn as_duration(self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }
    /// Whether this is exactly zero.
    pub const fn is_zero(&self) -> bool {
        self.0 == 0
    }

    /// Reads Go's duration syntax: `1h30m`, `-5s`, `.5s`, `100µs`, `0`.
    ///
    /// # Errors
    /// Says which part is wrong; an overflow of 64 bits is invalid.
    pub fn parse(text: &str) -> Result<Self, ParseDurationError> {
        let invalid = || ParseDurationError::Invalid(text.to_owned());
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Self::ZERO);
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: i128 = 0;
        while !rest.is_empty() {
            let (number, after) = split_while(rest, |c| c.is_ascii_digit() || c == '.');
            if number.is_empty() || number == "." || number.matches('.').count() > 1 {
                return Err(invalid());
            }
            let (unit, after) = split_while(after, |c| !c.is_ascii_digit() && c != '.');
            if unit.is_empty() {
                return Err(ParseDurationError::MissingUnit(text.to_owned()));
            }
            let scale =
                unit_scale(unit).ok_or_else(|| ParseDurationError::UnknownUnit(text.to_owned(), unit.to_owned()))?;
            total += scaled(number, scale).ok_or_else(invalid)?;
            rest = after;
        }
        let total = if negative { -total } else { total };
        i64::try_from(total).map(Self).map_err(|_| invalid())
    }
}

fn split_while(text: &str, keep: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !keep(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn unit_scale(unit: &str) -> Option<i64> {
    Some(match unit {
        "ns" => NANOSECOND,
        "us" | "µs" | "μs" => MICROSECOND,
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        _ => return None,
    })
}

fn scaled(number: &str, scale: i64) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut total = whole.checked_mul(i128::from(scale))?;
    let mut place = i128::from(scale);
    for digit in fraction.bytes() {
        place /= 10;
        total += i128::from(digit - b'0') * place;
    }
    Some(total)
}

impl From<Duration> for Nanos {
    fn from(duration: Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Nanos {
    /// Go's form: `1h0m0s`, `1.5s`, `100ms`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0.unsigned_abs();
        if n == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let second = SECOND.unsigned_abs();
        if n < second {
            let (unit, scale) = if n < MICROSECOND.unsigned_abs() {
                ("ns", 1)
            } else if n < MILLISECOND.unsigned_abs() {
                ("µs", MICROSECOND.unsigned_abs())
            } else {
                ("ms", MILLISECOND.unsigned_abs())
            };
            return write!(f, "{}{unit}", decimal(n, scale));
        }
        let (hours, minutes) = (n / second / 3600, n / second / 60 % 60);
        let seconds = decimal(n % (60 * second), second);
        match (hours, minutes) {
            (0, 0) => write!(f, "{seconds}s"),
            (0, m) => write!(f, "{m}m{seconds}s"),
            (h, m) => write!(f, "{h}h{m}m{seconds}s"),
        }
    }
}

fn decimal(n: u64, scale: u64) -> String {
    let (whole, rest) = (n / scale, n % scale);
    if rest == 0 {
        return whole.to_string();
    }
    let width = scale.ilog10() as usize;
    format!("{whole}.{}", format!("{rest:0width$}").trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations_round_trip() {
        for (text, nanos, shown) in [
            ("1h30m", 5_400_000_000_000, "1h30m0s"),
            ("-5s", -5_000_000_000, "-5s"),
            (".5s", 500_000_000, "500ms"),
            ("100µs", 100_000, "100µs"),
            ("0", 0, "0s"),
            ("1.5s", 1_500_000_000, "1.5s"),
            ("24h", 86_400_000_000_000, "24h0m0s"),
        ] {
            let parsed = Nanos::parse(text).unwrap();
            assert_eq!(parsed, Nanos(nanos), "{text}");
            assert_eq!(parsed.to_string(), shown, "{text}");
            assert_eq!(Nanos::parse(shown).unwrap(), parsed, "{shown}");
        }
    }

    #[test]
    fn wrong_durations_say_what_is_wrong() {
        assert!(matches!(Nanos::parse("10"), Err(ParseDurationError::MissingUnit(_))));
        assert!(matches!(Nanos::parse("3d"), Err(ParseDurationError::UnknownUnit(_, _))));
        for text in ["", "-", "s", "1.2.3s", ".s", "9999999999h"] {
            assert!(Nanos::parse(text).is_err(), "{text}");
        }
    }
}
