//! What stacks ask of an engine: the only place that knows routes. It uses nothing outside the `/v1` API, so that it works
//! against any engine that has it.

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_sdk::{Client, Error, Method, NO_BODY, Query};
use serde_json::{Value as Json, json};

use crate::desired::{Desired, Spec, Target};
use crate::live::{Live, LiveJob, LiveNamespace, LiveVariables};
use crate::owner::Owner;
use crate::plan::{Options, selected, stamp};
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
}

impl Engine {
    /// An engine behind a client.
    pub fn new(client: Client) -> Self {
        Self { client: Arc::new(client) }
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.client.config().address
    }

    /// Reads everything that a plan of `desired` needs, dry runs included.
    ///
    /// # Errors
    /// When the engine cannot be asked or refuses a job.
    pub async fn read(
        &self,
        desired: &Desired,
        options: &Options,
        masker: &drover_secrets::Masker,
    ) -> Result<Live, EngineError> {
        let mut live = self.read_owned(&desired.stack, &desired.namespace).await?;
        let selected = selected(desired, &options.targets);
        for resource in &selected {
            let target = resource.target();
            match &resource.spec {
                Spec::Namespace(namespace) => {
                    if let Some(found) = self.namespace(&namespace.name).await? {
                        live.namespaces.insert(namespace.name.clone(), found);
                    }
                }
                Spec::Variables(_) => self.read_target(&target, &mut live).await?,
                Spec::Job(_) => {}
            }
        }
        let release = live.record.release + 1;
        let stack = &desired.stack;
        let known = &live;
        let jobs = selected.iter().filter_map(|resource| match &resource.spec {
            Spec::Job(job) => Some((resource, job)),
            _ => None,
        });
        let reads = jobs.map(|(resource, job)| async move {
            let target = resource.target();
            let Target::Job { namespace, id } = &target else { return Ok(None) };
            let mut found = self.job(namespace, id).await?.unwrap_or_default();
            let is_coming = desired
                .resources
                .iter()
                .any(|other| matches!(&other.spec, Spec::Namespace(spec) if spec.name == *namespace));
            // A dry run in a namespace that the plan is going to make would be refused.
            if !is_coming || known.namespaces.contains_key(namespace) {
                let mut job = job.clone();
                stamp(&mut job, stack, &resource.address, found.owner.as_ref(), release);
                let answer = self
                    .dry_run(namespace, id, &job)
                    .await
                    .map_err(|error| refused(error, &resource.address, masker))?;
                found.dry_run = Some(answer);
            }
            Ok::<_, EngineError>(Some((target, found)))
        });
        let found = futures::future::try_join_all(reads).await?;
        live.jobs.extend(found.into_iter().flatten());
        Ok(live)
    }

    /// Reads the stack's record and all that the stack owns.
    ///
    /// # Errors
    /// When the engine cannot be asked or the record is not one.
    pub async fn read_owned(&self, stack: &str, namespace: &str) -> Result<Live, EngineError> {
        let mut live = Live { stack: stack.to_owned(), ..Live::default() };
        (live.record, live.record_index) = self.record(stack, namespace).await?;
        let query = Query::new().namespace("*").param("meta", "true");
        let list: Vec<Json> = self.client.get("/v1/jobs", &query).await?.value;
        for stub in list {
            let Some(owner) = Owner::read(&stub["Meta"]).filter(|owner| owner.stack == stack) else { continue };
            let is_child = stub["ParentID"].as_str().is_some_and(|parent| !parent.is_empty());
            if is_child {
                continue;
            }
            let target = Target::Job { namespace: text(&stub["Namespace"]), id: text(&stub["ID"]) };
            let index = stub["JobModifyIndex"].as_u64().unwrap_or(0);
            let is_stopped = stub["Stop"].as_bool().unwrap_or(false);
            live.jobs.insert(target, LiveJob { index, is_stopped, owner: Some(owner), dry_run: None });
        }
        let recorded: Vec<Target> = live.record.resources.values().map(|recorded| recorded.target.clone()).collect();
        for target in recorded {
            self.read_target(&target, &mut live).await?;
        }
        Ok(live)
    }

    /// The index that a thing has now; 0 when it is not there.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn index(&self, target: &Target) -> Result<u64, EngineError> {
        let mut live = Live::default();
        if let Target::Job { namespace, id } = target {
            return Ok(self.job(namespace, id).await?.map_or(0, |job| job.index));
        }
        self.read_target(target, &mut live).await?;
        Ok(live.index(target))
    }

    async fn read_target(&self, target: &Target, live: &mut Live) -> Result<(), EngineError> {
        match target {
            Target::Job { .. } => {}
            Target::Namespace { name } => {
                if let Some(found) = self.namespace(name).await? {
                    live.namespaces.insert(name.clone(), found);
                }
            }
            Target::Variables { namespace, path } => {
                if let Some(found) = self.variables(namespace, path).await? {
                    live.variables.insert(target.clone(), found);
                }
            }
        }
        Ok(())
    }

    async fn job(&self, namespace: &str, id: &str) -> Result<Option<LiveJob>, EngineError> {
        let Some(job) = self.job_json(namespace, id).await? else { return Ok(None) };
        Ok(Some(LiveJob {
            index: job["JobModifyIndex"].as_u64().unwrap_or(0),
            is_stopped: job["Stop"].as_bool().unwrap_or(false),
            owner: Owner::read(&job["Meta"]),
            dry_run: None,
        }))
    }

    /// A job as it is; none when it is not there.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn job_json(&self, namespace: &str, id: &str) -> Result<Option<Json>, EngineError> {
        self.found(&format!("/v1/job/{}", segment(id)), namespace).await
    }

    async fn namespace(&self, name: &str) -> Result<Option<LiveNamespace>, EngineError> {
        let Some(found) = self.found(&format!("/v1/namespace/{}", segment(name)), "default").await? else {
            return Ok(None);
        };
        Ok(Some(LiveNamespace {
            index: found["ModifyIndex"].as_u64().unwrap_or(0),
            description: text(&found["Description"]),
            meta: texts(&found["Meta"]),
        }))
    }

    async fn variables(&self, namespace: &str, path: &str) -> Result<Option<LiveVariables>, EngineError> {
        let Some(found) = self.found(&variable_path(path), namespace).await? else { return Ok(None) };
        Ok(Some(LiveVariables { index: found["ModifyIndex"].as_u64().unwrap_or(0), items: texts(&found["Items"]) }))
    }

    /// Reads what may not be there.
    async fn found(&self, path: &str, namespace: &str) -> Result<Option<Json>, EngineError> {
        match self.client.get::<Json>(path, &Query::new().namespace(namespace)).await {
            Ok(answer) => Ok(Some(answer.value)),
            Err(Error::Status { status: 404, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn dry_run(&self, namespace: &str, id: &str, job: &Json) -> Result<Json, Error> {
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
        self.put_variables(namespace, &record::path(stack), &json!(record.to_items()), base).await
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

fn variable_path(path: &str) -> String {
    let segments: Vec<String> = path.split('/').map(segment).collect();
    format!("/v1/var/{}", segments.join("/"))
}

pub(crate) fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Json) -> BTreeMap<String, String> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}
