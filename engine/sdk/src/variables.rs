//! Variables, with compare-and-set.

use crate::types::{Variable, VariableMetadata};
use crate::{Answer, Client, Error, Method, NO_BODY, Query, Result};
use serde_json::Value;

/// How a conditional write ended.
#[derive(Clone, Debug)]
pub enum VariableWrite {
    /// It was done; the variable as it is now.
    Done(Box<Variable>),
    /// The variable has changed since; what it is now.
    Conflict(Box<Variable>),
}

impl Client {
    /// Variables without their items.
    ///
    /// # Errors
    /// Any [`crate::Error`]; so for all methods here.
    pub async fn variables(&self, query: &Query) -> Result<Answer<Vec<VariableMetadata>>> {
        self.get("/v1/vars", query).await
    }
    /// One variable; `None` where there is none.
    pub async fn variable(&self, path: &str, query: &Query) -> Result<Option<Variable>> {
        match self.get(&variable_path(path), query).await {
            Ok(answer) => Ok(Some(answer.value)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
    /// Writes a variable; with `check_index` only if its modify index is that (0: only if there is none).
    pub async fn put_variable(&self, variable: &Variable, check_index: Option<u64>) -> Result<VariableWrite> {
        let mut query = Query::new();
        if let Some(index) = check_index {
            query = query.param("cas", index.to_string());
        }
        let sent = self.send(Method::Put, &variable_path(&variable.path), &query, Some(variable)).await;
        or_conflict(sent, |stored: Variable| VariableWrite::Done(Box::new(stored)))
    }
    /// Removes a variable, conditionally as [`Client::put_variable`].
    pub async fn delete_variable(&self, path: &str, check_index: Option<u64>) -> Result<VariableWrite> {
        let mut query = Query::new();
        if let Some(index) = check_index {
            query = query.param("cas", index.to_string());
        }
        let sent = self.send::<Value, _>(Method::Delete, &variable_path(path), &query, NO_BODY).await;
        or_conflict(sent, |_| VariableWrite::Done(Box::default()))
    }
}

/// The route of a variable.
pub fn variable_path(path: &str) -> String {
    let segments: Vec<String> = path.split('/').map(crate::client::segment).collect();
    format!("/v1/var/{}", segments.join("/"))
}

fn or_conflict<T>(sent: Result<T>, done: impl FnOnce(T) -> VariableWrite) -> Result<VariableWrite> {
    match sent {
        Ok(value) => Ok(done(value)),
        Err(Error::Status { status: 409, body, url }) => match serde_json::from_str(&body) {
            Ok(current) => Ok(VariableWrite::Conflict(Box::new(current))),
            Err(_) => Err(Error::Status { status: 409, body, url }),
        },
        Err(error) => Err(error),
    }
}
