//! Helpers that nothing uses.

use super::{Findings, Rule, Used};

pub(super) fn check(used: &Used, findings: &mut Findings<'_>) {
    for (kind, name, source, span) in &used.helpers {
        if !used.used_helpers.contains(name) {
            let message = format!("nothing uses the {kind} `{name}`");
            findings.add(Rule::UnusedHelper, message, Some((source, *span)), "use it, or remove it");
        }
    }
}
