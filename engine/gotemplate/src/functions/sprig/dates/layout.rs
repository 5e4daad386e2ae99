//! Dates by example: layouts that write Monday, 2 January 2006, 15:04:05.

use jiff::Zoned;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A part of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    Pm,
    LowerPm,
    Zone,
    /// `Z07:00` and its like: `Z` for UTC; with seconds, with colons.
    Offset {
        z: bool,
        colons: bool,
        minutes: bool,
        seconds: bool,
    },
    /// `.000` (fixed) or `.999` (as needed), with its digits.
    Fraction {
        fixed: bool,
        digits: usize,
    },
}

const WORDS: [(&str, Part); 33] = {
    use Part::*;
    const fn offset(z: bool, colons: bool, minutes: bool, seconds: bool) -> Part {
        Offset { z, colons, minutes, seconds }
    }
    [
        ("January", LongMonth),
        ("Jan", Month),
        ("Monday", LongWeekday),
        ("Mon", Weekday),
        ("MST", Zone),
        ("2006", LongYear),
        ("__2", UnderYearDay),
        ("_2", UnderDay),
        ("002", ZeroYearDay),
        ("01", ZeroMonth),
        ("02", ZeroDay),
        ("03", ZeroHour12),
        ("04", ZeroMinute),
        ("05", ZeroSecond),
        ("06", Year),
        ("15", Hour),
        ("1", NumMonth),
        ("2", Day),
        ("3", Hour12),
        ("4", Minute),
        ("5", Second),
        ("PM", Pm),
        ("pm", LowerPm),
        ("-07:00:00", offset(false, true, true, true)),
        ("-070000", offset(false, false, true, true)),
        ("-07:00", offset(false, true, true, false)),
        ("-0700", offset(false, false, true, false)),
        ("-07", offset(false, false, false, false)),
        ("Z07:00:00", offset(true, true, true, true)),
        ("Z070000", offset(true, false, true, true)),
        ("Z07:00", offset(true, true, true, false)),
        ("Z0700", offset(true, false, true, false)),
        ("Z07", offset(true, false, false, false)),
    ]
};

/// The part that a layout begins with, and its length; none for literal text.
fn part(layout: &str) -> Option<(Part, usize)> {
    if layout.starts_with("_2006") {
        // The underscore is literal.
        return None;
    }
    if let Some(rest) = layout.strip_prefix(['.', ',']) {
        let digit = rest.chars().next().filter(|c| matches!(c, '0' | '9'))?;
        let digits = rest.len() - rest.trim_start_matches(digit).len();
        let ends = !rest[digits..].starts_with(|c: char| c.is_ascii_digit());
        return ends.then_some((Part::Fraction { fixed: digit == '0', digits }, digits + 1));
    }
    let followed_by_lower = |length: usize| layout[length..].starts_with(|c: char| c.is_ascii_lowercase());
    WORDS.iter().filter(|(word, _)| layout.starts_with(word)).find_map(|&(word, part)| {
        let abbreviates = matches!(word, "Jan" | "Mon") && followed_by_lower(3);
        (!abbreviates).then_some((part, word.len()))
    })
}

pub(super) fn month(at: &Zoned) -> &'static str {
    MONTHS[usize::try_from(at.month() - 1).unwrap_or(0)]
}
pub(super) fn weekday(at: &Zoned) -> &'static str {
    DAYS[usize::try_from(at.weekday().to_sunday_zero_offset()).unwrap_or(0)]
}

