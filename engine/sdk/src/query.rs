//! Options of a read, and its answer.

use std::time::Duration;

/// Options of a read. Empty by default.
#[derive(Clone, Debug, Default)]
pub struct Query {
    params: Vec<(String, String)>,
}

impl Query {
    /// No options.
    pub fn new() -> Self {
        Self::default()
    }
    /// Any query parameter; a later one of the same name wins.
    #[must_use]
    pub fn param(mut self, name: &str, value: impl Into<String>) -> Self {
        self.params.retain(|(known, _)| known != name);
        self.params.push((name.to_owned(), value.into()));
        self
    }
    /// Only ids that begin so.
    #[must_use]
    pub fn prefix(self, prefix: &str) -> Self {
        self.param("prefix", prefix)
    }
    /// A namespace other than the client's; `*` is all.
    #[must_use]
    pub fn namespace(self, namespace: &str) -> Self {
        self.param("namespace", namespace)
    }
    /// A filter expression.
    #[must_use]
    pub fn filter(self, expression: &str) -> Self {
        self.param("filter", expression)
    }
    /// Block until the state is newer than `index`, for at most `wait`.
    #[must_use]
    pub fn newer_than(self, index: u64, wait: Duration) -> Self {
        self.param("index", index.to_string()).param("wait", format!("{}ms", wait.as_millis()))
    }
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.params
    }
    pub(crate) fn has(&self, name: &str) -> bool {
        self.params.iter().any(|(known, _)| known == name)
    }
}

/// A read's value with what its headers say.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    /// The value.
    pub value: T,
    /// Index of the state it was read from; 0 where the route has none.
    pub index: u64,
    /// Where the next page begins; empty on the last one.
    pub next_token: String,
}

impl<T> Answer<T> {
    /// Another value of the same read.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { value: change(self.value), index: self.index, next_token: self.next_token }
    }
}
