//! `operator api`: a raw request.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;
use std::io::{IsTerminal, Read};

/// Sends a raw request.
#[derive(clap::Args)]
#[command(next_help_heading = "Operator API Options")]
pub struct OperatorApi {
    #[command(flatten)]
    engine: EngineArgs,
    /// GET, or POST when there is input.
    #[arg(long = "X", value_name = "method")]
    method: Option<String>,
    /// Adds a header; may be given several times.
    #[arg(long = "H", value_name = "header")]
    headers: Vec<String>,
    /// Shows the answer's status and headers.
    #[arg(long)]
    verbose: bool,
    /// Shows the curl command instead.
    #[arg(long)]
    dryrun: bool,
    /// A filter expression.
    #[arg(long, value_name = "expression")]
    filter: Option<String>,
    #[arg(hide = true)]
    path: Vec<String>,
}

impl Invoke for OperatorApi {
    fn invoke(self, context: &Context) -> Outcome {
        let [path] = self.path.as_slice() else {
            return Err(context.usage("A path or URL is required"));
        };
        let mut body = Vec::new();
        if !std::io::stdin().is_terminal() {
            std::io::stdin()
                .lock()
                .read_to_end(&mut body)
                .map_err(|error| CliError::new(format!("Error reading input: {error}")))?;
        }
        let client = self.engine.connect(context)?;
        let method = self.method.clone().unwrap_or_else(|| if body.is_empty() { "GET" } else { "POST" }.to_owned());
        let mut path = if path.starts_with("http") {
            path.splitn(4, '/').nth(3).map(|rest| format!("/{rest}")).unwrap_or_default()
        } else {
            path.clone()
        };
        if !path.starts_with('/') {
            path.insert(0, '/');
        }
        if !path.starts_with("/v1") {
            path.insert_str(0, "/v1");
        }
        let query = self.filter.as_ref().map_or_else(Query::new, |filter| Query::new().filter(filter));
        let url = client.url(&path, &query);
        if self.dryrun {
            let verb = if method == "GET" { String::new() } else { format!("  -X {method} \\\n") };
            output::line(&format!("curl \\\n{verb}  {url}"));
            return Ok(0);
        }
        let tail = url.splitn(4, '/').nth(3).map(|rest| format!("/{rest}")).unwrap_or(path);
        let headers: Vec<(String, String)> = self
            .headers
            .iter()
            .filter_map(|header| header.split_once(':'))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        context.block_on(async {
            let body = (!body.is_empty()).then_some(body);
            let (status, headers, answer) =
                client.raw(&method, &tail, &headers, body).await.during("Error performing request")?;
            if self.verbose {
                output::error_line(&format!("< {status}"));
                for (name, value) in headers {
                    output::error_line(&format!("< {name}: {value}"));
                }
            }
            output::raw(&answer);
            Ok(0)
        })
    }
}
