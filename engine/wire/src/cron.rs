//! Cron expressions of periodic jobs, as the reference reads them.
//!
//! Five fields are minute to day of week; six add the year at the end; seven add seconds in front.
//! Times are found on the wall clock of the job's zone: a time that daylight saving skips moves
//! forward, one that comes twice counts once.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike, Utc};
use croner::parser::{CronParser, Seconds, Year};
use drover_model::{PeriodicConfig, UnixNanos};
use jiff::civil;
use jiff::tz::TimeZone;

/// Why a schedule cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// Fewer than five fields.
    #[error("missing field(s)")]
    MissingFields,
    /// More than seven fields.
    #[error("too many fields: at most seven, from seconds to year")]
    TooManyFields,
    /// A field that means nothing.
    #[error("{0}")]
    Syntax(String),
    /// A zone that is not known.
    #[error("unknown time zone {0}")]
    TimeZone(String),
}

/// A cron expression.
#[derive(Clone, Debug)]
pub struct Schedule(croner::Cron);

impl Schedule {
    /// Reads an expression.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(spec: &str) -> Result<Self, CronError> {
        let spec = alias(spec.trim());
        let fields = spec.split_whitespace().count();
        let full = match fields {
            0..=4 => return Err(CronError::MissingFields),
            5 | 6 => format!("0 {spec}"),
            7 => spec.to_owned(),
            _ => return Err(CronError::TooManyFields),
        };
        let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Optional).build();
        parser.parse(&full).map(Self).map_err(|error| CronError::Syntax(error.to_string()))
    }

    /// The first time strictly after `after`, on the wall clock of `zone`; `None`: never again.
    pub fn next(&self, after: UnixNanos, zone: &TimeZone) -> Option<UnixNanos> {
        let mut local = to_naive(after.timestamp().to_zoned(zone.clone()).datetime())?;
        // A time inside of a repeated hour may map to an instant that is already over.
        for _ in 0..8 {
            let from: DateTime<Utc> = local.and_utc();
            let found = self.0.find_next_occurrence(&from, false).ok()?.naive_utc();
            let instant = to_civil(found)?.to_zoned(zone.clone()).ok()?.timestamp();
            let at = UnixNanos(i64::try_from(instant.as_nanosecond()).ok()?);
            if at > after {
                return Some(at);
            }
            local = found;
        }
        None
    }
}

/// The first launch of a periodic job strictly after `after`; `None`: never.
///
/// # Errors
/// One of its expressions or its zone cannot be read.
pub fn next_launch(config: &PeriodicConfig, after: UnixNanos) -> Result<Option<UnixNanos>, CronError> {
    let zone = time_zone(&config.time_zone)?;
    let specs = config.specs.iter().chain(Some(&config.spec).filter(|spec| !spec.is_empty()));
    let mut next: Option<UnixNanos> = None;
    for spec in specs {
        let at = Schedule::parse(spec)?.next(after, &zone);
        next = match (next, at) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
    Ok(next)
}

/// The zone of that name; none means UTC.
///
/// # Errors
/// There is no such zone.
pub fn time_zone(name: &str) -> Result<TimeZone, CronError> {
    if name.is_empty() || name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    if name == "Local" {
        return Ok(TimeZone::system());
    }
    TimeZone::get(name).map_err(|_| CronError::TimeZone(name.to_owned()))
}

fn alias(spec: &str) -> &str {
    match spec {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        other => other,
    }
}

fn to_naive(time: civil::DateTime) -> Option<NaiveDateTime> {
    let (month, day) = (u32::try_from(time.month()).ok()?, u32::try_from(time.day()).ok()?);
    let (hour, minute) = (u32::try_from(time.hour()).ok()?, u32::try_from(time.minute()).ok()?);
    let second = u32::try_from(time.second()).ok()?;
    NaiveDate::from_ymd_opt(i32::from(time.year()), month, day)?.and_hms_opt(hour, minute, second)
}

fn to_civil(time: NaiveDateTime) -> Option<civil::DateTime> {
    let date = civil::Date::new(
        i16::try_from(time.year()).ok()?,
        i8::try_from(time.month()).ok()?,
        i8::try_from(time.day()).ok()?,
    )
    .ok()?;
    let clock = civil::Time::new(
        i8::try_from(time.hour()).ok()?,
        i8::try_from(time.minute()).ok()?,
        i8::try_from(time.second()).ok()?,
        0,
    )
    .ok()?;
    Some(date.to_datetime(clock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spec: &str, zone: &str, after: &str, expected: &str) {
        let at =
            |text: &str| UnixNanos(i64::try_from(text.parse::<jiff::Timestamp>().unwrap().as_nanosecond()).unwrap());
        let next = Schedule::parse(spec).unwrap().next(at(after), &time_zone(zone).unwrap()).unwrap();
        assert_eq!(next.timestamp().to_string(), expected, "{spec} after {after} in {zone:?}");
    }

    #[test]
    fn fields_count_from_minutes_and_seven_begin_with_seconds() {
        check("*/15 * * * *", "", "2026-01-01T00:00:00Z", "2026-01-01T00:15:00Z");
        check("0 0 1 1 * 2030", "", "2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z");
        check("*/5 * * * * * *", "", "2026-01-01T00:00:01Z", "2026-01-01T00:00:05Z");
        check("@daily", "", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        check("0 12 * * 1", "", "2026-01-01T00:00:00Z", "2026-01-05T12:00:00Z");
    }

    #[test]
    fn wall_clocks_follow_their_zone_over_daylight_saving() {
        check("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z");
        check("0 9 * * *", "America/New_York", "2026-07-01T00:00:00Z", "2026-07-01T13:00:00Z");
        check("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
    }

    #[test]
    fn wrong_schedules_say_what_is_wrong() {
        assert_eq!(Schedule::parse("every day").unwrap_err(), CronError::MissingFields);
        assert!(matches!(Schedule::parse("99 * * * *"), Err(CronError::Syntax(_))));
        assert_eq!(time_zone("Mars/Base").unwrap_err().to_string(), "unknown time zone Mars/Base");
    }
}
