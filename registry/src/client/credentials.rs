//! Who one is to which registry: what `drover registry login` kept, and what Docker knows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use zeroize::Zeroize;

/// How one proves to be somebody.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// A token of Drover's registry server.
    Token(String),
    /// Name and password.
    Password {
        /// The name.
        username: String,
        /// The password.
        password: String,
    },
    /// A token that others are got for (OAuth's refresh token).
    Identity(String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(sensitive)")
    }
}

impl Drop for Credential {
    fn drop(&mut self) {
        match self {
            Self::Token(secret) | Self::Identity(secret) => secret.zeroize(),
            Self::Password { password, .. } => password.zeroize(),
        }
    }
}

/// Where credentials are looked up.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Given for this run alone, by host; they go first. The host `*` is every one.
    pub given: BTreeMap<String, Credential>,
    /// Drover's own file.
    pub file: Option<PathBuf>,
    /// Docker's `config.json`.
    pub docker_config: Option<PathBuf>,
}

#[derive(Default, Serialize, Deserialize)]
struct OwnFile {
    hosts: BTreeMap<String, Credential>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DockerConfig {
    auths: BTreeMap<String, DockerAuth>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase", default)]
struct DockerAuth {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

#[derive(Deserialize)]
struct HelperAnswer {
    #[serde(rename = "Username")]
    username: String,
    #[serde(rename = "Secret")]
    secret: String,
}

impl Credentials {
    /// What is known of a host (with its port); Docker is asked only about registries of images.
    pub fn of(&self, host: &str, is_oci: bool) -> Option<Credential> {
        let own = || self.read_own().ok()?.hosts.get(host).cloned();
        let given = self.given.get(host).or_else(|| self.given.get("*")).cloned();
        given.or_else(own).or_else(|| if is_oci { self.docker(host) } else { None })
    }

    /// Hosts in Drover's own file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn hosts(&self) -> io::Result<Vec<String>> {
        Ok(self.read_own()?.hosts.keys().cloned().collect())
    }

    /// Keeps a credential in Drover's own file, which only its owner may read; none takes it away. Answers whether
    /// there was one before.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, host: &str, credential: Option<Credential>) -> io::Result<bool> {
        let Some(path) = &self.file else { return Err(io::Error::other("there is no folder for credentials")) };
        let mut own = self.read_own()?;
        let before = match credential {
            Some(credential) => own.hosts.insert(host.to_owned(), credential),
            None => own.hosts.remove(host),
        };
        let text = serde_json::to_string_pretty(&own).map_err(io::Error::other)?;
        crate::write_atomically(path, text.as_bytes(), 0o600)?;
        Ok(before.is_some())
    }

    fn read_own(&self) -> io::Result<OwnFile> {
        let Some(path) = &self.file else { return Ok(OwnFile::default()) };
        match std::fs::read(path) {
            Ok(content) => serde_json::from_slice(&content)
                .map_err(|error| io::Error::other(format!("{} is damaged: {error}", path.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(OwnFile::default()),
            Err(error) => Err(error),
        }
    }

    fn docker(&self, host: &str) -> Option<Credential> {
        let content = std::fs::read(self.docker_config.as_deref()?).ok()?;
        let config: DockerConfig = serde_json::from_slice(&content).ok()?;
        let names = docker_names(host);
        let helper = names.iter().find_map(|name| config.cred_helpers.get(name));
        if let Some(helper) = helper.or(config.creds_store.as_ref())
            && let Some(found) = names.iter().find_map(|name| ask_helper(helper, name))
        {
            return Some(found);
        }
        names.iter().find_map(|name| config.auths.get(name)).and_then(DockerAuth::credential)
    }
}

/// What Docker calls a host in its files.
fn docker_names(host: &str) -> Vec<String> {
    let mut names = vec![host.to_owned(), format!("https://{host}"), format!("http://{host}")];
    if matches!(host, "docker.io" | "registry-1.docker.io" | "index.docker.io") {
        names.push("https://index.docker.io/v1/".to_owned());
    }
    names
}

impl DockerAuth {
    fn credential(&self) -> Option<Credential> {
        if !self.identitytoken.is_empty() {
            return Some(Credential::Identity(self.identitytoken.clone()));
        }
        if !self.username.is_empty() {
            return Some(Credential::Password { username: self.username.clone(), password: self.password.clone() });
        }
        let decoded = String::from_utf8(STANDARD.decode(self.auth.trim()).ok()?).ok()?;
        let (username, password) = decoded.split_once(':')?;
        Some(Credential::Password {
            username: username.to_owned(),
            password: password.trim_end_matches('\0').to_owned(),
        })
    }
}

/// Runs `docker-credential-NAME get`, as Docker does.
fn ask_helper(helper: &str, server: &str) -> Option<Credential> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if helper.is_empty() || !helper.chars().all(is_plain) {
        return None;
    }
    let mut child = Command::new(Path::new(&format!("docker-credential-{helper}")))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    // A helper that reads nothing has ended, which its status says.
    let _ = child.stdin.take()?.write_all(server.as_bytes());
    let output = child.wait_with_output().ok()?;
    if !output.status.success() {
        return None;
    }
    let answer: HelperAnswer = serde_json::from_slice(&output.stdout).ok()?;
    Some(match answer.username.as_str() {
        "<token>" => Credential::Identity(answer.secret),
        _ => Credential::Password { username: answer.username, password: answer.secret },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_files_are_understood() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, r#"{"auths":{"h:5000":{"auth":"bWU6cGE6c3M="},"https://t":{"identitytoken":"x"}}}"#)
            .unwrap();
        let credentials = Credentials { docker_config: Some(path), ..Credentials::default() };
        let password = Credential::Password { username: "me".to_owned(), password: "pa:ss".to_owned() };
        assert!(credentials.of("h:5000", true) == Some(password));
        assert!(credentials.of("t", true) == Some(Credential::Identity("x".to_owned())));
        assert!(credentials.of("h:5000", false).is_none());
    }

    #[test]
    fn a_kept_credential_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/credentials.json");
        let credentials = Credentials { file: Some(path.clone()), ..Credentials::default() };
        assert!(!credentials.keep("h", Some(Credential::Token("t".to_owned()))).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(credentials.of("h", false) == Some(Credential::Token("t".to_owned())));
        assert!(credentials.keep("h", None).unwrap() && credentials.of("h", false).is_none());
        assert_eq!(format!("{:?}", Credential::Token("t".to_owned())), "(sensitive)");
    }
}
