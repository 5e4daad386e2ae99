//! `var put`: writes a variable.

use crate::browser::Pages;
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::specfile;
use drover_sdk::VariableWrite;
use drover_sdk::types::Variable;

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
    /// Format of a specification: `hcl` or `json`. Default: by the name of the file, else `json`.
    #[arg(long = "in", value_name = "format")]
    input: Option<String>,
    /// How to print the result: `json`, `table`, `hcl`, `none`, `go-template`. Default: `table` at a terminal.
    #[arg(long, value_name = "format")]
    out: Option<String>,
    /// With `-out go-template`: the template.
    #[arg(long, value_name = "template")]
    template: Option<String>,
    /// Opens the variable in the web interface of the engine, where it has one.
    #[arg(long)]
    ui: bool,
    /// Says on the standard error what is done.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

impl Invoke for VarPut {
    fn invoke(self, context: &Context) -> Outcome {
        let (mut variable, rest) = specification(&self.arguments, self.input.as_deref(), context)?;
        for given in rest {
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
        if self.verbose {
            output::error_line(&format!("Writing to path \"{}\"", variable.path));
        }
        let client = self.engine.connect(context)?;
        let client = match variable.namespace.as_str() {
            // That of the flag or the environment wins.
            namespace if !namespace.is_empty() && client.config().namespace.is_none() => client.in_namespace(namespace),
            _ => client,
        };
        context.block_on(async {
            let pages = if self.ui { Some(Pages::of(&client).await?) } else { None };
            let check = if self.force { None } else { Some(self.check_index.unwrap_or(0)) };
            let written = client.put_variable(&variable, check).await.during("Error creating variable")?;
            let VariableWrite::Done(stored) = written else {
                return Err(conflict(&written, self.check_index.unwrap_or(0)));
            };
            let format = self
                .out
                .clone()
                .unwrap_or_else(|| if context.is_terminal() { "table".to_owned() } else { "json".to_owned() });
            if let Some(pages) = pages {
                pages.open(&format!("variables/var/{}@{}", stored.path, stored.namespace));
            }
            super::var_get::print(&stored, &format, self.template.as_deref(), None)
        })
    }
}

/// The variable of the command line's path or specification, and the arguments after these. `format` is that of the
/// specification.
pub fn specification<'a>(
    arguments: &'a [String],
    format: Option<&str>,
    context: &Context,
) -> Result<(Variable, &'a [String]), CliError> {
    let is_source = |argument: &&String| *argument == "-" || argument.starts_with('@');
    let (path, source, rest) = match arguments {
        [] => return Err(context.usage("Not enough arguments (expected >1, got 0)")),
        [source, rest @ ..] if is_source(&source) => (None, Some(source), rest),
        [path, source, rest @ ..] if is_source(&source) => (Some(path), Some(source), rest),
        [path, rest @ ..] => (Some(path), None, rest),
    };
    let mut variable = match source {
        None => Variable::default(),
        Some(source) => {
            let name = source.strip_prefix('@').unwrap_or(source);
            let usual = if name.ends_with(".hcl") { "hcl" } else { "json" };
            read_variable(name, format.unwrap_or(usual), context)?
        }
    };
    if let Some(path) = path {
        variable.path.clone_from(path);
    }
    if variable.path.is_empty() {
        return Err(context.usage("The path is missing: give it as an argument or in the specification"));
    }
    Ok((variable, rest))
}

fn read_variable(name: &str, format: &str, context: &Context) -> Result<Variable, CliError> {
    let text = specfile::read(name)?;
    let value = match format {
        "json" => serde_json::from_str(&text),
        "hcl" => {
            const FIELDS: &[(&str, &str)] = &[("path", "Path"), ("namespace", "Namespace"), ("items", "Items")];
            Ok(specfile::renamed("a variable", specfile::parse(name, &text)?, FIELDS)?.into())
        }
        other => return Err(context.usage(format!("unsupported -in format {other:?}; use hcl or json"))),
    };
    let failed = |error: serde_json::Error| CliError::new(format!("Error parsing variable data: {error}"));
    let read: Variable = value.and_then(serde_json::from_value).map_err(failed)?;
    Ok(Variable { path: read.path, namespace: read.namespace, items: read.items, ..Variable::default() })
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
