//! `secret …`: encrypted files of secrets, and what a stack needs of them and of other stores.

pub mod edit;
pub mod get;
pub mod keygen;
pub mod list;
pub mod recipients;
pub mod refs;
pub mod rotate;
pub mod set;

use crate::error::CliError;
use crate::secrets;
use drover_secrets::age::{self, Access, Keys};
use drover_secrets::{Secret, parse_document};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An encrypted file, open.
struct AgeFile {
    path: PathBuf,
    text: Secret<String>,
    access: Access,
}

/// What opens files here.
fn keys() -> Keys {
    Keys { identity_files: secrets::identity_files(), ask: Some(Arc::new(secrets::passphrase)) }
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> CliError {
    CliError::new(format!("{}: {error}", path.display()))
}

/// Beside the file: the public keys of those who can open it, one a line. The file itself does not tell.
fn recipients_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".recipients");
    PathBuf::from(name)
}

/// Public keys, one a line; `#` begins a comment.
fn read_recipients(path: &Path) -> Result<Vec<String>, CliError> {
    let path = recipients_path(path);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(&path, &error)),
    };
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let recipients: Vec<String> = lines.filter(|line| !line.is_empty()).map(str::to_owned).collect();
    for recipient in &recipients {
        age::check_recipient(recipient).map_err(|error| failed(&path, &error))?;
    }
    Ok(recipients)
}

impl AgeFile {
    /// Opens a file. `known` are its recipients where no file beside it says.
    fn open(path: &str) -> Result<Self, CliError> {
        let path = PathBuf::from(path);
        let content = fs::read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => failed(&path, &"there is no such file")
                .hint(format!("drover secret set {} NAME makes it", path.display())),
            _ => failed(&path, &error),
        })?;
        if !age::is_age(&content) {
            return Err(failed(&path, &"it is not encrypted with age"));
        }
        // One passphrase opens it and closes it again.
        let is_passphrase = age::is_passphrase(&content);
        let mut keys = keys();
        let access = if is_passphrase {
            let passphrase =
                secrets::passphrase("Passphrase").ok_or_else(|| failed(&path, &age::AgeError::PassphraseNeeded))?;
            let known = passphrase.clone();
            keys.ask = Some(Arc::new(move |_: &str| Some(known.clone())));
            Access::Passphrase(passphrase)
        } else {
            let mut recipients = read_recipients(&path)?;
            if recipients.is_empty() {
                recipients = keys.recipients().map_err(|error| failed(&path, &error))?;
            }
            Access::Recipients(recipients)
        };
        let plain = keys.decrypt(&content).map_err(|error| failed(&path, &error))?;
        let text = std::str::from_utf8(&plain).map_err(|_| failed(&path, &"it does not hold UTF-8 text"))?;
        Ok(Self { text: Secret::from(text), access, path })
    }

    /// The file, or a new one for `recipients`, for this person, or under a passphrase.
    fn open_or_new(path: &str, recipients: &[String], passphrase: bool) -> Result<Self, CliError> {
        let file = Path::new(path);
        if file.exists() {
            if passphrase || !recipients.is_empty() {
                let hint =
                    format!("drover secret recipients {path} and drover secret rotate {path} change who can open it");
                return Err(failed(file, &"it is there already").hint(hint));
            }
            return Self::open(path);
        }
        let access = if passphrase {
            Access::Passphrase(new_passphrase()?)
        } else {
            let mut all = read_recipients(file)?;
            all.extend_from_slice(recipients);
            if all.is_empty() {
                all = keys().recipients().map_err(|error| failed(file, &error))?;
            }
            if all.is_empty() {
                let hint = "make an identity with drover secret keygen, or name -recipient=age1… or -passphrase";
                return Err(failed(file, &"there is nobody to encrypt it for").hint(hint));
            }
            Access::Recipients(all)
        };
        Ok(Self { path: file.to_owned(), text: Secret::from(""), access })
    }

    /// Writes it, and who can open it beside it.
    fn write(&self) -> Result<(), CliError> {
        let content = age::encrypt(self.text.expose().as_bytes(), &self.access);
        let content = content.map_err(|error| failed(&self.path, &error))?;
        place(&self.path, &content, 0o644)?;
        if let Access::Recipients(recipients) = &self.access
            && read_recipients(&self.path)? != *recipients
        {
            let text = format!("# Who can open {}.\n{}\n", name(&self.path), recipients.join("\n"));
            place(&recipients_path(&self.path), text.as_bytes(), 0o644)?;
        }
        Ok(())
    }

    /// The names of its fields; none when it is a single value.
    fn names(&self) -> Option<Vec<String>> {
        let fields = fields(&self.path.to_string_lossy(), &self.text)?;
        Some(fields.into_keys().collect())
    }
}

/// The fields of a document; none when it is a single value. Names are shown, so that one line with an equals sign in it is taken
/// for a value, unless the name of the file says otherwise.
fn fields(path: &str, text: &Secret<String>) -> Option<BTreeMap<String, Secret<String>>> {
    let fields = parse_document(text.expose()).ok()?;
    let is_json = text.expose().trim_start().starts_with('{');
    let is_word = |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_env = path.trim_end_matches(".age").ends_with(".env") || fields.len() > 1;
    (is_json || (is_env && fields.keys().all(is_word))).then_some(fields)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// A new passphrase, typed twice or from the environment.
fn new_passphrase() -> Result<Secret<String>, CliError> {
    let none = || CliError::new("a passphrase is needed").hint("set DROVER_AGE_PASSPHRASE, or run this in a terminal");
    let first = secrets::passphrase("New passphrase").ok_or_else(none)?;
    let again = secrets::passphrase("The same again").ok_or_else(none)?;
    if first != again {
        return Err(CliError::new("the two passphrases differ; nothing was written"));
    }
    Ok(first)
}

/// Writes beside the file and renames, so that there is always a whole one.
fn place(path: &Path, content: &[u8], mode: u32) -> Result<(), CliError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(mode)
        .open(&beside)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        // Nothing more can be done about a file that cannot be removed either.
        let _ = fs::remove_file(&beside);
        failed(path, &error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_an_equals_sign_shows_no_part_of_itself() {
        let names = |path: &str, text: &str| {
            fields(path, &Secret::from(text)).map(|fields| fields.into_keys().collect::<Vec<_>>())
        };
        assert_eq!(names("token", "c2VjcmV0MTIz=="), None);
        assert_eq!(names("token", "hunter2"), None);
        assert_eq!(names("app.env.age", "TOKEN=x"), Some(vec!["TOKEN".to_owned()]));
        assert_eq!(names("s", "A=1\nB=2"), Some(vec!["A".to_owned(), "B".to_owned()]));
        assert_eq!(names("s", "{\"a\":{\"b\":\"c\"}}"), Some(vec!["a.b".to_owned()]));
    }
}
