//! `pack lock`: pins the registries' packs that a stack or pack names, or brings newer versions of them.

use crate::context::Context;
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};
use crate::stacks::StackArgs;
use drover_registry::{LOCK_FILE, Locking};

/// Writes the lock file.
#[derive(clap::Args)]
#[command(next_help_heading = "Lock Options")]
pub struct Lock {
    #[command(flatten)]
    stack: StackArgs,
    /// Chooses the newest version in each range, and forgets packs that are named no more.
    #[arg(long)]
    update: bool,
    /// Changes nothing: a pack that is not pinned is an error.
    #[arg(long, conflicts_with = "update")]
    check: bool,
    #[arg(hide = true)]
    paths: Vec<String>,
}

impl Invoke for Lock {
    fn invoke(self, context: &Context) -> Outcome {
        let path = super::one_path(context, &self.paths)?;
        let locking = match (self.update, self.check) {
            (true, _) => Locking::Update,
            (_, true) => Locking::ReadOnly,
            _ => Locking::Keep,
        };
        let Some(lock) = self.stack.lock(path, context, locking)? else {
            output::line("No pack of a registry is named here.");
            return Ok(0);
        };
        let mut table = Table::new(&["Pack", "Version", "Digest"]);
        for (address, pin) in lock.iter() {
            table.row([address.to_owned(), pin.version.to_string(), pin.digest.to_string()]);
        }
        output::line(&table.render());
        output::line(&format!("\nPinned in {LOCK_FILE}."));
        Ok(0)
    }
}
