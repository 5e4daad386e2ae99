//! Jobs in the API's JSON: bare or under `Job`.

use drover_wire::job::{Job, normalize_settings};
use serde::Deserialize;

/// Largest job in the API's JSON, in bytes.
pub const MAX_SUBMISSION_BYTES: usize = 16 << 20;

/// JSON that is no job.
#[derive(Debug, thiserror::Error)]
pub enum SubmissionError {
    /// Not JSON at all.
    #[error("failed to parse JSON job: {0}")]
    Syntax(serde_json::Error),
    /// A field holds the wrong type.
    #[error("failed to parse JSON job: {path}: {message}")]
    Field {
        /// Where, such as `TaskGroups[0].Count`.
        path: String,
        /// What is wrong.
        message: String,
        /// The line in the text, from 1.
        line: usize,
        /// The byte in that line, from 1.
        column: usize,
    },
    /// Too large.
    #[error("the JSON job has {0} bytes; at most {MAX_SUBMISSION_BYTES} are read")]
    TooLarge(usize),
}

/// Reads a job in the API's JSON. Nothing is filled in, not even the ID.
///
/// # Errors
/// The text is no JSON, or a field holds the wrong type.
pub fn parse_submission(text: &str) -> Result<Job, SubmissionError> {
    if text.len() > MAX_SUBMISSION_BYTES {
        return Err(SubmissionError::TooLarge(text.len()));
    }
    let envelope: Envelope = read(text)?;
    let mut job = match envelope.job {
        Some(job) => job,
        None => read(text)?,
    };
    normalize_job(&mut job);
    Ok(job)
}

#[derive(Default)]
struct Envelope {
    job: Option<Job>,
}

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> serde::de::Visitor<'de> for Reader {
            type Value = Envelope;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a job")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Envelope, A::Error> {
                let mut envelope = Envelope::default();
                while let Some(key) = map.next_key::<String>()? {
                    if key.eq_ignore_ascii_case("Job") {
                        envelope.job = map.next_value()?;
                    } else {
                        map.next_value::<serde::de::IgnoredAny>()?;
                    }
                }
                Ok(envelope)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

fn read<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, SubmissionError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            SubmissionError::Field { path, message: inner.to_string(), line: inner.line(), column: inner.column() }
        } else {
            SubmissionError::Syntax(inner)
        }
    })?;
    deserializer.end().map_err(SubmissionError::Syntax)?;
    Ok(value)
}

/// Values without a schema hold 64-bit floats when they come as JSON.
fn normalize_job(job: &mut Job) {
    for group in job.task_groups.iter_mut().flatten() {
        if let Some(policy) = group.scaling.as_mut().and_then(|scaling| scaling.policy.as_mut()) {
            normalize_settings(policy);
        }
        for task in group.tasks.iter_mut().flatten() {
            task.config.iter_mut().for_each(normalize_settings);
            task.secrets.iter_mut().flatten().filter_map(|secret| secret.config.as_mut()).for_each(normalize_settings);
            let policies = task.scaling_policies.iter_mut().flatten();
            policies.filter_map(|scaling| scaling.policy.as_mut()).for_each(normalize_settings);
        }
    }
}
