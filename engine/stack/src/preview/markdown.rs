//! A change plan as a comment on a pull request: what matters first, details folded, never longer than such a comment may be.

use super::render::{PlanLine, change_lines, counts, policy_title};
use super::{Sign, svg};
use crate::desired::PolicyLevel;
use crate::plan::{Change, ChangePlan};

/// The longest text, in bytes. GitHub takes 65,536 characters, and a bot adds a few of its own.
pub const MAX_MARKDOWN_BYTES: usize = 60_000;
/// The longest details of one change, in bytes.
const MAX_DETAILS_BYTES: usize = 12_000;
/// The rows of the table of changes.
const MAX_ROWS: usize = 200;

/// The text. It holds no secret.
pub fn plan_markdown(plan: &ChangePlan) -> String {
    let mut text = head(plan);
    let mut left_out = 0;
    let foot_bytes = 200;
    for change in &plan.changes {
        let details = details(change);
        if text.len() + details.len() + foot_bytes > MAX_MARKDOWN_BYTES {
            left_out += 1;
        } else {
            text.push_str(&details);
        }
    }
    if left_out > 0 {
        let s = if left_out == 1 { "" } else { "s" };
        text.push_str(&format!(
            "\n_The details of {left_out} change{s} are left out: this comment would be too long._\n"
        ));
    }
    text
}

fn head(plan: &ChangePlan) -> String {
    let environment =
        if plan.environment.is_empty() { String::new() } else { format!(" ({})", escape(&plan.environment)) };
    let what = if plan.destroys { "Plan to destroy" } else { "Plan for" };
    let mut text = format!("### {what} stack {}{environment}\n\n", code(&plan.stack));
    if plan.is_empty() {
        text.push_str(&format!("**No changes.** {} unchanged.\n", plan.unchanged.len()));
    } else {
        let cost = plan.cost().sentence().map(|cost| format!("<br>{cost}.")).unwrap_or_default();
        text.push_str(&format!("**{}**.{cost}\n", counts(plan)));
    }
    for result in plan.policies.iter().filter(|result| !result.failures.is_empty()) {
        let kind = if result.level == PolicyLevel::Mandatory { "CAUTION" } else { "WARNING" };
        text.push_str(&format!("\n> [!{kind}]\n> {}\n", escape(&policy_title(result))));
        for failure in result.failures.iter().take(20) {
            text.push_str(&format!("> - {}\n", code(failure)));
        }
    }
    let risks: Vec<(&str, &str)> = plan.risks().collect();
    if !risks.is_empty() {
        text.push_str("\n> [!WARNING]\n");
        for (address, risk) in risks.iter().take(20) {
            text.push_str(&format!("> - {}: {}\n", code(address), escape(risk)));
        }
    }
    if plan.changes.is_empty() {
        return text;
    }
    text.push_str("\n| | Resource | Change |\n|---|---|---|\n");
    for change in plan.changes.iter().take(MAX_ROWS) {
        let (symbol, words) = change.action.words();
        let address = code(&change.address).replace('|', "\\|");
        text.push_str(&format!("| {} | {address} | {} |\n", code(symbol), escape(words)));
    }
    if plan.changes.len() > MAX_ROWS {
        text.push_str(&format!("| | … and {} more | |\n", plan.changes.len() - MAX_ROWS));
    }
    text.push('\n');
    text
}

fn details(change: &Change) -> String {
    let (symbol, words) = change.action.words();
    let mut diff = String::new();
    for line in change_lines(change).iter().skip(1) {
        let line = diff_line(line);
        if diff.len() + line.len() > MAX_DETAILS_BYTES {
            diff.push_str("  … the rest is left out\n");
            break;
        }
        diff.push_str(&line);
    }
    if diff.is_empty() {
        return String::new();
    }
    let fence = if diff.contains("```") { "~~~~~~" } else { "```" };
    let title = format!("<code>{symbol} {}</code> {}", svg::escape(&change.address), svg::escape(words));
    format!("<details><summary>{title}</summary>\n\n{fence}diff\n{diff}{fence}\n\n</details>\n")
}

/// Colours of a `diff`: the sign stands first, whatever the indentation.
fn diff_line(line: &PlanLine) -> String {
    let sign = match (line.is_warning, line.sign) {
        (true, _) | (_, Sign::Change) => '!',
        (_, Sign::Add) => '+',
        (_, Sign::Remove) => '-',
        (_, Sign::Plain) => ' ',
    };
    format!("{sign} {}{}\n", "  ".repeat(line.indent.saturating_sub(1)), line.text)
}

/// Text that is nothing but text.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '*' | '_' | '`' | '[' | ']' | '|' | '\\' | '#' | '@' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '\n' | '\r' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}
