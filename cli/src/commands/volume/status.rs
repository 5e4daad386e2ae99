//! `volume status`: lists, or one volume.

use super::{Found, find, text};
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::output::{self, Table, alloc_table, bold, fields};
use crate::registry::{Invoke, Outcome};
use drover_sdk::types::AllocStub;
use drover_sdk::{Client, Query};
use serde_json::Value;

/// Shows volumes.
#[derive(clap::Args)]
#[command(next_help_heading = "Status Options")]
pub struct Status {
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    format: output::Format,
    /// Only volumes of this type: host or csi.
    #[arg(long = "type", value_name = "type")]
    kind: Option<String>,
    /// Leaves out the allocations of a volume.
    #[arg(long)]
    short: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    /// Only host volumes of this node pool.
    #[arg(long = "node-pool", value_name = "pool")]
    node_pool: Option<String>,
    /// Only host volumes of this node.
    #[arg(long, value_name = "node")]
    node: Option<String>,
    #[arg(hide = true)]
    volume: Vec<String>,
}

impl Invoke for Status {
    fn invoke(self, context: &Context) -> Outcome {
        let wanted = match self.volume.as_slice() {
            [] => None,
            [wanted] => Some(wanted.as_str()),
            _ => return Err(context.usage("This command takes either no arguments or one: <id>")),
        };
        let kinds: &[&str] = match self.kind.as_deref() {
            None => &["host", "csi"],
            Some("host") => &["host"],
            Some("csi") => &["csi"],
            Some(other) => return Err(CliError::new(format!("No such volume type \"{other}\""))),
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            match wanted {
                None => self.list(&client, kinds).await,
                Some(wanted) => self.one(&client, kinds, wanted).await,
            }
        })
    }
}

impl Status {
    async fn list(&self, client: &Client, kinds: &[&str]) -> Outcome {
        let mut texts = Vec::new();
        let mut all = Vec::new();
        for kind in kinds {
            let mut query = Query::new();
            if *kind == "host" {
                for (name, value) in [("node_pool", &self.node_pool), ("node_id", &self.node)] {
                    if let Some(value) = value {
                        query = query.param(name, value);
                    }
                }
            }
            let failed = format!("Error querying {} volumes", shown_kind(kind));
            let volumes = client.volumes(kind, query).await.during(&failed)?.value;
            if self.format.is_set() {
                all.extend(volumes);
                continue;
            }
            let title = if *kind == "host" { "Dynamic Host Volumes" } else { "Container Storage Interface" };
            let table = match volumes.is_empty() {
                true => format!("No {} volumes", if *kind == "host" { "dynamic host" } else { "CSI" }),
                false => table(kind, &volumes, self.verbose),
            };
            texts.push(format!("{}\n{table}", bold(title)));
        }
        if self.format.is_set() {
            self.format.print(&all)?;
        } else {
            output::line(&texts.join("\n\n"));
        }
        Ok(0)
    }

    async fn one(&self, client: &Client, kinds: &[&str], wanted: &str) -> Outcome {
        let mut failure = None;
        for kind in kinds {
            let failed = format!("Error listing {} volumes", shown_kind(kind));
            let found = match find(client, kind, wanted, &failed).await {
                Ok(found) => found,
                Err(error) => {
                    failure = Some(error);
                    continue;
                }
            };
            let stub = match found {
                Found::One(stub) => stub,
                Found::Several(list) => {
                    output::line(&format!("Multiple volumes matched\n\n{}", table(kind, &list, true)));
                    return Ok(0);
                }
            };
            let failed = format!("Error querying {} volume", shown_kind(kind));
            let volume = client.volume(kind, &text(&stub, "Namespace"), &text(&stub, "ID")).await.during(&failed)?;
            if self.format.is_set() {
                self.format.print(&volume)?;
            } else if *kind == "host" {
                output::line(&self.host(&volume));
            } else {
                output::line(&self.csi(&volume));
            }
            return Ok(0);
        }
        Err(failure.unwrap_or_else(|| CliError::new("No such volume")))
    }

    fn host(&self, volume: &Value) -> String {
        let size = u64::try_from(volume["CapacityBytes"].as_i64().unwrap_or(0)).unwrap_or(0);
        let about = fields(&[
            ("ID", text(volume, "ID")),
            ("Name", text(volume, "Name")),
            ("Namespace", text(volume, "Namespace")),
            ("Plugin ID", text(volume, "PluginID")),
            ("Node ID", text(volume, "NodeID")),
            ("Node Pool", text(volume, "NodePool")),
            ("Capacity", output::bytes(size)),
            ("State", text(volume, "State")),
            ("Host Path", text(volume, "HostPath")),
        ]);
        self.with_rest(about, volume)
    }

