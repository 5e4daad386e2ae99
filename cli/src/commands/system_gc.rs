//! `system gc`, `system reconcile summaries`: chores of the engine.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::registry::{Invoke, Outcome};

/// Collects garbage.
#[derive(clap::Args)]
#[command(next_help_heading = "GC Options")]
pub struct SystemGc {
    #[command(flatten)]
    engine: ServerArgs,
}

impl Invoke for SystemGc {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            client.collect_garbage().await.during("Error running system garbage-collection")?;
            Ok(0)
        })
    }
}

/// Recomputes summaries.
#[derive(clap::Args)]
#[command(next_help_heading = "Reconcile Options")]
pub struct ReconcileSummaries {
    #[command(flatten)]
    engine: ServerArgs,
}

impl Invoke for ReconcileSummaries {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            client.reconcile_summaries().await.during("Error running system summary reconciliation")?;
            Ok(0)
        })
    }
}
