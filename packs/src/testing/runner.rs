//! Runs tests, several at a time.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use drover_hcl::{Diagnostic, Diagnostics, EvalContext, Value, convert};
use serde_json::{Map, Value as Json};

use super::file::{Assert, Expected, Run};
use super::{FOLDER, Failure, Planner, RunReport, TestFile, golden, secrets, view};
use crate::nomad_pack::Choices;
use crate::{Meta, Pack, RenderRequest, Rendered, Supplied};

/// How to run.
pub struct Options<'a> {
    /// Golden files are written instead of compared.
    pub update: bool,
    /// Runs whose file or name holds this; all when empty.
    pub filter: &'a str,
    /// Runs at a time, at least one.
    pub parallelism: usize,
    /// Answers runs with `plan = true`.
    pub planner: Option<&'a dyn Planner>,
}

/// Runs all tests of the files; the reports come in the order of the files.
pub fn run(pack: &Pack, files: &[TestFile], options: &Options<'_>) -> Vec<RunReport> {
    let wanted: Vec<(&TestFile, &Run)> = files
        .iter()
        .flat_map(|file| file.runs.iter().map(move |run| (file, run)))
        .filter(|(file, run)| {
            options.filter.is_empty() || file.shown.contains(options.filter) || run.name.contains(options.filter)
        })
        .collect();
    let next = AtomicUsize::new(0);
    let reports: Mutex<BTreeMap<usize, RunReport>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..options.parallelism.clamp(1, wanted.len().max(1)) {
            scope.spawn(|| {
                while let Some((at, (file, run))) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    wanted.get(at).map(|run| (at, *run))
                } {
                    let report = one(pack, file, run, options);
                    reports.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(at, report);
                }
            });
        }
    });
    reports.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).into_values().collect()
}

fn one(pack: &Pack, file: &TestFile, run: &Run, options: &Options<'_>) -> RunReport {
    let begin = Instant::now();
    let mut report = RunReport {
        file: file.shown.clone(),
        name: run.name.clone(),
        line: run.line,
        failures: Vec::new(),
        updated: Vec::new(),
        took: std::time::Duration::ZERO,
    };
    match request(pack, file, run).and_then(|request| pack.render(&request).map_err(|error| error.0)) {
        Ok(rendered) if run.expected.is_empty() => check(pack, run, &rendered, options, &mut report),
        Ok(_) => report.failures.push(Failure::new("the pack renders, and it was expected to fail")),
        Err(problems) if run.expected.is_empty() => report.failures.push(Failure::of(&problems)),
        Err(problems) => report.failures.extend(unexpected(&run.expected, &problems)),
    }
    report.took = begin.elapsed();
    report
}

fn request(pack: &Pack, file: &TestFile, run: &Run) -> Result<RenderRequest, Diagnostics> {
    let mut all_secrets = file.secrets.clone();
    all_secrets.extend(run.secrets.clone());
    let secrets = secrets::resolver(all_secrets);
    let mut supplied = Supplied::default();
    let folder = file.path.parent().unwrap_or(Path::new("."));
    add(&mut supplied, pack, &file.variables);
    for name in &run.variable_files {
        let path = folder.join(name);
        let content = std::fs::read(&path).map_err(|error| {
            Diagnostic::error(format!("{}: cannot read the variable file {name}: {error}", file.shown), "")
        })?;
        supplied.add_file(&path.display().to_string(), &content, &secrets)?;
    }
    add(&mut supplied, pack, &run.variables);
    let mut environment = file.environment.clone();
    environment.extend(run.environment.clone());
    let deployment = run.deployment.clone().unwrap_or_else(|| pack.metadata.name.clone());
    Ok(RenderRequest {
        supplied,
        secrets,
        env: Arc::new(environment),
        meta: Meta {
            stack: deployment.clone(),
            deployment,
            namespace: run.namespace.clone().unwrap_or_else(|| "default".to_owned()),
        },
        choices: Choices::default(),
        engine: None,
    })
}

/// Objects named like a dependency hold its values; packs in nomad-pack's format know dotted names alone.
fn add(supplied: &mut Supplied, pack: &Pack, values: &[(String, Value)]) {
    for (name, value) in values {
        let is_dependency = pack.go.as_ref().is_some_and(|go| go.has_dependency(name));
        match value.as_entries().filter(|_| is_dependency) {
            Some(entries) => {
                entries.iter().for_each(|(inner, value)| supplied.add_value(&format!("{name}.{inner}"), value.clone()));
            }
            None => supplied.add_value(name, value.clone()),
        }
    }
}

