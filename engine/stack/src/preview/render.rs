//! A change plan as lines.

use std::collections::BTreeSet;

use super::{Line, Sign};
use crate::desired::PolicyLevel;
use crate::plan::{Action, Change, ChangePlan, PolicyResult};

impl Action {
    /// The sign and the words before a change.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Create => ("+", "create"),
            Self::Update => ("~", "update in place"),
            Self::Replace => ("-/+", "update, replacing what runs"),
            Self::Delete => ("-", "delete"),
            Self::Resume => ("~", "wait until healthy"),
            Self::Adopt => ("=", "take over as it is"),
            Self::Move => ("=", "rename in the stack; nothing restarts"),
        }
    }

    const fn sign(self) -> Sign {
        match self {
            Self::Create => Sign::Add,
            Self::Update | Self::Replace | Self::Resume => Sign::Change,
            Self::Delete => Sign::Remove,
            Self::Adopt | Self::Move => Sign::Plain,
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

/// Services that are named where many are away.
const MAX_NAMED: usize = 8;

/// The whole plan, change by change; then what needs attention; the summary last.
pub fn plan_lines(plan: &ChangePlan) -> Vec<PlanLine> {
    let mut lines = Vec::new();
    for change in &plan.changes {
        lines.extend(change_lines(change));
        lines.push(blank());
    }
    if !plan.unchanged.is_empty() && !plan.changes.is_empty() {
        lines.push(plain(0, "=", format!("unchanged ({})", plan.unchanged.len())));
        lines.push(blank());
    }
    let policies = policy_lines(plan);
    if !policies.is_empty() {
        lines.extend(policies);
        lines.push(blank());
    }
    let away: BTreeSet<&str> = plan.risks().map(|(address, _)| address).collect();
    if !away.is_empty() && plan.changes.len() > 1 {
        let s = if away.len() == 1 { " is" } else { "s are" };
        let names: Vec<&str> = away.iter().copied().take(MAX_NAMED).collect();
        let more = if away.len() > MAX_NAMED { ", …" } else { "" };
        let what = format!("{} service{s} away for a while: {}{more}", away.len(), names.join(", "));
        lines.push(PlanLine { indent: 0, ..warning(what) });
        lines.push(blank());
    }
    lines.push(plain(0, "", summary(plan)));
    lines
}

/// What the policies say: every one that is not kept, and how many are.
fn policy_lines(plan: &ChangePlan) -> Vec<PlanLine> {
    let mut lines = Vec::new();
    for result in plan.policies.iter().filter(|result| !result.failures.is_empty()) {
        let is_mandatory = result.level == PolicyLevel::Mandatory;
        let title = PlanLine { indent: 0, ..warning(policy_title(result)) };
        lines.push(PlanLine {
            sign: if is_mandatory { Sign::Remove } else { Sign::Change },
            // A colour of its own for what stops an apply.
            is_warning: !is_mandatory,
            ..title
        });
        lines.extend(result.failures.iter().map(|failure| plain(1, "", failure.clone())));
    }
    let kept = plan.policies.iter().filter(|result| result.failures.is_empty()).count();
    if kept > 0 {
        let what = if kept == 1 { "1 policy is kept".to_owned() } else { format!("{kept} policies are kept") };
        lines.push(plain(0, "=", what));
    }
    lines
}

/// `policy "pinned" refuses this: pin the image (s.drover.hcl:3:1)`
pub(super) fn policy_title(result: &PolicyResult) -> String {
    let what = match result.level {
        PolicyLevel::Mandatory => "refuses this",
        PolicyLevel::Advisory => "advises against this",
    };
    let message = if result.message.is_empty() { String::new() } else { format!(": {}", result.message) };
    format!("policy {:?} {what}{message} ({})", result.name, result.place)
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
    let environment = if plan.environment.is_empty() { String::new() } else { format!(" in {}", plan.environment) };
    let counts = counts(plan);
    let cost = plan.cost().sentence().map(|cost| format!("\n{cost}.")).unwrap_or_default();
    format!("Plan for stack {}{environment}: {counts}.{cost}", plan.stack)
}

/// `1 to create, 2 to update, 0 to delete, 3 unchanged`
pub(super) fn counts(plan: &ChangePlan) -> String {
    let rare = [(Action::Adopt, "to take over"), (Action::Move, "to rename"), (Action::Resume, "to wait for")];
    let rare: String = rare
        .iter()
        .map(|(action, words)| (plan.count(*action), words))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!(" {count} {words},"))
        .collect();
    format!(
        "{} to create, {} to update, {} to delete,{rare} {} unchanged",
        plan.count(Action::Create),
        plan.count(Action::Update) + plan.count(Action::Replace),
        plan.count(Action::Delete),
        plan.unchanged.len()
    )
}

/// One change: what it is, the difference, what the scheduler would do, what is to be known.
pub(super) fn change_lines(change: &Change) -> Vec<PlanLine> {
    let (symbol, words) = change.action.words();
    let before = change.moved_from.as_ref().map(|from| format!(", was {from}")).unwrap_or_default();
    let mut lines = vec![PlanLine {
        indent: 0,
        sign: change.action.sign(),
        symbol: symbol.to_owned(),
        text: format!("{}  {words} ({}{before})", change.address, change.target),
        is_warning: false,
    }];
    for Line { indent, sign, text } in &change.lines {
        let symbol = if *sign == Sign::Plain { String::new() } else { sign.symbol().to_string() };
        lines.push(PlanLine { indent: indent + 1, sign: *sign, symbol, text: text.clone(), is_warning: false });
    }
    if change.stops > 0 {
        let s = if change.stops == 1 { "" } else { "s" };
        lines.push(plain(1, "", format!("{} allocation{s} stop{}", change.stops, if s.is_empty() { "s" } else { "" })));
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
    lines.extend(change.risks.iter().chain(&change.notes).map(|note| warning(note.clone())));
    lines
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
