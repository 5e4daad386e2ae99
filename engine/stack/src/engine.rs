//! What stacks ask of an engine: the only place that knows routes. It uses nothing outside the `/v1` API, so that it works
//! against any engine that has it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use drover_sdk::{Client, Error, Method, NO_BODY, Query};
use serde_json::{Value as Json, json};
use tokio::time::{Instant, sleep};

use crate::apply::RECONNECT_LIMIT;
use crate::desired::Target;
use crate::live::{LiveJob, LiveNamespace, LiveVariables};
use crate::owner::Owner;
use crate::record::{self, Record, RecordError};

/// Why the engine could not be asked, or refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The engine could not be asked.
    #[error(transparent)]
    Engine(#[from] Error),
    /// The engine refused a job.
    #[error("{address}: the engine refused the job: {reason}")]
    Refused {
        /// The resource.
        address: String,
        /// The engine's words, masked.
        reason: String,
    },
    /// The stack's record is not one.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Something is on an engine that the stack does not name.
    #[error(
        "a resource is on the engine `{name}`, which the stack does not name; write engine \"{name}\" {{ address = … }}"
    )]
    UnknownEngine {
        /// The engine's name.
        name: String,
    },
    /// The engine has no such things.
    #[error("{target}: the engine has none of these: {reason}")]
    Unsupported {
        /// The thing.
        target: String,
        /// The engine's words.
        reason: String,
    },
}

/// How a conditional write ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was done; for a job, the evaluation (empty when there is none) and the new index.
    Done {
        /// The evaluation's id.
        evaluation: String,
        /// The thing's new index.
        index: u64,
    },
    /// The thing has changed since it was read, and nothing was written.
    Stale,
}

/// An engine as stacks see it. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    client: Arc<Client>,
    /// The engines that the stack names, by name.
    named: Arc<BTreeMap<String, Client>>,
}

impl Engine {
    /// An engine behind a client.
    pub fn new(client: Client) -> Self {
        Self { client: Arc::new(client), named: Arc::default() }
    }

    /// With the engines that the stack names.
    #[must_use]
    pub fn with_named(self, named: BTreeMap<String, Client>) -> Self {
        Self { named: Arc::new(named), ..self }
    }

    /// The engine that holds a thing: this one, or the named one.
    ///
    /// # Errors
    /// When the stack does not name that engine any more.
    pub fn of(&self, target: &Target) -> Result<Self, EngineError> {
        let Some(name) = target.engine() else { return Ok(self.clone()) };
        match self.named.get(name) {
            Some(client) => Ok(Self { client: Arc::new(client.clone()), named: Arc::default() }),
            None => Err(EngineError::UnknownEngine { name: name.to_owned() }),
        }
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.client.config().address
    }

    pub(crate) async fn job(&self, namespace: &str, id: &str) -> Result<Option<LiveJob>, EngineError> {
        let Some(job) = self.job_json(namespace, id).await? else { return Ok(None) };
        Ok(Some(LiveJob {
            index: job["JobModifyIndex"].as_u64().unwrap_or(0),
            is_stopped: job["Stop"].as_bool().unwrap_or(false),
            owner: Owner::read(&job["Meta"]),
            ..LiveJob::default()
        }))
    }

