//! The report in lines of at most 80 columns.

use super::report::{AllocReport, EvalReport, GroupReport, NodeReport, RefusalReport, Report};
use crate::output::{self, Table, bold, plural};
use std::collections::BTreeMap;

/// The width that a line keeps to, unless a single word is longer.
const WIDTH: usize = 80;
/// Nodes shown without `-verbose`: those that are nearest to fitting.
const MAX_NODES_SHOWN: usize = 10;

/// All of it.
pub fn render(report: &Report, verbose: bool) -> String {
    let mut lines =
        vec![bold(&format!("Job \"{}\" in \"{}\", version {}", report.job_id, report.namespace, report.job_version))];
    if let Some(eval) = &report.evaluation {
        lines.extend(evaluation(eval, verbose));
    }
    if let Some(alloc) = &report.allocation {
        lines.extend(allocation(alloc, verbose));
    }
    if report.stopped {
        lines.push("The job is stopped: nothing is to be placed.".to_owned());
    }
    for found in &report.groups {
        lines.push(String::new());
        lines.extend(group(found, verbose));
    }
    if report.nodes_left_out > 0 {
        let left_out = plural(report.nodes_left_out as u64, "node");
        lines.push(format!("\n{left_out} more were not looked at."));
    }
    lines.join("\n")
}

fn evaluation(eval: &EvalReport, verbose: bool) -> Vec<String> {
    let EvalReport { id, triggered_by, status, status_description, failures } = eval;
    let id = output::id(id, verbose);
    let mut lines = wrapped("", &format!("Evaluation {id} ({triggered_by}) is {status}. {status_description}"));
    for (group, reasons) in failures {
        lines.push(format!("  When it ran, group \"{group}\" could not be placed:"));
        lines.extend(reasons.iter().flat_map(|reason| wrapped("    ", reason)));
    }
    lines
}

fn allocation(alloc: &AllocReport, verbose: bool) -> Vec<String> {
    let id = output::id(&alloc.id, verbose);
    let mut lines = wrapped(
        "",
        &format!(
            "Allocation {id} ({}) is on {}: wanted {}, {}. {}",
            alloc.name, alloc.node, alloc.desired_status, alloc.client_status, alloc.desired_description
        ),
    );
    let looked = format!(
        "When it was placed, {} were looked at: {} broke a constraint, {} had too little room.",
        plural(u64::from(alloc.nodes_evaluated), "node"),
        alloc.nodes_filtered,
        alloc.nodes_exhausted
    );
    lines.extend(wrapped("", &looked));
    if alloc.rescheduled > 0 {
        lines.push(format!("It replaces one that failed, after {}.", plural(alloc.rescheduled as u64, "attempt")));
    }
    if !alloc.preempted.is_empty() {
        lines.push(format!("It pushed out {}.", plural(alloc.preempted.len() as u64, "allocation")));
    }
    if !alloc.candidates.is_empty() {
        let mut table = Table::new(&["Node", "Score", "Made of"]);
        for candidate in &alloc.candidates {
            let name = if candidate.chosen { format!("* {}", candidate.node) } else { format!("  {}", candidate.node) };
            table.row([name, format!("{:.3}", candidate.score), parts(&candidate.scores)]);
        }
        lines.extend(table.render().lines().flat_map(|line| folded(line, 4)));
    }
    lines
}

/// The scores that say something.
fn parts(scores: &BTreeMap<String, f64>) -> String {
    let short = |name: &str| match name {
        "job-anti-affinity" => "anti-affinity".to_owned(),
        "node-affinity" => "affinity".to_owned(),
        "node-reschedule-penalty" => "failed-here".to_owned(),
        "allocation-spread" => "spread".to_owned(),
        other => other.to_owned(),
    };
    let told = scores.iter().filter(|(name, score)| **score != 0.0 || *name == "binpack");
    told.map(|(name, score)| format!("{} {score:.3}", short(name))).collect::<Vec<_>>().join(", ")
}

