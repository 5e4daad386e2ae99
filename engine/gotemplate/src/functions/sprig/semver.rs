//! Semantic versions and their ranges.

use super::{Outcome, text};
use crate::functions::{Functions, Type};
use crate::value::{Object, Value, Width};
use std::any::Any;
use std::cmp::Ordering;

pub(super) fn add(functions: &mut Functions) {
    use Type::Text;
    functions.plain("semver", &[Text], None, |v| {
        let original = text(&v[0]);
        Ok(Value::object(Held { version: Version::parse(&original)?, original }))
    });
    functions.plain("semverCompare", &[Text, Text], None, |v| {
        let range = Range::parse(&text(&v[0]))?;
        let version = Version::parse(&text(&v[1]))?;
        Ok(Value::Bool(range.matches(&version)))
    });
}

/// A version; missing parts are 0.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    numbers: [u64; 3],
    pre: String,
    build: String,
}

impl Version {
    fn parse(source: &str) -> Result<Self, String> {
        let invalid = || "Invalid Semantic Version".to_owned();
        let (parts, pre, build) = pieces(source.strip_prefix('v').unwrap_or(source));
        let mut numbers = [0; 3];
        if parts.is_empty() || parts.len() > 3 {
            return Err(invalid());
        }
        for (number, part) in numbers.iter_mut().zip(&parts) {
            *number = digits(part).ok_or_else(invalid)?;
        }
        let label = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
        if !label(pre) || !label(build) {
            return Err(invalid());
        }
        Ok(Self { numbers, pre: pre.to_owned(), build: build.to_owned() })
    }
    fn compare(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_labels(&self.pre, &other.pre),
        })
    }
    fn show(&self) -> String {
        let [major, minor, patch] = self.numbers;
        let mut out = format!("{major}.{minor}.{patch}");
        for (mark, label) in [('-', &self.pre), ('+', &self.build)] {
            if !label.is_empty() {
                out.push(mark);
                out.push_str(label);
            }
        }
        out
    }
}

