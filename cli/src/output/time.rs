//! Points in time as people read them.

use drover_base::{UnixNanos, WireTime};
use jiff::tz::TimeZone;

/// Now, by the system's clock.
pub fn now() -> UnixNanos {
    UnixNanos::now()
}

/// `2026-11-22T15:23:27Z`, in the zone of the system.
pub fn stamp(time: UnixNanos) -> String {
    let zoned = time.timestamp().to_zoned(TimeZone::system());
    let text = zoned.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    if zoned.offset().is_zero() { format!("{text}Z") } else { format!("{text}{}", zoned.strftime("%:z")) }
}

/// The time, or something else when it is not set.
pub fn stamp_or(time: UnixNanos, none: &str) -> String {
    if time.is_zero() { none.to_owned() } else { stamp(time) }
}

/// The same for times that the wire has as text.
pub fn wire_stamp_or(time: Option<WireTime>, none: &str) -> String {
    time.and_then(|time| time.nanos()).map_or_else(|| none.to_owned(), stamp)
}

/// `4s ago`, `11m50s ago`, `3h2m ago`: the two largest units that are not zero.
pub fn ago(time: UnixNanos, now: UnixNanos) -> String {
    let seconds = now.since(time).0 / 1_000_000_000;
    if seconds < 1 {
        return if seconds < 0 { format!("{} from now", units(-seconds)) } else { "0s ago".to_owned() };
    }
    format!("{} ago", units(seconds))
}

const UNITS: [(i64, &str); 6] =
    [(31_536_000, "y"), (2_592_000, "mo"), (86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];

fn units(seconds: i64) -> String {
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, name) in UNITS {
        if rest >= size {
            parts.push(format!("{}{name}", rest / size));
            rest %= size;
        }
    }
    parts.truncate(2);
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seconds: i64, expected: &str) {
        assert_eq!(ago(UnixNanos(0), UnixNanos(seconds * 1_000_000_000 + 5)), expected);
    }

    #[test]
    fn times_show_their_two_largest_units() {
        check(0, "0s ago");
        check(4, "4s ago");
        check(710, "11m50s ago");
        check(3_720, "1h2m ago");
        check(3_636, "1h36s ago");
        check(90_000, "1d1h ago");
    }
}
