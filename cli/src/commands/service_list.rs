//! `service list`: every service.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;

/// Lists services.
#[derive(clap::Args)]
#[command(next_help_heading = "Service List Options")]
pub struct ServiceList {
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    format: output::Format,
}

impl Invoke for ServiceList {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let groups = client.services(&Query::new()).await.during("Error listing service registrations")?.value;
            if self.format.is_set() {
                self.format.print(&groups)?;
                return Ok(0);
            }
            let every = self.engine.all_namespaces();
            let mut table = if every {
                Table::new(&["Service Name", "Namespace", "Tags"])
            } else {
                Table::new(&["Service Name", "Tags"])
            };
            for group in groups {
                for service in group.services {
                    let mut cells = vec![service.service_name];
                    if every {
                        cells.push(group.namespace.clone());
                    }
                    cells.push(format!("[{}]", service.tags.join(",")));
                    table.push(cells);
                }
            }
            output::line(&if table.len() == 0 { "No service registrations found".to_owned() } else { table.render() });
            Ok(0)
        })
    }
}
