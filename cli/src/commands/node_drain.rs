//! `node drain`: moves work away from a node.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::registry::{Invoke, Outcome};
use crate::{output, prompt, resolve};
use drover_model::{DrainSpec, Nanos};
use drover_sdk::{Client, Query};
use serde_json::Map;
use std::collections::HashMap;
use std::time::Duration;

/// Drains a node.
#[derive(clap::Args)]
#[command(next_help_heading = "Node Drain Options")]
pub struct NodeDrain {
    #[command(flatten)]
    engine: ServerArgs,
    /// Begins.
    #[arg(long)]
    enable: bool,
    /// Ends.
    #[arg(long)]
    disable: bool,
    /// What still runs then is stopped; 1h unless said otherwise.
    #[arg(long, value_name = "duration")]
    deadline: Option<String>,
    /// Does not wait.
    #[arg(long)]
    detach: bool,
    /// Stops everything at once.
    #[arg(long)]
    force: bool,
    /// Waits for as long as it takes.
    #[arg(long = "no-deadline")]
    no_deadline: bool,
    /// Leaves system jobs alone.
    #[arg(long = "ignore-system")]
    ignore_system: bool,
    /// With `-disable`: no new work goes there all the same.
    #[arg(long = "keep-ineligible")]
    keep_ineligible: bool,
    /// Says why.
    #[arg(long = "m", value_name = "message")]
    message: Option<String>,
    /// Says more; may be given several times.
    #[arg(long, value_name = "key=value")]
    meta: Vec<String>,
    /// Watches a drain that was begun before.
    #[arg(long)]
    monitor: bool,
    /// The node of the agent at the address.
    #[arg(long = "self")]
    own: bool,
    /// Asks no questions.
    #[arg(long)]
    yes: bool,
    #[arg(hide = true)]
    node: Vec<String>,
}

impl Invoke for NodeDrain {
    fn invoke(self, context: &Context) -> Outcome {
        if !self.monitor && self.enable == self.disable {
            return Err(context.usage("Either the '-enable' or '-disable' flag must be set, unless using '-monitor'"));
        }
        let deadline = match (self.force, self.no_deadline, &self.deadline) {
            (true, _, _) => Nanos(-1),
            (_, true, _) => Nanos::ZERO,
            (_, _, Some(text)) => Nanos::parse(text)
                .map_err(|error| context.usage(format!("Failed to parse deadline \"{text}\": {error}")))?,
            _ => Nanos::from_hours(1),
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let id = match (self.node.as_slice(), self.own) {
                ([], true) => resolve::own_node(&client).await?,
                ([typed], false) => resolve::node(&client, typed, false).await?.id,
                _ => return Err(context.usage("Node ID must be specified if -self isn't being used")),
            };
            if self.monitor {
                return watch(&client, &id).await;
            }
            let verb = if self.enable { "enable" } else { "disable" };
            let question = format!("Are you sure you want to {verb} drain mode for node \"{id}\"?");
            let is_whole = self.own || self.node.first() == Some(&id);
            if !self.yes && !is_whole && prompt::can_ask() && !prompt::confirm(&question)? {
                output::line(&format!("Canceling drain toggle for node \"{id}\""));
                return Ok(0);
            }
            let mut meta = Map::new();
            for (key, value) in self.meta.iter().filter_map(|given| given.split_once('=')) {
                meta.insert(key.to_owned(), value.into());
            }
            if let Some(message) = &self.message {
                meta.insert("message".to_owned(), message.as_str().into());
            }
            let spec = DrainSpec { deadline, ignore_system_jobs: self.ignore_system };
            let spec = self.enable.then_some(&spec);
            client
                .drain_node(&id, spec, self.disable && !self.keep_ineligible, &meta)
                .await
                .during("Error updating drain specification")?;
            if !self.enable || self.detach {
                output::line(&format!("Node \"{id}\" drain strategy {}", if self.enable { "set" } else { "unset" }));
                return Ok(0);
            }
            let now = output::stamp(output::now());
            output::line(&format!("{now}: Ctrl-C to stop monitoring: will not cancel the node drain"));
            output::line(&format!("{now}: Node \"{id}\" drain strategy set"));
            watch(&client, &id).await
        })
    }
}

/// Wait between two looks at a draining node.
const PAUSE: Duration = Duration::from_millis(500);

/// Tells what happens to the node's allocations until the drain has ended and none is left running.
async fn watch(client: &Client, id: &str) -> Outcome {
    let say = |text: String| output::line(&format!("{}: {text}", output::stamp(output::now())));
    let mut seen: HashMap<String, (bool, String)> = HashMap::new();
    loop {
        let node = client.node(id, &Query::new()).await.during("Error retrieving node")?.value;
        let allocs = client.node_allocations(id, &Query::new()).await.during("Error retrieving allocations")?.value;
        let mut left = 0;
        for alloc in allocs {
            let (marked, status) = (alloc.desired_transition.should_migrate(), alloc.client_status.to_string());
            if !alloc.is_client_terminal() {
                left += 1;
            }
            match seen.insert(alloc.id.to_string(), (marked, status.clone())) {
                None => {}
                Some((was_marked, before)) => {
                    if marked && !was_marked {
                        say(format!("Alloc \"{}\" marked for migration", alloc.id));
                    }
                    if before != status {
                        say(format!("Alloc \"{}\" status {before} -> {status}", alloc.id));
                    }
                }
            }
        }
        if node.drain_strategy.is_none() {
            say(format!("Drain complete for node {id}"));
            if left == 0 {
                say(format!("All allocations on node \"{id}\" have stopped"));
            }
            return Ok(0);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
