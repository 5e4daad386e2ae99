//! A change plan as one page: no script, nothing that is loaded from elsewhere.

use super::Sign;
use super::render::{PlanLine, change_lines, policy_title, summary};
use super::svg::{self, Node, escape};
use crate::plan::{Change, ChangePlan};

/// Boxes in the drawing; with more of them, what stays as it is is left out.
const MAX_DRAWN: usize = 120;

const STYLE: &str = "\
:root{color-scheme:light dark;--fg:#1f2328;--bg:#fff;--dim:#656d76;--line:#d0d7de;--add:#1a7f37;--del:#cf222e;--chg:#9a6700}\
@media(prefers-color-scheme:dark){:root{--fg:#e6edf3;--bg:#0d1117;--dim:#8d96a0;--line:#30363d;--add:#3fb950;--del:#f85149;--chg:#d29922}}\
body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:75rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.4rem;margin:0}.lead{font-size:1.15rem;font-weight:600;white-space:pre-line}.dim{color:var(--dim)}\
details{border:1px solid var(--line);border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}summary{cursor:pointer}\
code,pre{font:13px/1.5 ui-monospace,monospace}pre{overflow-x:auto;margin:.5rem 0}\
.add{color:var(--add)}.del{color:var(--del)}.chg{color:var(--chg)}.box{border-left:4px solid var(--chg);padding:.3rem .8rem;margin:.5rem 0}\
.stop{border-color:var(--del)}.graph{overflow-x:auto;border:1px solid var(--line);border-radius:6px;background:#fff}";

/// The page. It holds no secret.
pub fn plan_html(plan: &ChangePlan) -> String {
    let title = format!("Plan for stack {}", plan.stack);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{0}</title><style>{STYLE}</style></head>\n<body>\n<h1>{0}</h1>\n<p class=\"lead\">{1}</p>\n<p class=\"dim\">{2}</p>\n",
        escape(&title),
        escape(&summary(plan)),
        escape(&format!("release {}, made {}", plan.release, plan.created_at)),
    );
    for result in plan.policies.iter().filter(|result| !result.failures.is_empty()) {
        let class = if plan.refusals().any(|refusal| refusal == result) { "box stop" } else { "box" };
        let failures: String =
            result.failures.iter().map(|failure| format!("<li><code>{}</code>", escape(failure))).collect();
        page.push_str(&format!("<div class=\"{class}\">{}<ul>{failures}</ul></div>\n", escape(&policy_title(result))));
    }
    for (address, risk) in plan.risks() {
        page.push_str(&format!("<div class=\"box\"><code>{}</code>: {}</div>\n", escape(address), escape(risk)));
    }
    if !plan.changes.is_empty() {
        page.push_str(&format!("<h2>Graph</h2>\n<div class=\"graph\">{}</div>\n<h2>Changes</h2>\n", graph(plan)));
        plan.changes.iter().for_each(|change| page.push_str(&details(change)));
    }
    if !plan.unchanged.is_empty() {
        let list: String =
            plan.unchanged.keys().map(|address| format!("<li><code>{}</code>", escape(address))).collect();
        page.push_str(&format!(
            "<details><summary>unchanged ({})</summary><ul>{list}</ul></details>\n",
            plan.unchanged.len()
        ));
    }
    page.push_str("</body></html>\n");
    page
}

/// The graph of changes, and of what they wait for.
fn graph(plan: &ChangePlan) -> String {
    let draws_unchanged = plan.changes.len() + plan.unchanged.len() <= MAX_DRAWN;
    let mut nodes: Vec<Node> = Vec::new();
    let mut edges = Vec::new();
    for change in &plan.changes {
        let class = serde_json::to_value(change.action).ok();
        let class = class.as_ref().and_then(|word| word.as_str()).unwrap_or_default().to_owned();
        let label = format!("{} {}", change.action.words().0, change.address);
        nodes.push(Node { id: change.address.clone(), label, class });
        // A deletion waits for all else, which says nothing about it.
        if change.action != crate::plan::Action::Delete {
            edges.extend(change.depends_on.iter().map(|on| (on.clone(), change.address.clone())));
        }
    }
    if draws_unchanged {
        for (address, unchanged) in &plan.unchanged {
            nodes.push(Node { id: address.clone(), label: address.clone(), class: "unchanged".to_owned() });
            edges.extend(unchanged.depends_on.iter().map(|on| (on.clone(), address.clone())));
        }
    }
    svg::draw(&nodes, &edges)
}

fn details(change: &Change) -> String {
    let lines = change_lines(change);
    let (symbol, words) = change.action.words();
    let body: String = lines.iter().skip(1).map(line).collect();
    let class = lines.first().map_or("", |first| class(first));
    format!(
        "<details open><summary><code class=\"{class}\">{symbol} {}</code> {} <span class=\"dim\">({})</span></summary><pre>{body}</pre></details>\n",
        escape(&change.address),
        escape(words),
        escape(&change.target.to_string()),
    )
}

fn line(line: &PlanLine) -> String {
    let indent = "    ".repeat(line.indent.saturating_sub(1));
    let text = escape(&format!("{indent}{:<2}{}", line.symbol, line.text));
    format!("<span class=\"{}\">{text}</span>\n", class(line))
}

const fn class(line: &PlanLine) -> &'static str {
    match (line.is_warning, line.sign) {
        (true, _) | (_, Sign::Change) => "chg",
        (_, Sign::Add) => "add",
        (_, Sign::Remove) => "del",
        (_, Sign::Plain) => "",
    }
}
