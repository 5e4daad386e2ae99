//! `var get`: reads a variable.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::output::{self, bold, fields};
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;
use drover_sdk::types::Variable;

/// Reads a variable.
#[derive(clap::Args)]
#[command(next_help_heading = "Var Get Options")]
pub struct VarGet {
    #[command(flatten)]
    engine: EngineArgs,
    /// Prints this item alone.
    #[arg(long, value_name = "key")]
    item: Option<String>,
    /// How to print it: `json`, `table`, `hcl`, `none`, `go-template`. Default: `table` at a terminal, else `json`.
    #[arg(long, value_name = "format")]
    out: Option<String>,
    /// With `-out go-template`: the template.
    #[arg(long, value_name = "template")]
    template: Option<String>,
    #[arg(hide = true)]
    path: Vec<String>,
}

impl Invoke for VarGet {
    fn invoke(self, context: &Context) -> Outcome {
        let [path] = self.path.as_slice() else {
            return Err(context.usage("This command takes one argument: <path>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let Some(variable) = client.variable(path, &Query::new()).await.during("Error retrieving variable")? else {
                return Err(CliError::new("Variable not found"));
            };
            let format = self
                .out
                .clone()
                .unwrap_or_else(|| if context.is_terminal() { "table".to_owned() } else { "json".to_owned() });
            print(&variable, &format, self.template.as_deref(), self.item.as_deref())
        })
    }
}

/// Prints a variable, or one item of it.
pub fn print(variable: &Variable, format: &str, template: Option<&str>, item: Option<&str>) -> Outcome {
    if let Some(item) = item {
        let value = variable
            .items
            .get(item)
            .ok_or_else(|| CliError::new(format!("Variable does not contain \"{item}\" item")))?;
        output::line(value);
        return Ok(0);
    }
    check_template(format, template)?;
    match format {
        "none" => {}
        "go-template" => output::line(&output::templated(template.unwrap_or_default(), variable)?),
        "json" => output::line(&output::json(variable)),
        "hcl" => {
            let width = variable.items.keys().map(|key| key.chars().count()).max().unwrap_or(0);
            let items: Vec<String> =
                variable.items.iter().map(|(key, value)| format!("  {key:<width$} = {value:?}")).collect();
            output::line(&format!(
                "namespace    = {:?}\npath         = {:?}\ncreate_index = {}\nmodify_index = {}\n\nitems = {{\n{}\n}}",
                variable.namespace,
                variable.path,
                variable.create_index,
                variable.modify_index,
                items.join("\n")
            ));
        }
        "table" => {
            let about = fields(&[
                ("Namespace", variable.namespace.clone()),
                ("Path", variable.path.clone()),
                ("Create Time", output::stamp(variable.create_time)),
                ("Modify Time", output::stamp(variable.modify_time)),
                ("Check Index", variable.modify_index.to_string()),
            ]);
            let items: Vec<(&str, String)> =
                variable.items.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
            output::line(&format!("{about}\n\n{}\n{}", bold("Items"), fields(&items)));
        }
        other => {
            return Err(CliError::new(format!(
                "Invalid value for \"-out\": {other:?}; valid values are: go-template, hcl, json, none, table"
            )));
        }
    }
    Ok(0)
}

/// A template is given where one is used, and only there.
///
/// # Errors
/// One is missing, or of no use.
pub fn check_template(format: &str, template: Option<&str>) -> Result<(), CliError> {
    match (format, template) {
        ("go-template", None) => {
            Err(CliError::new("a template must be supplied using '-template' when using go-template formatting"))
        }
        ("go-template", Some(_)) | (_, None) => Ok(()),
        (_, Some(_)) => Err(CliError::new("The -template flag is only valid when using \"go-template\" formatting")),
    }
}
