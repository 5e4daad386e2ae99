//! `local stop`: ends the local engine; its tasks go on.

use crate::context::Context;
use crate::engine::local_paths;
use crate::error::CliError;
use crate::registry::{Invoke, Outcome};
use crate::{local, output};

/// Stops the local engine.
#[derive(clap::Args)]
pub struct LocalStop {}

impl Invoke for LocalStop {
    fn invoke(self, _: &Context) -> Outcome {
        let stopped = local::stop(&local_paths()?).map_err(|e| CliError::new(drover_base::error::chain(&e)))?;
        match stopped {
            Some(engine) => output::line(&format!(
                "Stopped the local engine (process {}). Its tasks go on; `drover local reset` ends them too.",
                engine.pid
            )),
            None => output::line("The local engine is not running."),
        }
        Ok(0)
    }
}
