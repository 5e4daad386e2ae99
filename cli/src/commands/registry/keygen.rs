//! `registry keygen`: makes the key that packs are signed with.

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::prompt;
use crate::registries::Places;
use crate::registry::{Invoke, Outcome};
use crate::stacks::{explained, now};
use drover_registry::sign::{KeyFile, Rotation, SigningKey, Work};
use std::path::{Path, PathBuf};

/// The shortest passphrase that is taken.
const MIN_PASSPHRASE: usize = 8;
const PASSPHRASE: &str = "DROVER_KEY_PASSPHRASE";

/// Makes a signing key, sealed with a passphrase.
#[derive(clap::Args)]
#[command(next_help_heading = "Registry Keygen Options")]
pub struct Keygen {
    /// Where the key goes; the folder of settings otherwise.
    #[arg(long, value_name = "path")]
    out: Option<PathBuf>,
    /// The key whose place the new one takes: writes its word for that beside the new key, for `registry update -rotation`.
    #[arg(long, value_name = "path")]
    rotate: Option<PathBuf>,
}

impl Invoke for Keygen {
    fn invoke(self, _context: &Context) -> Outcome {
        let path = self.out.map_or_else(|| Places::find().map(|places| places.signing_key()), Ok)?;
        if path.exists() {
            return Err(CliError::new(format!(
                "{} is there already, and a lost key cannot be made again",
                path.display()
            ))
            .hint("-out FILE puts the new one elsewhere"));
        }
        let old = self.rotate.as_deref().map(open).transpose()?;
        let passphrase = new_passphrase()?;
        let key = SigningKey::generate();
        let sealed = KeyFile::seal(&key, &passphrase, Work::default()).map_err(|error| explained(&error))?;
        write(&path, &sealed.to_text(), 0o600)?;
        let public = key.public();
        output::error_line(&format!(
            "Key {} is in {}. Others trust it by its public half:",
            public.id(),
            path.display()
        ));
        output::line(&public.to_string());
        if let Some(old) = old {
            let rotation = Rotation::sign(&old, public, &now());
            let text = serde_json::to_string_pretty(&rotation).unwrap_or_default();
            let beside = path.with_extension("rotation.json");
            write(&beside, &format!("{text}\n"), 0o644)?;
            let (old, beside) = (old.public().id(), beside.display());
            output::error_line(&format!(
                "Key {old} names it as its successor; drover registry update NAME -rotation {beside} takes it over."
            ));
        }
        Ok(0)
    }
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), CliError> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let written = parent.map_or(Ok(()), std::fs::create_dir_all).and_then(|()| {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| CliError::new(format!("cannot write {}: {error}", path.display())))
}

fn from_environment() -> Option<String> {
    std::env::var(PASSPHRASE).ok().filter(|value| !value.is_empty())
}

fn new_passphrase() -> Result<String, CliError> {
    let given = match from_environment() {
        Some(given) => given,
        None => {
            let missing = || {
                CliError::new("there is no terminal to ask for a passphrase on, or none was typed")
                    .hint(format!("{PASSPHRASE} gives one"))
            };
            let typed = prompt::hidden("Passphrase for the new key").ok_or_else(missing)?;
            let again = prompt::hidden("The same again").ok_or_else(missing)?;
            if typed.expose() != again.expose() {
                return Err(CliError::new("the two passphrases differ; nothing was made"));
            }
            typed.expose().clone()
        }
    };
    if given.chars().count() < MIN_PASSPHRASE {
        return Err(CliError::new(format!("a passphrase needs at least {MIN_PASSPHRASE} characters")));
    }
    Ok(given)
}

/// Opens a signing key, with the passphrase from the environment or the terminal.
///
/// # Errors
/// It is none, or the passphrase is wrong.
pub fn open(path: &Path) -> Result<SigningKey, CliError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| CliError::new(format!("cannot read the key {}: {error}", path.display())))?;
    let at = |error| CliError::new(format!("the key {}: {error}", path.display()));
    let sealed = KeyFile::parse(&text).map_err(at)?;
    let passphrase = match from_environment() {
        Some(given) => given,
        None => {
            let typed = prompt::hidden(&format!("Passphrase of the key {}", sealed.key_id));
            let typed = typed.ok_or_else(|| {
                CliError::new("there is no terminal to ask for the key's passphrase on, or none was typed")
                    .hint(format!("{PASSPHRASE} gives it"))
            })?;
            typed.expose().clone()
        }
    };
    sealed.open(&passphrase).map_err(at)
}
