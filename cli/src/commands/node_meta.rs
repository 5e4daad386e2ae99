//! `node meta read`, `node meta apply`: what a node says about itself.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::output::{self, bold, fields};
use crate::registry::{Invoke, Outcome};
use crate::resolve;
use drover_sdk::Client;
use serde_json::{Map, Value};

/// Shows a node's meta.
#[derive(clap::Args)]
#[command(next_help_heading = "Node Meta Options")]
pub struct Read {
    #[command(flatten)]
    engine: ServerArgs,
    /// The node; that of the agent unless said otherwise.
    #[arg(long = "node-id", value_name = "node-id")]
    node_id: Option<String>,
    #[command(flatten)]
    format: output::Format,
}

async fn whole_id(client: &Client, typed: Option<&str>) -> Result<Option<String>, crate::error::CliError> {
    match typed {
        Some(typed) => Ok(Some(resolve::node(client, typed, false).await?.id)),
        None => Ok(None),
    }
}

impl Invoke for Read {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let node = whole_id(&client, self.node_id.as_deref()).await?;
            let meta = client.node_metadata(node.as_deref()).await.during("Error reading dynamic node metadata")?;
            if self.format.is_set() {
                self.format.print(&meta)?;
                return Ok(0);
            }
            let section = |title: &str, name: &str| {
                // A key that was removed at run time is there without a value.
                let text = |value: &Value| value.as_str().unwrap_or("<unset>").to_owned();
                let pairs: Vec<(&str, String)> = meta[name]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(key, value)| (key.as_str(), text(value)))
                    .collect();
                format!("{}\n{}\n", bold(title), fields(&pairs))
            };
            let sections =
                [section("All Meta", "Meta"), section("Dynamic Meta", "Dynamic"), section("Static Meta", "Static")];
            output::line(sections.join("\n").trim_end());
            Ok(0)
        })
    }
}

/// Sets and removes keys.
#[derive(clap::Args)]
#[command(next_help_heading = "Node Meta Options")]
pub struct Apply {
    #[command(flatten)]
    engine: ServerArgs,
    /// The node; that of the agent unless said otherwise.
    #[arg(long = "node-id", value_name = "node-id")]
    node_id: Option<String>,
    /// Removes these keys.
    #[arg(long, value_name = "key1,...,keyN")]
    unset: Option<String>,
    #[arg(hide = true)]
    pairs: Vec<String>,
}

impl Invoke for Apply {
    fn invoke(self, context: &Context) -> Outcome {
        let mut meta = Map::new();
        for key in self.unset.iter().flat_map(|keys| keys.split(',')).filter(|key| !key.is_empty()) {
            meta.insert(key.to_owned(), Value::Null);
        }
        for pair in &self.pairs {
            match pair.split_once('=') {
                Some((key, value)) if !key.is_empty() => meta.insert(key.to_owned(), value.into()),
                _ => return Err(context.usage(format!("Invalid metadata {pair:?}: it must be key=value"))),
            };
        }
        if meta.is_empty() {
            return Err(context.usage("Must specify -unset or at least 1 key=value pair"));
        }
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let node = whole_id(&client, self.node_id.as_deref()).await?;
            let set = client.set_node_metadata(node.as_deref(), &meta.into()).await;
            set.during("Error applying dynamic node metadata")?;
            Ok(0)
        })
    }
}
