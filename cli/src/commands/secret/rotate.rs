//! `secret rotate`: a new key for an encrypted file.

use super::{AgeFile, failed, new_passphrase};
use crate::context::Context;
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_secrets::age::{self, Access};
use std::path::Path;

/// Encrypts files anew, with a new key for the same recipients, for others, or under another passphrase.
#[derive(clap::Args)]
#[command(next_help_heading = "Rotate Options")]
pub struct Rotate {
    /// Who can open them from now on, in place of those before. Repeatable.
    #[arg(long, value_name = "age1…", conflicts_with = "passphrase")]
    recipient: Vec<String>,
    /// Encrypts them with a new passphrase, which is asked for.
    #[arg(long)]
    passphrase: bool,
    #[arg(hide = true)]
    paths: Vec<String>,
}

impl Invoke for Rotate {
    fn invoke(self, context: &Context) -> Outcome {
        if self.paths.is_empty() {
            return Err(context.usage("This command takes at least one argument: <file>…"));
        }
        for path in &self.paths {
            let mut file = AgeFile::open(path)?;
            if self.passphrase {
                file.access = Access::Passphrase(new_passphrase()?);
            } else if !self.recipient.is_empty() {
                for recipient in &self.recipient {
                    age::check_recipient(recipient).map_err(|error| failed(Path::new(path), &error))?;
                }
                file.access = Access::Recipients(self.recipient.clone());
            }
            file.write()?;
            output::error_line(&format!("{path} is encrypted anew."));
        }
        Ok(0)
    }
}
