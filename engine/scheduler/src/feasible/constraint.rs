//! Constraints and affinities on the node's attributes.

use super::target::Target;
use super::version::{Range, Rules};
use drover_model::constraint::operand;
use drover_model::{Affinity, Constraint, Node};
use regex::Regex;
use std::cmp::Ordering;
use std::fmt;

/// A constraint, read once per evaluation.
pub(crate) struct CompiledConstraint {
    left: Target,
    right: Target,
    test: Test,
    escapes: bool,
    text: String,
}

enum Test {
    Equal,
    NotEqual,
    Order(fn(Ordering) -> bool),
    /// Patterns and ranges are compiled once when the right side is plain text.
    Regexp(Option<Regex>),
    Version(Rules, Option<Range>),
    ContainsAll,
    ContainsAny,
    IsSet,
    IsNotSet,
    /// An operand that nothing knows never holds.
    Never,
}

impl CompiledConstraint {
    /// `None` for those that are about other allocations rather than the node.
    pub(crate) fn new(constraint: &Constraint) -> Option<Self> {
        if matches!(constraint.operand.as_str(), operand::DISTINCT_HOSTS | operand::DISTINCT_PROPERTY) {
            return None;
        }
        Some(Self::of(&constraint.left, &constraint.operand, &constraint.right))
    }

    pub(crate) fn of_affinity(affinity: &Affinity) -> Self {
        Self::of(&affinity.left, &affinity.operand, &affinity.right)
    }

    fn of(left: &str, operand: &str, right: &str) -> Self {
        Self {
            left: Target::new(left),
            right: Target::new(right),
            test: Test::new(operand, right),
            escapes: Target::escapes_class(left) || Target::escapes_class(right),
            text: format!("{left} {operand} {right}"),
        }
    }

    pub(crate) const fn escapes_class(&self) -> bool {
        self.escapes
    }

    pub(crate) fn holds(&self, node: &Node) -> bool {
        self.test.holds(self.left.value(node), self.right.value(node))
    }
}

impl fmt::Display for CompiledConstraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Test {
    fn new(operand: &str, right: &str) -> Self {
        let is_text = !right.starts_with("${");
        match operand {
            "=" | "==" | "is" => Self::Equal,
            "!=" | "not" => Self::NotEqual,
            "<" => Self::Order(Ordering::is_lt),
            "<=" => Self::Order(Ordering::is_le),
            ">" => Self::Order(Ordering::is_gt),
            ">=" => Self::Order(Ordering::is_ge),
            operand::REGEXP => Self::Regexp(if is_text { Regex::new(right).ok() } else { None }),
            operand::VERSION => Self::Version(Rules::Lenient, Range::parse(right, Rules::Lenient)),
            operand::SEMVER => Self::Version(Rules::Semver, Range::parse(right, Rules::Semver)),
            operand::SET_CONTAINS | operand::SET_CONTAINS_ALL => Self::ContainsAll,
            operand::SET_CONTAINS_ANY => Self::ContainsAny,
            operand::IS_SET => Self::IsSet,
            operand::IS_NOT_SET => Self::IsNotSet,
            _ => Self::Never,
        }
    }

    fn holds(&self, left: Option<&str>, right: Option<&str>) -> bool {
        match self {
            Self::IsSet => return left.is_some(),
            Self::IsNotSet => return left.is_none(),
            // Something that is not there differs from every text.
            Self::NotEqual => return left.unwrap_or_default() != right.unwrap_or_default(),
            _ => {}
        }
        let (Some(left), Some(right)) = (left, right) else {
            return false;
        };
        match self {
            Self::Equal => left == right,
            Self::Order(wanted) => wanted(compare(left, right)),
            Self::Regexp(Some(pattern)) => pattern.is_match(left),
            Self::Regexp(None) => Regex::new(right).is_ok_and(|pattern| pattern.is_match(left)),
            Self::Version(_, Some(range)) => range.contains(left),
            Self::Version(rules, None) => Range::parse(right, *rules).is_some_and(|range| range.contains(left)),
            Self::ContainsAll => items(right).all(|wanted| items(left).any(|item| item == wanted)),
            Self::ContainsAny => items(right).any(|wanted| items(left).any(|item| item == wanted)),
            Self::IsSet | Self::IsNotSet | Self::NotEqual | Self::Never => false,
        }
    }
}

/// Whole numbers, then other numbers, then text.
fn compare(left: &str, right: &str) -> Ordering {
    if let (Ok(left), Ok(right)) = (left.parse::<i64>(), right.parse::<i64>()) {
        return left.cmp(&right);
    }
    if let (Ok(left), Ok(right)) = (left.parse::<f64>(), right.parse::<f64>()) {
        return left.total_cmp(&right);
    }
    left.cmp(right)
}

fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}

/// Whether `left operand right` holds for values that were resolved elsewhere (devices).
pub(crate) fn holds(left: Option<&str>, operand: &str, right: Option<&str>) -> bool {
    Test::new(operand, right.unwrap_or_default()).holds(left, right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(left: &str, operand: &str, right: &str, want: bool) {
        let mut node = Node { datacenter: "dc1".into(), ..Node::default() };
        node.attributes.insert("kernel.name".into(), "linux".into());
        node.attributes.insert("cpu.count".into(), "16".into());
        node.attributes.insert("docker.version".into(), "1.8.2".into());
        node.meta.insert("racks".into(), "r1, r2,r3".into());
        let constraint = Constraint { left: left.into(), operand: operand.into(), right: right.into() };
        let compiled = CompiledConstraint::new(&constraint).unwrap();
        assert_eq!(compiled.holds(&node), want, "{compiled}");
    }

    #[test]
    fn every_operand() {
        check("${attr.kernel.name}", "=", "linux", true);
        check("${attr.kernel.name}", "is", "windows", false);
        check("${attr.kernel.name}", "!=", "windows", true);
        check("${attr.missing}", "!=", "windows", true);
        check("${attr.missing}", "=", "", false);
        check("${attr.cpu.count}", ">", "9", true);
        check("${attr.cpu.count}", "<=", "15.5", false);
        check("${node.datacenter}", "<", "dc2", true);
        check("${attr.kernel.name}", "regexp", "^li.*x$", true);
        check("${attr.kernel.name}", "regexp", "(", false);
        check("${attr.docker.version}", "version", ">= 1.8, < 2", true);
        check("${attr.docker.version}", "semver", ">= 1.9.0", false);
        check("${meta.racks}", "set_contains", "r1,r3", true);
        check("${meta.racks}", "set_contains_all", "r1,r4", false);
        check("${meta.racks}", "set_contains_any", "r9, r2", true);
        check("${meta.racks}", "is_set", "", true);
        check("${meta.racks}", "is_not_set", "", false);
        check("${meta.missing}", "is_not_set", "", true);
        check("linux", "=", "${attr.kernel.name}", true);
        check("${attr.kernel.name}", "resembles", "linux", false);
    }

    #[test]
    fn texts_are_those_of_the_metrics() {
        let constraint =
            Constraint { left: "${attr.kernel.name}".into(), operand: "=".into(), right: "windows".into() };
        assert_eq!(CompiledConstraint::new(&constraint).unwrap().to_string(), "${attr.kernel.name} = windows");
    }
}
