//! `var init`: writes an example of a variable's specification.

use crate::context::Context;
use crate::output;
use crate::registry::{Invoke, Outcome};

const HCL: &str = r#"# A variable: `var put @spec.nv.hcl` writes it. Its items are encrypted together.
path      = "path/to/variable"
namespace = "default"

items {
  key1 = "value 1"
  key2 = "value 2"
}
"#;

const JSON: &str = r#"{
  "Namespace": "default",
  "Path": "path/to/variable",
  "Items": {
    "key1": "value 1",
    "key2": "value 2"
  }
}
"#;

/// Writes an example.
#[derive(clap::Args)]
#[command(next_help_heading = "Var Init Options")]
pub struct VarInit {
    /// The format: "hcl" or "json".
    #[arg(long, value_name = "format", default_value = "hcl")]
    out: String,
    /// Says nothing.
    #[arg(long)]
    quiet: bool,
    #[arg(hide = true)]
    file: Vec<String>,
}

impl Invoke for VarInit {
    fn invoke(self, context: &Context) -> Outcome {
        let (usual, text) = match self.out.as_str() {
            "hcl" => ("spec.nv.hcl", HCL),
            "json" => ("spec.nv.json", JSON),
            other => return Err(context.usage(format!("Invalid value for \"-out\": {other:?}; use hcl or json"))),
        };
        let name = match self.file.as_slice() {
            [] => usual,
            [name] => name,
            _ => return Err(context.usage("This command takes no arguments or one: <filename>")),
        };
        super::write_new(name, text)?;
        if !self.quiet {
            output::line(&format!("Example variable specification written to {name}"));
        }
        Ok(0)
    }
}
