//! `-json` and `-t`: answers for programs.

use super::{json, line, template};
use crate::error::CliError;
use serde::Serialize;

/// Flags of commands whose answer can be had in another form.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Format {
    /// As JSON.
    #[arg(long)]
    pub json: bool,
    /// Through a Go template, as "{{.ID}}" or "{{range .}}{{.Name}} {{end}}".
    #[arg(long = "t", value_name = "template")]
    pub template: Option<String>,
}

impl Format {
    /// Whether another form is asked for.
    pub const fn is_set(&self) -> bool {
        self.json || self.template.is_some()
    }
    /// Prints a value in the form that is asked for; as JSON when none is.
    ///
    /// # Errors
    /// Both forms at once, or a template that is none.
    pub fn print<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), CliError> {
        let Some(text) = &self.template else {
            line(&json(value));
            return Ok(());
        };
        if self.json {
            return Err(CliError::new("Both json and template formatting are not allowed"));
        }
        line(&templated(text, value)?);
        Ok(())
    }
}

/// A value through a template.
///
/// # Errors
/// A template that is none, or asks for what is not there.
pub fn templated<T: Serialize + ?Sized>(text: &str, value: &T) -> Result<String, CliError> {
    let value = serde_json::to_value(value).unwrap_or_default();
    template::render(text, &value).map_err(|error| CliError::new(format!("Error formatting the data: {error}")))
}
