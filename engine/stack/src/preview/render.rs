//! A change plan as lines.

use super::{Line, Sign};
use crate::plan::{Action, Change, ChangePlan};

impl Action {
    /// The sign and the words before a change.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Create => ("+", "create"),
            Self::Update => ("~", "update in place"),
            Self::Replace => ("-/+", "update, replacing what runs"),
            Self::Delete => ("-", "delete"),
            Self::Resume => ("~", "wait until healthy"),
        }
    }

    const fn sign(self) -> Sign {
        match self {
            Self::Create => Sign::Add,
            Self::Update | Self::Replace | Self::Resume => Sign::Change,
            Self::Delete => Sign::Remove,
        }
    }
}

/// A line of a rendered plan with the sign as text, since `-/+` is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanLine {
    /// Levels of nesting; each is four columns.
    pub indent: usize,
    /// What happened, for the colour.
    pub sign: Sign,
    /// The sign as shown.
    pub symbol: String,
    /// The text, safe to show.
    pub text: String,
    /// Whether it needs attention.
    pub is_warning: bool,
}

/// The whole plan, change by change, with the summary last.
pub fn plan_lines(plan: &ChangePlan) -> Vec<PlanLine> {
    let mut lines = Vec::new();
    for change in &plan.changes {
        change_lines(change, &mut lines);
        lines.push(blank());
    }
    if !plan.unchanged.is_empty() && !plan.changes.is_empty() {
        lines.push(plain(0, "=", format!("unchanged ({})", plan.unchanged.len())));
        lines.push(blank());
    }
    lines.push(plain(0, "", summary(plan)));
    lines
}

/// One line that says how much changes.
pub fn summary(plan: &ChangePlan) -> String {
    if plan.is_empty() {
        return match plan.destroys {
            true => format!("Nothing to destroy: the engine holds nothing of stack {}.", plan.stack),
            false => {
                format!("No changes. Stack {} is as it should be ({} unchanged).", plan.stack, plan.unchanged.len())
            }
        };
    }
    let resumed = match plan.count(Action::Resume) {
        0 => String::new(),
        count => format!(" {count} to wait for,"),
    };
    format!(
        "Plan for stack {}: {} to create, {} to update, {} to delete,{resumed} {} unchanged.",
        plan.stack,
        plan.count(Action::Create),
        plan.count(Action::Update) + plan.count(Action::Replace),
        plan.count(Action::Delete),
        plan.unchanged.len()
    )
}

fn change_lines(change: &Change, lines: &mut Vec<PlanLine>) {
    let (symbol, words) = change.action.words();
    lines.push(PlanLine {
        indent: 0,
        sign: change.action.sign(),
        symbol: symbol.to_owned(),
        text: format!("{}  {words} ({})", change.address, change.target),
        is_warning: false,
    });
    for Line { indent, sign, text } in &change.lines {
        let symbol = if *sign == Sign::Plain { String::new() } else { sign.symbol().to_string() };
        lines.push(PlanLine { indent: indent + 1, sign: *sign, symbol, text: text.clone(), is_warning: false });
    }
    if let Some(scheduling) = &change.scheduling {
        if let Some(sentence) = scheduling.sentence() {
            lines.push(plain(1, "", format!("scheduler: {sentence}")));
        }
        if let Some(next) = &scheduling.next_launch {
            lines.push(plain(1, "", format!("next launch: {next}")));
        }
        for failure in &scheduling.failures {
            let s = if failure.count == 1 { "" } else { "s" };
            let what = format!("group {:?}: {} allocation{s} cannot be placed now", failure.group, failure.count);
            lines.push(warning(what));
            for reason in &failure.reasons {
                lines.push(PlanLine { indent: 2, ..warning(reason.clone()) });
            }
        }
    }
    for note in &change.notes {
        lines.push(warning(note.clone()));
    }
}

fn plain(indent: usize, symbol: &str, text: String) -> PlanLine {
    PlanLine { indent, sign: Sign::Plain, symbol: symbol.to_owned(), text, is_warning: false }
}

fn warning(text: String) -> PlanLine {
    PlanLine { indent: 1, sign: Sign::Plain, symbol: "!".to_owned(), text, is_warning: true }
}

fn blank() -> PlanLine {
    plain(0, "", String::new())
}
