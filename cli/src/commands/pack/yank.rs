//! `pack yank`: takes a published version back. Who has pinned it keeps it; nobody chooses it any more.

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registries::Target;
use crate::registry::{Invoke, Outcome};
use crate::stacks::{explained, now};
use drover_registry::wire::Yanked;

/// Takes a version back.
#[derive(clap::Args)]
#[command(next_help_heading = "Yank Options")]
pub struct Yank {
    /// Why; those who would have used it read it.
    #[arg(long, value_name = "text")]
    reason: Option<String>,
    /// Brings it again.
    #[arg(long, conflicts_with = "reason")]
    undo: bool,
    #[arg(hide = true)]
    packs: Vec<String>,
}

impl Invoke for Yank {
    fn invoke(self, context: &Context) -> Outcome {
        let [named] = self.packs.as_slice() else {
            return Err(context.usage("name one version, as team/web@1.2.3"));
        };
        let target = Target::find(named)?;
        let wanted = target.version.as_deref().and_then(|version| drover_registry::name::version(version).ok());
        let version = wanted.ok_or_else(|| context.usage("name the version, as team/web@1.2.3"))?;
        let by = std::env::var("USER").unwrap_or_default();
        let yanked = Yanked { at: now(), by, reason: self.reason.unwrap_or_default() };
        let yanked = Some(&yanked).filter(|_| !self.undo);
        let shown = format!("{} {version}", target.address);
        context.block_on(async {
            let versions = target.client.versions(&target.address.pack).await.map_err(|error| explained(&error))?;
            let published = versions.iter().find(|one| one.version == version);
            let published = published.ok_or_else(|| CliError::new(format!("{shown} is not published")))?;
            target.client.yank(&target.address.pack, published, yanked).await.map_err(|error| explained(&error))
        })?;
        output::line(&match yanked {
            Some(_) => format!("{shown} is taken back. Lock files that pin it still work."),
            None => format!("{shown} is there again."),
        });
        Ok(0)
    }
}
