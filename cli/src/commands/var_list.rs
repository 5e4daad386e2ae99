//! `var list`: variables without their items.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;

/// Lists variables.
#[derive(clap::Args)]
#[command(next_help_heading = "Var List Options")]
pub struct VarList {
    #[command(flatten)]
    engine: EngineArgs,
    /// `json`, `table`, `terse`.
    #[arg(long, value_name = "format")]
    out: Option<String>,
    #[arg(hide = true)]
    prefix: Vec<String>,
}

impl Invoke for VarList {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        let query = match self.prefix.as_slice() {
            [] => Query::new(),
            [prefix] => Query::new().prefix(prefix),
            _ => return Err(context.usage("This command takes flags and either no arguments or one: <prefix>")),
        };
        context.block_on(async {
            let list = client.variables(&query).await.during("Error retrieving vars")?.value;
            let format = self
                .out
                .clone()
                .unwrap_or_else(|| if context.is_terminal() { "table".to_owned() } else { "json".to_owned() });
            match format.as_str() {
                "json" => output::line(&output::json(&list)),
                "terse" => list.iter().for_each(|variable| output::line(&variable.path)),
                _ if list.is_empty() => output::line("No matching variables found"),
                _ => {
                    let mut table = Table::new(&["Namespace", "Path", "Last Updated"]);
                    for variable in list {
                        table.row([variable.namespace, variable.path, output::stamp(variable.modify_time)]);
                    }
                    output::line(&table.render());
                }
            }
            Ok(0)
        })
    }
}
