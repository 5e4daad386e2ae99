//! `acl bootstrap`: the first token.

use super::token;
use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::jobfile::reason;
use crate::output;
use crate::registry::{Invoke, Outcome};
use std::io::Read;

/// The longest secret that is read, in bytes.
const MAX_SECRET_BYTES: u64 = 4096;

/// Makes the first token, which may do everything; with the secret of a file (`-`: the standard input) that one.
#[derive(clap::Args)]
#[command(next_help_heading = "Bootstrap Options")]
pub struct Bootstrap {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
    #[arg(hide = true)]
    path: Vec<String>,
}

impl Invoke for Bootstrap {
    fn invoke(self, context: &Context) -> Outcome {
        let secret = match self.path.as_slice() {
            [] => None,
            [path] => Some(read_secret(path)?),
            _ => return Err(context.usage("This command takes up to one argument")),
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let made = client.bootstrap_acl(secret.as_deref()).await.during("Error bootstrapping")?;
            token::print(&self.format, &made)
        })
    }
}

/// The secret in a file; `-` is the standard input.
pub fn read_secret(path: &str) -> Result<String, CliError> {
    let mut text = String::new();
    let read = match path {
        "-" => std::io::stdin().lock().take(MAX_SECRET_BYTES).read_to_string(&mut text),
        path => std::fs::File::open(path).and_then(|file| file.take(MAX_SECRET_BYTES).read_to_string(&mut text)),
    };
    read.map_err(|error| {
        let whence = if path == "-" { "standard input".to_owned() } else { format!("open {path}") };
        CliError::new(format!("Error reading provided token: {whence}: {}", reason(&error)))
    })?;
    Ok(text.trim().to_owned())
}