    /// A job as it is; none when it is not there.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn job_json(&self, namespace: &str, id: &str) -> Result<Option<Json>, EngineError> {
        self.found(&format!("/v1/job/{}", segment(id)), namespace).await
    }

    pub(crate) async fn namespace(&self, name: &str) -> Result<Option<LiveNamespace>, EngineError> {
        let Some(found) = self.found(&format!("/v1/namespace/{}", segment(name)), "default").await? else {
            return Ok(None);
        };
        Ok(Some(LiveNamespace {
            index: found["ModifyIndex"].as_u64().unwrap_or(0),
            description: text(&found["Description"]),
            meta: texts(&found["Meta"]),
        }))
    }

    pub(crate) async fn variables(&self, namespace: &str, path: &str) -> Result<Option<LiveVariables>, EngineError> {
        let Some(found) = self.found(&variable_path(path), namespace).await? else { return Ok(None) };
        Ok(Some(LiveVariables { index: found["ModifyIndex"].as_u64().unwrap_or(0), items: texts(&found["Items"]) }))
    }

    /// Reads what may not be there.
    pub(crate) async fn found(&self, path: &str, namespace: &str) -> Result<Option<Json>, EngineError> {
        match self.client.get::<Json>(path, &Query::new().namespace(namespace)).await {
            Ok(answer) => Ok(Some(answer.value)),
            Err(Error::Status { status: 404, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn dry_run(&self, namespace: &str, id: &str, job: &Json) -> Result<Json, Error> {
        let body = json!({"Job": job, "Diff": true});
        let query = Query::new().namespace(namespace);
        self.client.send(Method::Put, &format!("/v1/job/{}/plan", segment(id)), &query, Some(&body)).await
    }

    /// Registers a job if its index is still `base`.
    ///
    /// # Errors
    /// When the engine cannot be asked or refuses the job.
    pub async fn register(&self, namespace: &str, job: &Json, base: u64) -> Result<Written, Error> {
        let body = json!({"Job": job, "EnforceIndex": true, "JobModifyIndex": base});
        let query = Query::new().namespace(namespace);
        match self.client.send::<Json, _>(Method::Put, "/v1/jobs", &query, Some(&body)).await {
            Ok(answer) => Ok(Written::Done {
                evaluation: text(&answer["EvalID"]),
                index: answer["JobModifyIndex"].as_u64().unwrap_or(0),
            }),
            Err(Error::Status { body, .. }) if body.contains("Enforcing job modify index") => Ok(Written::Stale),
            Err(error) => Err(error),
        }
    }

    /// Stops a job if its index is still `base`. The API has no conditional stop, so the index is read right before.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn stop(&self, namespace: &str, id: &str, base: u64, purge: Purge) -> Result<Written, EngineError> {
        let target = Target::Job { namespace: namespace.to_owned(), id: id.to_owned() };
        if self.index(&target).await? != base {
            return Ok(Written::Stale);
        }
        let mut query = Query::new().namespace(namespace);
        if purge == Purge::Yes {
            query = query.param("purge", "true");
        }
        let answer: Json =
            self.client.send(Method::Delete, &format!("/v1/job/{}", segment(id)), &query, NO_BODY).await?;
        Ok(Written::Done { evaluation: text(&answer["EvalID"]), index: answer["JobModifyIndex"].as_u64().unwrap_or(0) })
    }

    /// Writes a namespace if its index is still `base`. The API has no conditional write, so the index is read right before.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn put_namespace(&self, namespace: &Json, base: u64) -> Result<Written, EngineError> {
        let target = Target::Namespace { name: text(&namespace["Name"]) };
        if self.index(&target).await? != base {
            return Ok(Written::Stale);
        }
        self.client.send::<Json, _>(Method::Put, "/v1/namespace", &Query::new(), Some(namespace)).await?;
        Ok(Written::Done { evaluation: String::new(), index: self.index(&target).await? })
    }

    /// Removes a namespace if its index is still `base`.
    ///
    /// # Errors
    /// When the engine cannot be asked, or something is still in it.
    pub async fn delete_namespace(&self, name: &str, base: u64) -> Result<Written, EngineError> {
        if self.index(&Target::Namespace { name: name.to_owned() }).await? != base {
            return Ok(Written::Stale);
        }
        self.client
            .send::<Json, _>(Method::Delete, &format!("/v1/namespace/{}", segment(name)), &Query::new(), NO_BODY)
            .await?;
        Ok(Written::Done { evaluation: String::new(), index: 0 })
    }

    /// Writes variables if their index is still `base`.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn put_variables(
        &self,
        namespace: &str,
        path: &str,
        items: &Json,
        base: u64,
    ) -> Result<Written, EngineError> {
        let body = json!({"Namespace": namespace, "Path": path, "Items": items});
        let query = Query::new().namespace(namespace).param("cas", base.to_string());
        written(self.client.send::<Json, _>(Method::Put, &variable_path(path), &query, Some(&body)).await)
    }

    /// Removes variables if their index is still `base`.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn delete_variables(&self, namespace: &str, path: &str, base: u64) -> Result<Written, EngineError> {
        let query = Query::new().namespace(namespace).param("cas", base.to_string());
        written(self.client.send::<Json, _>(Method::Delete, &variable_path(path), &query, NO_BODY).await)
    }

    /// The stack's record and its index; an empty one with index 0 when there is none.
    ///
    /// # Errors
    /// When the engine cannot be asked or what is there is no record.
    pub async fn record(&self, stack: &str, namespace: &str) -> Result<(Record, u64), EngineError> {
        match self.variables(namespace, &record::path(stack)).await? {
            Some(found) => Ok((Record::from_items(stack, &found.items)?, found.index)),
            None => Ok((Record::default(), 0)),
        }
    }

    /// Writes the stack's record if its index is still `base`.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn put_record(
        &self,
        stack: &str,
        namespace: &str,
        record: &Record,
        base: u64,
    ) -> Result<Written, EngineError> {
        let items = json!(record.to_items(stack)?);
        self.put_variables(namespace, &record::path(stack), &items, base).await
    }

    /// As [`Self::put_record`], also where an answer is lost: then it is read again what is there.
    pub(crate) async fn put_record_surely(
        &self,
        stack: &str,
        namespace: &str,
        record: &Record,
        base: u64,
    ) -> Result<Written, EngineError> {
        let begin = Instant::now();
        let mut was_lost = false;
        let wanted = record.to_items(stack)?;
        loop {
            let lost = match self.put_record(stack, namespace, record, base).await {
                Err(EngineError::Engine(error)) if is_uncertain(&error) => error,
                Ok(Written::Stale) if was_lost => {
                    return Ok(match self.variables(namespace, &record::path(stack)).await? {
                        Some(found) if found.items == wanted => {
                            Written::Done { evaluation: String::new(), index: found.index }
                        }
                        _ => Written::Stale,
                    });
                }
                other => return other,
            };
            if begin.elapsed() >= RECONNECT_LIMIT {
                return Err(lost.into());
            }
            was_lost = true;
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// Writes variables whatever their index; for what only the holder of the stack's lock writes.
    pub(crate) async fn overwrite_variables(
        &self,
        namespace: &str,
        path: &str,
        items: &Json,
    ) -> Result<(), EngineError> {
        let body = json!({"Namespace": namespace, "Path": path, "Items": items});
        let query = Query::new().namespace(namespace);
        self.client.send::<Json, _>(Method::Put, &variable_path(path), &query, Some(&body)).await?;
        Ok(())
    }

    /// The items at a path; none where there are none.
    pub(crate) async fn items(
        &self,
        namespace: &str,
        path: &str,
    ) -> Result<Option<BTreeMap<String, String>>, EngineError> {
        Ok(self.variables(namespace, path).await?.map(|found| found.items))
    }

    /// The client itself, for routes that only one part needs.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Reads anything else.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn get(&self, path: &str, namespace: &str) -> Result<Json, EngineError> {
        Ok(self.client.get(path, &Query::new().namespace(namespace)).await?.value)
    }
}

