//! Versions and the ranges that `version` and `semver` constraints ask for.

use std::cmp::Ordering;

/// How strictly versions are read and pre-releases are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// `1.2`, `v1.2.3.4-beta`; pre-releases only match ranges that name one.
    Lenient,
    /// Semantic Versioning 2.0; pre-releases sort before their release.
    Semver,
}

/// A version: numbers, then a pre-release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    numbers: Vec<u64>,
    pre_release: String,
}

impl Version {
    pub(crate) fn parse(text: &str, rules: Rules) -> Option<Self> {
        let text = text.trim();
        let text = if rules == Rules::Lenient { text.strip_prefix('v').unwrap_or(text) } else { text };
        let text = text.split_once('+').map_or(text, |(version, _)| version);
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (numbers, rest) = text.split_at(end);
        let pre_release = match rest.strip_prefix(['-', '~']) {
            Some(pre) if !pre.is_empty() => pre,
            None if rest.is_empty() => "",
            // `1.2.3beta1`: a pre-release without its dash.
            None if rules == Rules::Lenient && rest.starts_with(|c: char| c.is_ascii_alphabetic()) => rest,
            _ => return None,
        };
        let mut numbers = numbers.split('.').map(|n| n.parse().ok()).collect::<Option<Vec<u64>>>()?;
        if rules == Rules::Semver && numbers.len() != 3 {
            return None;
        }
        while numbers.len() < 3 {
            numbers.push(0);
        }
        Some(Self { numbers, pre_release: pre_release.to_owned() })
    }

    fn number(&self, at: usize) -> u64 {
        self.numbers.get(at).copied().unwrap_or(0)
    }

    fn compare_numbers(&self, other: &Self) -> Ordering {
        let longest = self.numbers.len().max(other.numbers.len());
        (0..longest).map(|at| self.number(at).cmp(&other.number(at))).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        self.compare_numbers(other).then_with(|| compare_pre_releases(&self.pre_release, &other.pre_release))
    }
}

/// A release is greater than its pre-releases; numbers sort before words.
fn compare_pre_releases(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(l), Some(r)) => match (l.parse::<u64>(), r.parse::<u64>()) {
                (Ok(l), Ok(r)) => l.cmp(&r),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => l.cmp(r),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    /// `~>`: at least this, and equal in all but the last number given.
    Pessimistic,
}

/// A list of relations that must all hold: `>= 1.2, < 2`.
#[derive(Clone, Debug)]
pub(crate) struct Range {
    rules: Rules,
    parts: Vec<(Relation, Version, usize)>,
}

impl Range {
    pub(crate) fn parse(text: &str, rules: Rules) -> Option<Self> {
        let parts = text.split(',').map(|part| Self::parse_part(part.trim(), rules)).collect::<Option<Vec<_>>>()?;
        Some(Self { rules, parts })
    }

    fn parse_part(part: &str, rules: Rules) -> Option<(Relation, Version, usize)> {
        const RELATIONS: [(&str, Relation); 8] = [
            (">=", Relation::GreaterOrEqual),
            ("<=", Relation::LessOrEqual),
            ("!=", Relation::NotEqual),
            ("~>", Relation::Pessimistic),
            ("=", Relation::Equal),
            (">", Relation::Greater),
            ("<", Relation::Less),
            ("", Relation::Equal),
        ];
        let (rest, relation) = RELATIONS.iter().find_map(|(sign, r)| part.strip_prefix(sign).map(|rest| (rest, *r)))?;
        if rules == Rules::Semver && relation == Relation::Pessimistic {
            return None;
        }
        let rest = rest.trim();
        let given = rest.split(['-', '+']).next().unwrap_or_default().split('.').count();
        // Ranges may leave numbers out, also where versions may not.
        let version = Version::parse(rest, rules).or_else(|| Version::parse(rest, Rules::Lenient))?;
        Some((relation, version, given))
    }

    pub(crate) fn contains(&self, version: &str) -> bool {
        let Some(version) = Version::parse(version, self.rules) else {
            return false;
        };
        self.parts.iter().all(|(relation, bound, given)| self.holds(*relation, &version, bound, *given))
    }

    fn holds(&self, relation: Relation, version: &Version, bound: &Version, given: usize) -> bool {
        let order = version.compare(bound);
        if self.rules == Rules::Lenient && matches!(relation, Relation::Equal | Relation::NotEqual) {
            return (relation == Relation::Equal) == order.is_eq();
        }
        match relation {
            Relation::Equal => order.is_eq(),
            Relation::NotEqual => order.is_ne(),
            _ if !self.admits_pre_release(version, bound) => false,
            Relation::Greater => order.is_gt(),
            Relation::GreaterOrEqual => order.is_ge(),
            Relation::Less => order.is_lt(),
            Relation::LessOrEqual => order.is_le(),
            Relation::Pessimistic => {
                order.is_ge() && (0..given.saturating_sub(1)).all(|at| version.number(at) == bound.number(at))
            }
        }
    }

    /// Under lenient rules a pre-release only matches a bound that is one of the same numbers.
    fn admits_pre_release(&self, version: &Version, bound: &Version) -> bool {
        if self.rules == Rules::Semver {
            return true;
        }
        match (version.pre_release.is_empty(), bound.pre_release.is_empty()) {
            (true, _) => true,
            (false, true) => false,
            (false, false) => version.compare_numbers(bound).is_eq(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: Rules, range: &str, version: &str, want: bool) {
        let got = Range::parse(range, rules).is_some_and(|range| range.contains(version));
        assert_eq!(got, want, "{version} in {range:?} under {rules:?}");
    }

    #[test]
    fn lenient_versions() {
        for (range, version, want) in [
            (">= 1.2", "1.2", true),
            (">= 1.2, < 2.0", "1.9.9", true),
            (">= 1.2, < 2.0", "2.0", false),
            ("~> 1.2.3", "1.2.9", true),
            ("~> 1.2.3", "1.3.0", false),
            ("~> 1.2", "1.9", true),
            ("~> 1.2", "2.0", false),
            (">= 0.6.1", "1.3.0-beta1", false),
            (">= 1.3.0-beta1", "1.3.0-beta2", true),
            ("!= 1.2.3", "1.2.4", true),
            ("1.2.3", "v1.2.3", true),
            ("> 1.0", "6.18.44-fc-v669", false),
            (">= 1.0", "not a version", false),
            ("what", "1.0", false),
        ] {
            check(Rules::Lenient, range, version, want);
        }
    }

    #[test]
    fn semantic_versions() {
        for (range, version, want) in [
            (">= 1.8.0", "1.8.0", true),
            (">= 1.8.0", "1.8.0-beta", false),
            (">= 0.6.1", "1.3.0-beta1", true),
            ("~> 1.2.3", "1.2.9", false),
            (">= 1.0.0", "1.2", false),
            (">= 1.0.0-rc.2", "1.0.0-rc.10", true),
        ] {
            check(Rules::Semver, range, version, want);
        }
    }
}
