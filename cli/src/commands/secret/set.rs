//! `secret set`: one value in an encrypted file or in the keyring.

use super::AgeFile;
use crate::context::Context;
use crate::error::CliError;
use crate::registry::{Invoke, Outcome};
use crate::{output, prompt, secrets};
use drover_secrets::{ProviderSettings, Secret, remove_field, set_field};
use std::io::{IsTerminal, Read};

/// The longest value, in bytes.
const MAX_VALUE_BYTES: u64 = 1024 * 1024;

/// Sets a value. It is read from the standard input or asked for: on a command line others could see it.
#[derive(clap::Args)]
#[command(next_help_heading = "Set Options")]
pub struct Set {
    /// Takes the value from this file.
    #[arg(long = "from-file", value_name = "path")]
    from_file: Option<String>,
    /// Removes it instead.
    #[arg(long)]
    remove: bool,
    /// For a new file: who can open it, beside those in FILE.recipients. Repeatable. Default: this user's identity.
    #[arg(long, value_name = "age1…")]
    recipient: Vec<String>,
    /// For a new file: encrypts it with a passphrase.
    #[arg(long)]
    passphrase: bool,
    #[arg(hide = true)]
    words: Vec<String>,
}

impl Invoke for Set {
    fn invoke(self, context: &Context) -> Outcome {
        match self.words.as_slice() {
            [entry] if entry.starts_with("keyring:") => self.keyring(entry.trim_start_matches("keyring:")),
            [file, field] => self.file(file, field),
            _ => Err(context.usage("This command takes <file> <name>, or keyring:<name>")),
        }
    }
}

impl Set {
    fn file(&self, path: &str, field: &str) -> Outcome {
        let mut file = AgeFile::open_or_new(path, &self.recipient, self.passphrase)?;
        let broken = |error: drover_secrets::ProviderError| CliError::new(format!("{path}: {error}"));
        file.text = if self.remove {
            let text = remove_field(file.text.expose(), field).map_err(broken)?;
            Secret::new(text.ok_or_else(|| CliError::new(format!("{path} has no `{field}`")))?)
        } else {
            let value = self.value(field)?;
            Secret::new(set_field(file.text.expose(), field, value.expose()).map_err(broken)?)
        };
        file.write()?;
        let done = if self.remove { "Removed" } else { "Set" };
        output::error_line(&format!("{done} {field} in {path}; use it as secret(\"file:{path}#{field}\")."));
        Ok(0)
    }

    fn keyring(&self, entry: &str) -> Outcome {
        let keyring = secrets::keyring(&ProviderSettings::of("keyring")).map_err(|e| CliError::new(e.to_string()))?;
        let broken = |error: drover_secrets::ProviderError| CliError::new(format!("keyring:{entry}: {error}"));
        if self.remove {
            if !keyring.remove(entry).map_err(broken)? {
                return Err(CliError::new(format!("the keyring has no entry {entry}")));
            }
            output::error_line(&format!("Removed {entry}."));
            return Ok(0);
        }
        let backend = keyring.set(entry, &self.value(entry)?).map_err(broken)?;
        output::error_line(&format!("Set {entry} in {backend}. Use it as secret(\"keyring:{entry}\")."));
        Ok(0)
    }

    fn value(&self, what: &str) -> Result<Secret<String>, CliError> {
        let unreadable = |error: std::io::Error| CliError::new(format!("cannot read the value: {error}"));
        let mut text = String::new();
        match &self.from_file {
            Some(path) => {
                let file = std::fs::File::open(path).map_err(|error| CliError::new(format!("{path}: {error}")))?;
                file.take(MAX_VALUE_BYTES).read_to_string(&mut text).map_err(unreadable)?;
            }
            None if std::io::stdin().is_terminal() => {
                return prompt::hidden(&format!("Value of {what}")).ok_or_else(|| CliError::new("no value was given"));
            }
            None => {
                std::io::stdin().lock().take(MAX_VALUE_BYTES).read_to_string(&mut text).map_err(unreadable)?;
                if text.ends_with('\n') {
                    text.pop();
                }
            }
        }
        if text.is_empty() {
            return Err(CliError::new("no value was given; pipe it in, or name a file with -from-file"));
        }
        Ok(Secret::new(text))
    }
}
