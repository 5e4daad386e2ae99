//! Plan files: written for this user alone, encrypted if wanted, read again.

use super::explained;
use crate::error::CliError;
use drover_secrets::age::{self, Access, Keys};
use drover_stack::planfile::{MAX_PLAN_BYTES, SavedPlan};
use std::io::{Read, Write};
use std::path::PathBuf;

/// Flags of commands that read plan files.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct IdentityArgs {
    /// A file with the age identity that opens an encrypted plan. Repeatable; without it, DROVER_AGE_IDENTITY names one.
    #[arg(long, value_name = "path")]
    pub identity: Vec<PathBuf>,
}

impl IdentityArgs {
    fn keys(&self) -> Keys {
        let mut identity_files = self.identity.clone();
        if identity_files.is_empty() {
            let named = std::env::var_os("DROVER_AGE_IDENTITY").filter(|path| !path.is_empty());
            identity_files.extend(named.map(PathBuf::from));
        }
        Keys { identity_files, ask: None }
    }
}

/// The saved plan at `path`; none when something else is there.
///
/// # Errors
/// It is encrypted and cannot be opened, or it is a plan that is not understood.
pub fn read(path: &str, identity: &IdentityArgs) -> Result<Option<SavedPlan>, CliError> {
    let Ok(file) = std::fs::File::open(path) else { return Ok(None) };
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    if file.take(MAX_PLAN_BYTES).read_to_end(&mut bytes).is_err() {
        return Ok(None);
    }
    let failed = |error: &dyn std::error::Error| {
        let mut error = explained(error);
        error.place = Some(path.to_owned());
        error
    };
    if age::is_age(&bytes) {
        let plain = identity.keys().decrypt(&bytes).map_err(|error| {
            failed(&error).hint("-identity=FILE names the identity of one of those that the plan was encrypted to")
        })?;
        bytes = plain.to_vec();
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.starts_with("drover-plan ") => {
            SavedPlan::parse(&text).map(Some).map_err(|error| failed(&error))
        }
        _ => Ok(None),
    }
}

/// Writes a plan's text, encrypted to `recipients` if there are any. It is written beside the file and renamed, so that no half
/// plan is left; only this user may read it.
///
/// # Errors
/// A recipient is none, or the file cannot be written.
pub fn write(path: &str, text: &str, recipients: &[String]) -> Result<(), CliError> {
    use std::os::unix::fs::OpenOptionsExt;
    let content = if recipients.is_empty() {
        text.as_bytes().to_vec()
    } else {
        age::encrypt(text.as_bytes(), &Access::Recipients(recipients.to_vec())).map_err(|error| explained(&error))?
    };
    let beside = format!("{path}.{}.tmp", std::process::id());
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(&content).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| {
        // Nothing more can be done about a file that cannot be removed either.
        let _ = std::fs::remove_file(&beside);
        CliError::new(format!("cannot write the plan to {path}: {error}"))
    })
}
