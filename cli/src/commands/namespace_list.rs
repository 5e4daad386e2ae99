//! `namespace list`: every namespace.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;

/// Lists namespaces.
#[derive(clap::Args)]
#[command(next_help_heading = "List Options")]
pub struct NamespaceList {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
}

impl Invoke for NamespaceList {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let list = client.namespaces(&Query::new()).await.during("Error retrieving namespaces")?.value;
            if self.format.is_set() {
                self.format.print(&list)?;
                return Ok(0);
            }
            let mut list = list;
            list.sort_by(|a, b| a.name.cmp(&b.name));
            let mut table = Table::new(&["Name", "Description"]);
            for namespace in list {
                table.row([namespace.name.to_string(), namespace.description]);
            }
            output::line(&table.render());
            Ok(0)
        })
    }
}
