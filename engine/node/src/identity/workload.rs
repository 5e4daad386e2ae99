//! Signed identities of tasks: asked of the servers, given to the task, renewed in time.

use crate::alloc::dir::{AllocDir, SECRETS_DIR};
use crate::context::NodeContext;
use crate::link::{IdentityWish, SignedIdentity};
use drover_base::UnixNanos;
use drover_model::{Allocation, Task, TextMap, WorkloadIdentity};
use nix::unistd::{Uid, User, chown};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The name of the identity that every task has.
pub const DEFAULT_IDENTITY: &str = "default";
/// Where identities of a task are kept for the next agent, below the task's folder of the node's own state.
const KEPT_FILE: &str = "identities.json";
/// Tries before a task's start fails because no server signs.
const SIGN_TRIES: u32 = 5;
/// Between two tries.
const SIGN_RETRY: Duration = Duration::from_secs(2);

/// Why a task cannot have its identities.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// No server signed them.
    #[error("failed to sign identities: {0}")]
    Sign(crate::link::LinkError),
    /// A file cannot be written.
    #[error("failed to write identity {name:?} to {}: {source}", path.display())]
    Write {
        /// The identity.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The path leads out of the task's directory.
    #[error("identity {name:?}: filepath {path:?} escapes the task's directory")]
    Escapes {
        /// The identity.
        name: String,
        /// The path.
        path: String,
    },
}

/// A task's signed identities by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tokens(BTreeMap<String, Token>);

/// One of them.
#[derive(Clone, Serialize, Deserialize)]
struct Token {
    jwt: String,
    signed: UnixNanos,
    expires: Option<UnixNanos>,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("expires", &self.expires).finish_non_exhaustive()
    }
}

impl Token {
    fn new(signed: SignedIdentity) -> Self {
        Self { jwt: signed.jwt, signed: UnixNanos::now(), expires: signed.expires }
    }

    /// When it is to be replaced: in the middle of its life.
    fn renew_at(&self) -> Option<UnixNanos> {
        let life = self.expires?.since(self.signed);
        Some(self.signed.plus(drover_base::Nanos(life.0 / 2)))
    }
}

/// One task of an allocation, for what is done with its identities.
#[derive(Clone, Copy, Debug)]
pub struct Bearer<'a> {
    /// The node.
    pub context: &'a NodeContext,
    /// The allocation, with its job.
    pub alloc: &'a Allocation,
    /// The task.
    pub task: &'a Task,
    /// The allocation's directories.
    pub dir: &'a AllocDir,
}

/// The identities that a task is given.
pub fn given(task: &Task) -> impl Iterator<Item = (&str, &WorkloadIdentity)> {
    let default = task.identity.iter().filter(|identity| identity.env || identity.file);
    default.chain(&task.identities).map(|identity| (name_of(identity), identity))
}

fn name_of(identity: &WorkloadIdentity) -> &str {
    if identity.name.is_empty() { DEFAULT_IDENTITY } else { &identity.name }
}

