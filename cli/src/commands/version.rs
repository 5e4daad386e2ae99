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
        // Clients and scripts read the first line: it says which API is spoken, as for Nomad.
        Program::Drover => {
            format!("Drover v{COMPATIBLE}\nRelease {own}; the line above is the version of the Nomad API it speaks")
        }
        Program::Nomad => format!("Nomad v{COMPATIBLE}\nBuildDate 2026-01-01T00:00:00Z\nRevision drover-{own}"),
    }
}
