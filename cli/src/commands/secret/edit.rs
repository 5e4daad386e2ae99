//! `secret edit`: an encrypted file in the person's editor.

use super::{AgeFile, failed};
use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_secrets::{Secret, parse_document};
use std::fs;
use std::io::{Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Opens an encrypted file in an editor and encrypts what it leaves. The text lies in memory meanwhile, where there is such a place.
#[derive(clap::Args)]
#[command(next_help_heading = "Edit Options")]
pub struct Edit {
    /// For a new file: who can open it. Repeatable. Default: this user's identity.
    #[arg(long, value_name = "age1…")]
    recipient: Vec<String>,
    /// For a new file: encrypts it with a passphrase.
    #[arg(long)]
    passphrase: bool,
    #[arg(hide = true)]
    paths: Vec<String>,
}

impl Invoke for Edit {
    fn invoke(self, context: &Context) -> Outcome {
        let [path] = self.paths.as_slice() else {
            return Err(context.usage("This command takes one argument: <file>"));
        };
        let mut file = AgeFile::open_or_new(path, &self.recipient, self.passphrase)?;
        let before = if file.text.expose().is_empty() { Secret::from("{\n}\n") } else { file.text.clone() };
        let place = Place::new(path, &before)?;
        place.edit()?;
        let after = place.read()?;
        if after == before {
            output::error_line("Nothing was changed.");
            return Ok(0);
        }
        if after.expose().trim_start().starts_with('{') {
            let broken = |error| failed(Path::new(path), &format!("nothing was changed: {error}"));
            parse_document(after.expose()).map_err(broken)?;
        }
        file.text = after;
        file.write()?;
        output::error_line(&format!("{path} is encrypted anew."));
        Ok(0)
    }
}

/// A folder of its own with the text in it; both go when this is dropped.
struct Place {
    folder: PathBuf,
    file: PathBuf,
}

impl Place {
    fn new(path: &str, text: &Secret<String>) -> Result<Self, CliError> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let memory = runtime.into_iter().chain([PathBuf::from("/dev/shm")]).find(|folder| folder.is_dir());
        let folder = memory.unwrap_or_else(std::env::temp_dir).join(format!("drover-{}", drover_base::uuid::random()));
        fs::DirBuilder::new().mode(0o700).create(&folder).map_err(|error| failed(&folder, &error))?;
        let name = Path::new(path).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        // The name says to the editor what it is.
        let end = if text.expose().trim_start().starts_with('{') { ".json" } else { ".env" };
        let file = folder.join(format!("{}{end}", name.trim_end_matches(".json").trim_end_matches(".env")));
        let place = Self { folder, file };
        let written = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&place.file);
        let written = written.and_then(|mut file| file.write_all(text.expose().as_bytes()));
        written.map_err(|error| failed(&place.file, &error))?;
        Ok(place)
    }

    fn edit(&self) -> Result<(), CliError> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let editor = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".to_owned());
        // The variable may hold arguments, so that it goes to a shell, as with other tools.
        let status = Command::new("/bin/sh").args(["-c", &format!("{editor} \"$1\""), "sh"]).arg(&self.file).status();
        let status = status.map_err(|error| CliError::new(format!("cannot start the editor: {error}")))?;
        if !status.success() {
            return Err(CliError::new(format!("the editor `{editor}` failed ({status}); nothing was changed"))
                .hint("EDITOR or VISUAL names another one"));
        }
        Ok(())
    }

    fn read(&self) -> Result<Secret<String>, CliError> {
        fs::read_to_string(&self.file).map(Secret::new).map_err(|error| failed(&self.file, &error))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Overwritten first, for where it is not in memory; what cannot be removed cannot be helped.
        if let Ok(mut file) = fs::OpenOptions::new().write(true).open(&self.file) {
            let length = file.metadata().map_or(0, |metadata| metadata.len());
            let zeros = vec![0; usize::try_from(length).unwrap_or(0)];
            let _ = file.rewind().and_then(|()| file.write_all(&zeros)).and_then(|()| file.sync_all());
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}
