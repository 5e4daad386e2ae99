//! `history`: the releases of a stack.

use crate::context::Context;
use crate::output::{self, Table, fields};
use crate::registry::{Invoke, Outcome};
use crate::stacks::{StackArgs, StackRef, explained};
use drover_stack::record::{Record, Release};
use drover_stack::release::Snapshot;
use serde_json::{Value, json};

/// Lists releases, or shows one.
#[derive(clap::Args)]
#[command(next_help_heading = "History Options")]
pub struct History {
    #[command(flatten)]
    stack: StackArgs,
    /// Shows this release: what it did, and what it wanted of each resource.
    #[arg(long, value_name = "number")]
    release: Option<u64>,
    #[arg(hide = true)]
    path: Option<String>,
}

impl Invoke for History {
    fn invoke(self, context: &Context) -> Outcome {
        let found = StackRef::find(&self.stack, self.path.as_deref(), context)?;
        context.block_on(async {
            let record = found.record().await?;
            let Some(number) = self.release else {
                list(&found.stack, &record, self.stack.json);
                return Ok(0);
            };
            let release = record.history.iter().find(|release| release.number == number);
            let kept = found.engine.release(&found.stack, &found.namespace, number).await;
            match (release, kept) {
                (None, Err(error)) => return Err(explained(&error)),
                (Some(release), Err(error)) if release.is_kept => return Err(explained(&error)),
                (release, kept) => show(&found.stack, release, kept.ok().as_ref(), self.stack.json),
            }
            Ok(0)
        })
    }
}

fn list(stack: &str, record: &Record, json: bool) {
    if json {
        let object = json!({"version": 1, "stack": stack, "release": record.release, "history": record.history});
        output::line(&output::json(&object));
        return;
    }
    let mut table = Table::new(&["Release", "When", "Who", "What", "Result", "Changes"]);
    for release in &record.history {
        table.row([
            release.number.to_string(),
            when(&release.at),
            release.by.clone(),
            release.cause.clone(),
            release.status.name().to_owned(),
            release.summary(),
        ]);
    }
    output::line(&table.render());
    output::line(&format!("\nOne of them: drover history -release=N {stack}. Back to it: drover undo -to=N {stack}."));
}

fn show(stack: &str, release: Option<&Release>, kept: Option<&Snapshot>, json: bool) {
    if json {
        let resources: Vec<Value> = kept.map(resources).unwrap_or_default();
        let object = json!({"version": 1, "stack": stack, "release": release, "resources": resources});
        output::line(&output::json(&object));
        return;
    }
    if let Some(release) = release {
        output::line(&fields(&[
            ("Stack", stack.to_owned()),
            ("Release", release.number.to_string()),
            ("When", when(&release.at)),
            ("Who", release.by.clone()),
            ("What", release.cause.clone()),
            ("Result", release.status.name().to_owned()),
            ("Changes", release.summary()),
        ]));
        for (what, addresses) in [
            ("created", &release.created),
            ("updated", &release.updated),
            ("deleted", &release.deleted),
            ("not done", &release.not_done),
            ("put back", &release.reverted),
        ] {
            addresses.iter().for_each(|address| output::line(&format!("  {what:<9} {address}")));
        }
    }
    let Some(kept) = kept else {
        output::line("\nWhat it wanted is not kept: it was killed, or everything was put back.");
        return;
    };
    let mut table = Table::new(&["Resource", "What", "Secrets from"]);
    for (address, resource) in &kept.resources {
        let secrets: Vec<&str> = resource.secret_names().collect();
        table.row([address.clone(), resource.target.to_string(), secrets.join(", ")]);
    }
    output::line(&format!("\nWhat it wanted\n{}", table.render()));
}

/// Values of variables are not shown: that is where secrets live.
fn resources(kept: &Snapshot) -> Vec<Value> {
    let resource = |(address, resource): (&String, &drover_stack::release::Kept)| {
        let mut wanted = match resource.shown() {
            Ok(wanted) => wanted.clone(),
            Err(reason) => json!({"not_kept": reason}),
        };
        for (_, value) in wanted["spec"]["variables"]["items"].as_object_mut().into_iter().flatten() {
            *value = json!("(sensitive)");
        }
        let secrets: Vec<&str> = resource.secret_names().collect();
        json!({"address": address, "target": resource.target, "wanted": wanted, "secrets": secrets})
    };
    kept.resources.iter().map(resource).collect()
}

/// A time without its fractions.
fn when(at: &str) -> String {
    match at.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => at.to_owned(),
    }
}
