//! `node pool nodes`, `node pool jobs`.

use super::only;
use crate::context::Context;
use crate::engine::{EngineArgs, ServerArgs};
use crate::error::During;
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};
use crate::resolve;
use drover_sdk::Query;
use serde_json::Value;

/// Lists the nodes of a pool.
#[derive(clap::Args)]
#[command(next_help_heading = "Nodes Options")]
pub struct Nodes {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
    /// Only those that match.
    #[arg(long, value_name = "expression")]
    filter: Option<String>,
    #[command(flatten)]
    page: super::Page,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    pool: Vec<String>,
}

impl Invoke for Nodes {
    fn invoke(self, context: &Context) -> Outcome {
        let name = only(context, &self.pool, "node-pool")?;
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let query = self.filter.as_ref().map_or_else(Query::new, |filter| Query::new().filter(filter));
            let query = self.page.of(query);
            let failed = "Error querying nodes of the node pool";
            if self.format.is_set() {
                let path = format!("/v1/node/pool/{name}/nodes");
                self.format.print(&client.get::<Value>(&path, &query).await.during(failed)?.value)?;
                return Ok(0);
            }
            let answer = client.node_pool_nodes(name, &query).await.during(failed)?;
            let (nodes, next) = (answer.value, answer.next_token);
            if nodes.is_empty() {
                output::line("No nodes");
                return Ok(0);
            }
            let mut table = Table::new(&["ID", "DC", "Name", "Class", "Drain", "Eligibility", "Status"]);
            for node in nodes {
                table.row([
                    output::id(&node.id, self.verbose).to_owned(),
                    node.datacenter,
                    node.name,
                    node.node_class,
                    node.drain.to_string(),
                    node.scheduling_eligibility,
                    node.status,
                ]);
            }
            output::line(&table.render());
            super::tell_next(&next);
            Ok(0)
        })
    }
}

/// Lists the jobs of a pool.
#[derive(clap::Args)]
#[command(next_help_heading = "Jobs Options")]
pub struct Jobs {
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    format: output::Format,
    /// Only those that match.
    #[arg(long, value_name = "expression")]
    filter: Option<String>,
    #[command(flatten)]
    page: super::Page,
    #[arg(hide = true)]
    pool: Vec<String>,
}

impl Invoke for Jobs {
    fn invoke(self, context: &Context) -> Outcome {
        let name = only(context, &self.pool, "node-pool")?;
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let query = self.filter.as_ref().map_or_else(Query::new, |filter| Query::new().filter(filter));
            let query = self.page.of(query);
            let failed = "Error querying jobs of the node pool";
            if self.format.is_set() {
                let path = format!("/v1/node/pool/{name}/jobs");
                self.format.print(&client.get::<Value>(&path, &query).await.during(failed)?.value)?;
                return Ok(0);
            }
            let answer = client.node_pool_jobs(name, &query).await.during(failed)?;
            let (jobs, next) = (answer.value, answer.next_token);
            output::line(&if jobs.is_empty() {
                "No jobs".to_owned()
            } else {
                resolve::job_list(&jobs, self.engine.all_namespaces())
            });
            super::tell_next(&next);
            Ok(0)
        })
    }
}
