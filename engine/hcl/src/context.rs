//! What an expression can refer to: variables, functions, and what happens to names that are not known.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::functions::{Function, FunctionTable};
use crate::host::{Host, NoHost};
use crate::value::Value;

/// What a reference to an unknown root name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// An error.
    Refuse,
    /// Text for whoever runs the job: `attr.x` gives `${attr.x}`.
    KeepText,
}

/// Variables and functions, with those of an outer scope behind them.
pub struct EvalContext<'o> {
    outer: Option<&'o EvalContext<'o>>,
    variables: HashMap<Arc<str>, Value>,
    functions: Arc<FunctionTable>,
    host: Arc<dyn Host>,
    unresolved: Unresolved,
    spent: Arc<AtomicU64>,
}

impl EvalContext<'_> {
    /// No variables, the standard functions, no files, unknown names refused.
    #[must_use]
    pub fn new() -> Self {
        Self {
            outer: None,
            variables: HashMap::new(),
            functions: FunctionTable::standard(),
            host: Arc::new(NoHost),
            unresolved: Unresolved::Refuse,
            spent: Arc::new(AtomicU64::new(0)),
        }
    }

    /// The same with what the file, path and random functions use.
    #[must_use]
    pub fn with_host(mut self, host: Arc<dyn Host>) -> Self {
        self.host = host;
        self
    }

    /// The same with other functions.
    #[must_use]
    pub fn with_functions(mut self, functions: Arc<FunctionTable>) -> Self {
        self.functions = functions;
        self
    }

    /// The same with another meaning of unknown names.
    #[must_use]
    pub fn with_unresolved(mut self, unresolved: Unresolved) -> Self {
        self.unresolved = unresolved;
        self
    }

    /// Sets a variable.
    pub fn set(&mut self, name: impl Into<Arc<str>>, value: impl Into<Value>) {
        self.variables.insert(name.into(), value.into());
    }

    /// An inner scope whose variables hide those outside.
    #[must_use]
    pub fn inner(&self) -> EvalContext<'_> {
        EvalContext {
            outer: Some(self),
            variables: HashMap::new(),
            functions: Arc::clone(&self.functions),
            host: Arc::clone(&self.host),
            unresolved: self.unresolved,
            spent: Arc::clone(&self.spent),
        }
    }

    /// The variable of that name, from the innermost scope that has it.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&Value> {
        self.variables.get(name).or_else(|| self.outer?.variable(name))
    }

    /// The names of all variables.
    #[must_use]
    pub fn variable_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.outer.map(EvalContext::variable_names).unwrap_or_default();
        names.extend(self.variables.keys().map(|name| &**name));
        names
    }

    /// The function of that name.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.get(name)
    }

    /// All functions.
    #[must_use]
    pub fn functions(&self) -> &FunctionTable {
        &self.functions
    }

    /// What the file, path and random functions use.
    #[must_use]
    pub fn host(&self) -> &dyn Host {
        &*self.host
    }

    /// Adds to what evaluation has cost so far, and gives the sum.
    pub(crate) fn spend(&self, cost: u64) -> u64 {
        self.spent.fetch_add(cost, Ordering::Relaxed) + cost
    }

    /// What unknown names mean.
    #[must_use]
    pub fn unresolved(&self) -> Unresolved {
        self.unresolved
    }
}

impl Default for EvalContext<'_> {
    fn default() -> Self {
        Self::new()
    }
}
