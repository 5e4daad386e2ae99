//! Dates and durations.

mod layout;

use super::{Outcome, int, shown, text};
use crate::exec::Execution;
use crate::functions::{Function, Functions, Type};
use crate::value::{Object, Value};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use std::any::Any;

const TIME: Type = Type::Host("time.Time");

pub(super) fn add(functions: &mut Functions) {
    use Type::{Any, Text};
    functions.add("now", Function::new(&[], None, |execution, _| Ok(Value::object(Time(now(execution)?)))));
    functions.add(
        "date",
        Function::new(&[Text, Any], None, |execution, v| {
            let zone = execution.host().time_zone();
            in_zone(execution, &v[0], &v[1], &zone)
        }),
    );
    for name in ["dateInZone", "date_in_zone"] {
        functions.add(
            name,
            Function::new(&[Text, Any, Text], None, |execution, v| in_zone(execution, &v[0], &v[1], &text(&v[2]))),
        );
    }
    functions.add(
        "htmlDate",
        Function::new(&[Any], None, |execution, v| {
            let zone = execution.host().time_zone();
            in_zone(execution, &Value::text("2006-01-02"), &v[0], &zone)
        }),
    );
    functions.add(
        "htmlDateInZone",
        Function::new(&[Any, Text], None, |execution, v| {
            in_zone(execution, &Value::text("2006-01-02"), &v[0], &text(&v[1]))
        }),
    );
    for name in ["dateModify", "date_modify"] {
        functions.plain(name, &[Text, TIME], None, |v| Ok(modify(v).unwrap_or_else(|_| v[1].clone())));
    }
    for name in ["mustDateModify", "must_date_modify"] {
        functions.plain(name, &[Text, TIME], None, modify);
    }
    functions.add(
        "toDate",
        Function::new(&[Text, Text], None, |execution, v| {
            Ok(to_date(execution, v).unwrap_or_else(|_| Value::object(Time(zero()))))
        }),
    );
    functions.add("mustToDate", Function::new(&[Text, Text], None, |execution, v| to_date(execution, v)));
    functions.plain("unixEpoch", &[TIME], None, |v| Ok(Value::text(time(&v[0])?.timestamp().as_second().to_string())));
    functions.add(
        "ago",
        Function::new(&[Any], None, |execution, v| {
            let then = moment(execution, &v[0])?;
            let elapsed = now(execution)?.timestamp().as_nanosecond() - then.timestamp().as_nanosecond();
            Ok(Value::text(layout::duration(elapsed / 1_000_000_000 * 1_000_000_000)))
        }),
    );
    functions.plain("duration", &[Any], None, |v| {
        let seconds = match &v[0] {
            Value::Text(text) => text.text().parse().unwrap_or(0),
            Value::Int(value, crate::value::Width::Int64) => *value,
            _ => 0,
        };
        Ok(Value::text(layout::duration(i128::from(seconds) * 1_000_000_000)))
    });
    functions.add(
        "durationRound",
        Function::new(&[Any], None, |execution, v| {
            let nanos = match &v[0] {
                Value::Text(text) => layout::parse_duration(&text.text()).unwrap_or(0),
                Value::Int(value, crate::value::Width::Int64) => i128::from(*value),
                Value::Object(_) => {
                    now(execution)?.timestamp().as_nanosecond() - time(&v[0])?.timestamp().as_nanosecond()
                }
                _ => 0,
            };
            Ok(Value::text(layout::rounded(nanos)))
        }),
    );
}

/// A time in a template.
#[derive(Debug)]
struct Time(Zoned);

fn zero() -> Zoned {
    Timestamp::from_second(-62_135_596_800).unwrap_or(Timestamp::MIN).to_zoned(TimeZone::UTC)
}

fn now(execution: &Execution<'_>) -> Result<Zoned, String> {
    let (seconds, nanos) = execution.host().now();
    let at = Timestamp::new(seconds, nanos).map_err(|error| error.to_string())?;
    Ok(at.to_zoned(zone(&execution.host().time_zone())))
}

/// The zone of a name; UTC when there is none of that name.
fn zone(name: &str) -> TimeZone {
    match name {
        "" | "UTC" | "Local" => TimeZone::UTC,
        name => TimeZone::get(name).unwrap_or(TimeZone::UTC),
    }
}

fn time(value: &Value) -> Result<Zoned, String> {
    match value {
        Value::Object(object) => match object.as_any().downcast_ref::<Time>() {
            Some(time) => Ok(time.0.clone()),
            None => Err(format!("wrong type for value; expected time.Time; got {}", object.type_name())),
        },
        value => Err(format!("wrong type for value; expected time.Time; got {}", value.type_name())),
    }
}

