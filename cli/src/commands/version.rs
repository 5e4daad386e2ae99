//! `version`: who answers.

use crate::context::{Context, Program};
use crate::output;
use crate::registry::{Invoke, Outcome};

/// The Nomad API that Drover speaks.
const COMPATIBLE: &str = "2.0.5";

/// Prints the version.
#[derive(clap::Args)]
pub struct Version {}

impl Invoke for Version {
    fn invoke(self, context: &Context) -> Outcome {
        output::line(&text(context.program));
        Ok(0)
    }
}

/// The version's text.
pub fn text(program: Program) -> String {
    let own = env!("CARGO_PKG_VERSION");
    match program {
        Program::Drover => format!("Drover v{own} (speaks the Nomad v{COMPATIBLE} API)"),
        Program::Nomad => format!("Nomad v{COMPATIBLE}\nBuildDate 2026-01-01T00:00:00Z\nRevision drover-{own}"),
    }
}