/// Whether a stopped job is forgotten at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purge {
    /// The engine forgets it.
    Yes,
    /// The engine keeps it until it collects garbage, so that its logs and history can be seen.
    No,
}

fn written(answer: Result<Json, Error>) -> Result<Written, EngineError> {
    match answer {
        Ok(answer) => {
            Ok(Written::Done { evaluation: String::new(), index: answer["ModifyIndex"].as_u64().unwrap_or(0) })
        }
        Err(Error::Status { status: 409, .. }) => Ok(Written::Stale),
        Err(error) => Err(error.into()),
    }
}

/// Whether a request may have been carried out although it failed, or may work when it is tried again: the connection broke,
/// or whoever answered could not reach the leader.
pub(crate) fn is_uncertain(error: &Error) -> bool {
    const PASSING: [&str; 5] =
        ["No cluster leader", "rpc error: EOF", "connection reset", "connection refused", "Not ready to serve"];
    match error {
        Error::Unreachable { .. } | Error::Decode { .. } => true,
        Error::Status { status: 429 | 502 | 503 | 504, .. } => true,
        Error::Status { status: 500, body, .. } => PASSING.iter().any(|text| body.contains(text)),
        _ => false,
    }
}

/// A refusal of a job names its resource; the engine may repeat parts of the job, so its words are masked.
pub(crate) fn refused(error: Error, address: &str, masker: &drover_secrets::Masker) -> EngineError {
    match error {
        Error::Status { status: 400..=599, body, .. } => {
            EngineError::Refused { address: address.to_owned(), reason: masker.mask(&body).into_owned() }
        }
        other => other.into(),
    }
}

/// A path segment: job ids and namespaces may hold any character.
pub(crate) fn segment(text: &str) -> String {
    drover_secrets::Form::Percent.encode(text).unwrap_or_default()
}

pub(crate) fn variable_path(path: &str) -> String {
    let segments: Vec<String> = path.split('/').map(segment).collect();
    format!("/v1/var/{}", segments.join("/"))
}

pub(crate) fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Json) -> BTreeMap<String, String> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}