/// A time, or seconds since 1970; anything else is now.
fn moment(execution: &Execution<'_>, value: &Value) -> Result<Zoned, String> {
    match value {
        Value::Object(_) => time(value),
        Value::Int(seconds, _) => {
            Timestamp::from_second(*seconds).map(|at| at.to_zoned(TimeZone::UTC)).map_err(|error| error.to_string())
        }
        _ => now(execution),
    }
}

fn in_zone(execution: &Execution<'_>, form: &Value, value: &Value, name: &str) -> Outcome {
    let at = moment(execution, value)?.with_time_zone(zone(name));
    Ok(Value::text(layout::format(&at, &text(form))))
}

fn modify(v: &[Value]) -> Outcome {
    let change = text(&v[0]);
    let nanos = layout::parse_duration(&change).ok_or_else(|| format!("time: invalid duration {change:?}"))?;
    let at = time(&v[1])?;
    let moved =
        Timestamp::from_nanosecond(at.timestamp().as_nanosecond() + nanos).map_err(|error| error.to_string())?;
    Ok(Value::object(Time(moved.to_zoned(at.time_zone().clone()))))
}

fn to_date(execution: &Execution<'_>, v: &[Value]) -> Outcome {
    let at = layout::parse(&text(&v[0]), &text(&v[1]), zone(&execution.host().time_zone()))?;
    Ok(Value::object(Time(at)))
}

/// A month or day of the week: its number, printed by name.
#[derive(Debug)]
struct Named {
    type_name: &'static str,
    name: &'static str,
}

impl Object for Named {
    fn type_name(&self) -> &'static str {
        self.type_name
    }
    fn kind(&self) -> &'static str {
        "int"
    }
    fn get(&self, name: &str, _: &[Value]) -> Option<Outcome> {
        (name == "String").then(|| Ok(Value::text(self.name)))
    }
    fn show(&self) -> String {
        self.name.to_owned()
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for Time {
    fn type_name(&self) -> &'static str {
        "time.Time"
    }
    fn get(&self, name: &str, arguments: &[Value]) -> Option<Outcome> {
        let at = &self.0;
        let number = |value: i64| Ok(Value::int(value));
        let named = |type_name, name| Ok(Value::object(Named { type_name, name }));
        Some(match (name, arguments) {
            ("Year", []) => number(at.year().into()),
            ("Month", []) => named("time.Month", layout::month(at)),
            ("Weekday", []) => named("time.Weekday", layout::weekday(at)),
            ("Day", []) => number(at.day().into()),
            ("YearDay", []) => number(at.day_of_year().into()),
            ("Hour", []) => number(at.hour().into()),
            ("Minute", []) => number(at.minute().into()),
            ("Second", []) => number(at.second().into()),
            ("Nanosecond", []) => number(at.subsec_nanosecond().into()),
            ("Unix", []) => Ok(Value::int64(at.timestamp().as_second())),
            ("UnixMilli", []) => Ok(Value::int64(at.timestamp().as_millisecond())),
            ("UnixNano", []) => Ok(Value::int64(i64::try_from(at.timestamp().as_nanosecond()).unwrap_or(i64::MAX))),
            ("IsZero", []) => Ok(Value::Bool(*at == zero())),
            ("UTC", []) => Ok(Value::object(Time(at.with_time_zone(TimeZone::UTC)))),
            ("String", []) => Ok(Value::text(self.show())),
            ("Format", [form]) => Ok(Value::text(layout::format(at, &shown(form)))),
            ("AddDate", [years, months, days]) => {
                let span = jiff::Span::new().try_years(int(years)).and_then(|span| span.try_months(int(months)));
                let moved = span.and_then(|span| span.try_days(int(days))).and_then(|span| at.checked_add(span));
                moved.map(|at| Value::object(Time(at))).map_err(|error| error.to_string())
            }
            ("Before" | "After" | "Equal", [other]) => time(other).map(|other| {
                let order = at.timestamp().cmp(&other.timestamp());
                Value::Bool(match name {
                    "Before" => order.is_lt(),
                    "After" => order.is_gt(),
                    _ => order.is_eq(),
                })
            }),
            ("Year" | "Month" | "Day" | "Unix" | "Format" | "String", _) => {
                Err(format!("wrong number of args for {name}: got {}", arguments.len()))
            }
            _ => return None,
        })
    }
    fn show(&self) -> String {
        layout::format(&self.0, "2006-01-02 15:04:05.999999999 -0700 MST")
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}
