//! Variables: sealed before they get into the log.

use super::variable_locks::conflict;
use crate::answer::{Variable, Written};
use crate::error::{ErrorKind, Result, ServerError};
use crate::request::VariableWrite;
use crate::server::Server;
use drover_model::registry::StoredVariable;
use drover_model::{Namespace, TextMap, UnixNanos};
use drover_state::{Applied, Command, DeleteVariable, StateError, UpsertVariable};

/// The largest variable: all keys and values together.
const MAX_VARIABLE_BYTES: usize = 64 * 1024;
const MAX_PATH_BYTES: usize = 128;

impl Server {
    /// Writes a variable.
    ///
    /// # Errors
    /// Path or items are not allowed; `Conflict` when it is not the one that the caller thinks.
    pub async fn put_variable(&self, write: VariableWrite) -> Result<Variable> {
        check(&write)?;
        self.check_cas(&write.namespace, &write.path, write.cas)?;
        let plain = serde_json::to_vec(&write.items)
            .map_err(|error| ServerError::invalid(format!("items cannot be written: {error}")))?;
        let snapshot = self.inner.store.snapshot();
        let held = snapshot.variable(&write.namespace, &write.path).map_or(0, |stored| stored.sealed.len());
        self.check_variable_quota(&snapshot, &write.namespace, plain.len().saturating_sub(held))?;
        let now = UnixNanos::now();
        let key = self.inner.active_material().await?;
        let variable = StoredVariable {
            sealed: key.seal(&context(&write.namespace, &write.path), &plain)?,
            key_id: key.id().to_owned(),
            namespace: write.namespace.clone(),
            path: write.path.clone(),
            lock: write.lock.map(super::variable_locks::with_defaults),
            ..StoredVariable::default()
        };
        let command = Command::UpsertVariable(UpsertVariable { variable, cas: write.cas, now });
        match self.inner.propose(command).await {
            Ok(committed) => match committed.applied {
                Applied::Variable(stored) => self.open_variable(&stored),
                _ => Err(ServerError::unavailable("the variable was written, but its state is not known")),
            },
            Err(error) if error.message == StateError::VariableLocked.to_string() => {
                Err(conflict(&write.namespace, &write.path))
            }
            Err(error) => {
                // Another write came between the check and the log.
                self.check_cas(&write.namespace, &write.path, write.cas)?;
                Err(error)
            }
        }
    }

    /// Reads a variable.
    ///
    /// # Errors
    /// It was sealed by a key that this server does not have.
    pub fn get_variable(&self, namespace: &Namespace, path: &str) -> Result<Option<Variable>> {
        let snapshot = self.inner.store.snapshot();
        snapshot.variable(namespace, path).map(|stored| self.open_variable(stored)).transpose()
    }

    /// Opens a variable that was read from the state.
    ///
    /// # Errors
    /// It was sealed by a key that this server does not have.
    pub fn open_variable(&self, stored: &StoredVariable) -> Result<Variable> {
        let context = context(&stored.namespace, &stored.path);
        let plain = self.inner.keyring.material(&stored.key_id)?.open(&context, &stored.sealed)?;
        let items: TextMap = serde_json::from_slice(&plain)
            .map_err(|error| ServerError::unavailable(format!("variable {} is damaged: {error}", stored.path)))?;
        Ok(Variable {
            namespace: stored.namespace.clone(),
            path: stored.path.clone(),
            items,
            create_index: stored.create_index,
            modify_index: stored.modify_index,
            create_time: stored.create_time,
            modify_time: stored.modify_time,
            lock: stored.lock.clone(),
        })
    }

    /// Removes a variable. An unknown one is no error.
    ///
    /// # Errors
    /// `Conflict` when it is not the one that the caller thinks.
    pub async fn delete_variable(&self, namespace: &Namespace, path: &str, cas: Option<u64>) -> Result<Written> {
        if cas.is_some() {
            self.check_cas(namespace, path, cas)?;
        }
        let command = DeleteVariable { namespace: namespace.clone(), path: path.to_owned(), cas };
        let committed = self.inner.propose(Command::DeleteVariable(command)).await;
        if committed.as_ref().is_err_and(|error| error.message == StateError::VariableLocked.to_string()) {
            return Err(conflict(namespace, path));
        }
        if committed.is_err() {
            self.check_cas(namespace, path, cas)?;
        }
        Ok(Written { index: committed?.index })
    }

    fn check_cas(&self, namespace: &Namespace, path: &str, cas: Option<u64>) -> Result<()> {
        let Some(wanted) = cas else { return Ok(()) };
        let current = self.get_variable(namespace, path)?;
        let found = current.as_ref().map_or(0, |variable| variable.modify_index);
        if found == wanted {
            return Ok(());
        }
        let current = current.unwrap_or_else(|| empty(namespace, path));
        let message = format!("cas error: requested index {wanted}; found index {found}");
        Err(ServerError { kind: ErrorKind::Conflict(Box::new(current)), message })
    }
}

/// What a sealed value is bound to.
pub(crate) fn context(namespace: &Namespace, path: &str) -> String {
    format!("{namespace}/{path}")
}

fn check(write: &VariableWrite) -> Result<()> {
    if write.items.is_empty() {
        return Err(ServerError::invalid("variable missing required Items object"));
    }
    check_path(&write.path)?;
    let size: usize = write.items.iter().map(|(key, value)| key.len() + value.len()).sum();
    if size > MAX_VARIABLE_BYTES {
        return Err(ServerError::invalid("RPC Error:: 400,variables are limited to 64KiB in total size"));
    }
    Ok(())
}

/// A variable that is not there.
pub(crate) fn empty(namespace: &Namespace, path: &str) -> Variable {
    Variable { namespace: namespace.clone(), path: path.to_owned(), ..Variable::default() }
}

/// Refuses paths that variables cannot have.
pub(crate) fn check_path(path: &str) -> Result<()> {
    let refuse = |text: String| Err(ServerError::invalid(format!("RPC Error:: 400,{text}")));
    if path.is_empty() {
        return Err(ServerError::invalid("missing variable path"));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~' | '/');
    if path.len() > MAX_PATH_BYTES || !path.chars().all(allowed) {
        return refuse(format!("invalid path {path:?}"));
    }
    let parts: Vec<&str> = path.split('/').collect();
    if parts[0] == "nomad" {
        match parts.get(1) {
            None => {
                return refuse("\"nomad\" is a reserved top-level directory path, but you may write variables to \"nomad/jobs\", \"nomad/job-templates\", or below".to_owned());
            }
            Some(&("jobs" | "job-templates")) => {}
            Some(_) => {
                return refuse("only paths at \"nomad/jobs\" or \"nomad/job-templates\" and below are valid paths under the top-level \"nomad\" directory".to_owned());
            }
        }
    }
    Ok(())
}