/// Dotted numbers, pre-release and build of a version.
fn pieces(text: &str) -> (Vec<&str>, &str, &str) {
    let (rest, build) = text.split_once('+').unwrap_or((text, ""));
    let (numbers, pre) = rest.split_once('-').unwrap_or((rest, ""));
    (numbers.split('.').collect(), pre, build)
}
fn digits(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}
fn compare_labels(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (digits(a), digits(b)) {
                (Some(a), Some(b)) => a.cmp(&b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Alternatives of conditions that hold together.
struct Range(Vec<Vec<Condition>>);

struct Condition {
    operator: String,
    version: Version,
    /// How many of the three numbers are given; the rest is any.
    given: usize,
}

const OPERATORS: [&str; 11] = ["!=", ">=", "=>", "<=", "=<", "~>", "=", ">", "<", "~", "^"];

impl Range {
    fn parse(source: &str) -> Result<Self, String> {
        source.split("||").map(|part| Self::conditions(part, source)).collect::<Result<_, _>>().map(Self)
    }

    fn conditions(part: &str, source: &str) -> Result<Vec<Condition>, String> {
        let wrong = || format!("improper constraint: {source}");
        let words: Vec<&str> = part.split([' ', ',', '\t']).filter(|word| !word.is_empty()).collect();
        let mut out = Vec::new();
        let mut at = 0;
        while at < words.len() {
            if words.get(at + 1) == Some(&"-") {
                let last = words.get(at + 2).ok_or_else(wrong)?;
                out.push(Condition::parse(">=", words[at]).ok_or_else(wrong)?);
                out.push(Condition::parse("<=", last).ok_or_else(wrong)?);
                at += 3;
                continue;
            }
            let word = words[at];
            let operator = OPERATORS.iter().find(|operator| word.starts_with(**operator)).copied().unwrap_or("");
            let mut version = &word[operator.len()..];
            if version.is_empty() {
                at += 1;
                version = words.get(at).ok_or_else(wrong)?;
            }
            out.push(Condition::parse(operator, version).ok_or_else(wrong)?);
            at += 1;
        }
        if out.is_empty() { Err(wrong()) } else { Ok(out) }
    }

    fn matches(&self, version: &Version) -> bool {
        self.0.iter().any(|all| all.iter().all(|condition| condition.matches(version)))
    }
}

impl Condition {
    fn parse(operator: &str, text: &str) -> Option<Self> {
        let (parts, pre, build) = pieces(text.strip_prefix('v').unwrap_or(text));
        if parts.len() > 3 {
            return None;
        }
        let mut numbers = [0; 3];
        let mut given = 0;
        for (at, part) in parts.iter().enumerate() {
            if matches!(*part, "x" | "X" | "*") {
                break;
            }
            numbers[at] = digits(part)?;
            given = at + 1;
        }
        let any = |part: &&str| matches!(*part, "x" | "X" | "*");
        if !parts[given..].iter().all(any) {
            return None;
        }
        let label = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
        (label(pre) && label(build)).then(|| Self {
            operator: operator.to_owned(),
            version: Version { numbers, pre: pre.to_owned(), build: build.to_owned() },
            given,
        })
    }

    /// The first version after those that share the first `count` numbers.
    fn after(&self, count: usize) -> Version {
        let mut numbers = [0; 3];
        numbers[..count].copy_from_slice(&self.version.numbers[..count]);
        if count > 0 {
            numbers[count - 1] += 1;
        }
        Version { numbers, pre: String::new(), build: String::new() }
    }

    fn matches(&self, version: &Version) -> bool {
        // A pre-release is meant only where the condition names one.
        if !version.pre.is_empty() && self.version.pre.is_empty() && self.operator != "!=" {
            return false;
        }
        let order = version.compare(&self.version);
        let partial = self.given < 3;
        let same_given = version.numbers[..self.given] == self.version.numbers[..self.given];
        match self.operator.as_str() {
            "!=" if partial => !same_given,
            "!=" => order != Ordering::Equal,
            ">" if partial => self.given > 0 && version.compare(&self.after(self.given)) != Ordering::Less,
            ">" => order == Ordering::Greater,
            "<" => order == Ordering::Less,
            ">=" | "=>" => order != Ordering::Less,
            "<=" | "=<" if partial => self.given == 0 || version.compare(&self.after(self.given)) == Ordering::Less,
            "<=" | "=<" => order != Ordering::Greater,
            "~" | "~>" => self.given == 0 || order != Ordering::Less && self.below(version, self.given.min(2)),
            "^" => {
                let significant = self.version.numbers[..self.given].iter().position(|&number| number > 0);
                let count = significant.map_or(self.given, |at| at + 1).min(3);
                self.given == 0 || order != Ordering::Less && self.below(version, count)
            }
            _ if partial => same_given,
            _ => order == Ordering::Equal,
        }
    }
    fn below(&self, version: &Version, count: usize) -> bool {
        version.numbers[..count] == self.version.numbers[..count]
    }
}

/// A version in a template.
#[derive(Debug)]
struct Held {
    version: Version,
    original: String,
}

impl Object for Held {
    fn type_name(&self) -> &'static str {
        "*semver.Version"
    }
    fn kind(&self) -> &'static str {
        "ptr"
    }
    fn get(&self, name: &str, arguments: &[Value]) -> Option<Outcome> {
        let number = |at: usize| Ok(Value::Int(self.version.numbers[at].cast_signed(), Width::Uint64));
        let next = |count: usize| {
            let mut numbers = [0; 3];
            numbers[..count].copy_from_slice(&self.version.numbers[..count]);
            if count < 3 || self.version.pre.is_empty() {
                numbers[count - 1] += 1;
            }
            let version = Version { numbers, pre: String::new(), build: String::new() };
            Ok(Value::object(Held { original: version.show(), version }))
        };
        let against = |holds: fn(Ordering) -> bool| match arguments {
            [Value::Object(other)] => match other.as_any().downcast_ref::<Self>() {
                Some(other) => Ok(Value::Bool(holds(self.version.compare(&other.version)))),
                None => Err(format!("wrong type for value; expected *semver.Version; got {}", other.type_name())),
            },
            _ => Err(format!("wrong number of args for {name}: want 1 got {}", arguments.len())),
        };
        Some(match name {
            "Major" => number(0),
            "Minor" => number(1),
            "Patch" => number(2),
            "Prerelease" => Ok(Value::text(self.version.pre.as_str())),
            "Metadata" => Ok(Value::text(self.version.build.as_str())),
            "Original" => Ok(Value::text(self.original.as_str())),
            "String" => Ok(Value::text(self.version.show())),
            "IncMajor" => next(1),
            "IncMinor" => next(2),
            "IncPatch" => next(3),
            "Equal" => against(|order| order == Ordering::Equal),
            "LessThan" => against(|order| order == Ordering::Less),
            "GreaterThan" => against(|order| order == Ordering::Greater),
            "LessThanEqual" => against(|order| order != Ordering::Greater),
            "GreaterThanEqual" => against(|order| order != Ordering::Less),
            "Compare" => match arguments {
                [Value::Object(other)] => match other.as_any().downcast_ref::<Self>() {
                    Some(other) => Ok(Value::int(self.version.compare(&other.version) as i64)),
                    None => Err("wrong type for value; expected *semver.Version".to_owned()),
                },
                _ => Err(format!("wrong number of args for Compare: want 1 got {}", arguments.len())),
            },
            _ => return None,
        })
    }
    fn show(&self) -> String {
        self.version.show()
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}
