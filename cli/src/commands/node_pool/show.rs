//! `node pool list`, `node pool info`.

use super::only;
use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::output::{self, Table, bold, fields};
use crate::registry::{Invoke, Outcome};
use drover_base::Nanos;
use drover_sdk::Query;
use serde_json::Value;

/// Lists pools.
#[derive(clap::Args)]
#[command(next_help_heading = "List Options")]
pub struct List {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
    /// Only those that match.
    #[arg(long, value_name = "expression")]
    filter: Option<String>,
    #[command(flatten)]
    page: super::Page,
}

impl Invoke for List {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let query = self.filter.as_ref().map_or_else(Query::new, |filter| Query::new().filter(filter));
            let answer = client.node_pools(&self.page.of(query)).await.during("Error querying node pools")?;
            let (mut pools, next) = (answer.value, answer.next_token);
            pools.iter_mut().for_each(shown);
            if self.format.is_set() {
                self.format.print(&pools)?;
                return Ok(0);
            }
            let mut table = Table::new(&["Name", "Description"]);
            for pool in &pools {
                let text = |name: &str| pool[name].as_str().unwrap_or_default().to_owned();
                table.row([text("Name"), text("Description")]);
            }
            output::line(&if pools.is_empty() { "No node pools".to_owned() } else { table.render() });
            super::tell_next(&next);
            Ok(0)
        })
    }
}

/// Shows a pool.
#[derive(clap::Args)]
#[command(next_help_heading = "Info Options")]
pub struct Info {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
    #[arg(hide = true)]
    pool: Vec<String>,
}

impl Invoke for Info {
    fn invoke(self, context: &Context) -> Outcome {
        let name = only(context, &self.pool, "node-pool")?;
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let mut pool = client.node_pool(name).await.during("Error retrieving node pool")?;
            shown(&mut pool);
            if self.format.is_set() {
                self.format.print(&pool)?;
                return Ok(0);
            }
            let text = |name: &str| pool[name].as_str().unwrap_or_default().to_owned();
            let about = fields(&[
                ("Name", text("Name")),
                ("Description", text("Description")),
                ("Node Identity TTL", text("NodeIdentityTTL")),
            ]);
            let scheduler = match &pool["SchedulerConfiguration"] {
                Value::Null => "No scheduler configuration".to_owned(),
                scheduler => fields(&[
                    ("Scheduler Algorithm", scheduler["SchedulerAlgorithm"].as_str().unwrap_or_default().to_owned()),
                    (
                        "Memory Oversubscription Enabled",
                        scheduler["MemoryOversubscriptionEnabled"]
                            .as_bool()
                            .map(|set| set.to_string())
                            .unwrap_or_default(),
                    ),
                ]),
            };
            let (meta, title) = (metadata(&pool["Meta"]), bold("Scheduler Configuration"));
            output::line(&format!("{about}\n\n{}\n{meta}\n\n{title}\n{scheduler}", bold("Metadata")));
            Ok(0)
        })
    }
}

fn metadata(meta: &Value) -> String {
    let Some(meta) = meta.as_object().filter(|meta| !meta.is_empty()) else { return "No metadata".to_owned() };
    let pairs: Vec<(&str, String)> =
        meta.iter().map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default().to_owned())).collect();
    fields(&pairs)
}

/// A pool as people read it: durations as text, without the hash that tells versions apart.
fn shown(pool: &mut Value) {
    if let Some(ttl) = pool["NodeIdentityTTL"].as_i64() {
        pool["NodeIdentityTTL"] = Nanos(ttl).to_string().into();
    }
    if let Some(fields) = pool.as_object_mut() {
        fields.remove("Hash");
    }
}
