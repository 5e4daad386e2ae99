//! What can be told about a job without an engine, and where in the file an engine's refusal belongs.

use crate::context::Program;
use crate::error::{CliError, During};
use crate::jobfile::JobFile;
use drover_drivers::{ConfigFault, check_config};
use drover_hcl::{Diagnostic, Diagnostics, did_you_mean};
use drover_jobspec::Step;
use drover_wire::admission::review_anywhere;
use serde_json::Map;
use std::io::IsTerminal;

/// Checks each task's `config` against the schema of its driver.
///
/// # Errors
/// Everything that a driver would refuse, each with its place.
pub fn configs(file: &JobFile) -> Result<(), CliError> {
    let places = file.places();
    let mut problems = Diagnostics::new();
    for group in file.job.task_groups.iter().flatten() {
        let group_name = group.name.as_deref().unwrap_or_default();
        for task in group.tasks.iter().flatten() {
            let config: Map<_, _> = task.config.clone().unwrap_or_default().into_iter().collect();
            for fault in check_config(&task.driver, &config) {
                let mut steps = vec![
                    Step::Named("group", group_name.to_owned()),
                    Step::Named("task", task.name.clone()),
                    Step::Name("config".to_owned()),
                ];
                steps.extend(fault.path.iter().cloned().map(Step::Name));
                let problem = describe(group_name, &task.name, &task.driver, &fault);
                problems.push(match &places {
                    Some(places) => places.at(problem, &steps),
                    None => problem,
                });
            }
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(CliError::new(format!("Job validation errors:\n{problems}")))
}

fn describe(group: &str, task: &str, driver: &str, fault: &ConfigFault) -> Diagnostic {
    let detail = format!("{} (task {task:?} of group {group:?})", fault.message);
    let last = fault.path.last().map(String::as_str).unwrap_or_default();
    Diagnostic::error(format!("Invalid config of the driver {driver}"), detail)
        .maybe_hint(did_you_mean(last, fault.known.iter().copied()))
}

/// What can be said of a job that no engine was asked about: its warnings.
///
/// # Errors
/// What is wrong with it wherever it runs, each at its place.
pub fn alone(program: Program, file: &JobFile) -> Result<String, CliError> {
    let found = review_anywhere(file.job.clone());
    if found.problems.is_empty() {
        return Ok(found.warnings.to_text());
    }
    Err(refused(program, file, "Job validation errors:", &found.problems.to_text()))
}

/// The error of a request with a job: a list of problems shows them in the file, anything else is told as it came.
pub fn failed(program: Program, file: &JobFile, what: &str, error: drover_sdk::Error) -> CliError {
    let listed = error.body().filter(|body| shows_places(program) && body.contains(" occurred:"));
    match listed.map(str::to_owned) {
        Some(list) => refused(program, file, &format!("{what}:"), &list),
        None => match Err::<(), _>(error).during(what) {
            Err(error) => error,
            Ok(()) => CliError::new(what),
        },
    }
}

/// Whether problems are shown in the file. People who watch get that; programs get the list that Nomad's
/// command line prints, as they may look for its words.
fn shows_places(program: Program) -> bool {
    program == Program::Drover && std::io::stderr().is_terminal()
}

/// The error of a job that an engine refused with a list of problems: each at its place, or the list.
pub fn refused(program: Program, file: &JobFile, title: &str, text: &str) -> CliError {
    let places = if shows_places(program) { file.places() } else { None };
    let located = places.map(|places| places.explain(text)).filter(|problems| !problems.is_empty());
    match located {
        Some(problems) => CliError::new(format!("{title}\n{problems}")),
        None => CliError::new(format!("{title}\n{text}")),
    }
}