fn group(group: &GroupReport, verbose: bool) -> Vec<String> {
    let GroupReport { name, wanted, live, waiting, blocked_eval, on_nodes, nodes } = group;
    let mut title = format!("Group \"{name}\": {live} of {wanted} placed");
    if *waiting > 0 {
        title.push_str(&format!(
            ", {} for room",
            if *waiting == 1 { "1 waits".to_owned() } else { format!("{waiting} wait") }
        ));
    }
    let mut lines = vec![bold(&title)];
    if !on_nodes.is_empty() {
        let places: Vec<String> = on_nodes.iter().map(|(node, count)| format!("{count} on {node}")).collect();
        lines.extend(wrapped("  ", &format!("Runs: {}", places.join(", "))));
    }
    if let Some(eval) = blocked_eval {
        lines.push(format!("  Evaluation {} waits until something changes.", output::id(&eval.id, verbose)));
    }
    let fitting = nodes.iter().filter(|node| node.fits).count();
    lines.push(format!("  One more would now fit on {fitting} of {}.", plural(nodes.len() as u64, "node")));
    lines.extend(rules(nodes));
    lines.push(String::new());
    let mut shown: Vec<&NodeReport> = nodes.iter().collect();
    shown.sort_by(|a, b| {
        let score = |node: &NodeReport| node.score.unwrap_or(f64::MIN);
        a.refusals.len().cmp(&b.refusals.len()).then_with(|| score(b).total_cmp(&score(a)))
    });
    let limit = if verbose { shown.len() } else { MAX_NODES_SHOWN };
    for node in shown.iter().take(limit) {
        lines.extend(node_lines(node, verbose));
    }
    if shown.len() > limit {
        let left = plural((shown.len() - limit) as u64, "node");
        lines.push(format!("  … and {left} further from fitting (-verbose shows all)"));
    }
    lines
}

/// How many nodes each rule keeps out, and what they have instead.
fn rules(nodes: &[NodeReport]) -> Vec<String> {
    let mut by_rule: BTreeMap<&str, Vec<&RefusalReport>> = BTreeMap::new();
    for refusal in nodes.iter().flat_map(|node| &node.refusals) {
        by_rule.entry(&refusal.rule).or_default().push(refusal);
    }
    let mut found: Vec<_> = by_rule.into_iter().collect();
    found.sort_by_key(|(_, refusals)| std::cmp::Reverse(refusals.len()));
    let line = |(rule, refusals): (&str, Vec<&RefusalReport>)| {
        let first = &refusals[0].found;
        let same = refusals.iter().all(|refusal| refusal.found == *first);
        let why = if same { format!(": {first}") } else { String::new() };
        wrapped("  ", &format!("- {rule} keeps out {} of {}{why}", refusals.len(), nodes.len()))
    };
    found.into_iter().flat_map(line).collect()
}

fn node_lines(node: &NodeReport, verbose: bool) -> Vec<String> {
    let id = output::id(&node.id, verbose);
    let class = if node.class.is_empty() { String::new() } else { format!(", {}", node.class) };
    let name = format!("{} ({id}{class}, {})", node.name, node.datacenter);
    if node.fits {
        let score = node.score.map(|score| format!(", score {score:.3}")).unwrap_or_default();
        let mut lines = wrapped("  ", &format!("{name} fits{score}: {}", parts(&node.scores)));
        if !node.preempts.is_empty() {
            lines.extend(wrapped("    ", &format!("after pushing out {}", node.preempts.join(", "))));
        }
        return lines;
    }
    let mut lines = wrapped("  ", &name);
    for refusal in &node.refusals {
        lines.extend(wrapped("    ", &format!("{}: {}", refusal.rule, refusal.found)));
        if !refusal.remedy.is_empty() {
            lines.extend(wrapped("      ", &format!("would fit: {}", refusal.remedy)));
        }
    }
    lines
}

