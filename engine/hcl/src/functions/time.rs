//! Functions on moments, which are texts as in RFC 3339.

use drover_base::Nanos;
use jiff::SignedDuration;
use jiff::civil::DateTime;

use crate::value::Value;

use super::{Function, FunctionTable, Param, text};

pub(super) fn add(table: &mut FunctionTable) {
    table.add(Function::new("timeadd", vec![Param::string("timestamp"), Param::string("duration")], |_, a| {
        let mut moment = Moment::parse(text(&a[0]))?;
        let by = Nanos::parse(text(&a[1])).map_err(|error| error.to_string())?;
        moment.local = moment
            .local
            .checked_add(SignedDuration::from_nanos(by.0))
            .map_err(|_| "the result is out of range".to_owned())?;
        Ok(moment.rfc3339().into())
    }));
    table.add(Function::new("formatdate", vec![Param::string("format"), Param::string("timestamp")], |_, a| {
        let moment = Moment::parse(text(&a[1]))?;
        moment.format(text(&a[0])).map(Value::from)
    }));
}

/// A local time with its distance from UTC.
struct Moment {
    local: DateTime,
    offset_minutes: i32,
    utc: bool,
}

impl Moment {
    fn parse(text: &str) -> Result<Self, String> {
        let invalid = || {
            format!("{text:?} is not a timestamp; write it like 2006-01-02T15:04:05Z or with an offset such as +01:00")
        };
        let bytes = text.as_bytes();
        if bytes.len() < 20 || !text.is_ascii() || bytes[10] != b'T' {
            return Err(invalid());
        }
        let zone_at = text.rfind(['Z', '+', '-']).filter(|at| *at >= 19).ok_or_else(invalid)?;
        let (date_time, zone) = text.split_at(zone_at);
        let local: DateTime = date_time.parse().map_err(|_| invalid())?;
        if zone == "Z" {
            return Ok(Self { local, offset_minutes: 0, utc: true });
        }
        let (hours, minutes) = zone[1..].split_once(':').ok_or_else(invalid)?;
        let number = |digits: &str| digits.parse::<i32>().ok().filter(|_| digits.len() == 2);
        let (hours, minutes) = (number(hours).ok_or_else(invalid)?, number(minutes).ok_or_else(invalid)?);
        if hours > 23 || minutes > 59 {
            return Err(invalid());
        }
        let total = hours * 60 + minutes;
        Ok(Self { local, offset_minutes: if zone.starts_with('-') { -total } else { total }, utc: false })
    }

    fn offset(&self, separator: &str) -> String {
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        let minutes = self.offset_minutes.abs();
        format!("{sign}{:02}{separator}{:02}", minutes / 60, minutes % 60)
    }

    fn rfc3339(&self) -> String {
        let zone = if self.offset_minutes == 0 { "Z".to_owned() } else { self.offset(":") };
        format!("{}{zone}", self.local.strftime("%Y-%m-%dT%H:%M:%S"))
    }

    /// Runs of one letter are verbs, texts in single quotes are as they are, a doubled quote in them is one.
    fn format(&self, pattern: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = pattern;
        while let Some(c) = rest.chars().next() {
            if c == '\'' {
                rest = quoted(&rest[1..], &mut out)?;
                continue;
            }
            if !c.is_ascii_alphabetic() {
                out.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
            let length = rest.bytes().take_while(|byte| *byte == c as u8).count();
            out.push_str(&self.verb(&rest[..length])?);
            rest = &rest[length..];
        }
        Ok(out)
    }

    fn verb(&self, verb: &str) -> Result<String, String> {
        let twelve = match self.local.hour() % 12 {
            0 => 12,
            hour => hour,
        };
        let day_half = if self.local.hour() < 12 { "am" } else { "pm" };
        let written = |pattern: &str| self.local.strftime(pattern).to_string();
        Ok(match verb {
            "YYYY" => format!("{:04}", self.local.year()),
            "YY" => format!("{:02}", self.local.year() % 100),
            "M" => self.local.month().to_string(),
            "MM" => format!("{:02}", self.local.month()),
            "MMM" => written("%b"),
            "MMMM" => written("%B"),
            "D" => self.local.day().to_string(),
            "DD" => format!("{:02}", self.local.day()),
            "EEE" => written("%a"),
            "EEEE" => written("%A"),
            "h" => self.local.hour().to_string(),
            "hh" => format!("{:02}", self.local.hour()),
            "H" => twelve.to_string(),
            "HH" => format!("{twelve:02}"),
            "AA" => day_half.to_uppercase(),
            "aa" => day_half.to_owned(),
            "m" => self.local.minute().to_string(),
            "mm" => format!("{:02}", self.local.minute()),
            "s" => self.local.second().to_string(),
            "ss" => format!("{:02}", self.local.second()),
            "Z" if self.offset_minutes == 0 => "Z".to_owned(),
            "Z" | "ZZZZZ" => self.offset(":"),
            "ZZZZ" => self.offset(""),
            "ZZZ" if self.utc => "UTC".to_owned(),
            "ZZZ" => self.offset(""),
            other => {
                return Err(format!("the format has no verb {other:?}; put literal letters into single quotes"));
            }
        })
    }
}

fn quoted<'p>(mut rest: &'p str, out: &mut String) -> Result<&'p str, String> {
    loop {
        let Some(end) = rest.find('\'') else { return Err("a literal has no closing quote".to_owned()) };
        out.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                out.push('\'');
                rest = after;
            }
            None => return Ok(rest),
        }
    }
}
