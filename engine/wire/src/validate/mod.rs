//! What a job must satisfy by itself, all problems at once, in the words of the reference.
//! One file per concern; each works on the submission form with its defaults filled in.

mod artifact;
mod check;
mod group;
mod identity;
mod job;
mod network;
mod pattern;
pub(crate) mod placement;
mod policies;
mod resources;
mod scaling;
mod schedule;
mod service;
mod task;
mod template;
#[cfg(test)]
mod tests;
mod volume;
mod warn;

pub(crate) use job::{job, rules};
pub(crate) use warn::warnings;

use drover_base::Nanos;

/// The text of an optional field.
fn text(field: &Option<String>) -> &str {
    field.as_deref().unwrap_or_default()
}

/// A duration as people read it.
fn nanos(field: Option<i64>) -> Nanos {
    Nanos(field.unwrap_or_default())
}

/// The items of an optional list.
fn items<T>(field: &Option<Vec<T>>) -> &[T] {
    field.as_deref().unwrap_or_default()
}

/// Letters, digits and `extra`, at most 128 of them.
fn is_name(name: &str, extra: &[char]) -> bool {
    (1..=128).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(&c))
}

/// Whether a path climbs out of the allocation's directory, starting `depth` levels below it.
fn escapes(path: &str, depth: usize) -> bool {
    let mut depth = depth;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}
