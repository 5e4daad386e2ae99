//! `graph`: what waits for what in a stack. It needs no engine.

use crate::context::Context;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::stacks::StackArgs;
use drover_stack::preview::svg;
use drover_stack::{Desired, desired::Resource};
use serde_json::json;

/// Prints the graph.
#[derive(clap::Args)]
#[command(next_help_heading = "Graph Options")]
pub struct Graph {
    #[command(flatten)]
    stack: StackArgs,
    /// For Graphviz: drover graph -dot | dot -Tpng.
    #[arg(long, conflicts_with_all = ["svg", "json"])]
    dot: bool,
    /// As a picture.
    #[arg(long, conflicts_with = "json")]
    svg: bool,
    #[arg(hide = true)]
    path: Option<String>,
}

impl Invoke for Graph {
    fn invoke(self, context: &Context) -> Outcome {
        let desired = self.stack.evaluate(self.path.as_deref().unwrap_or("."), context)?.desired;
        let text = match () {
            () if self.stack.json => json(&desired),
            () if self.dot => dot(&desired),
            () if self.svg => picture(&desired),
            () => text(&desired),
        };
        output::raw(text.as_bytes());
        Ok(0)
    }
}

/// From what comes first to what waits for it, without those that follow from others.
fn edges(desired: &Desired) -> Vec<(String, String)> {
    let all = |address: &str| desired.resources.iter().find(|resource| resource.address == address);
    let mut edges = Vec::new();
    for resource in &desired.resources {
        let follows = |on: &String| {
            let mut others = resource.depends_on.iter().filter(|other| *other != on);
            others.any(|other| all(other).is_some_and(|other| other.depends_on.contains(on)))
        };
        let direct = resource.depends_on.iter().filter(|on| !follows(on));
        edges.extend(direct.map(|on| (on.clone(), resource.address.clone())));
    }
    edges
}

/// In the order of an apply: each resource below the last of those that it waits for, deeper by one.
fn text(desired: &Desired) -> String {
    let edges = edges(desired);
    let mut lines = String::new();
    for resource in &desired.resources {
        let on: Vec<&str> =
            edges.iter().filter(|(_, to)| *to == resource.address).map(|(from, _)| from.as_str()).collect();
        let depth = depth(desired, resource);
        let after = if on.is_empty() { String::new() } else { format!("  after {}", on.join(", ")) };
        lines.push_str(&format!("{}{}{after}\n", "  ".repeat(depth), resource.address));
    }
    lines
}

/// How many resources come one after the other before this one.
fn depth(desired: &Desired, resource: &Resource) -> usize {
    // Resources stand in an order in which each comes after what it depends on, so this ends.
    let before =
        resource.depends_on.iter().filter_map(|on| desired.resources.iter().find(|other| other.address == *on));
    before.map(|other| depth(desired, other) + 1).max().unwrap_or(0)
}

fn dot(desired: &Desired) -> String {
    let mut text = format!("digraph {} {{\n  rankdir = LR;\n  node [shape = box];\n", json!(desired.stack));
    for resource in &desired.resources {
        text.push_str(&format!("  {};\n", json!(resource.address)));
    }
    for (from, to) in edges(desired) {
        text.push_str(&format!("  {} -> {};\n", json!(from), json!(to)));
    }
    text.push_str("}\n");
    text
}

fn picture(desired: &Desired) -> String {
    let node = |resource: &Resource| svg::Node {
        id: resource.address.clone(),
        label: resource.address.clone(),
        class: "unchanged".to_owned(),
    };
    let nodes: Vec<svg::Node> = desired.resources.iter().map(node).collect();
    svg::draw(&nodes, &edges(desired)) + "\n"
}

fn json(desired: &Desired) -> String {
    let nodes: Vec<_> = desired
        .resources
        .iter()
        .map(|resource| json!({"address": resource.address, "target": resource.target(), "depends_on": resource.depends_on}))
        .collect();
    output::json(&json!({"version": 1, "stack": desired.stack, "resources": nodes})) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_stack::desired::Spec;

    fn stack(resources: &[(&str, &[&str])]) -> Desired {
        let resource = |(address, on): &(&str, &[&str])| {
            let mut resource = Resource::new(*address, Spec::Job(json!({"ID": address})));
            resource.depends_on = on.iter().map(|on| (*on).to_owned()).collect();
            resource
        };
        Desired { stack: "shop".into(), resources: resources.iter().map(resource).collect(), ..Desired::default() }
    }

    #[test]
    fn edges_that_follow_from_others_are_left_out() {
        let desired = stack(&[("job.a", &[]), ("job.b", &["job.a"]), ("job.c", &["job.a", "job.b"])]);
        assert_eq!(text(&desired), "job.a\n  job.b  after job.a\n    job.c  after job.b\n");
        assert!(dot(&desired).contains("\"job.b\" -> \"job.c\";") && !dot(&desired).contains("\"job.a\" -> \"job.c\""));
        assert!(picture(&desired).starts_with("<svg"));
    }
}
