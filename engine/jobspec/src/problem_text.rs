//! The lists of problems that engines answer with, read back into a tree: `2 errors occurred:` and as many items, each
//! of which may end with a list of its own.

use crate::places::Step;

/// Deepest list that is read; what is below stays text.
const MAX_DEPTH: usize = 16;

/// One problem, or the head of a list of problems.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) text: String,
    pub(crate) inner: Vec<Self>,
}

/// The problems of a text; a text that is no list is one problem.
pub(crate) fn problems(text: &str) -> Vec<Problem> {
    let mut lines = text.lines().map(|line| line.strip_prefix("\t* ").unwrap_or(line)).filter(|line| !line.is_empty());
    let mut out = Vec::new();
    while let Some(line) = lines.next() {
        match count(line) {
            Some(("", count)) => read(&mut lines, count, 0, &mut out),
            _ => out.push(item(line, &mut lines, 0)),
        }
    }
    out
}

fn read<'t>(lines: &mut impl Iterator<Item = &'t str>, count: usize, depth: usize, out: &mut Vec<Problem>) {
    for _ in 0..count {
        let Some(line) = lines.next() else { return };
        out.push(item(line, lines, depth));
    }
}

fn item<'t>(line: &str, lines: &mut impl Iterator<Item = &'t str>, depth: usize) -> Problem {
    let mut inner = Vec::new();
    match count(line) {
        Some((head, count)) if depth < MAX_DEPTH => {
            // Generic code would nest without end: the depth is in the argument, not in the type.
            let lines: &mut dyn Iterator<Item = &'t str> = lines;
            read_dyn(lines, count, depth + 1, &mut inner);
            Problem { text: head.trim_end_matches(": ").to_owned(), inner }
        }
        _ => Problem { text: line.to_owned(), inner },
    }
}

fn read_dyn(mut lines: &mut dyn Iterator<Item = &str>, count: usize, depth: usize, out: &mut Vec<Problem>) {
    read(&mut lines, count, depth, out);
}

/// The head and the number of a line such as `Task t validation failed: 2 errors occurred:`.
fn count(line: &str) -> Option<(&str, usize)> {
    let rest = line.strip_suffix(" errors occurred:").or_else(|| line.strip_suffix(" error occurred:"))?;
    let digits = rest.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    Some((&rest[..digits], rest[digits..].parse().ok()?))
}

impl Problem {
    /// The block that the problem is within, seen from the job (`is_outermost`) or from a group or task.
    pub(crate) fn step(&self, is_outermost: bool) -> Option<Step> {
        let text = self.text.as_str();
        if let Some(rest) = text.strip_prefix("Task group ") {
            let name = rest.strip_suffix(" validation failed")?;
            return if is_outermost {
                Some(Step::Named("group", name.to_owned()))
            } else if let Some(volume) = name.strip_prefix("volume validation for ") {
                Some(Step::Named("volume", volume.trim_end_matches(" failed").to_owned()))
            } else {
                // The services are told apart one level down.
                (name == "network").then(|| Step::Name("network".to_owned()))
            };
        }
        if let Some(name) = text.strip_prefix("Task ").and_then(|rest| rest.strip_suffix(" validation failed")) {
            return Some(Step::Named("task", name.to_owned()));
        }
        if let Some(rest) = text.strip_prefix("Service[").or_else(|| text.strip_prefix("service[")) {
            return Some(Step::Nth("service", rest.split(']').next()?.parse().ok()?));
        }
        if let Some(rest) = text.strip_prefix("Volume Mount (") {
            return Some(Step::Nth("volume_mount", rest.split(')').next()?.parse().ok()?));
        }
        for (word, kind) in [
            ("Artifact ", "artifact"),
            ("Template ", "template"),
            ("Constraint ", "constraint"),
            ("Affinity ", "affinity"),
            ("Spread ", "spread"),
        ] {
            let number = text.strip_prefix(word).and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
            if let Some(number) = number {
                return Some(Step::Nth(kind, number.saturating_sub(1)));
            }
        }
        for (word, kind) in
            [("Action ", "action"), ("Secret ", "secret"), ("Check ", "check"), ("Identity ", "identity")]
        {
            if let Some(rest) = text.strip_prefix(word) {
                let name = rest.trim_end_matches(" validation failed").trim_end_matches(" is invalid");
                let name = name.split(" invalid:").next().unwrap_or(name).trim_end_matches(" invalid");
                return Some(Step::Named(kind, name.trim_matches('"').to_owned()));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_nest_by_their_counts() {
        let text =
            "2 errors occurred:\n\t* Task group g validation failed: 2 errors occurred:\n\t* a\n\t* b\n\n\n\t* c\n\n";
        let leaf = |text: &str| Problem { text: text.to_owned(), inner: Vec::new() };
        let group = Problem { text: "Task group g validation failed".to_owned(), inner: vec![leaf("a"), leaf("b")] };
        assert_eq!(problems(text), [group, leaf("c")]);
        assert_eq!(problems("no such thing"), [leaf("no such thing")]);
    }
}
