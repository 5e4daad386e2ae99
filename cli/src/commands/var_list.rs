//! `var list`: variables without their items.

use super::var_get::check_template;
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};
use drover_base::Nanos;
use drover_sdk::Query;
use serde_json::json;

/// Lists variables.
#[derive(clap::Args)]
#[command(next_help_heading = "Var List Options")]
pub struct VarList {
    #[command(flatten)]
    engine: EngineArgs,
    /// How to print them: `json`, `table`, `terse`, `go-template`. Default: `table` at a terminal, else `json`.
    #[arg(long, value_name = "format")]
    out: Option<String>,
    /// With `-out go-template`: the template.
    #[arg(long, value_name = "template")]
    template: Option<String>,
    /// How many at most.
    #[arg(long = "per-page", value_name = "count")]
    per_page: Option<u64>,
    /// Where to go on; what the page before said.
    #[arg(long = "page-token", value_name = "token")]
    page_token: Option<String>,
    /// Only those that match.
    #[arg(long, value_name = "expression")]
    filter: Option<String>,
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
            let mut query = query;
            if let Some(count) = self.per_page {
                query = query.param("per_page", count.to_string());
            }
            if let Some(token) = &self.page_token {
                query = query.param("next_token", token.as_str());
            }
            if let Some(filter) = &self.filter {
                query = query.filter(filter);
            }
            let asked = std::time::Instant::now();
            let answer = client.variables(&query).await.during("Error retrieving vars")?;
            let (took, list) = (Nanos(i64::try_from(asked.elapsed().as_nanos()).unwrap_or(i64::MAX)), answer.value);
            let format = self
                .out
                .clone()
                .unwrap_or_else(|| if context.is_terminal() { "table".to_owned() } else { "json".to_owned() });
            check_template(&format, self.template.as_deref())?;
            match format.as_str() {
                // A page says where the next one begins.
                "json" if self.per_page.is_some() || self.page_token.is_some() => {
                    output::line(&output::json(&json!({"Data": list, "QueryMeta": {
                        "KnownLeader": true,
                        "LastContact": 0,
                        "LastIndex": answer.index,
                        "NextToken": answer.next_token,
                        "RequestTime": took,
                    }})));
                }
                "json" => output::line(&output::json(&list)),
                "go-template" => output::line(&output::templated(self.template.as_deref().unwrap_or_default(), &list)?),
                "terse" => list.iter().for_each(|variable| output::line(&variable.path)),
                "table" if list.is_empty() => output::line("No matching variables found"),
                "table" => {
                    let mut table = Table::new(&["Namespace", "Path", "Last Updated"]);
                    for variable in list {
                        table.row([variable.namespace, variable.path, output::stamp(variable.modify_time)]);
                    }
                    output::line(&table.render());
                    if !answer.next_token.is_empty() {
                        output::line(&format!("Next page token: {}", answer.next_token));
                    }
                }
                other => {
                    let valid = "go-template, json, table, terse";
                    let text = format!("Invalid value for \"-out\": {other:?}; valid values are: {valid}");
                    return Err(CliError::new(text));
                }
            }
            Ok(0)
        })
    }
}
