//! `sync status`, `sync pause`, `sync resume`: what a person sees of a stack that follows a repository, and says to it.

use super::git;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, Table, fields};
use crate::registry::{Invoke, Outcome};
use crate::stacks::{StackArgs, StackRef, engine_error, who};
use drover_stack::sync::SyncState;

/// Shows how far it is.
#[derive(clap::Args)]
#[command(next_help_heading = "Sync Options")]
pub struct Status {
    #[command(flatten)]
    stack: StackArgs,
    #[arg(hide = true)]
    path: Option<String>,
}

/// Stops applying.
#[derive(clap::Args)]
#[command(next_help_heading = "Sync Options")]
pub struct Pause {
    #[command(flatten)]
    stack: StackArgs,
    #[arg(hide = true)]
    path: Option<String>,
}

/// Goes on.
#[derive(clap::Args)]
#[command(next_help_heading = "Sync Options")]
pub struct Resume {
    #[command(flatten)]
    stack: StackArgs,
    #[arg(hide = true)]
    path: Option<String>,
}

impl Invoke for Status {
    fn invoke(self, context: &Context) -> Outcome {
        let found = StackRef::find(&self.stack, self.path.as_deref(), context)?;
        let (state, index) = context.block_on(async {
            found.engine.sync_state(&found.stack, &found.namespace).await.map_err(|error| engine_error(&error))
        })?;
        if index == 0 {
            return Err(
                CliError::new(format!("stack {} follows no repository", found.stack)).hint("drover sync -repo=URL")
            );
        }
        if self.stack.json {
            output::line(&output::json(&state));
        } else {
            show(&found.stack, &state);
        }
        Ok(0)
    }
}

impl Invoke for Pause {
    fn invoke(self, context: &Context) -> Outcome {
        change(&self.stack, self.path.as_deref(), context, true)
    }
}

impl Invoke for Resume {
    fn invoke(self, context: &Context) -> Outcome {
        change(&self.stack, self.path.as_deref(), context, false)
    }
}

fn change(arguments: &StackArgs, path: Option<&str>, context: &Context, pause: bool) -> Outcome {
    let found = StackRef::find(arguments, path, context)?;
    let by = if pause { format!("{} at {}", who::name(), crate::stacks::now()) } else { String::new() };
    let change = |state: &mut SyncState| {
        state.paused = pause;
        state.paused_by.clone_from(&by);
    };
    context.block_on(async {
        let changed = found.engine.change_sync_state(&found.stack, &found.namespace, &change).await;
        changed.map_err(|error| engine_error(&error))
    })?;
    output::line(&if pause {
        format!("Stack {} is paused: nothing is applied until `drover sync resume {}`.", found.stack, found.stack)
    } else {
        format!("Stack {} follows its repository again, from the next round on.", found.stack)
    });
    Ok(0)
}

fn show(stack: &str, state: &SyncState) {
    let paused = if state.paused { format!("yes, by {}", state.paused_by) } else { "no".to_owned() };
    let last = state.rounds.first();
    output::line(&fields(&[
        ("Stack", stack.to_owned()),
        ("Repository", git::without_password(&state.repository)),
        ("Branch", state.branch.clone()),
        ("Path", state.path.clone()),
        ("Paused", paused),
        ("Result", last.map_or("none yet", |round| round.result.name()).to_owned()),
        ("Commit", last.map(|round| git::short(&round.commit).to_owned()).unwrap_or_default()),
    ]));
    if state.rounds.is_empty() {
        return;
    }
    let mut table = Table::new(&["When", "Commit", "Result", "What"]);
    for round in &state.rounds {
        let at = round.at.split_once('.').map_or(round.at.clone(), |(seconds, _)| format!("{seconds}Z"));
        let what = round.message.lines().next().unwrap_or_default().to_owned();
        table.row([at, git::short(&round.commit).to_owned(), round.result.name().to_owned(), what]);
    }
    output::line(&format!("\n{}", table.render()));
}
