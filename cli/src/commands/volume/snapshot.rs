//! `volume snapshot create`, `volume snapshot list`, `volume snapshot delete`.

use super::{find_one, text};
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;
use serde_json::{Map, Value, json};

/// `key=value` flags as an object.
fn pairs(flags: &[String]) -> Result<Value, CliError> {
    let pair = |flag: &String| {
        let (key, value) =
            flag.split_once('=').ok_or_else(|| CliError::new(format!("\"{flag}\" should be key=value")))?;
        Ok((key.to_owned(), Value::String(value.to_owned())))
    };
    flags.iter().map(pair).collect::<Result<Map<_, _>, CliError>>().map(Value::Object)
}

fn table(snapshots: &[Value], verbose: bool) -> String {
    let mut table = Table::new(&["Snapshot ID", "Volume ID", "Size", "Create Time", "Ready?"]);
    let cut = |id: String| {
        if verbose || id.chars().count() <= 20 { id } else { id.chars().take(20).collect::<String>() + "…" }
    };
    for snapshot in snapshots {
        let size = u64::try_from(snapshot["SizeBytes"].as_i64().unwrap_or(0)).unwrap_or(0);
        let made = snapshot["CreateTime"].as_i64().unwrap_or(0);
        let made = drover_base::UnixNanos(made.saturating_mul(1_000_000_000));
        let source = match text(snapshot, "SourceVolumeID") {
            id if id.is_empty() => text(snapshot, "ExternalSourceVolumeID"),
            id => id,
        };
        table.row([
            cut(text(snapshot, "ID")),
            cut(source),
            output::bytes(size),
            output::stamp_or(made, "None"),
            text(snapshot, "IsReady"),
        ]);
    }
    table.render()
}

/// Makes a snapshot of a volume.
#[derive(clap::Args)]
#[command(next_help_heading = "Snapshot Create Options")]
pub struct Create {
    #[command(flatten)]
    engine: EngineArgs,
    /// For the plugin, as key=value; may be given several times.
    #[arg(long, value_name = "key=value")]
    parameter: Vec<String>,
    /// What the plugin needs to be let in, as key=value; may be given several times.
    #[arg(long, value_name = "key=value")]
    secret: Vec<String>,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

impl Invoke for Create {
    fn invoke(self, context: &Context) -> Outcome {
        let [volume, name] = self.arguments.as_slice() else {
            return Err(context.usage("This command takes two arguments: <vol id> <snapshot name>"));
        };
        let (secrets, parameters) = (pairs(&self.secret)?, pairs(&self.parameter)?);
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let found = find_one(&client, "csi", volume, "Error snapshotting volume").await?;
            let wanted =
                json!({"SourceVolumeID": found["ID"], "Name": name, "Secrets": secrets, "Parameters": parameters});
            let made = client.create_csi_snapshot(&wanted).await.during("Error snapshotting volume")?;
            let snapshots = made["Snapshots"].as_array().cloned().unwrap_or_default();
            output::line(&table(&snapshots, self.verbose));
            Ok(0)
        })
    }
}

/// Lists the snapshots of a plugin's provider.
#[derive(clap::Args)]
#[command(next_help_heading = "List Options")]
pub struct List {
    #[command(flatten)]
    engine: EngineArgs,
    /// Where the page begins.
    #[arg(long = "page-token", value_name = "token")]
    page_token: Option<String>,
    /// How many per page.
    #[arg(long = "per-page", value_name = "count", default_value_t = 30)]
    per_page: u32,
    /// The plugin; required.
    #[arg(long, value_name = "plugin")]
    plugin: Option<String>,
    /// What the plugin needs to be let in, as key=value; may be given several times.
    #[arg(long, value_name = "key=value")]
    secret: Vec<String>,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
}

impl Invoke for List {
    fn invoke(self, context: &Context) -> Outcome {
        let Some(wanted) = &self.plugin else { return Err(context.usage("-plugin is required")) };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let failed = "Error querying CSI plugins";
            let found = client.csi_plugins(Query::new().prefix(wanted)).await.during(failed)?.value;
            let exact = found.iter().find(|plugin| plugin["ID"] == wanted.as_str());
            let Some(plugin) = exact.or_else(|| found.first().filter(|_| found.len() == 1)) else {
                return Err(CliError::new(format!("No plugins(s) with prefix or ID \"{wanted}\" found")));
            };
            let mut query = Query::new().param("plugin_id", text(plugin, "ID"));
            query = query.param("per_page", self.per_page.to_string());
            if let Some(token) = &self.page_token {
                query = query.param("next_token", token);
            }
            for secret in &self.secret {
                query = query.param("secret", secret);
            }
            let page = client.csi_snapshots(&query).await.during("Error querying CSI external snapshots")?.value;
            let snapshots = page["Snapshots"].as_array().cloned().unwrap_or_default();
            if snapshots.is_empty() {
                return Ok(0);
            }
            output::line(&table(&snapshots, self.verbose));
            let next = text(&page, "NextToken");
            if !next.is_empty() {
                output::line(&format!(
                    "\nResults have been paginated. To get the next page run:\n\n-page-token {next}"
                ));
            }
            Ok(0)
        })
    }
}

/// Removes a snapshot.
#[derive(clap::Args)]
#[command(next_help_heading = "Snapshot Options")]
pub struct Delete {
    #[command(flatten)]
    engine: EngineArgs,
    /// What the plugin needs to be let in, as key=value; may be given several times.
    #[arg(long, value_name = "key=value")]
    secret: Vec<String>,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

impl Invoke for Delete {
    fn invoke(self, context: &Context) -> Outcome {
        let [plugin, snapshot] = self.arguments.as_slice() else {
            return Err(context.usage("This command takes two arguments: <plugin id> <snapshot id>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let mut query = Query::new().param("plugin_id", plugin).param("snapshot_id", snapshot);
            for secret in &self.secret {
                query = query.param("secret", secret);
            }
            client.delete_csi_snapshot(&query).await.during("Error deleting volume snapshot")?;
            output::line(&format!("Successfully deleted snapshot \"{snapshot}\"!"));
            Ok(0)
        })
    }
}
