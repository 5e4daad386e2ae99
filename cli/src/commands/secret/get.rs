//! `secret get`: what a reference has, and its value when that is asked for.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::stacks::{VariableArgs, explained, resolver};
use drover_secrets::{MASK, Resolver, Secret, SecretData, SecretRef};
use serde_json::{Map, Value};
use std::io::IsTerminal;
use std::path::Path;

/// Reads a secret. Values are printed only with -show or -field.
#[derive(clap::Args)]
#[command(next_help_heading = "Get Options")]
pub struct Get {
    #[command(flatten)]
    engine: EngineArgs,
    /// Prints the values.
    #[arg(long)]
    show: bool,
    /// Prints the value of this field, and nothing else.
    #[arg(long, value_name = "name")]
    field: Option<String>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[arg(hide = true)]
    words: Vec<String>,
}

impl Invoke for Get {
    fn invoke(self, context: &Context) -> Outcome {
        let [text] = self.words.as_slice() else {
            return Err(
                context.usage("This command takes one argument: <reference>, such as vault:kv/shop/db, or a file")
            );
        };
        let reference = self.reference(text)?;
        let secrets = resolver(Path::new("."), &VariableArgs::default(), &self.engine, context);
        if reference.field().is_some() {
            let value = secrets.resolve(&reference).map_err(|error| explained(&error))?;
            if self.field.is_some() || self.show {
                raw(&value);
            } else {
                output::line(&format!("{reference} = {MASK}"));
                output::error_line("-show prints the value.");
            }
            return Ok(0);
        }
        let data = self.all(&secrets, &reference)?;
        let shown = |value: &Secret<String>| if self.show { value.expose().clone() } else { MASK.to_owned() };
        match data {
            SecretData::Fields(fields) if self.json => {
                let members: Map<String, Value> =
                    fields.iter().map(|(name, value)| (name.clone(), Value::String(shown(value)))).collect();
                output::line(&output::json(&members));
            }
            SecretData::Fields(fields) => {
                fields.iter().for_each(|(name, value)| output::line(&format!("{name} = {}", shown(value))));
            }
            SecretData::Value(value) if self.json => output::line(&output::json(&shown(&value))),
            SecretData::Value(value) if self.show => raw(&value),
            _ => output::line(&format!("{reference} = {MASK}")),
        }
        if !self.show {
            output::error_line("-show prints values, -field=NAME one of them.");
        }
        Ok(0)
    }
}

impl Get {
    /// A reference, or the path of a file in place of one.
    fn reference(&self, text: &str) -> Result<SecretRef, CliError> {
        let whole = if Path::new(text).is_file() { format!("file:{text}") } else { text.to_owned() };
        let whole = match &self.field {
            Some(field) => format!("{whole}#{field}"),
            None => whole,
        };
        whole.parse().map_err(|error| explained(&error))
    }

    /// All fields, or the one value there is. It is read once: a command may do more than print.
    fn all(&self, secrets: &Resolver, reference: &SecretRef) -> Result<SecretData, CliError> {
        let data = secrets.resolve_all(reference).map_err(|error| explained(&error))?;
        let SecretData::Value(value) = &data else { return Ok(data) };
        Ok(super::fields(reference.path(), value).map_or(data, SecretData::Fields))
    }
}

/// The value as it is, so that a program that reads it gets nothing else; at a terminal with the line's end.
fn raw(value: &Secret<String>) {
    output::raw(value.expose().as_bytes());
    if std::io::stdout().is_terminal() {
        output::raw(b"\n");
    }
}
