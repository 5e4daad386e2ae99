//! `secret recipients`: who can open an encrypted file.

use super::{AgeFile, failed, read_recipients};
use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_secrets::age::{self, Access};
use std::path::Path;

/// Lists who can open a file, or changes it and encrypts the file anew.
#[derive(clap::Args)]
#[command(next_help_heading = "Recipients Options")]
pub struct Recipients {
    /// Lets the owner of this public key open it. Repeatable.
    #[arg(long, value_name = "age1…")]
    add: Vec<String>,
    /// Does not let the owner of this public key open it any more. They may have kept what they read: change the values too.
    #[arg(long, value_name = "age1…")]
    remove: Vec<String>,
    #[arg(hide = true)]
    paths: Vec<String>,
}

impl Invoke for Recipients {
    fn invoke(self, context: &Context) -> Outcome {
        let [path] = self.paths.as_slice() else {
            return Err(context.usage("This command takes one argument: <file>"));
        };
        if self.add.is_empty() && self.remove.is_empty() {
            read_recipients(Path::new(path))?.iter().for_each(|recipient| output::line(recipient));
            return Ok(0);
        }
        let mut file = AgeFile::open(path)?;
        let Access::Recipients(recipients) = &mut file.access else {
            let error = failed(Path::new(path), &"it is encrypted with a passphrase, so that it has no recipients");
            return Err(error.hint(format!("drover secret rotate -recipient=age1… {path} changes that")));
        };
        for recipient in &self.add {
            age::check_recipient(recipient).map_err(|error| failed(Path::new(path), &error))?;
            if !recipients.contains(recipient) {
                recipients.push(recipient.clone());
            }
        }
        for recipient in &self.remove {
            let before = recipients.len();
            recipients.retain(|known| known != recipient);
            if recipients.len() == before {
                return Err(CliError::new(format!("{recipient} is none of those who can open {path}")));
            }
        }
        file.write()?;
        if !self.remove.is_empty() {
            output::error_line("Those who were removed may have kept what they read: change the values too.");
        }
        Ok(0)
    }
}
