//! Which versions somebody accepts, written as in Terraform: `~> 1.2`, `>= 1.0, < 2.0`, `= 1.2.3`, `!= 1.3.1`.
//!
//! A pre-release is taken only when it is named exactly. `^1.2` is understood as well, as people know it from elsewhere.

use semver::Version;
use std::fmt;
use std::str::FromStr;

/// A set of conditions, all of which a version has to meet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionRange {
    conditions: Vec<Condition>,
    text: String,
}

/// The text is no range of versions.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is no range of versions: {reason}; ranges read `~> 1.2`, `>= 1.0, < 2.0` or `1.2.3`")]
pub struct RangeError {
    /// The text.
    pub text: String,
    /// Why.
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    operator: Operator,
    version: Version,
    /// How many of the three numbers were written.
    parts: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    Pessimistic,
    Caret,
}

/// The longer ones first: `>=` begins with `>`.
const OPERATORS: [(&str, Operator); 9] = [
    ("~>", Operator::Pessimistic),
    (">=", Operator::GreaterEqual),
    ("<=", Operator::LessEqual),
    ("!=", Operator::NotEqual),
    ("==", Operator::Equal),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("^", Operator::Caret),
];

impl VersionRange {
    /// Takes every version that is no pre-release.
    pub fn any() -> Self {
        Self::default()
    }

    /// Takes this version alone.
    pub fn exactly(version: &Version) -> Self {
        let condition = Condition { operator: Operator::Equal, version: version.clone(), parts: 3 };
        Self { conditions: vec![condition], text: version.to_string() }
    }

    /// Whether it takes `version`.
    pub fn matches(&self, version: &Version) -> bool {
        let is_named = || {
            let names = |condition: &Condition| condition.operator == Operator::Equal && condition.version == *version;
            self.conditions.iter().any(names)
        };
        (version.pre.is_empty() || is_named()) && self.conditions.iter().all(|condition| condition.takes(version))
    }

    /// The highest of `versions` that it takes.
    pub fn newest<'v>(&self, versions: impl IntoIterator<Item = &'v Version>) -> Option<&'v Version> {
        versions.into_iter().filter(|version| self.matches(version)).max()
    }

    /// The one version that it can take, if there is just one.
    pub fn single(&self) -> Option<&Version> {
        match self.conditions.as_slice() {
            [Condition { operator: Operator::Equal, version, .. }] => Some(version),
            _ => None,
        }
    }

    /// Whether it takes everything.
    pub fn is_any(&self) -> bool {
        self.conditions.is_empty()
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_any() { "any version" } else { &self.text })
    }
}

impl FromStr for VersionRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let wrong = |reason: String| RangeError { text: text.chars().take(100).collect(), reason };
        let trimmed = text.trim();
        if matches!(trimmed, "" | "*" | "latest") {
            return Ok(Self::any());
        }
        let conditions: Result<Vec<Condition>, String> = trimmed.split(',').map(condition).collect();
        Ok(Self { conditions: conditions.map_err(wrong)?, text: trimmed.to_owned() })
    }
}

fn condition(text: &str) -> Result<Condition, String> {
    let text = text.trim();
    let (operator, rest) = OPERATORS
        .iter()
        .find_map(|(sign, operator)| text.strip_prefix(sign).map(|rest| (*operator, rest.trim())))
        .unwrap_or((Operator::Equal, text));
    if rest.is_empty() {
        return Err("a version is missing".to_owned());
    }
    let rest = rest.strip_prefix('v').unwrap_or(rest);
    let (numbers, pre) = match rest.split_once('-') {
        Some((numbers, pre)) => (numbers, format!("-{pre}")),
        None => (rest, String::new()),
    };
    let parts = numbers.split('.').count();
    let full = match parts {
        1 => format!("{numbers}.0.0{pre}"),
        2 => format!("{numbers}.0{pre}"),
        3 => format!("{numbers}{pre}"),
        _ => return Err(format!("`{rest}` has more than three numbers")),
    };
    let version = Version::parse(&full).map_err(|error| format!("`{rest}`: {error}"))?;
    if !version.build.is_empty() {
        return Err(format!("`{rest}` has build metadata"));
    }
    Ok(Condition { operator, version, parts })
}

