//! A directed graph drawn as SVG, in columns: what comes first stands left of what waits for it.

use std::collections::{BTreeMap, BTreeSet};

/// A box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What edges call it.
    pub id: String,
    /// The text in it.
    pub label: String,
    /// The class of its style: `create`, `update`, `replace`, `delete`, `resume`, `adopt`, `move` or `unchanged`.
    pub class: String,
}

const CHARACTER_WIDTH: usize = 8;
const PADDING: usize = 14;
const HEIGHT: usize = 32;
const ROW_GAP: usize = 14;
const COLUMN_GAP: usize = 70;
const MARGIN: usize = 12;
/// The longest label, in characters; a longer one is cut in the middle.
const MAX_LABEL: usize = 44;

struct Box {
    x: usize,
    y: usize,
    width: usize,
}

/// Draws boxes and the arrows between them: each edge goes from what comes first to what waits for it. Edges of boxes that are not
/// there are left out, and so are those that close a circle.
pub fn draw(nodes: &[Node], edges: &[(String, String)]) -> String {
    let known: BTreeSet<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
    let edges: Vec<(&str, &str)> = edges
        .iter()
        .map(|(from, to)| (from.as_str(), to.as_str()))
        .filter(|(from, to)| known.contains(from) && known.contains(to) && from != to)
        .collect();
    let columns = columns(nodes, &edges);
    let (boxes, width, height) = place(nodes, &columns);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" font-family=\"ui-monospace, monospace\" font-size=\"13\">\n<style>{STYLE}</style>\n\
         <defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path class=\"head\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n"
    );
    for (from, to) in &edges {
        let (Some(a), Some(b)) = (boxes.get(from), boxes.get(to)) else { continue };
        let (x1, y1, x2, y2) = (a.x + a.width, a.y + HEIGHT / 2, b.x, b.y + HEIGHT / 2);
        let bend = COLUMN_GAP / 2;
        let (c1, c2) = (x1 + bend, x2.saturating_sub(bend));
        svg.push_str(&format!(
            "<path class=\"edge\" d=\"M{x1} {y1}C{c1} {y1} {c2} {y2} {x2} {y2}\" marker-end=\"url(#arrow)\"/>\n"
        ));
    }
    for node in nodes {
        let Some(Box { x, y, width }) = boxes.get(node.id.as_str()) else { continue };
        let (label, title) = (escape(&cut(&node.label)), escape(&node.label));
        let (text_x, text_y) = (x + width / 2, y + HEIGHT / 2 + 5);
        svg.push_str(&format!(
            "<g class=\"node {}\"><title>{title}</title><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HEIGHT}\" rx=\"6\"/>\
             <text x=\"{text_x}\" y=\"{text_y}\" text-anchor=\"middle\">{label}</text></g>\n",
            escape(&node.class)
        ));
    }
    svg.push_str("</svg>\n");
    svg
}

const STYLE: &str = ".node rect{fill:#f6f8fa;stroke:#8c959f;stroke-width:1.5}.node text{fill:#1f2328}\
.create rect{fill:#dafbe1;stroke:#1a7f37}.update rect,.resume rect{fill:#fff8c5;stroke:#9a6700}\
.replace rect{fill:#ffe7c7;stroke:#bc4c00}.delete rect{fill:#ffebe9;stroke:#cf222e}\
.adopt rect,.move rect{fill:#ddf4ff;stroke:#0969da}.edge{fill:none;stroke:#8c959f;stroke-width:1.5}.head{fill:#8c959f}";

/// The column of each box: one more than the furthest of what comes before it.
fn columns(nodes: &[Node], edges: &[(&str, &str)]) -> BTreeMap<String, usize> {
    let mut before: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, to) in edges {
        before.entry(to).or_default().push(from);
    }
    let mut columns = BTreeMap::new();
    for node in nodes {
        column(&node.id, &before, &mut columns, &mut BTreeSet::new());
    }
    columns
}

fn column<'e>(
    id: &'e str,
    before: &BTreeMap<&'e str, Vec<&'e str>>,
    known: &mut BTreeMap<String, usize>,
    open: &mut BTreeSet<&'e str>,
) -> usize {
    if let Some(found) = known.get(id) {
        return *found;
    }
    if !open.insert(id) {
        return 0;
    }
    let on = before.get(id).into_iter().flatten();
    let column = on.map(|from| column(from, before, known, open) + 1).max().unwrap_or(0);
    open.remove(id);
    known.insert(id.to_owned(), column);
    column
}

fn place<'n>(nodes: &'n [Node], columns: &BTreeMap<String, usize>) -> (BTreeMap<&'n str, Box>, usize, usize) {
    let mut by_column: BTreeMap<usize, Vec<&Node>> = BTreeMap::new();
    for node in nodes {
        by_column.entry(columns.get(&node.id).copied().unwrap_or(0)).or_default().push(node);
    }
    let mut boxes = BTreeMap::new();
    let (mut x, mut height) = (MARGIN, MARGIN * 2 + HEIGHT);
    for nodes in by_column.values() {
        let width_of = |node: &&Node| cut(&node.label).chars().count() * CHARACTER_WIDTH + 2 * PADDING;
        let width = nodes.iter().map(width_of).max().unwrap_or(0);
        for (row, node) in nodes.iter().enumerate() {
            let y = MARGIN + row * (HEIGHT + ROW_GAP);
            boxes.insert(node.id.as_str(), Box { x, y, width });
            height = height.max(y + HEIGHT + MARGIN);
        }
        x += width + COLUMN_GAP;
    }
    (boxes, (x + MARGIN).saturating_sub(COLUMN_GAP).max(2 * MARGIN), height)
}

/// The end of an address says more than its middle.
fn cut(label: &str) -> String {
    let characters: Vec<char> = label.chars().collect();
    if characters.len() <= MAX_LABEL {
        return label.to_owned();
    }
    let half = MAX_LABEL / 2;
    let head: String = characters[..half].iter().collect();
    let tail: String = characters[characters.len() - half..].iter().collect();
    format!("{head}…{tail}")
}

/// Text within a document or between quotes.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str) -> Node {
        Node { id: id.to_owned(), label: id.to_owned(), class: "create".to_owned() }
    }

    #[test]
    fn what_waits_stands_to_the_right() {
        let nodes = [node("a"), node("b"), node("c")];
        let edges = [("a", "b"), ("b", "c"), ("a", "c"), ("a", "gone")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        let svg = draw(&nodes, &edges);
        assert_eq!(svg.matches("class=\"edge\"").count(), 3);
        let x = |id: &str| {
            let at = svg.find(&format!("<title>{id}</title><rect x=\"")).unwrap() + id.len() + 24;
            svg[at..].split('"').next().unwrap().parse::<usize>().unwrap()
        };
        assert!(x("a") < x("b") && x("b") < x("c"));
    }

    #[test]
    fn a_circle_and_odd_names_do_no_harm() {
        let svg = draw(&[node("<a>"), node("b")], &[("<a>".into(), "b".into()), ("b".into(), "<a>".into())]);
        assert!(!svg.contains("<a>") && svg.contains("&lt;a&gt;"));
        assert!(cut(&"x".repeat(100)).chars().count() <= MAX_LABEL + 1);
    }
}
