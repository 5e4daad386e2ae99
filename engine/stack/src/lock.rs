//! One apply at a time: a lock per stack, in the engine's variables at `drover/stacks/NAME/lock`.
//!
//! It is the engine's own lock: whoever holds it renews it, and when its holder dies it runs out by itself. It keeps people out
//! of each other's way; what keeps data whole is that every write is conditional.

use std::time::Duration;

use drover_sdk::{Error, Method, NO_BODY, Query};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::engine::{Engine, EngineError, is_uncertain, text, variable_path};
use crate::record;

/// How long a lock lasts without being renewed. The engines take no less than ten seconds.
const TTL: Duration = Duration::from_secs(15);
/// How long the engine keeps a lock that ran out from others.
const DELAY: Duration = Duration::from_secs(1);
/// Between two renewals.
const RENEWAL: Duration = Duration::from_secs(4);
/// Between two tries to take a lock.
const RETRY: Duration = Duration::from_millis(500);
/// The item that says who holds it.
const ITEM: &str = "holder";

/// Who holds a lock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// As `user@host`.
    pub who: String,
    /// What runs, as `drover apply`.
    pub what: String,
    /// Identifies the process on its host: whoever else runs there can tell whether it lives.
    pub process: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// Identifies this one lock.
    pub nonce: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}) since {}", self.who, self.what, self.since)
    }
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Somebody else has it.
    #[error("stack {stack} is locked by {holder}")]
    Held {
        /// The stack.
        stack: String,
        /// Who.
        holder: Box<Holder>,
    },
    /// The engine could not be asked.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// How a lock is taken.
pub struct Wish<'a> {
    /// Who takes it.
    pub holder: Holder,
    /// How long to wait for somebody else.
    pub patience: Duration,
    /// Whether that holder's process is known to be gone: its lock is taken over at once.
    pub is_gone: &'a (dyn Fn(&Holder) -> bool + Send + Sync),
    /// Hears, once, who is being waited for.
    pub waiting: &'a (dyn Fn(&Holder) + Send + Sync),
}

/// A lock that is held. It is renewed until it is [released](Self::release) or dropped.
pub struct Held {
    engine: Engine,
    namespace: String,
    path: String,
    id: String,
    lost: watch::Receiver<bool>,
    renewal: JoinHandle<()>,
    /// Whether somebody else had it when it was first asked for.
    pub was_waited_for: bool,
}

impl Held {
    /// Becomes true when the lock is lost: somebody forced it open, or the engine could not be reached in time.
    pub fn lost(&self) -> watch::Receiver<bool> {
        self.lost.clone()
    }

