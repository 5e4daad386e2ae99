//! Holding variables: only who knows the lock's id may change what is locked.

use super::variables::{check_path, context, empty};
use crate::answer::Variable;
use crate::error::{ErrorKind, Result, ServerError};
use crate::request::VariableLockRequest;
use crate::server::Server;
use drover_base::uuid;
use drover_model::registry::{StoredVariable, VariableLock};
use drover_model::{Nanos, UnixNanos};
use drover_state::{Applied, Command, LockVariable, StateError};

/// TTL and delay of locks that do not say.
const DEFAULT_LOCK_TIME: Nanos = Nanos::from_secs(15);
const MIN_TTL: Nanos = Nanos::from_secs(10);
const MAX_TTL: Nanos = Nanos::from_hours(24);

/// A lock with what it does not say filled in.
pub(crate) fn with_defaults(mut lock: VariableLock) -> VariableLock {
    if lock.ttl.is_zero() {
        lock.ttl = DEFAULT_LOCK_TIME;
    }
    if lock.lock_delay.is_zero() {
        lock.lock_delay = DEFAULT_LOCK_TIME;
    }
    lock
}

impl Server {
    /// Takes a lock, or takes it anew for who holds it. A variable that is not there is made.
    ///
    /// # Errors
    /// `Conflict` when somebody else holds it; path or times are not allowed.
    pub async fn acquire_variable_lock(&self, request: VariableLockRequest) -> Result<Variable> {
        check_path(&request.path)?;
        let mut lock = with_defaults(request.lock);
        if lock.ttl < MIN_TTL || lock.ttl > MAX_TTL {
            let text = "RPC Error:: 400,1 error occurred:\n\t* TTL must be between 10 seconds and 24 hours\n\n";
            return Err(ServerError::invalid(text));
        }
        if lock.id.is_empty() {
            lock.id = uuid::random();
        }
        let plain = serde_json::to_vec(&request.items)
            .map_err(|error| ServerError::invalid(format!("items cannot be written: {error}")))?;
        let key = self.inner.active_material().await?;
        let variable = StoredVariable {
            sealed: key.seal(&context(&request.namespace, &request.path), &plain)?,
            key_id: key.id().to_owned(),
            namespace: request.namespace.clone(),
            path: request.path.clone(),
            lock: Some(lock.clone()),
            ..StoredVariable::default()
        };
        let replace_items = !request.items.is_empty();
        let acquire = LockVariable::Acquire { variable, replace_items, now: UnixNanos::now() };
        let stored = self.change_lock(acquire).await.map_err(|error| match error {
            Refusal::Locked => conflict(&request.namespace, &request.path),
            Refusal::Other(error) => error,
        })?;
        self.inner.variable_locks.hold((request.namespace, request.path), &lock);
        self.open_variable(&stored)
    }

    /// Starts a lock's time anew. Answers the variable without its items.
    ///
    /// # Errors
    /// `Contested` when it is not held, or by somebody else; the variable is not there.
    pub fn renew_variable_lock(&self, request: &VariableLockRequest) -> Result<Variable> {
        if request.lock.id.is_empty() {
            return Err(ServerError::refused("1 error occurred:\n\t* missing lock ID\n\n"));
        }
        let snapshot = self.inner.store.snapshot();
        let stored = snapshot.variable(&request.namespace, &request.path);
        let stored = stored.ok_or_else(|| ServerError::not_found("variable doesn't exist"))?;
        let contested = |error: StateError| ServerError { kind: ErrorKind::Contested, message: error.to_string() };
        let held = stored.lock.as_ref().ok_or_else(|| contested(StateError::VariableNotLocked))?;
        if held.id != request.lock.id {
            return Err(contested(StateError::VariableLocked));
        }
        self.inner.variable_locks.hold((request.namespace.clone(), request.path.clone()), held);
        Ok(without_items(stored))
    }

    /// Gives a lock back; the variable stays. Answers the variable without its items.
    ///
    /// # Errors
    /// `Conflict` when somebody else holds it; it is not held; the variable is not there.
    pub async fn release_variable_lock(&self, request: VariableLockRequest) -> Result<Variable> {
        if request.lock.id.is_empty() {
            return Err(ServerError::invalid("RPC Error:: 400,missing lock information"));
        }
        if !request.items.is_empty() {
            let text = "RPC Error:: 400,lock release operation doesn't take variable items";
            return Err(ServerError::invalid(text));
        }
        let (namespace, path) = (request.namespace, request.path);
        let release =
            LockVariable::Release { namespace: namespace.clone(), path: path.clone(), lock_id: request.lock.id };
        let stored = self.change_lock(release).await.map_err(|error| match error {
            Refusal::Locked => conflict(&namespace, &path),
            Refusal::Other(error) => ServerError::refused(error.message),
        })?;
        self.inner.variable_locks.forget(&(namespace, path));
        Ok(without_items(&stored))
    }

    async fn change_lock(&self, change: LockVariable) -> std::result::Result<std::sync::Arc<StoredVariable>, Refusal> {
        match self.inner.log.propose(Command::LockVariable(change)).await {
            Ok(committed) => match committed.applied {
                Applied::Variable(stored) => Ok(stored),
                _ => Err(Refusal::Other(ServerError::unavailable("the lock was changed, but its state is not known"))),
            },
            Err(crate::ProposeError::Refused(StateError::VariableLocked)) => Err(Refusal::Locked),
            Err(error) => Err(Refusal::Other(error.into())),
        }
    }
}

enum Refusal {
    /// Somebody else holds it.
    Locked,
    Other(ServerError),
}

/// What is behind a lock is nobody else's business: the answer holds no more than the question.
pub(crate) fn conflict(namespace: &drover_model::Namespace, path: &str) -> ServerError {
    let message = StateError::VariableLocked.to_string();
    ServerError { kind: ErrorKind::Conflict(Box::new(empty(namespace, path))), message }
}

fn without_items(stored: &StoredVariable) -> Variable {
    Variable {
        create_index: stored.create_index,
        modify_index: stored.modify_index,
        create_time: stored.create_time,
        modify_time: stored.modify_time,
        lock: stored.lock.clone(),
        ..empty(&stored.namespace, &stored.path)
    }
}
