//! `undo`: back to what an earlier release wanted.

use crate::context::Context;
use crate::error::CliError;
use crate::registry::{Invoke, Outcome};
use crate::stacks::{CarryArgs, Secrets, Session, StackArgs, StackRef, Work, explained, print_plan};
use drover_stack::record::{Record, Status};

/// Plans an earlier release, shows the plan, asks, and carries it out.
#[derive(clap::Args)]
#[command(next_help_heading = "Undo Options")]
pub struct Undo {
    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    carry: CarryArgs,
    /// Goes back to this release instead of the one before the last; `drover history` lists them.
    #[arg(long, value_name = "release")]
    to: Option<u64>,
    /// Only shows what would change.
    #[arg(long = "plan")]
    plan_only: bool,
    #[arg(hide = true)]
    path: Option<String>,
}

impl Invoke for Undo {
    fn invoke(self, context: &Context) -> Outcome {
        let found = StackRef::find(&self.stack, self.path.as_deref(), context)?;
        let secrets = Secrets::new(&self.stack, self.path.as_deref(), context)?;
        context.block_on(async {
            let record = found.record().await?;
            let number = match self.to {
                Some(number) => number,
                None => before(&record).ok_or_else(|| {
                    CliError::new(format!("stack {} has no earlier release to go back to", found.stack))
                        .hint(format!("drover history {}", found.stack))
                })?,
            };
            let release = found.engine.release(&found.stack, &found.namespace, number).await;
            let release = release.map_err(|error| explained(&error))?;
            let desired = release
                .desired(&found.stack, &found.namespace, secrets.resolver(), &record.key, &|name| {
                    secrets.variable(name)
                })
                .map_err(|error| explained(&error))?;
            let session = Session { desired, masker: secrets.resolver().taint().masker(), secrets: secrets.shared() };
            let make = async || Ok(session.plan(&found.engine, &self.stack.options()).await?.0);
            let plan = make().await?;
            print_plan(&plan, self.stack.json);
            if self.plan_only {
                return Ok(0);
            }
            let work = Work {
                context,
                engine: &found.engine,
                masker: &session.masker,
                secrets: &session.secrets,
                args: &self.carry,
                consent: self.carry.consent(),
                cause: format!("undo to release {number}"),
                json: self.stack.json,
            };
            work.carry_out(plan, &make).await
        })
    }
}

/// The last whole release before what the engine holds now.
fn before(record: &Record) -> Option<u64> {
    let mut kept = record.history.iter().filter(|release| release.is_kept);
    // What was killed has left something that no release says; what was put back has left nothing.
    let is_unknown = record.history.first().is_some_and(|last| !last.is_kept && last.status != Status::Reverted);
    if !is_unknown {
        kept.next()?;
    }
    kept.find(|release| release.status == Status::Done).map(|release| release.number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_stack::record::Release;

    fn record(releases: &[(u64, Status, bool)]) -> Record {
        let release = |(number, status, is_kept): &(u64, Status, bool)| Release {
            number: *number,
            status: *status,
            is_kept: *is_kept,
            ..Release::default()
        };
        let mut record = Record::default();
        record.history = releases.iter().map(release).collect();
        record
    }

    #[test]
    fn undo_goes_to_the_last_whole_release_before_what_is_there() {
        let (done, failed) = (Status::Done, Status::Failed);
        assert_eq!(before(&record(&[(2, done, true), (1, done, true)])), Some(1));
        assert_eq!(before(&record(&[(3, failed, true), (2, failed, true), (1, done, true)])), Some(1));
        assert_eq!(before(&record(&[(3, Status::Applying, false), (2, done, true), (1, done, true)])), Some(2));
        assert_eq!(before(&record(&[(3, Status::Reverted, false), (2, done, true), (1, done, true)])), Some(1));
        assert_eq!(before(&record(&[(1, done, true)])), None);
    }
}