impl Bearer<'_> {
    /// The identities that the task is given: those kept from before as long as they are fresh, else new ones. Files are
    /// written.
    pub async fn prepare(&self) -> Result<Tokens, IdentityError> {
        let mut tokens = self.kept();
        let now = UnixNanos::now();
        let is_fresh = |name: &str| tokens.0.get(name).is_some_and(|token| token.renew_at().is_none_or(|at| at > now));
        let stale: Vec<String> =
            given(self.task).map(|(name, _)| name).filter(|name| !is_fresh(name)).map(str::to_owned).collect();
        if !stale.is_empty() {
            tokens.0.extend(self.sign(stale).await?);
            self.keep(&tokens);
        }
        self.write_files(&tokens)?;
        Ok(tokens)
    }

    /// The variables that carry identities.
    pub fn env(&self, tokens: &Tokens) -> TextMap {
        let exported = given(self.task).filter(|(_, identity)| identity.env);
        exported
            .filter_map(|(name, _)| {
                let variable = match name {
                    DEFAULT_IDENTITY => "NOMAD_TOKEN".to_owned(),
                    name => format!("NOMAD_TOKEN_{name}"),
                };
                Some((variable, tokens.0.get(name)?.jwt.clone()))
            })
            .collect()
    }

    /// Waits until the next identity is to be renewed and renews it; gives back the names of those that changed.
    /// `None`: nothing ends.
    pub async fn renew_next(&self, tokens: &mut Tokens) -> Option<Vec<String>> {
        let next = given(self.task).filter_map(|(name, _)| tokens.0.get(name)?.renew_at()).min()?;
        let now = UnixNanos::now();
        let wait = next.since(now).as_duration();
        tokio::time::sleep(wait.mul_f64(1.0 + 0.1 * rand::random::<f64>())).await;
        loop {
            let now = UnixNanos::now();
            let due = |name: &str| tokens.0.get(name).and_then(Token::renew_at).is_some_and(|at| at <= now);
            let due: Vec<String> =
                given(self.task).map(|(name, _)| name).filter(|name| due(name)).map(str::to_owned).collect();
            let renewed = match self.sign(due.clone()).await {
                Ok(signed) => {
                    tokens.0.extend(signed);
                    self.keep(tokens);
                    self.write_files(tokens)
                }
                Err(error) => Err(error),
            };
            match renewed {
                Ok(()) => return Some(due),
                Err(error) => {
                    tracing::warn!(alloc = %self.alloc.id, task = self.task.name, %error, "identities are not renewed");
                    tokio::time::sleep(SIGN_RETRY).await;
                }
            }
        }
    }

    async fn sign(&self, names: Vec<String>) -> Result<BTreeMap<String, Token>, IdentityError> {
        let wishes: Vec<IdentityWish> = names
            .iter()
            .map(|name| IdentityWish {
                alloc_id: self.alloc.id.clone(),
                task: self.task.name.clone(),
                identity: name.clone(),
            })
            .collect();
        let node_id = self.context.node().id.clone();
        let mut tries = 0;
        loop {
            match self.context.link().sign_identities(&node_id, &wishes).await {
                Ok(signed) => return Ok(names.into_iter().zip(signed.into_iter().map(Token::new)).collect()),
                Err(error) => {
                    tries += 1;
                    if tries >= SIGN_TRIES {
                        return Err(IdentityError::Sign(error));
                    }
                    tracing::warn!(alloc = %self.alloc.id, task = self.task.name, %error, "identities are not signed yet");
                    tokio::time::sleep(SIGN_RETRY).await;
                }
            }
        }
    }

    fn kept_path(&self) -> PathBuf {
        self.context.state.task_dir(&self.alloc.id, &self.task.name).join(KEPT_FILE)
    }

    fn kept(&self) -> Tokens {
        let text = std::fs::read(self.kept_path()).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// For the next agent; without it, that one asks for new ones.
    fn keep(&self, tokens: &Tokens) {
        let path = self.kept_path();
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| {
            let text = serde_json::to_vec(tokens)?;
            replace_file(&path, &text, 0o600, None)
        });
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "identities of a task cannot be kept");
        }
    }

    fn write_files(&self, tokens: &Tokens) -> Result<(), IdentityError> {
        for (name, identity) in given(self.task).filter(|(_, identity)| identity.file) {
            let Some(token) = tokens.0.get(name) else { continue };
            let path = self.place(name, identity)?;
            let fault = |source| IdentityError::Write { name: name.to_owned(), path: path.clone(), source };
            let user = owner(&self.task.user);
            // Only its user may read it; without one, the task may run as anybody.
            let mode = if user.is_some() { 0o600 } else { 0o644 };
            path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(fault)?;
            replace_file(&path, token.jwt.as_bytes(), mode, user).map_err(fault)?;
        }
        Ok(())
    }

    fn place(&self, name: &str, identity: &WorkloadIdentity) -> Result<PathBuf, IdentityError> {
        let root = self.dir.task(&self.task.name);
        if identity.filepath.is_empty() {
            let file = if name == DEFAULT_IDENTITY { "nomad_token".to_owned() } else { format!("nomad_{name}.jwt") };
            return Ok(root.join(SECRETS_DIR).join(file));
        }
        let relative = Path::new(identity.filepath.trim_start_matches('/'));
        let stays = relative.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        let escapes = || IdentityError::Escapes { name: name.to_owned(), path: identity.filepath.clone() };
        let place = root.join(relative);
        // A link that the task made must not lead out either.
        let above = place.ancestors().skip(1).find_map(|dir| dir.canonicalize().ok());
        let inside = root.canonicalize().is_ok_and(|root| above.is_some_and(|above| above.starts_with(root)));
        if stays && inside { Ok(place) } else { Err(escapes()) }
    }
}

/// The user that a task runs as, when this agent can give files to it.
fn owner(user: &str) -> Option<Uid> {
    if user.is_empty() || !Uid::effective().is_root() {
        return None;
    }
    let name = user.split(':').next().unwrap_or(user);
    let found = User::from_name(name).ok().flatten().map(|user| user.uid);
    found.or_else(|| name.parse().ok().map(Uid::from_raw))
}

/// Replaces a file as a whole, so that nobody reads half of it.
fn replace_file(path: &Path, content: &[u8], mode: u32, owner: Option<Uid>) -> std::io::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".new");
    let aside = PathBuf::from(aside);
    // Whatever lies there may have been put there to be written through.
    match std::fs::remove_file(&aside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&aside)?;
    file.write_all(content)?;
    file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    if let Some(owner) = owner {
        chown(&aside, Some(owner), None)?;
    }
    std::fs::rename(&aside, path)
}
