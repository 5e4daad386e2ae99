//! `plugin status`: storage plugins.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::output::{self, Table, alloc_table, bold, fields};
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;
use drover_sdk::types::AllocStub;
use serde_json::Value;

/// What controllers can do, with the names that the interface has for it.
const CONTROLLER: &[(&str, &str)] = &[
    ("SupportsReadOnlyAttach", "ATTACH_READONLY"),
    ("SupportsClone", "CLONE_VOLUME"),
    ("SupportsAttachDetach", "CONTROLLER_ATTACH_DETACH"),
    ("SupportsCreateDelete", "CREATE_DELETE_VOLUME"),
    ("SupportsCreateDeleteSnapshot", "CREATE_DELETE_SNAPSHOT"),
    ("SupportsExpand", "EXPAND_VOLUME"),
    ("SupportsGetCapacity", "GET_CAPACITY"),
    ("SupportsGet", "GET_VOLUME"),
    ("SupportsListSnapshots", "LIST_SNAPSHOTS"),
    ("SupportsListVolumes", "LIST_VOLUMES"),
    ("SupportsListVolumesAttachedNodes", "LIST_VOLUMES_PUBLISHED_NODES"),
    ("SupportsCondition", "VOLUME_CONDITION"),
];
/// What instances on nodes can do.
const NODE: &[(&str, &str)] = &[
    ("SupportsExpand", "EXPAND_VOLUME"),
    ("SupportsStats", "GET_VOLUME_STATS"),
    ("RequiresNodeStageVolume", "STAGE_UNSTAGE_VOLUME"),
    ("SupportsCondition", "VOLUME_CONDITION"),
];

/// Shows plugins.
#[derive(clap::Args)]
#[command(next_help_heading = "Status Options")]
pub struct PluginStatus {
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    format: output::Format,
    /// Only plugins of this type; there is csi.
    #[arg(long = "type", value_name = "type")]
    kind: Option<String>,
    /// Leaves out the allocations of a plugin.
    #[arg(long)]
    short: bool,
    /// Shows what the plugin can do, and whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    plugin: Vec<String>,
}

impl Invoke for PluginStatus {
    fn invoke(self, context: &Context) -> Outcome {
        if let Some(kind) = self.kind.as_deref().filter(|kind| *kind != "csi") {
            return Err(CliError::new(format!("Unsupported plugin type: {kind}")));
        }
        let prefix = match self.plugin.as_slice() {
            [] => "",
            [prefix] => prefix,
            _ => return Err(context.usage("This command takes either no arguments or one: <plugin>")),
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let failed = "Error querying CSI plugins";
            let found = client.csi_plugins(Query::new().prefix(prefix)).await.during(failed)?.value;
            if prefix.is_empty() {
                return self.list(&found);
            }
            let exact = found.iter().find(|plugin| plugin["ID"] == prefix);
            let Some(stub) = exact.or_else(|| found.first().filter(|_| found.len() == 1)) else {
                if found.is_empty() {
                    let text = format!("Error listing plugins: no plugins with prefix or ID \"{prefix}\" found");
                    return Err(CliError::new(text));
                }
                output::line(&format!("Multiple plugins matched\n\n{}", table(&found)));
                return Ok(0);
            };
            let id = stub["ID"].as_str().unwrap_or_default();
            let plugin = client.csi_plugin(id).await.during("Error querying plugin")?;
            if self.format.is_set() {
                self.format.print(&plugin)?;
                return Ok(0);
            }
            output::line(&self.one(&plugin));
            Ok(0)
        })
    }
}

impl PluginStatus {
    fn list(&self, plugins: &[Value]) -> Outcome {
        if self.format.is_set() {
            self.format.print(plugins)?;
            return Ok(0);
        }
        let table = if plugins.is_empty() { "No CSI plugins".to_owned() } else { table(plugins) };
        output::line(&format!("{}\n{table}", bold("Container Storage Interface")));
        Ok(0)
    }

    fn one(&self, plugin: &Value) -> String {
        let names = [
            ("ID", "ID"),
            ("Provider", "Provider"),
            ("Version", "Version"),
            ("Controllers Healthy", "ControllersHealthy"),
            ("Controllers Expected", "ControllersExpected"),
            ("Nodes Healthy", "NodesHealthy"),
            ("Nodes Expected", "NodesExpected"),
        ];
        let pairs: Vec<(&str, String)> = names.iter().map(|(shown, name)| (*shown, text(&plugin[*name]))).collect();
        let mut about = fields(&pairs);
        if self.short {
            return about;
        }
        if self.verbose {
            about.push_str(&able("Controller Capabilities", &plugin["Controllers"], "ControllerInfo", CONTROLLER));
            about.push_str(&able("Node Capabilities", &plugin["Nodes"], "NodeInfo", NODE));
            about.push_str(&topologies(&plugin["Nodes"]));
        }
        let allocs: Vec<AllocStub> = serde_json::from_value(plugin["Allocations"].clone()).unwrap_or_default();
        let allocs = alloc_table::of_node(&allocs, self.verbose, output::now());
        format!("{about}\n\n{}\n{allocs}", bold("Allocations"))
    }
}

fn table(plugins: &[Value]) -> String {
    let mut table = Table::new(&["ID", "Provider", "Controllers Healthy/Expected", "Nodes Healthy/Expected"]);
    for plugin in plugins {
        let of = |healthy: &str, expected: &str| format!("{}/{}", text(&plugin[healthy]), text(&plugin[expected]));
        let controllers = of("ControllersHealthy", "ControllersExpected");
        let is_required = plugin["ControllerRequired"] == true || controllers != "0/0";
        table.row([
            text(&plugin["ID"]),
            text(&plugin["Provider"]),
            if is_required { controllers } else { "0".to_owned() },
            of("NodesHealthy", "NodesExpected"),
        ]);
    }
    table.render()
}

/// What the first instance says that it can do.
fn able(title: &str, instances: &Value, info: &str, names: &[(&str, &str)]) -> String {
    let instances = instances.as_object().into_iter().flatten();
    let Some(info) = instances.map(|(_, instance)| &instance[info]).find(|info| !info.is_null()) else {
        return String::new();
    };
    let found = names.iter().filter(|(name, _)| info[*name] == true).map(|(_, shown)| format!("  {shown}"));
    let found: Vec<String> = found.collect();
    let list = if found.is_empty() { "  <none>".to_owned() } else { found.join("\n") };
    format!("\n\n{}\n{list}", bold(title))
}

fn topologies(nodes: &Value) -> String {
    let mut table = Table::new(&["Node ID", "Accessible Topology"]);
    for (node, instance) in nodes.as_object().into_iter().flatten() {
        let segments = instance["NodeInfo"]["AccessibleTopology"]["Segments"].as_object().into_iter().flatten();
        let segments: Vec<String> = segments.map(|(key, value)| format!("{key}={}", text(value))).collect();
        if !segments.is_empty() {
            table.row([output::id(node, false).to_owned(), segments.join(",")]);
        }
    }
    if table.len() == 0 { String::new() } else { format!("\n\n{}\n{}", bold("Accessible Topologies"), table.render()) }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