/// Text behind an indent, broken between words.
fn wrapped(indent: &str, text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = indent.to_owned();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, format!("{indent}  ")));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    if !is_empty {
        lines.push(line);
    }
    lines
}

/// A line of a table, cut at the width and continued behind an indent.
fn folded(line: &str, indent: usize) -> Vec<String> {
    if line.chars().count() <= WIDTH {
        return vec![line.to_owned()];
    }
    let cut = line.char_indices().take(WIDTH).filter(|(_, c)| *c == ' ').map(|(at, _)| at).last().unwrap_or(line.len());
    let rest = line[cut..].trim_start();
    let mut lines = vec![line[..cut].trim_end().to_owned()];
    if !rest.is_empty() {
        lines.extend(wrapped(&" ".repeat(indent), rest));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, refusals: &[(&str, &str, &str)]) -> NodeReport {
        let refusal = |(rule, found, remedy): &(&str, &str, &str)| RefusalReport {
            rule: (*rule).to_owned(),
            found: (*found).to_owned(),
            remedy: (*remedy).to_owned(),
        };
        NodeReport {
            id: "0a1b2c3d-1111-2222-3333-444455556666".to_owned(),
            name: name.to_owned(),
            class: "alpha".to_owned(),
            pool: "default".to_owned(),
            datacenter: "dc1".to_owned(),
            fits: refusals.is_empty(),
            score: refusals.is_empty().then_some(0.5397),
            scores: [("binpack".to_owned(), 0.0794), ("node-affinity".to_owned(), 1.0)].into(),
            refusals: refusals.iter().map(refusal).collect(),
            preempts: Vec::new(),
        }
    }

    fn report(nodes: Vec<NodeReport>) -> Report {
        let group = GroupReport {
            name: "g".to_owned(),
            wanted: 3,
            live: 1,
            waiting: 2,
            blocked_eval: None,
            on_nodes: [("a1".to_owned(), 1)].into(),
            nodes,
        };
        Report {
            schema_version: 1,
            namespace: "default".to_owned(),
            job_id: "web".to_owned(),
            job_version: 0,
            stopped: false,
            evaluation: None,
            allocation: None,
            groups: vec![group],
            nodes_left_out: 0,
        }
    }

    #[test]
    fn reasons_and_remedies_fit_a_terminal() {
        let remedy = "lower memory to 548 MiB, or free 0a1b2c3d a-job-with-a-long-name.group[0] and 0a1b2c3d x.g[1]";
        let lack = "lacks 512 MiB: 1060 asked for, 548 of 2048 free";
        let nodes = vec![
            node("a1", &[("${attr.kernel.name} = windows", "it has \"linux\"", "")]),
            node("a2", &[("${attr.kernel.name} = windows", "it has \"linux\"", ""), ("memory", lack, remedy)]),
            node("a3", &[]),
        ];
        let text = render(&report(nodes), false);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        for wanted in [
            "Group \"g\": 1 of 3 placed, 2 wait for room",
            "One more would now fit on 1 of 3 nodes.",
            "- ${attr.kernel.name} = windows keeps out 2 of 3: it has \"linux\"",
            "a3 (0a1b2c3d, alpha, dc1) fits, score 0.540: binpack 0.079, affinity 1.000",
            "memory: lacks 512 MiB: 1060 asked for, 548 of 2048 free",
            "would fit: lower memory to 548 MiB",
        ] {
            assert!(text.contains(wanted), "{wanted:?} is missing in\n{text}");
        }
    }

    #[test]
    fn large_clusters_show_the_nearest_nodes() {
        let nodes = (0..30).map(|i| node(&format!("n{i}"), &[("cpu", "lacks 1 MHz", "")])).collect();
        let text = render(&report(nodes), false);
        assert!(text.contains("… and 20 nodes further from fitting"), "{text}");
        assert!(text.contains("- cpu keeps out 30 of 30: lacks 1 MHz"), "{text}");
    }
}
