//! `pack status`: what the engine holds of a pack.

use super::one_path;
use crate::commands::show::show;
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::registry::{Invoke, Outcome};
use crate::stacks::explained;
use drover_packs::{Pack, files};
use drover_stack::Engine;
use std::path::Path;

/// Shows a deployed pack.
#[derive(clap::Args)]
#[command(next_help_heading = "Status Options")]
pub struct Status {
    #[command(flatten)]
    engine: EngineArgs,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[arg(hide = true)]
    paths: Vec<String>,
}

impl Invoke for Status {
    fn invoke(self, context: &Context) -> Outcome {
        let given = one_path(context, &self.paths)?;
        // A folder, or the name that it was deployed under.
        let name = if files::is_pack(Path::new(given)) {
            Pack::load(Path::new(given)).map_err(|error| explained(&error))?.metadata.name
        } else {
            given.to_owned()
        };
        let engine = Engine::new(self.engine.connect(context)?);
        let namespace = self.engine.namespace.clone().unwrap_or_else(|| "default".to_owned());
        context.block_on(show(&engine, &name, &namespace, self.json))
    }
}