    fn csi(&self, volume: &Value) -> String {
        let size = u64::try_from(volume["Capacity"].as_i64().unwrap_or(0)).unwrap_or(0);
        let about = fields(&[
            ("ID", text(volume, "ID")),
            ("Name", text(volume, "Name")),
            ("Namespace", text(volume, "Namespace")),
            ("External ID", text(volume, "ExternalID")),
            ("Plugin ID", text(volume, "PluginID")),
            ("Provider", text(volume, "Provider")),
            ("Version", text(volume, "ProviderVersion")),
            ("Capacity", output::bytes(size)),
            ("Schedulable", text(volume, "Schedulable")),
            ("Controllers Healthy", text(volume, "ControllersHealthy")),
            ("Controllers Expected", text(volume, "ControllersExpected")),
            ("Nodes Healthy", text(volume, "NodesHealthy")),
            ("Nodes Expected", text(volume, "NodesExpected")),
            ("Access Mode", text(volume, "AccessMode")),
            ("Attachment Mode", text(volume, "AttachmentMode")),
            ("Mount Options", mount_options(&volume["MountOptions"])),
        ]);
        let about = if self.short { about } else { format!("{about}{}", topologies(&volume["Topologies"])) };
        self.with_rest(about, volume)
    }

    /// Capabilities and allocations, unless it is to be short.
    fn with_rest(&self, about: String, volume: &Value) -> String {
        if self.short {
            return about;
        }
        let mut table = Table::new(&["Access Mode", "Attachment Mode"]);
        for able in volume["RequestedCapabilities"].as_array().into_iter().flatten() {
            table.row([text(able, "AccessMode"), text(able, "AttachmentMode")]);
        }
        let allocs: Vec<AllocStub> = serde_json::from_value(volume["Allocations"].clone()).unwrap_or_default();
        let allocs = alloc_table::of_node(&allocs, self.verbose, output::now());
        format!("{about}\n\n{}\n{}\n\n{}\n{allocs}", bold("Capabilities"), table.render(), bold("Allocations"))
    }
}

fn shown_kind(kind: &str) -> &str {
    if kind == "csi" { "CSI" } else { kind }
}

/// Volumes of a type as a table.
pub fn table(kind: &str, volumes: &[Value], verbose: bool) -> String {
    let mut table;
    if kind == "host" {
        table = Table::new(&["ID", "Name", "Namespace", "Plugin ID", "Node ID", "Node Pool", "State"]);
        for volume in volumes {
            table.row([
                output::id(&text(volume, "ID"), verbose).to_owned(),
                text(volume, "Name"),
                text(volume, "Namespace"),
                text(volume, "PluginID"),
                output::id(&text(volume, "NodeID"), verbose).to_owned(),
                text(volume, "NodePool"),
                text(volume, "State"),
            ]);
        }
    } else {
        table = Table::new(&["ID", "Name", "Namespace", "Plugin ID", "Schedulable", "Access Mode"]);
        for volume in volumes {
            table.row([
                text(volume, "ID"),
                text(volume, "Name"),
                text(volume, "Namespace"),
                text(volume, "PluginID"),
                text(volume, "Schedulable"),
                text(volume, "AccessMode"),
            ]);
        }
    }
    table.render()
}

fn mount_options(options: &Value) -> String {
    let mut parts = Vec::new();
    let fs_type = text(options, "FSType");
    if !fs_type.is_empty() {
        parts.push(format!("fs_type: {fs_type}"));
    }
    let flags: Vec<&str> = options["MountFlags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !flags.is_empty() {
        parts.push(format!("flags: {}", flags.join(", ")));
    }
    parts.join(" ")
}

fn topologies(list: &Value) -> String {
    let Some(list) = list.as_array().filter(|list| !list.is_empty()) else { return String::new() };
    let mut table = Table::new(&["Topology", "Segments"]);
    for (number, topology) in list.iter().enumerate() {
        let segments = topology["Segments"].as_object().into_iter().flatten();
        let segments: Vec<String> =
            segments.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        table.row([format!("{number:02}"), segments.join(", ")]);
    }
    format!("\n\n{}\n{}", bold("Topologies"), table.render())
}