/// Writes a time in a layout.
pub(super) fn format(at: &Zoned, layout: &str) -> String {
    let mut out = String::new();
    let mut rest = layout;
    while let Some(c) = rest.chars().next() {
        match part(rest) {
            Some((part, length)) => {
                write(&mut out, at, part);
                rest = &rest[length..];
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}

fn write(out: &mut String, at: &Zoned, part: Part) {
    let hour12 = (at.hour() + 11) % 12 + 1;
    out.push_str(&match part {
        Part::LongMonth => month(at).to_owned(),
        Part::Month => month(at)[..3].to_owned(),
        Part::NumMonth => at.month().to_string(),
        Part::ZeroMonth => format!("{:02}", at.month()),
        Part::LongWeekday => weekday(at).to_owned(),
        Part::Weekday => weekday(at)[..3].to_owned(),
        Part::Day => at.day().to_string(),
        Part::UnderDay => format!("{:2}", at.day()),
        Part::ZeroDay => format!("{:02}", at.day()),
        Part::UnderYearDay => format!("{:3}", at.day_of_year()),
        Part::ZeroYearDay => format!("{:03}", at.day_of_year()),
        Part::Hour => format!("{:02}", at.hour()),
        Part::Hour12 => hour12.to_string(),
        Part::ZeroHour12 => format!("{hour12:02}"),
        Part::Minute => at.minute().to_string(),
        Part::ZeroMinute => format!("{:02}", at.minute()),
        Part::Second => at.second().to_string(),
        Part::ZeroSecond => format!("{:02}", at.second()),
        Part::LongYear => format!("{:04}", at.year()),
        Part::Year => format!("{:02}", at.year().rem_euclid(100)),
        Part::Pm => if at.hour() >= 12 { "PM" } else { "AM" }.to_owned(),
        Part::LowerPm => if at.hour() >= 12 { "pm" } else { "am" }.to_owned(),
        Part::Zone => zone_name(at),
        Part::Offset { z, colons, minutes, seconds } => {
            if z && at.offset().seconds() == 0 {
                "Z".to_owned()
            } else {
                offset(at.offset().seconds(), colons, minutes, seconds)
            }
        }
        Part::Fraction { fixed, digits } => {
            let all = format!("{:09}", at.subsec_nanosecond());
            let shown = &all[..digits.min(9)];
            let shown = if fixed { shown } else { shown.trim_end_matches('0') };
            if shown.is_empty() { String::new() } else { format!(".{shown}") }
        }
    });
}

fn zone_name(at: &Zoned) -> String {
    let name = at.time_zone().to_offset_info(at.timestamp()).abbreviation().to_owned();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name
    } else {
        offset(at.offset().seconds(), false, at.offset().seconds() % 3600 != 0, false)
    }
}

fn offset(total: i32, colons: bool, minutes: bool, seconds: bool) -> String {
    let size = total.unsigned_abs();
    let colon = if colons { ":" } else { "" };
    let mut out = format!("{}{:02}", if total < 0 { '-' } else { '+' }, size / 3600);
    if minutes {
        out.push_str(&format!("{colon}{:02}", size / 60 % 60));
    }
    if seconds {
        out.push_str(&format!("{colon}{:02}", size % 60));
    }
    out
}

/// What was read so far.
struct Read {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    nanos: i32,
    afternoon: Option<bool>,
    zone: Option<TimeZone>,
}

/// Reads a time written in a layout.
pub(super) fn parse(layout: &str, value: &str, local: TimeZone) -> Result<Zoned, String> {
    let mut read =
        Read { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0, nanos: 0, afternoon: None, zone: None };
    let (mut form, mut rest) = (layout, value);
    let fault =
        |rest: &str, wanted: &str| format!("parsing time {value:?} as {layout:?}: cannot parse {rest:?} as {wanted:?}");
    while let Some(c) = form.chars().next() {
        match part(form) {
            Some((part, length)) => {
                rest = take(&mut read, part, rest).ok_or_else(|| fault(rest, &form[..length]))?;
                form = &form[length..];
            }
            None => {
                rest = rest.strip_prefix(c).ok_or_else(|| fault(rest, form))?;
                form = &form[c.len_utf8()..];
            }
        }
    }
    if !rest.is_empty() {
        return Err(format!("parsing time {value:?}: extra text: {rest:?}"));
    }
    match read.afternoon {
        Some(true) if read.hour < 12 => read.hour += 12,
        Some(false) if read.hour == 12 => read.hour = 0,
        _ => {}
    }
    let wrong = |error: jiff::Error| format!("parsing time {value:?}: {error}");
    let time = DateTime::new(read.year, read.month, read.day, read.hour, read.minute, read.second, read.nanos)
        .map_err(wrong)?;
    time.to_zoned(read.zone.unwrap_or(local)).map_err(wrong)
}

/// Reads one part; what follows it.
fn take<'a>(read: &mut Read, part: Part, text: &'a str) -> Option<&'a str> {
    let name = |names: &[&str], length: Option<usize>| {
        names.iter().enumerate().find_map(|(at, name)| {
            let name = &name[..length.unwrap_or(name.len())];
            let head = text.get(..name.len())?;
            head.eq_ignore_ascii_case(name).then(|| (at, &text[name.len()..]))
        })
    };
    let mut rest = text;
    match part {
        Part::LongMonth | Part::Month => {
            let (at, after) = name(&MONTHS, (part == Part::Month).then_some(3))?;
            read.month = i8::try_from(at + 1).ok()?;
            rest = after;
        }
        Part::LongWeekday | Part::Weekday => rest = name(&DAYS, (part == Part::Weekday).then_some(3))?.1,
        Part::NumMonth => read.month = digits(&mut rest, 1, 2)?,
        Part::ZeroMonth => read.month = digits(&mut rest, 2, 2)?,
        Part::Day => read.day = digits(&mut rest, 1, 2)?,
        Part::UnderDay => {
            rest = rest.strip_prefix(' ').unwrap_or(rest);
            read.day = digits(&mut rest, 1, 2)?;
        }
        Part::ZeroDay => read.day = digits(&mut rest, 2, 2)?,
        Part::UnderYearDay | Part::ZeroYearDay => {
            rest = rest.trim_start_matches(' ');
            let _: i16 = digits(&mut rest, 1, 3)?;
        }
        Part::Hour | Part::ZeroHour12 => read.hour = digits(&mut rest, 2, 2)?,
        Part::Hour12 => read.hour = digits(&mut rest, 1, 2)?,
        Part::Minute => read.minute = digits(&mut rest, 1, 2)?,
        Part::ZeroMinute => read.minute = digits(&mut rest, 2, 2)?,
        Part::Second => read.second = digits(&mut rest, 1, 2)?,
        Part::ZeroSecond => read.second = digits(&mut rest, 2, 2)?,
        Part::LongYear => read.year = digits(&mut rest, 4, 4)?,
        Part::Year => {
            let year: i16 = digits(&mut rest, 2, 2)?;
            read.year = if year >= 69 { 1900 + year } else { 2000 + year };
        }
        Part::Pm | Part::LowerPm => {
            let head = text.get(..2)?;
            read.afternoon = Some(match head.to_ascii_uppercase().as_str() {
                "PM" => true,
                "AM" => false,
                _ => return None,
            });
            rest = &text[2..];
        }
        Part::Zone => {
            let length = text.find(|c: char| !c.is_ascii_uppercase()).unwrap_or(text.len());
            if !(3..=5).contains(&length) {
                return None;
            }
            read.zone = Some(TimeZone::UTC);
            rest = &text[length..];
        }
        Part::Offset { z, colons, minutes, seconds } => rest = take_offset(read, text, z, colons, minutes, seconds)?,
        Part::Fraction { .. } => {
            rest = text.strip_prefix(['.', ','])?;
            let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let shown: String = rest[..length].chars().chain("000000000".chars()).take(9).collect();
            read.nanos = shown.parse().ok()?;
            rest = &rest[length..];
        }
    }
    Some(rest)
}

