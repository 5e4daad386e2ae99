//! `secret keygen`: an identity to open encrypted files with.

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::secrets;
use drover_secrets::age;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

/// Makes an identity and prints its public key.
#[derive(clap::Args)]
#[command(next_help_heading = "Keygen Options")]
pub struct Keygen {
    /// Where it goes. Default: drover/identity.txt in the user's configuration folder, where it is found by itself.
    #[arg(long, value_name = "path")]
    out: Option<PathBuf>,
}

impl Invoke for Keygen {
    fn invoke(self, _context: &Context) -> Outcome {
        let path = self.out.or_else(secrets::default_identity);
        let path = path.ok_or_else(|| CliError::new("the environment names no home").hint("name a file with -out"))?;
        if path.exists() {
            return Err(
                super::failed(&path, &"it is there already, and files may need it").hint("name another with -out")
            );
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(|error| super::failed(folder, &error))?;
        }
        let made = age::generate();
        super::place(&path, made.text.expose().as_bytes(), 0o600)?;
        output::error_line(&format!("Wrote {}; keep it, and give others the public key:", path.display()));
        output::line(&made.recipient);
        Ok(0)
    }
}
