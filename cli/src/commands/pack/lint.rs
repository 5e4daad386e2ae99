//! `pack lint`: what is likely wrong with a pack. Needs no engine.

use super::{load, one_path, request};
use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, plural};
use crate::registry::{Invoke, Outcome};
use crate::stacks::{VariableArgs, explained};
use drover_hcl::Severity;
use drover_packs::lint::{self, Finding, RULES};
use drover_packs::{Pack, Rendered};
use serde_json::json;

/// Exit code: something was found.
const EXIT_FOUND: u8 = 2;

/// Looks at packs.
#[derive(clap::Args)]
#[command(next_help_heading = "Lint Options")]
pub struct Lint {
    #[command(flatten)]
    variables: VariableArgs,
    /// Does not look for this: unused-variable, undeclared-variable, missing-description, missing-type, missing-version,
    /// latest-tag, missing-resources, secret-in-clear, secret-not-sensitive, secret-in-job, unused-helper. Repeatable.
    #[arg(long, value_name = "rule")]
    disable: Vec<String>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[arg(hide = true)]
    paths: Vec<String>,
}

impl Invoke for Lint {
    fn invoke(self, context: &Context) -> Outcome {
        if let Some(unknown) = self.disable.iter().find(|name| RULES.iter().all(|rule| rule.name() != *name)) {
            let known: Vec<&str> = RULES.iter().map(|rule| rule.name()).collect();
            return Err(context.usage(format!("there is no rule {unknown:?}; there are {}", known.join(", "))));
        }
        let pack = load(one_path(context, &self.paths)?)?;
        let rendered = self.render(&pack, context)?;
        let mut findings = lint::lint(&pack, Some(&rendered));
        findings.retain(|finding| !self.disable.iter().any(|name| name == finding.rule.name()));
        if self.json {
            output::line(&output::json(&document(&pack, &findings)));
        } else {
            print(&pack, &findings);
        }
        Ok(if findings.is_empty() { 0 } else { EXIT_FOUND })
    }
}

impl Lint {
    /// With values made up for what has none, so that nobody has to be asked.
    fn render(&self, pack: &Pack, context: &Context) -> Result<Rendered, CliError> {
        let mut request = request(pack, &self.variables, context, None, None)?;
        let mut supplied = lint::examples(pack);
        supplied.extend(std::mem::take(&mut request.supplied));
        request.supplied = supplied;
        pack.render(&request).map_err(|error| {
            let error = explained(&error);
            if pack.missing(&drover_packs::Supplied::default()).is_empty() {
                error
            } else {
                error.hint(
                    "variables without a default were given made-up values; give real ones with -var or -var-file",
                )
            }
        })
    }
}

fn print(pack: &Pack, findings: &[Finding]) {
    for finding in findings {
        output::line(&format!("{} [{}]", first_line(&finding.problem), finding.rule.name()));
        for line in finding.problem.to_string().lines().skip(1) {
            output::line(line);
        }
    }
    let name = &pack.metadata.name;
    match findings.len() as u64 {
        0 => output::line(&format!("The pack {name} is clean.")),
        count => output::line(&format!("\n{} in the pack {name}.", plural(count, "finding"))),
    }
}

fn first_line(problem: &drover_hcl::Diagnostic) -> String {
    problem.to_string().lines().next().unwrap_or_default().to_owned()
}

fn document(pack: &Pack, findings: &[Finding]) -> serde_json::Value {
    let findings: Vec<_> = findings
        .iter()
        .map(|finding| {
            let problem = &finding.problem;
            let range = problem.range.as_ref();
            json!({
                "rule": finding.rule.name(),
                "severity": if problem.severity == Severity::Error { "error" } else { "warning" },
                "message": problem.summary, "hint": problem.hint,
                "file": range.map(|range| &range.file), "line": range.map(|range| range.start.line),
                "column": range.map(|range| range.start.column), "source_line": problem.source_line,
            })
        })
        .collect();
    json!({"version": 1, "pack": pack.metadata.name, "findings": findings})
}