fn take_offset<'a>(
    read: &mut Read,
    text: &'a str,
    z: bool,
    colons: bool,
    minutes: bool,
    seconds: bool,
) -> Option<&'a str> {
    if let (true, Some(rest)) = (z, text.strip_prefix('Z')) {
        read.zone = Some(TimeZone::UTC);
        return Some(rest);
    }
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let mut rest = &text[1..];
    let mut total: i32 = digits::<i32>(&mut rest, 2, 2)? * 3600;
    for (wanted, unit) in [(minutes, 60), (seconds, 1)] {
        if wanted {
            if colons {
                rest = rest.strip_prefix(':')?;
            }
            total += digits::<i32>(&mut rest, 2, 2)? * unit;
        }
    }
    read.zone = Some(TimeZone::fixed(Offset::from_seconds(sign * total).ok()?));
    Some(rest)
}

fn digits<T: std::str::FromStr>(text: &mut &str, least: usize, most: usize) -> Option<T> {
    let length = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if length < least {
        return None;
    }
    let (head, rest) = text.split_at(length);
    *text = rest;
    head.parse().ok()
}

/// Nanoseconds of `1h2m3.5s`.
pub(super) fn parse_duration(text: &str) -> Option<i128> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let length = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number: f64 = rest[..length].parse().ok()?;
        rest = &rest[length..];
        let (unit, size) = [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12)]
            .into_iter()
            .filter(|(unit, _)| rest.starts_with(unit))
            .max_by_key(|(unit, _)| unit.len())?;
        rest = &rest[unit.len()..];
        total += number * size;
    }
    #[expect(clippy::cast_possible_truncation, reason = "durations are far below 2^127 ns")]
    Some(sign * total.round() as i128)
}

/// `1h2m3.5s`
pub(super) fn duration(nanos: i128) -> String {
    if nanos == 0 {
        return "0s".to_owned();
    }
    let sign = if nanos < 0 { "-" } else { "" };
    let size = nanos.unsigned_abs();
    let fraction = |value: u128, unit: u128| {
        let digits = format!("{:0width$}", value % unit, width = unit.ilog10() as usize);
        let digits = digits.trim_end_matches('0').to_owned();
        if digits.is_empty() { (value / unit).to_string() } else { format!("{}.{digits}", value / unit) }
    };
    if size < 1_000 {
        return format!("{sign}{size}ns");
    }
    if size < 1_000_000 {
        return format!("{sign}{}µs", fraction(size, 1_000));
    }
    if size < 1_000_000_000 {
        return format!("{sign}{}ms", fraction(size, 1_000_000));
    }
    let (hours, minutes) = (size / 3_600_000_000_000, size / 60_000_000_000 % 60);
    let seconds = fraction(size % 60_000_000_000, 1_000_000_000);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// The largest unit of a duration: `2h`, `3mo`.
pub(super) fn rounded(nanos: i128) -> String {
    const UNITS: [(&str, i128); 6] =
        [("y", 31_536_000), ("mo", 2_592_000), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let seconds = nanos.abs() / 1_000_000_000;
    let (unit, size) = UNITS.into_iter().find(|&(_, size)| seconds >= size).unwrap_or(("s", 1));
    format!("{}{unit}", seconds / size)
}
