//! `service info`: the instances of a service.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::output::{self, Table, fields};
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;

/// Lists instances.
#[derive(clap::Args)]
#[command(next_help_heading = "Service Info Options")]
pub struct ServiceInfo {
    #[command(flatten)]
    engine: EngineArgs,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    format: output::Format,
    #[arg(hide = true)]
    service: Vec<String>,
}

impl Invoke for ServiceInfo {
    fn invoke(self, context: &Context) -> Outcome {
        let [service] = self.service.as_slice() else {
            return Err(context.usage("This command takes one argument: <service_name>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let list =
                client.service(service, &Query::new()).await.during("Error listing service registrations")?.value;
            if list.is_empty() {
                return Err(CliError::new(format!(
                    "Error listing service registrations: No service registrations with prefix \"{service}\" found"
                )));
            }
            if self.format.is_set() {
                self.format.print(&list)?;
                return Ok(0);
            }
            let address =
                |address: &str, port: u16| if port == 0 { address.to_owned() } else { format!("{address}:{port}") };
            if self.verbose {
                for found in &list {
                    output::line(&fields(&[
                        ("ID", found.id.clone()),
                        ("Service Name", found.service_name.clone()),
                        ("Namespace", found.namespace.to_string()),
                        ("Job ID", found.job_id.to_string()),
                        ("Alloc ID", found.alloc_id.to_string()),
                        ("Node ID", found.node_id.to_string()),
                        ("Datacenter", found.datacenter.clone()),
                        ("Address", address(&found.address, found.port)),
                        ("Tags", format!("[{}]", found.tags.join(","))),
                    ]));
                    output::line("");
                }
                return Ok(0);
            }
            let mut table = Table::new(&["Job ID", "Address", "Tags", "Node ID", "Alloc ID"]);
            for found in &list {
                table.row([
                    found.job_id.to_string(),
                    address(&found.address, found.port),
                    format!("[{}]", found.tags.join(",")),
                    found.node_id.short().to_owned(),
                    found.alloc_id.short().to_owned(),
                ]);
            }
            output::line(&table.render());
            Ok(0)
        })
    }
}
