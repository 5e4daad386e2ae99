//! `secret list`: the names in an encrypted file.

use super::AgeFile;
use crate::context::Context;
use crate::output;
use crate::registry::{Invoke, Outcome};

/// Lists names, without values.
#[derive(clap::Args)]
#[command(next_help_heading = "List Options")]
pub struct List {
    /// Prints a JSON list.
    #[arg(long)]
    json: bool,
    #[arg(hide = true)]
    paths: Vec<String>,
}

impl Invoke for List {
    fn invoke(self, context: &Context) -> Outcome {
        let [path] = self.paths.as_slice() else {
            return Err(context.usage("This command takes one argument: <file>"));
        };
        let names = AgeFile::open(path)?.names();
        match names {
            Some(names) if self.json => output::line(&output::json(&names)),
            Some(names) => names.iter().for_each(|name| output::line(name)),
            None if self.json => output::line("[]"),
            None => output::error_line(&format!("{path} holds one value without a name.")),
        }
        Ok(0)
    }
}