/// Failures that did not come, and those that came uncalled.
fn unexpected(expected: &[Expected], problems: &Diagnostics) -> Vec<Failure> {
    let is_meant = |expected: &Expected, problem: &Diagnostic| {
        let text = problem.to_string();
        match expected {
            Expected::Variable(name) => {
                text.contains(&format!("\"{name}\""))
                    || text.contains(&format!("var.{name}"))
                    || text.contains(&format!("`{name}`"))
            }
            Expected::Text(part) => text.contains(part.as_str()),
        }
    };
    let mut failures = Vec::new();
    for wanted in expected {
        if !problems.iter().any(|problem| is_meant(wanted, problem)) {
            let shown = match wanted {
                Expected::Variable(name) => format!("the value of var.{name} was expected to be refused, and was not"),
                Expected::Text(part) => format!("no failure says {part:?}"),
            };
            failures.push(Failure::new(shown));
        }
    }
    let others = problems.iter().filter(|problem| !expected.iter().any(|wanted| is_meant(wanted, problem)));
    failures.extend(others.map(|problem| Failure::new(format!("not expected: {problem}"))));
    failures
}

fn check(pack: &Pack, run: &Run, rendered: &Rendered, options: &Options<'_>, report: &mut RunReport) {
    if let Some(within) = &run.golden {
        let texts = golden::texts(rendered);
        let folder = pack.folder.join(FOLDER).join(within);
        if options.update {
            match golden::update(&folder, &texts) {
                Ok(changed) => report.updated = changed,
                Err(error) => report.failures.push(Failure::new(format!("cannot write {}: {error}", folder.display()))),
            }
        } else {
            report.failures.extend(golden::compare(&folder, &format!("{FOLDER}/{within}"), &texts));
        }
    }
    let mut context = EvalContext::new().with_functions(Arc::new(crate::functions::table()));
    view::set(&mut context, rendered);
    if run.plan {
        match plan(rendered, options.planner) {
            Ok(planned) => context.set("plan", Value::from_json(&Json::Object(planned))),
            Err(failure) => {
                report.failures.push(failure);
                return;
            }
        }
    }
    report.failures.extend(run.asserts.iter().filter_map(|assert| assertion(assert, &context)));
}

fn plan(rendered: &Rendered, planner: Option<&dyn Planner>) -> Result<Map<String, Json>, Failure> {
    let Some(planner) = planner else { return Err(Failure::new("there is no engine to plan on")) };
    let mut planned = Map::new();
    for job in rendered.all_jobs() {
        let answer = planner
            .plan(&job.job)
            .map_err(|error| Failure::new(format!("the dry run of the job {}: {error}", job.id)))?;
        planned.insert(job.id.clone(), view::planned(&answer));
    }
    Ok(planned)
}

fn assertion(assert: &Assert, context: &EvalContext<'_>) -> Option<Failure> {
    let value = match assert.condition.evaluate(context) {
        Ok(value) => value,
        Err(problems) => return Some(Failure::of(&problems)),
    };
    let truth = convert(&value, &drover_hcl::Type::Bool).ok().and_then(|value| value.as_bool());
    if truth == Some(true) {
        return None;
    }
    let message = match (&assert.message, truth) {
        (_, None) => "the condition is neither true nor false".to_owned(),
        (Some(message), _) => message
            .evaluate(context)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_else(|| assert.source.slice(message.expr.span).to_owned()),
        (None, _) => "this is not true".to_owned(),
    };
    let problem = Diagnostic::error(message, "").at(&assert.source, assert.span);
    let mut failure = Failure::new(problem.to_string());
    failure.details.extend(values(assert, context));
    Some(failure)
}

/// What the names of a condition stand for.
fn values(assert: &Assert, context: &EvalContext<'_>) -> Vec<String> {
    const MAX_CHARS: usize = 300;
    let mut lines: Vec<String> = Vec::new();
    assert.condition.expr.visit_traversals(&mut |_, _, span| {
        let text = assert.condition.source.slice(span);
        let source = drover_hcl::Source::new("condition", text);
        let value = drover_hcl::parse_expression(&source).ok().and_then(|expression| expression.evaluate(context).ok());
        let Some(json) = value.and_then(|value| value.to_json().ok()) else { return };
        let mut shown = json.to_string();
        if shown.chars().count() > MAX_CHARS {
            shown = shown.chars().take(MAX_CHARS).collect::<String>() + "…";
        }
        let line = format!("{text} is {shown}");
        if !lines.contains(&line) {
            lines.push(line);
        }
    });
    lines
}
