//! Variables with compare-and-set.

use super::{Done, Txn};
use crate::{Applied, DeleteVariable, StateError, Table, UpsertVariable, VariableConflict, WatchKey};
use drover_model::registry::StoredVariable;
use std::sync::Arc;

impl Txn {
    pub(super) fn upsert_variable(&mut self, request: &UpsertVariable) -> Done {
        let mut variable = request.variable.clone();
        let key = (variable.namespace.clone(), variable.path.clone());
        let stored = self.t.variables.get(&key).cloned();
        check(request.cas, stored.as_ref())?;
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
        if self.t.variables.remove(&key).is_none() {
            return Ok(Applied::Found(false));
        }
        self.touched.push(WatchKey::Variable(key.0, key.1));
        self.touch(Table::Variables);
        Ok(Applied::Found(true))
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