    /// Gives it back. What cannot be given back runs out.
    pub async fn release(self) {
        self.renewal.abort();
        if release(&self.engine, &self.namespace, &self.path, &self.id).await.is_ok() {
            remove(&self.engine, &self.namespace, &self.path).await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

fn path(stack: &str) -> String {
    format!("{}/lock", record::path(stack))
}

impl Engine {
    /// Takes the stack's lock.
    ///
    /// # Errors
    /// When somebody else has it for too long, or the engine cannot be asked.
    pub async fn lock(&self, stack: &str, namespace: &str, wish: Wish<'_>) -> Result<Held, LockError> {
        let path = path(stack);
        let begin = Instant::now();
        let mut was_waited_for = false;
        loop {
            if let Some(id) = self.try_lock(namespace, &path, &wish.holder).await? {
                return Ok(self.hold(namespace, path, id, was_waited_for));
            }
            // None: it was given back between the two requests, or it ran out and is still kept from others.
            if let Some((holder, id)) = self.lock_holder(stack, namespace).await? {
                if (wish.is_gone)(&holder) {
                    // If it cannot be taken over, it is waited for like any other.
                    let _ = release(self, namespace, &path, &id).await;
                    continue;
                }
                if begin.elapsed() >= wish.patience {
                    return Err(LockError::Held { stack: stack.to_owned(), holder: Box::new(holder) });
                }
                if !was_waited_for {
                    (wish.waiting)(&holder);
                }
            } else if begin.elapsed() >= wish.patience.max(TTL) {
                let holder = Box::new(Holder { who: "somebody".to_owned(), ..Holder::default() });
                return Err(LockError::Held { stack: stack.to_owned(), holder });
            }
            was_waited_for = true;
            sleep(RETRY).await;
        }
    }

    /// Who holds the stack's lock, and its id.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn lock_holder(&self, stack: &str, namespace: &str) -> Result<Option<(Holder, String)>, EngineError> {
        let Some(found) = self.found(&variable_path(&path(stack)), namespace).await? else { return Ok(None) };
        let id = text(&found["Lock"]["ID"]);
        let holder = serde_json::from_str(found["Items"][ITEM].as_str().unwrap_or_default());
        // Somebody else's use of the path is a holder too, of whom nothing is known.
        let unknown = || Holder { who: "somebody".to_owned(), what: "not drover".to_owned(), ..Holder::default() };
        Ok((!id.is_empty()).then(|| (holder.unwrap_or_else(|_| unknown()), id)))
    }

    /// Takes the lock away from whoever has it; answers who that was.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn force_unlock(&self, stack: &str, namespace: &str) -> Result<Option<Holder>, EngineError> {
        let Some((holder, id)) = self.lock_holder(stack, namespace).await? else { return Ok(None) };
        release(self, namespace, &path(stack), &id).await?;
        remove(self, namespace, &path(stack)).await;
        Ok(Some(holder))
    }

    async fn try_lock(&self, namespace: &str, path: &str, holder: &Holder) -> Result<Option<String>, EngineError> {
        let holder_text = serde_json::to_string(holder).expect("a holder always has a JSON form");
        let lock = json!({"TTL": format!("{}s", TTL.as_secs()), "LockDelay": format!("{}s", DELAY.as_secs())});
        let body = json!({"Namespace": namespace, "Path": path, "Items": {ITEM: holder_text}, "Lock": lock});
        match change(self, "lock-acquire", namespace, path, &body).await {
            Ok(held) => Ok(Some(text(&held["Lock"]["ID"]))),
            Err(Error::Status { status: 409, .. }) => Ok(None),
            Err(error) if is_uncertain(&error) => {
                // The answer was lost, the lock perhaps not.
                let found = self.found(&variable_path(path), namespace).await?.unwrap_or_default();
                let is_ours = found["Items"][ITEM].as_str() == Some(&holder_text);
                let id = text(&found["Lock"]["ID"]);
                Ok((is_ours && !id.is_empty()).then_some(id))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn hold(&self, namespace: &str, path: String, id: String, was_waited_for: bool) -> Held {
        let (tell, lost) = watch::channel(false);
        let renewal = tokio::spawn(renew(self.clone(), namespace.to_owned(), path.clone(), id.clone(), tell));
        Held { engine: self.clone(), namespace: namespace.to_owned(), path, id, lost, renewal, was_waited_for }
    }
}

/// Renews a lock until it is lost.
async fn renew(engine: Engine, namespace: String, path: String, id: String, tell: watch::Sender<bool>) {
    let body = json!({"Namespace": namespace, "Path": path, "Lock": {"ID": id}});
    let mut last = Instant::now();
    loop {
        sleep(RENEWAL).await;
        match change(&engine, "lock-renew", &namespace, &path, &body).await {
            Ok(_) => last = Instant::now(),
            // An engine that is gone for a moment keeps the lock.
            Err(error) if is_uncertain(&error) && last.elapsed() < TTL => {}
            Err(_) => {
                // Nobody may be listening any more.
                let _ = tell.send(true);
                return;
            }
        }
    }
}

async fn release(engine: &Engine, namespace: &str, path: &str, id: &str) -> Result<(), EngineError> {
    let body = json!({"Namespace": namespace, "Path": path, "Lock": {"ID": id}});
    change(engine, "lock-release", namespace, path, &body).await?;
    Ok(())
}

/// A lock that somebody else has taken in the meantime cannot be removed, and one that is left is nobody's.
async fn remove(engine: &Engine, namespace: &str, path: &str) {
    let query = Query::new().namespace(namespace);
    let _ = engine.client().send::<Json, _>(Method::Delete, &variable_path(path), &query, NO_BODY).await;
}

async fn change(engine: &Engine, operation: &str, namespace: &str, path: &str, body: &Json) -> Result<Json, Error> {
    let query = Query::new().namespace(namespace).param(operation, "");
    engine.client().send(Method::Put, &variable_path(path), &query, Some(body)).await
}
