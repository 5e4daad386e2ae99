//! Variables with compare-and-set.

use super::{Done, Txn};
use crate::{
    Applied, DeleteVariable, LockVariable, RekeyVariable, StateError, Table, UpsertVariable, VariableConflict, WatchKey,
};
use drover_model::registry::StoredVariable;
use drover_model::{Namespace, UnixNanos};
use std::sync::Arc;

impl Txn {
    pub(super) fn upsert_variable(&mut self, request: &UpsertVariable) -> Done {
        let mut variable = request.variable.clone();
        let key = (variable.namespace.clone(), variable.path.clone());
        let stored = self.t.variables.get(&key).cloned();
        check(request.cas, stored.as_ref())?;
        if let Some(held) = stored.as_ref().and_then(|stored| stored.lock.as_ref()) {
            let given = variable.lock.as_ref().map(|lock| lock.id.as_str());
            if given != Some(held.id.as_str()) {
                return Err(StateError::VariableLocked);
            }
        }
        variable.create_index = stored.as_ref().map_or(self.index, |stored| stored.create_index);
        variable.create_time = stored.as_ref().map_or(request.now, |stored| stored.create_time);
        variable.modify_index = self.index;
        variable.modify_time = request.now;
        let variable = Arc::new(variable);
        self.touched.push(WatchKey::Variable(key.0.clone(), key.1.clone()));
        self.t.variables.insert(key, variable.clone());
        self.touch(Table::Variables);
        Ok(Applied::Variable(variable))
    }

    pub(super) fn delete_variable(&mut self, request: &DeleteVariable) -> Done {
        let key = (request.namespace.clone(), request.path.clone());
        let stored = self.t.variables.get(&key).cloned();
        check(request.cas, stored.as_ref())?;
        if stored.is_some_and(|stored| stored.lock.is_some()) {
            return Err(StateError::VariableLocked);
        }
        if self.t.variables.remove(&key).is_none() {
            return Ok(Applied::Found(false));
        }
        self.touched.push(WatchKey::Variable(key.0, key.1));
        self.touch(Table::Variables);
        Ok(Applied::Found(true))
    }

    pub(super) fn lock_variable(&mut self, request: &LockVariable) -> Done {
        let variable = match request {
            LockVariable::Acquire { variable, replace_items, now } => {
                self.acquired(variable.clone(), *replace_items, *now)?
            }
            LockVariable::Release { namespace, path, lock_id } => self.released(namespace, path, lock_id)?,
        };
        let (key, variable) = ((variable.namespace.clone(), variable.path.clone()), Arc::new(variable));
        self.touched.push(WatchKey::Variable(key.0.clone(), key.1.clone()));
        self.t.variables.insert(key, variable.clone());
        self.touch(Table::Variables);
        Ok(Applied::Variable(variable))
    }

    fn acquired(
        &self,
        mut variable: StoredVariable,
        replace_items: bool,
        now: UnixNanos,
    ) -> Result<StoredVariable, StateError> {
        variable.create_index = self.index;
        variable.create_time = now;
        variable.modify_index = self.index;
        variable.modify_time = now;
        let Some(stored) = self.t.variables.get(&(variable.namespace.clone(), variable.path.clone())) else {
            return Ok(variable);
        };
        let given = variable.lock.as_ref().map(|lock| lock.id.as_str());
        if stored.lock.as_ref().is_some_and(|held| given != Some(held.id.as_str())) {
            return Err(StateError::VariableLocked);
        }
        variable.create_index = stored.create_index;
        variable.create_time = stored.create_time;
        if !replace_items {
            variable.sealed.clone_from(&stored.sealed);
            variable.key_id.clone_from(&stored.key_id);
        }
        Ok(variable)
    }

    /// What it holds stays, and so does the time of its last change.
    fn released(&self, namespace: &Namespace, path: &str, lock_id: &str) -> Result<StoredVariable, StateError> {
        let stored = self.t.variables.get(&(namespace.clone(), path.to_owned()));
        let stored = stored.ok_or_else(|| StateError::NotFound("variable doesn't exist".to_owned()))?;
        match &stored.lock {
            None => Err(StateError::VariableNotLocked),
            Some(held) if held.id != lock_id => Err(StateError::VariableLocked),
            Some(_) => Ok(StoredVariable { lock: None, modify_index: self.index, ..(**stored).clone() }),
        }
    }

    /// Nobody who watches a variable sees this: what it holds stays the same.
    pub(super) fn rekey_variables(&mut self, rekeyed: &[RekeyVariable]) -> Done {
        for request in rekeyed {
            let key = (request.namespace.clone(), request.path.clone());
            let Some(stored) = self.t.variables.get(&key) else { continue };
            if stored.modify_index != request.modify_index {
                continue;
            }
            let variable =
                StoredVariable { key_id: request.key_id.clone(), sealed: request.sealed.clone(), ..(**stored).clone() };
            self.t.variables.insert(key, Arc::new(variable));
        }
        Ok(Applied::Done)
    }
}

fn check(cas: Option<u64>, stored: Option<&Arc<StoredVariable>>) -> Result<(), StateError> {
    let found = stored.map_or(0, |stored| stored.modify_index);
    match cas {
        Some(wanted) if wanted != found => {
            Err(StateError::Variable(VariableConflict { current: stored.cloned(), wanted }))
        }
        _ => Ok(()),
    }
}
