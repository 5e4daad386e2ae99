//! `operator client-state`: what a stopped agent's node keeps on disk.

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use std::path::Path;

/// Prints what a node keeps on disk.
#[derive(clap::Args)]
pub struct ClientState {
    #[arg(hide = true)]
    path: Vec<String>,
}

impl Invoke for ClientState {
    fn invoke(self, context: &Context) -> Outcome {
        let [path] = self.path.as_slice() else {
            return Err(context.usage("This command takes one argument: <path_to_nomad_dir>"));
        };
        let state = drover_agent::offline::client_state(Path::new(path));
        let state =
            state.map_err(|error| CliError::new(format!("Failed to read the client state in {path}: {error}")))?;
        output::line(&state.to_string());
        Ok(0)
    }
}
