//! `quota list`, `quota inspect`, `quota status`.

use super::only;
use crate::context::{Context, Program};
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::output::{self, Table, bold, fields};
use crate::registry::{Invoke, Outcome};
use drover_sdk::{Client, Query};
use serde_json::{Value, json};

/// The status of routes that an engine does not have.
const NO_QUOTAS: u16 = 501;

/// Lists quotas.
#[derive(clap::Args)]
#[command(next_help_heading = "List Options")]
pub struct List {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
}

impl Invoke for List {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let quotas = match client.quotas(&Query::new()).await {
                Ok(answer) => answer.value,
                // An engine without any quota answers as the open reference.
                Err(error) if error.status() == Some(NO_QUOTAS) && context.program == Program::Drover => Vec::new(),
                Err(error) => return Err(error).during("Error retrieving quotas"),
            };
            if self.format.is_set() {
                self.format.print(&quotas)?;
                return Ok(0);
            }
            let mut table = Table::new(&["Name", "Description"]);
            for quota in &quotas {
                table.row([text(&quota["Name"]), text(&quota["Description"])]);
            }
            output::line(&if quotas.is_empty() { "No quotas found".to_owned() } else { table.render() });
            Ok(0)
        })
    }
}

/// Shows a quota as the engine has it, with what is used of it.
#[derive(clap::Args)]
#[command(next_help_heading = "Inspect Options")]
pub struct Inspect {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
    #[arg(hide = true)]
    quota: Vec<String>,
}

impl Invoke for Inspect {
    fn invoke(self, context: &Context) -> Outcome {
        let name = only(context, &self.quota, "quota")?;
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let (quota, usage) = found(&client, name).await?;
            self.format.print(&json!({"Spec": quota, "Usages": {"global": usage}, "UsageLookupErrors": {}}))?;
            Ok(0)
        })
    }
}

/// Shows a quota and what is used of it.
#[derive(clap::Args)]
#[command(next_help_heading = "Status Specific Options")]
pub struct Status {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
    #[arg(hide = true)]
    quota: Vec<String>,
}

impl Invoke for Status {
    fn invoke(self, context: &Context) -> Outcome {
        let name = only(context, &self.quota, "quota")?;
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let (quota, usage) = found(&client, name).await?;
            if self.format.is_set() {
                self.format.print(&quota)?;
                return Ok(0);
            }
            let limits = quota["Limits"].as_array().cloned().unwrap_or_default();
            let about = fields(&[
                ("Name", text(&quota["Name"])),
                ("Description", text(&quota["Description"])),
                ("Limits", limits.len().to_string()),
            ]);
            output::line(&format!("{about}\n\n{}\n{}", bold("Quota Limits"), table(&limits, &usage)));
            Ok(0)
        })
    }
}

/// The quota of that name, or the only one whose name begins so.
async fn found(client: &Client, name: &str) -> Result<(Value, Value), CliError> {
    let failed = "Error retrieving quota";
    let list = client.quotas(&Query::new().prefix(name)).await.during(failed)?.value;
    let exact = list.iter().find(|quota| quota["Name"] == name);
    let Some(quota) = exact.or_else(|| list.first().filter(|_| list.len() == 1)) else {
        return Err(CliError::new(if list.is_empty() {
            format!("{failed}: Quota \"{name}\" matched no quotas")
        } else {
            let names: Vec<String> = list.iter().map(|quota| text(&quota["Name"])).collect();
            format!("{failed}: Prefix matched multiple quotas: {}", names.join(", "))
        }));
    };
    let usage = client.quota_usage(&text(&quota["Name"])).await.during("Error retrieving quota usages")?;
    Ok((quota.clone(), usage))
}

/// `used / limit` by region; `inf` is no limit.
fn table(limits: &[Value], usage: &Value) -> String {
    let mut table = Table::new(&[
        "Region",
        "CPU Usage",
        "Core Usage",
        "Memory Usage",
        "Memory Max Usage",
        "Variables Usage",
        "Host Volumes Usage",
    ]);
    let mut devices = Table::new(&["Region", "Device Name", "Device Usage"]);
    let mut pools = Table::new(&["Region", "Node Pool", "CPU Limit", "Core Limit", "Memory Limit", "Memory Max Limit"]);
    for limit in limits {
        let region = text(&limit["Region"]);
        let (allowed, used) = (&limit["RegionLimit"], &usage["Used"][text(&limit["Hash"])]["RegionLimit"]);
        let cell = |path: &[&str]| {
            let at = |value: &Value| path.iter().fold(value.clone(), |value, name| value[*name].clone());
            let used = if used.is_null() { "-".to_owned() } else { at(used).as_i64().unwrap_or(0).to_string() };
            format!("{used} / {}", ceiling(&at(allowed)))
        };
        table.row([
            region.clone(),
            cell(&["CPU"]),
            cell(&["Cores"]),
            cell(&["MemoryMB"]),
            cell(&["MemoryMaxMB"]),
            cell(&["Storage", "VariablesMB"]),
            cell(&["Storage", "HostVolumesMB"]),
        ]);
        for device in allowed["Devices"].as_array().into_iter().flatten() {
            let name = text(&device["Name"]);
            let held = used["Devices"].as_array().into_iter().flatten();
            let held: i64 = held
                .filter(|found| text(&found["Name"]).contains(&name))
                .filter_map(|found| found["Count"].as_i64())
                .sum();
            devices.row([region.clone(), name, format!("{held} / {}", ceiling(&device["Count"]))]);
        }
        for pool in allowed["NodePools"].as_array().into_iter().flatten() {
            pools.row([
                region.clone(),
                text(&pool["NodePool"]),
                ceiling(&pool["CPU"]),
                ceiling(&pool["Cores"]),
                ceiling(&pool["MemoryMB"]),
                ceiling(&pool["MemoryMaxMB"]),
            ]);
        }
    }
    let mut shown = table.render();
    for (title, table) in [("Device Limits", devices), ("Node Pool Limits", pools)] {
        if table.len() > 0 {
            shown.push_str(&format!("\n\n{}\n{}", bold(title), table.render()));
        }
    }
    shown
}

fn ceiling(limit: &Value) -> String {
    match limit.as_i64() {
        None | Some(0) => "inf".to_owned(),
        Some(limit) => limit.max(0).to_string(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
