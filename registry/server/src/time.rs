//! Times as the registry writes them.

use jiff::Timestamp;

/// Now, in whole seconds.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).expect("the clock is within the calendar")
}

/// RFC 3339 in UTC.
pub(crate) fn text(at: Timestamp) -> String {
    at.to_string()
}
