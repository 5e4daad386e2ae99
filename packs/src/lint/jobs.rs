//! What the rendered jobs will do that nobody wants.

use std::sync::Arc;

use drover_hcl::{Source, Span, Value};
use serde_json::Value as Json;

use super::{Declared, Findings, Rule, find};
use crate::{Rendered, RenderedJob};

/// Shorter values are in many texts by chance.
const MIN_SECRET_CHARS: usize = 6;

pub(super) fn check(declared: &Declared, rendered: &Rendered, findings: &mut Findings<'_>) {
    for job in rendered.jobs.iter().filter(|job| findings.pack.files.contains_key(&job.template)) {
        for task in tasks(&job.job) {
            images(job, task, declared, findings);
            resources(job, task, findings);
        }
        secrets(job, declared, &rendered.variables, findings);
    }
}

fn tasks(job: &Json) -> impl Iterator<Item = &Json> {
    let groups = job["TaskGroups"].as_array().into_iter().flatten();
    groups.flat_map(|group| group["Tasks"].as_array().into_iter().flatten())
}

fn images(job: &RenderedJob, task: &Json, declared: &Declared, findings: &mut Findings<'_>) {
    let Some(image) = task["Config"]["image"].as_str() else { return };
    if image.contains('@') || image.contains("${") {
        return;
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    let (message, hint) = match name.split_once(':') {
        None => (format!("the image `{image}` has no tag, which means `latest`"), "pin a version, as in `name:1.2.3`"),
        Some((_, "latest")) => {
            (format!("the image `{image}` is the latest one, whichever that is"), "pin a version, as in `name:1.2.3`")
        }
        Some(_) => return,
    };
    let default = declared.variables.iter().find_map(|variable| {
        let (text, span) = variable.default.as_ref()?;
        let fits = !text.is_empty()
            && (text == image || image.starts_with(&format!("{text}:")) || image.ends_with(&format!(":{text}")));
        fits.then_some(*span)
    });
    let place = match (default, &declared.source) {
        (Some(span), Some(source)) => Some((Arc::clone(source), span)),
        _ => place_of(findings, job, &[format!("\"{image}\""), "image".to_owned()]),
    };
    findings.add(Rule::LatestTag, message, place.as_ref().map(|(source, span)| (source, *span)), hint);
}

fn resources(job: &RenderedJob, task: &Json, findings: &mut Findings<'_>) {
    if !task["Resources"].is_null() {
        return;
    }
    let name = task["Name"].as_str().unwrap_or_default();
    let place = place_of(findings, job, &[format!("task \"{name}\""), "task ".to_owned()]);
    findings.add(
        Rule::MissingResources,
        format!("the task `{name}` has no resources, so that it gets 100 MHz and 300 MiB"),
        place.as_ref().map(|(source, span)| (source, *span)),
        "write resources { cpu = …  memory = … }",
    );
}

/// Values of sensitive variables are better kept in the engine's variables than in the job.
fn secrets(job: &RenderedJob, declared: &Declared, values: &Value, findings: &mut Findings<'_>) {
    let Some(entries) = values.as_entries() else { return };
    for variable in declared.variables.iter().filter(|variable| variable.sensitive) {
        let Some(value) = entries.get(variable.name.as_str()).and_then(|value| value.as_str()) else { continue };
        if value.chars().count() < MIN_SECRET_CHARS || !job.text.contains(value) {
            continue;
        }
        let name = &variable.name;
        let place = place_of(findings, job, std::slice::from_ref(name));
        findings.add(
            Rule::SecretInJob,
            format!(
                "the sensitive variable `{name}` is written into the job, where everybody who may read the job reads it"
            ),
            place.as_ref().map(|(source, span)| (source, *span)),
            "keep it in a `variables` block of resources.hcl.tera, and read it in a `template` of the task",
        );
    }
}

/// The first of `needles` in the job's template, or in any of the pack's; else where the template begins.
fn place_of(findings: &Findings<'_>, job: &RenderedJob, needles: &[String]) -> Option<(Arc<Source>, Span)> {
    let pack = findings.pack;
    let mut files = vec![job.template.as_str()];
    files.extend(
        pack.files.keys().map(String::as_str).filter(|name| name.starts_with("templates/") && *name != job.template),
    );
    find(pack, &files, needles).or_else(|| Some((super::source(pack, &job.template)?, Span::new(0, 0))))
}
