//! `server members`: the servers.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;
use std::collections::HashMap;

/// Lists servers.
#[derive(clap::Args)]
#[command(next_help_heading = "Server Members Options")]
pub struct ServerMembers {
    #[command(flatten)]
    engine: ServerArgs,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    format: output::Format,
    /// The tags of each.
    #[arg(long)]
    detailed: bool,
}

impl Invoke for ServerMembers {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let answer = client.members().await.during("Error querying servers")?;
            if self.format.is_set() {
                let value: serde_json::Value =
                    client.get("/v1/agent/members", &Query::new()).await.during("Error querying servers")?.value;
                self.format.print(&value["Members"])?;
                return Ok(0);
            }
            let mut leaders: HashMap<String, String> = HashMap::new();
            let mut regions: Vec<&str> =
                answer.members.iter().filter_map(|member| member.tags.get("region")).map(String::as_str).collect();
            regions.sort_unstable();
            regions.dedup();
            for region in regions {
                // Without a leader the list is still of use.
                let leader = client.get::<String>("/v1/status/leader", &Query::new().param("region", region)).await;
                leaders.insert(region.to_owned(), leader.map(|answer| answer.value).unwrap_or_default());
            }
            let mut members = answer.members;
            members.sort_by(|a, b| (a.tags.get("region"), &a.name).cmp(&(b.tags.get("region"), &b.name)));
            let verbose = self.verbose || self.detailed;
            let mut table = if verbose {
                Table::new(&[
                    "Name",
                    "Address",
                    "Port",
                    "Status",
                    "Leader",
                    "Protocol",
                    "Raft Version",
                    "Build",
                    "Datacenter",
                    "Region",
                    "Tags",
                ])
            } else {
                Table::new(&[
                    "Name",
                    "Address",
                    "Port",
                    "Status",
                    "Leader",
                    "Raft Version",
                    "Build",
                    "Datacenter",
                    "Region",
                ])
            };
            for member in &members {
                let tag = |name: &str| member.tags.get(name).cloned().unwrap_or_default();
                let rpc = format!(
                    "{}:{}",
                    member.tags.get("rpc_addr").filter(|addr| !addr.is_empty()).unwrap_or(&member.addr),
                    tag("port")
                );
                let leader = leaders.get(&tag("region")).map(String::as_str).unwrap_or_default();
                let leads =
                    (rpc == leader || leader.ends_with(&format!(":{}", tag("port"))) && members.len() == 1).to_string();
                let mut cells = vec![
                    member.name.clone(),
                    member.addr.clone(),
                    member.port.to_string(),
                    member.status.clone(),
                    leads,
                ];
                if verbose {
                    cells.push(member.protocol_cur.to_string());
                }
                cells.extend([tag("raft_vsn"), tag("build"), tag("dc"), tag("region")]);
                if verbose {
                    let tags: Vec<String> = member.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
                    cells.push(tags.join(","));
                }
                table.push(cells);
            }
            output::line(&table.render());
            Ok(0)
        })
    }
}
