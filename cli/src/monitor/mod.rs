//! Watching what a write sets in motion: the evaluation, then the deployment.

mod deployment;
mod evaluation;
mod metrics;

pub use deployment::{describe, groups_table, watch as watch_deployment};
pub use evaluation::watch;
pub use metrics::failure_lines;

use crate::output;

/// A line with the time, as monitors print them: `==> TIME: …` for headings.
pub fn heading(text: &str) {
    output::line(&output::bold(&format!("==> {}: {text}", output::stamp(output::now()))));
}

/// A line with the time below a heading.
pub fn detail(text: &str) {
    output::line(&format!("    {}: {text}", output::stamp(output::now())));
}
