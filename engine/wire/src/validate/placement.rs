//! Constraints, affinities and spreads.

use super::{items, pattern};
use crate::job::{Affinity, Constraint, Spread};
use crate::problems::Problems;
use drover_model::constraint::operand;
use std::collections::BTreeSet;

pub(super) fn constraints(list: &[Constraint], problems: &mut Problems) {
    for (index, one) in list.iter().enumerate() {
        problems.nest(&format!("Constraint {} validation failed", index + 1), constraint(one));
    }
}

/// Constraints of a task cannot be about the whole job.
pub(super) fn task_constraints(list: &[Constraint], problems: &mut Problems) {
    for (index, one) in list.iter().enumerate() {
        problems.nest(&format!("Constraint {} validation failed", index + 1), constraint(one));
        if matches!(one.operand.as_str(), operand::DISTINCT_HOSTS | operand::DISTINCT_PROPERTY) {
            problems.add(format!("Constraint {} has disallowed Operand at task level: {}", index + 1, one.operand));
        }
    }
}

pub(super) fn affinities(list: &[Affinity], problems: &mut Problems) {
    for (index, one) in list.iter().enumerate() {
        problems.nest(&format!("Affinity {} validation failed", index + 1), affinity(one));
    }
}

pub(super) fn spreads(list: &[Spread], problems: &mut Problems) {
    for (index, one) in list.iter().enumerate() {
        problems.nest(&format!("Spread {} validation failed", index + 1), spread(one));
    }
}

pub(crate) fn constraint(constraint: &Constraint) -> Problems {
    let mut problems = Problems::default();
    let right = constraint.r_target.as_str();
    let kind = constraint.operand.as_str();
    match kind {
        "" => {
            problems.add("Missing constraint operand");
            problems.add("Unknown constraint type \"\"");
        }
        operand::IS_SET | operand::IS_NOT_SET => {
            if !right.is_empty() {
                problems.add(format!("Operator {kind:?} does not support an RTarget"));
            }
        }
        operand::DISTINCT_HOSTS => {}
        operand::SET_CONTAINS | operand::SET_CONTAINS_ALL | operand::SET_CONTAINS_ANY => {
            problems.add_if(right.is_empty(), "Set contains constraint requires an RTarget");
        }
        operand::DISTINCT_PROPERTY => distinct_property(right, &mut problems),
        operand::REGEXP => regular_expression(right, &mut problems),
        operand::VERSION | operand::SEMVER => versions(kind, right, "constraint", &mut problems),
        _ => comparison(kind, right, "constraint type", &mut problems),
    }
    let needs_left = !matches!(kind, operand::DISTINCT_HOSTS);
    problems.add_if(needs_left && constraint.l_target.is_empty(), "no attribute provided but is required by operator");
    problems
}

fn affinity(affinity: &Affinity) -> Problems {
    let mut problems = Problems::default();
    let right = affinity.r_target.as_str();
    let kind = affinity.operand.as_str();
    match kind {
        "" => {
            problems.add("Missing affinity operand");
            problems.add("Unknown affinity operator \"\"");
        }
        operand::SET_CONTAINS | operand::SET_CONTAINS_ALL | operand::SET_CONTAINS_ANY => {
            problems.add_if(right.is_empty(), "Set contains operators require an RTarget");
        }
        operand::REGEXP => regular_expression(right, &mut problems),
        operand::VERSION | operand::SEMVER => versions(kind, right, "affinity", &mut problems),
        _ => comparison(kind, right, "affinity operator", &mut problems),
    }
    problems.add_if(affinity.l_target.is_empty(), "No LTarget provided but is required");
    match affinity.weight.unwrap_or_default() {
        0 => problems.add("Affinity weight cannot be zero"),
        weight if !(-100..=100).contains(&weight) => {
            problems.add("Affinity weight must be within the range [-100,100]");
        }
        _ => {}
    }
    problems
}

fn spread(spread: &Spread) -> Problems {
    let mut problems = Problems::default();
    problems.add_if(spread.attribute.is_empty(), "Missing spread attribute");
    let weight = spread.weight.unwrap_or_default();
    problems.add_if(!(1..=100).contains(&weight), "Spread block must have a positive weight from 0 to 100");
    let mut seen = BTreeSet::new();
    let mut sum = 0;
    for target in items(&spread.spread_target) {
        if !seen.insert(&target.value) {
            problems.add(format!("Spread target value {:?} already defined", target.value));
        }
        if target.percent > 100 {
            let text = format!("Spread target percentage for value {:?} must be between 0 and 100", target.value);
            problems.add(text);
        }
        sum += u32::from(target.percent);
    }
    if sum > 100 {
        problems.add(format!("Sum of spread target percentages must not be greater than 100%; got {sum}%"));
    }
    problems
}

fn comparison(kind: &str, right: &str, what: &str, problems: &mut Problems) {
    if !matches!(kind, "=" | "==" | "is" | "!=" | "not" | "<" | "<=" | ">" | ">=") {
        problems.add(format!("Unknown {what} {kind:?}"));
    } else if right.is_empty() {
        problems.add(format!("Operator {kind:?} requires an RTarget"));
    }
}

fn distinct_property(right: &str, problems: &mut Problems) {
    if right.is_empty() {
        return;
    }
    match right.parse::<u64>() {
        Err(_) => {
            let text = format!(
                "Failed to convert RTarget {right:?} to uint64: strconv.ParseUint: parsing {right:?}: invalid syntax"
            );
            problems.add(text);
        }
        Ok(0) => problems.add("Distinct Property must have an allowed count of 1 or greater: 0 < 1"),
        Ok(_) => {}
    }
}

/// Interpolations are filled in per node: here they count as a letter.
fn regular_expression(right: &str, problems: &mut Problems) {
    let mut pattern = String::with_capacity(right.len());
    let mut rest = right;
    while let Some((before, (_, after))) =
        rest.split_once("${").and_then(|(before, after)| Some((before, after.split_once('}')?)))
    {
        pattern.push_str(before);
        pattern.push('x');
        rest = after;
    }
    pattern.push_str(rest);
    if let Some(fault) = pattern::fault(&pattern) {
        problems.add(format!("Regular expression failed to compile: {fault}"));
    }
}

/// `>= 1.2, < 2.0`: each part an operator and a version. The first one that is not is told.
fn versions(kind: &str, range: &str, what: &str, problems: &mut Problems) {
    let is_semver = kind == operand::SEMVER;
    let Some(part) = range.split(',').find(|part| !is_version_rule(part.trim(), is_semver)) else { return };
    let (title, word) = if is_semver { ("Semver", "Malformed") } else { ("Version", "malformed") };
    problems.add(format!("{title} {what} is invalid: {word} constraint: {part}"));
}

fn is_version_rule(rule: &str, is_semver: bool) -> bool {
    let operators: &[&str] =
        if is_semver { &[">=", "<=", "!=", "=", ">", "<"] } else { &[">=", "<=", "!=", "~>", "=", ">", "<"] };
    let version = operators.iter().find_map(|operator| rule.strip_prefix(operator)).unwrap_or(rule).trim();
    let version = version.strip_prefix('v').unwrap_or(version);
    let core = version.split(['-', '+']).next().unwrap_or_default();
    core.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}
