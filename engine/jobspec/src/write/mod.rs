//! Jobs to job files: the way back, for jobs that run and have no file.
//!
//! [`write()`] writes everything that the job says, reads its own text again to be sure that it is the same job, and then leaves
//! out, one by one, what the job would be the same without. So a file holds what its author must have meant, and never what
//! every job has.

mod layout;
mod schema;

use std::sync::Arc;

use drover_hcl::Source;
use drover_wire::admission::admit;
use drover_wire::job::Job;
use serde_json::Value as Json;

use crate::{Options, parse};
use layout::{Body, Quoting};

/// What the engine sets, or what groups have taken over: no file says it.
const NOT_WRITTEN: [&str; 23] = [
    "CreateIndex",
    "ConsulNamespace",
    "ConsulToken",
    "DispatchIdempotencyToken",
    "Dispatched",
    "JobModifyIndex",
    "Migrate",
    "ModifyIndex",
    "NomadTokenID",
    "ParentID",
    "Payload",
    "Reschedule",
    "Stable",
    "Status",
    "StatusDescription",
    "Stop",
    "SubmitTime",
    "Update",
    "VaultNamespace",
    "VaultToken",
    "Version",
    "VersionTag",
    "Warnings",
];

/// Why there is no job file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// It is not a job.
    #[error("this is not a job: {0}")]
    NotAJob(String),
    /// Job files cannot say something of it.
    #[error("a job file cannot say {}; as JSON it can be kept whole", what.join(", "))]
    NotExpressible {
        /// The places in the job, as `TaskGroups[0].Services[0].Connect`.
        what: Vec<String>,
    },
}

/// The job file of a job in the API's form, which reads back to the same job.
///
/// # Errors
/// When it is no job, or a job file cannot say all of it.
pub fn write(job: &Json) -> Result<String, WriteError> {
    let mut job = job.clone();
    if let Some(members) = job.as_object_mut() {
        members.retain(|key, _| !NOT_WRITTEN.contains(&key.as_str()));
    }
    let submitted: Job = serde_json::from_value(job).map_err(|error| WriteError::NotAJob(error.to_string()))?;
    let wanted = canonical(submitted).map_err(|problem| WriteError::NotExpressible { what: vec![problem] })?;
    let mut last = Vec::new();
    for quoting in [Quoting::Readable, Quoting::Exact] {
        let mut body = schema::job(&wanted);
        let text = |body: &Body| body.render(quoting);
        match read(&text(&body)) {
            Some(again) if again == wanted => {
                prune(&mut body, &|body| read(&text(body)).is_some_and(|again| again == wanted));
                return Ok(text(&body));
            }
            Some(again) => {
                last.clear();
                differences(&wanted, &again, String::new(), &mut last);
            }
            None => last = vec!["something of it (the text that was written cannot be read)".to_owned()],
        }
    }
    Err(WriteError::NotExpressible { what: last })
}

/// The form in which two jobs that mean the same are the same: the engine's own. Otherwise why it cannot have one.
fn canonical(job: Job) -> Result<Json, String> {
    let admitted = admit(job).map_err(|problems| problems.to_string())?;
    let mut job = serde_json::to_value(&admitted.job).unwrap_or_default();
    if let Some(members) = job.as_object_mut() {
        members.retain(|key, _| !NOT_WRITTEN.contains(&key.as_str()));
    }
    Ok(without_nothing(job))
}

fn read(text: &str) -> Option<Json> {
    let source = Source::from_bytes("job.nomad.hcl", text.as_bytes()).ok()?;
    canonical(parse(&Arc::clone(&source), &Options::default()).ok()?).ok()
}

/// Nulls and empty lists say nothing.
fn without_nothing(value: Json) -> Json {
    match value {
        Json::Object(members) => Json::Object(
            members
                .into_iter()
                .map(|(key, value)| (key, without_nothing(value)))
                .filter(|(_, value)| !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty()))
                .collect(),
        ),
        Json::Array(items) => Json::Array(items.into_iter().map(without_nothing).collect()),
        other => other,
    }
}

/// Leaves out what the job is the same without, the largest parts first.
fn prune(root: &mut Body, is_same: &dyn Fn(&Body) -> bool) {
    let mut paths = Vec::new();
    root.paths(&mut Vec::new(), &mut paths);
    // From the outside in, and within one body from the end, so that places stay what they are.
    paths.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| b.cmp(a)));
    let mut gone: Vec<Vec<usize>> = Vec::new();
    for path in paths {
        if gone.iter().any(|gone| path.starts_with(gone)) {
            continue;
        }
        root.hide(&path, true);
        if is_same(root) {
            gone.push(path);
        } else {
            root.hide(&path, false);
        }
    }
}

/// Where two jobs differ.
fn differences(wanted: &Json, got: &Json, place: String, found: &mut Vec<String>) {
    const MOST: usize = 5;
    if wanted == got || found.len() >= MOST {
        return;
    }
    match (wanted, got) {
        (Json::Object(a), Json::Object(_)) => {
            for (key, value) in a {
                let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                differences(value, &got[key], place, found);
            }
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differences(a, b, format!("{place}[{index}]"), found);
            }
        }
        _ => found.push(place),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Reads a job file, writes it from its canonical form, and reads that again.
    fn round(text: &str) -> String {
        let wanted = read(text).expect("the test's text is a job");
        let written = write(&wanted).unwrap_or_else(|error| panic!("{error}\n{wanted:#}"));
        assert_eq!(read(&written).unwrap(), wanted, "{written}");
        written
    }

    #[test]
    fn what_every_job_has_is_left_out() {
        let text = round(
            "job \"web\" {\n  group \"g\" {\n    count = 2\n    task \"t\" {\n      driver = \"docker\"\n      config {\n        image = \"nginx:1\"\n      }\n    }\n  }\n}\n",
        );
        let expected = "job \"web\" {\n  group \"g\" {\n    count = 2\n\n    task \"t\" {\n      driver = \"docker\"\n\n      config {\n        image = \"nginx:1\"\n      }\n    }\n  }\n}\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn everything_that_is_said_comes_back() {
        let text = round(include_str!("../../tests/write/full.nomad.hcl"));
        assert!(text.contains("<<EOH"), "long texts keep their lines:\n{text}");
        assert!(text.contains("${NOMAD_PORT_http}"), "{text}");
    }

    #[test]
    fn what_the_engine_adds_is_not_written() {
        let mut job =
            read("job \"web\" {\n  group \"g\" {\n    task \"t\" {\n      driver = \"mock\"\n    }\n  }\n}\n").unwrap();
        for (key, value) in
            [("Status", json!("running")), ("Version", json!(7)), ("Stable", json!(true)), ("JobModifyIndex", json!(9))]
        {
            job[key] = value;
        }
        let text = write(&job).unwrap();
        assert!(!text.contains("running") && !text.contains('7'), "{text}");
    }

    #[test]
    fn what_files_cannot_say_is_named() {
        let job = json!({"ID": "web", "Name": "web", "TaskGroups": [{"Name": "g", "Tasks": [{"Name": "t", "Driver": "d",
            "Services": [{"Name": "s", "Connect": {"Native": true}}]}]}]});
        match write(&job) {
            Err(WriteError::NotExpressible { what }) => assert!(!what.is_empty()),
            other => panic!("{other:?}"),
        }
    }
}