impl Condition {
    fn takes(&self, version: &Version) -> bool {
        let own = &self.version;
        match self.operator {
            Operator::Equal => version == own,
            Operator::NotEqual => version != own,
            Operator::Greater => version > own,
            Operator::GreaterEqual => version >= own,
            Operator::Less => version < own,
            Operator::LessEqual => version <= own,
            Operator::Pessimistic => version >= own && *version < self.pessimistic_end(),
            Operator::Caret => version >= own && *version < self.caret_end(),
        }
    }

    /// `~> 1.2.3` ends before 1.3.0, `~> 1.2` and `~> 1` before 2.0.0: the last number written may grow, but a single
    /// number is read as if it were `1.0`.
    fn pessimistic_end(&self) -> Version {
        let Version { major, minor, .. } = self.version;
        match self.parts {
            3 => Version::new(major, minor + 1, 0),
            _ => Version::new(major + 1, 0, 0),
        }
    }

    /// The first number that is not zero may not change.
    fn caret_end(&self) -> Version {
        let Version { major, minor, patch, .. } = self.version;
        match (major, minor, self.parts) {
            (0, 0, 3) => Version::new(0, 0, patch + 1),
            (0, _, 2 | 3) => Version::new(0, minor + 1, 0),
            _ => Version::new(major + 1, 0, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(range: &str, taken: &[&str], refused: &[&str]) {
        let parsed: VersionRange = range.parse().unwrap();
        for version in taken {
            assert!(parsed.matches(&Version::parse(version).unwrap()), "{range} has to take {version}");
        }
        for version in refused {
            assert!(!parsed.matches(&Version::parse(version).unwrap()), "{range} must not take {version}");
        }
    }

    #[test]
    fn ranges_are_those_of_terraform() {
        check("~> 1.2", &["1.2.0", "1.9.9"], &["1.1.9", "2.0.0", "1.3.0-rc.1"]);
        check("~> 1.2.3", &["1.2.3", "1.2.9"], &["1.2.2", "1.3.0"]);
        check("~>1", &["1.0.0", "1.9.0"], &["2.0.0", "0.9.0"]);
        check(">= 1, < 2", &["1.0.0", "1.99.0"], &["0.9.9", "2.0.0"]);
        check("1.2", &["1.2.0"], &["1.2.1"]);
        check("= v1.2.3", &["1.2.3"], &["1.2.4"]);
        check("> 1.0.0, != 1.3.1", &["1.3.0"], &["1.3.1", "1.0.0"]);
        check("", &["0.0.1", "9.0.0"], &["9.0.0-beta"]);
        check("*", &["1.0.0"], &[]);
        check("^0.2.3", &["0.2.9"], &["0.3.0"]);
        check("^1.2", &["1.9.0"], &["2.0.0"]);
        check("<= 1.4", &["1.4.0"], &["1.4.1"]);
    }

    #[test]
    fn a_pre_release_has_to_be_named() {
        check("1.3.0-rc.1", &["1.3.0-rc.1"], &["1.3.0", "1.3.0-rc.2"]);
        check(">= 1.0.0", &[], &["1.3.0-rc.1"]);
        check(">= 1.3.0-rc.1", &["1.3.0"], &["1.3.0-rc.2"]);
    }

    #[test]
    fn wrong_ranges_say_why() {
        for (text, part) in [("~>", "missing"), ("1.2.3.4", "three numbers"), ("x", "no range"), (">= 1,", "missing")] {
            let error = text.parse::<VersionRange>().unwrap_err().to_string();
            assert!(error.contains(part), "{part} not in {error}");
        }
    }

    #[test]
    fn the_newest_is_by_number() {
        let versions: Vec<Version> =
            ["1.10.0", "1.9.0", "2.0.0-rc.1"].iter().map(|text| Version::parse(text).unwrap()).collect();
        assert_eq!(VersionRange::any().newest(&versions).unwrap().to_string(), "1.10.0");
    }
}
