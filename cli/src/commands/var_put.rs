//! `var put`: writes a variable.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_sdk::VariableWrite;
use drover_sdk::types::Variable;
use std::io::Read;

/// Writes a variable.
#[derive(clap::Args)]
#[command(next_help_heading = "Var Put Options")]
pub struct VarPut {
    #[command(flatten)]
    engine: EngineArgs,
    /// Only if the variable's modify index is this; 0: only if there is none, which is the default.
    #[arg(long = "check-index", value_name = "index")]
    check_index: Option<u64>,
    /// Whatever is there.
    #[arg(long)]
    force: bool,
    /// Format of a specification: `json`.
    #[arg(long = "in", value_name = "format", default_value = "json")]
    input: String,
    /// How to print the result: `json`, `table`, `hcl`, `none`.
    #[arg(long, value_name = "format")]
    out: Option<String>,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

impl Invoke for VarPut {
    fn invoke(self, context: &Context) -> Outcome {
        let Some((path, rest)) = self.arguments.split_first() else {
            return Err(context.usage("Not enough arguments (expected >1, got 0)"));
        };
        if self.input != "json" {
            return Err(context.usage(format!("unsupported -in format {:?}", self.input)));
        }
        let (path, mut rest) = (path.clone(), rest.to_vec());
        let mut variable = Variable { path, ..Variable::default() };
        if let Some(source) = rest.first().filter(|first| *first == "-" || first.starts_with('@')).cloned() {
            let text = read_source(&source)?;
            let read: Variable = serde_json::from_str(&text)
                .map_err(|error| CliError::new(format!("Error parsing variable data: {error}")))?;
            variable.items = read.items;
            rest.remove(0);
        }
        for given in &rest {
            let Some((key, value)) = given.split_once('=') else {
                return Err(CliError::new(format!(
                    "Error parsing variable data: invalid key/value pair \"{given}\": format must be key=value"
                )));
            };
            variable.items.insert(key.to_owned(), value.to_owned());
        }
        if variable.items.is_empty() {
            return Err(CliError::new("Nothing to write: give items as key=value"));
        }
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let check = if self.force { None } else { Some(self.check_index.unwrap_or(0)) };
            let written = client.put_variable(&variable, check).await.during("Error creating variable")?;
            let VariableWrite::Done(stored) = written else {
                return Err(conflict(&written, self.check_index.unwrap_or(0)));
            };
            let format = self
                .out
                .clone()
                .unwrap_or_else(|| if context.is_terminal() { "table".to_owned() } else { "json".to_owned() });
            super::var_get::print(&stored, &format, None)
        })
    }
}

fn read_source(source: &str) -> Result<String, CliError> {
    let mut text = String::new();
    let result = match source.strip_prefix('@') {
        None => std::io::stdin().lock().read_to_string(&mut text).map(|_| ()),
        Some(path) => std::fs::read_to_string(path).map(|read| text = read),
    };
    result.map_err(|error| CliError::new(format!("Error reading {source}: {}", crate::jobfile::reason(&error))))?;
    Ok(text)
}

/// Says that a variable has changed since its index was read.
pub fn conflict(written: &VariableWrite, given: u64) -> CliError {
    let (VariableWrite::Conflict(current) | VariableWrite::Done(current)) = written;
    let (index, time) = (current.modify_index, output::stamp(current.modify_time));
    CliError::new(format!(
        "\nCheck-and-Set conflict\n\n    Your provided check-index ({given}) does not match the server-side index ({index}). The\n    \
         server-side item was last updated on {time}. If you are sure you\n    \
         want to perform this operation, add the -force or -check-index={index} flag before\n    the positional arguments."
    ))
}
