//! `policy "pinned" { level  on  rule  message }`, and files of such blocks that several stacks share.

use std::sync::Arc;

use drover_hcl::{Block, Body, Diagnostic, Diagnostics, EvalContext, Source, did_you_mean, parse_body};

use super::blocks::Reader;
use super::scope::Scope;
use crate::desired::{Policy, PolicyLevel, PolicyOn};
use crate::policy;

const ATTRIBUTES: [&str; 4] = ["level", "on", "rule", "message"];
/// The longest file of policies, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// A policy of the stack's own.
pub(super) fn block(block: &Block, label: &str, scope: &mut Scope<'_>) -> Result<(), Diagnostics> {
    let policy = read(block, label, &scope.context())?;
    scope.add_policy(policy);
    Ok(())
}

/// `policy_file "company" { path = "../policies.hcl"  level = "advisory" }`
pub(super) fn file(block: &Block, scope: &mut Scope<'_>) -> Result<(), Diagnostics> {
    let context = scope.context();
    let mut reader = Reader::new(&block.body, "a `policy_file` block", &["path", "level"], &context);
    let path = reader.text("path");
    if path.is_none() && reader.problems.is_empty() {
        reader.missing("a `policy_file` block needs a `path`".to_owned(), "write path = \"../policies.hcl\"");
    }
    let level = level(&mut reader);
    reader.problems.into_result(())?;
    let path = scope.inputs.folder.join(path.unwrap_or_default());
    let at_path = |problem: Diagnostic| match block.body.attribute("path") {
        Some(attribute) => Diagnostics::from(problem.at(&attribute.value.source, attribute.value.expr.span)),
        None => problem.into(),
    };
    let shown = path.display().to_string();
    let unreadable = |error: std::io::Error| {
        at_path(Diagnostic::error(format!("cannot read the policies {shown}"), error.to_string()))
    };
    if std::fs::metadata(&path).map_err(unreadable)?.len() > MAX_FILE_BYTES {
        return Err(at_path(Diagnostic::error(format!("{shown} is too large for a file of policies"), "")));
    }
    let content = std::fs::read(&path).map_err(unreadable)?;
    let source: Arc<Source> = Source::from_bytes(&shown, &content)?;
    let policies = read_all(&parse_body(&source)?)?;
    for policy in policies {
        scope.add_policy(Policy { level: level.unwrap_or(policy.level), ..policy });
    }
    Ok(())
}

/// The policies of a shared file: they know nothing of the stack's values.
fn read_all(body: &Body) -> Result<Vec<Policy>, Diagnostics> {
    let mut problems = Diagnostics::new();
    let mut policies = Vec::new();
    for attribute in &body.attributes {
        let message = format!("`{}` stands outside of any block", attribute.name);
        problems.push(
            Diagnostic::error(message, "a file of policies has `policy` blocks").at(&body.source, attribute.name_span),
        );
    }
    for block in &body.blocks {
        let label = block.label(0).filter(|label| !label.is_empty());
        match label.filter(|_| &*block.kind == "policy") {
            Some(label) => match read(block, label, &EvalContext::new()) {
                Ok(policy) => policies.push(policy),
                Err(found) => problems.extend(found),
            },
            None => {
                let detail = "policy \"pinned\" { rule = \"…\"  message = \"…\" }";
                let message = "a file of policies has `policy` blocks with a name";
                problems.push(Diagnostic::error(message, detail).at(&body.source, block.header_span()));
            }
        }
    }
    problems.into_result(policies)
}

fn read(block: &Block, label: &str, context: &EvalContext<'_>) -> Result<Policy, Diagnostics> {
    let mut reader = Reader::new(&block.body, "a `policy` block", &ATTRIBUTES, context);
    let level = level(&mut reader);
    let on = reader.text("on").and_then(|word| {
        let on = match word.as_str() {
            "job" => Some(PolicyOn::Job),
            "change" => Some(PolicyOn::Change),
            "plan" => Some(PolicyOn::Plan),
            _ => None,
        };
        if on.is_none() {
            let hint = did_you_mean(&word, ["job", "change", "plan"]);
            reader.complain("on", "`on` is \"job\", \"change\" or \"plan\"".to_owned(), hint);
        }
        on
    });
    let rule = reader.text("rule");
    match &rule {
        Some(rule) => {
            if let Err(problem) = policy::check(rule) {
                reader.complain("rule", format!("the rule is not CEL: {problem}"), None);
            }
        }
        None if reader.problems.is_empty() => {
            let hint = "write rule = \"job.Priority <= 50\": an expression in CEL that is true when all is well";
            reader.missing("a `policy` block needs a `rule`".to_owned(), hint);
        }
        None => {}
    }
    let message = reader.text("message").unwrap_or_default();
    let place = block.body.source.range(block.header_span()).to_string();
    reader.problems.into_result(Policy {
        name: label.to_owned(),
        level: level.unwrap_or(PolicyLevel::Mandatory),
        on: on.unwrap_or(PolicyOn::Job),
        rule: rule.unwrap_or_default(),
        message,
        place,
    })
}

fn level(reader: &mut Reader<'_>) -> Option<PolicyLevel> {
    let word = reader.text("level")?;
    let level = match word.as_str() {
        "mandatory" => Some(PolicyLevel::Mandatory),
        "advisory" => Some(PolicyLevel::Advisory),
        _ => None,
    };
    if level.is_none() {
        let hint = did_you_mean(&word, ["mandatory", "advisory"]);
        reader.complain("level", "`level` is \"mandatory\" or \"advisory\"".to_owned(), hint);
    }
    level
}
