//! Reading what a plan needs: one list of jobs per engine, everything else and the dry runs side by side with a limit.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use drover_sdk::{Error, Query};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::Value as Json;

use crate::desired::{Desired, Resource, Spec, Target};
use crate::engine::{Engine, EngineError, Written, refused, text};
use crate::live::{Live, LiveJob, LiveObject};
use crate::objects::{Call, Find, ObjectKind};
use crate::owner::Owner;
use crate::plan::{Options, Wanted, ignore, selected, stamp};

/// Requests in flight at a time while reading, unless the person says otherwise.
pub const DEFAULT_READS: usize = 32;

impl Engine {
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
        let selected = selected(desired, options);
        let wanted: BTreeSet<Target> = selected.iter().map(|resource| resource.target()).collect();
        let mut live = self.read_things(&desired.stack, &desired.namespace, &wanted, options.reads()).await?;
        let jobs: Vec<&Resource> =
            selected.into_iter().filter(|resource| matches!(resource.spec, Spec::Job(_))).collect();
        let reads = jobs.into_iter().map(|resource| self.rehearse(resource, desired, &live, options, masker));
        let found: Vec<(Target, LiveJob)> = bounded(reads, options.reads()).await?;
        live.jobs.extend(found);
        Ok(live)
    }

    /// Reads the stack's record and all that the stack owns.
    ///
    /// # Errors
    /// When the engine cannot be asked or the record is not one.
    pub async fn read_owned(&self, stack: &str, namespace: &str) -> Result<Live, EngineError> {
        self.read_things(stack, namespace, &BTreeSet::new(), DEFAULT_READS).await
    }

    /// The record, the stack's jobs and what is recorded or wanted of all else.
    async fn read_things(
        &self,
        stack: &str,
        namespace: &str,
        wanted: &BTreeSet<Target>,
        reads: usize,
    ) -> Result<Live, EngineError> {
        let mut live = Live { stack: stack.to_owned(), ..Live::default() };
        let (record, own_jobs) = futures::future::try_join(self.record(stack, namespace), self.list_jobs(None)).await?;
        (live.record, live.record_index) = record;
        let mut targets: BTreeSet<Target> = wanted.clone();
        targets.extend(live.record.resources.values().map(|recorded| recorded.target.clone()));
        let engines: BTreeSet<&str> = targets.iter().filter_map(Target::engine).collect();
        let lists = engines.into_iter().map(|engine| self.list_jobs(Some(engine)));
        let mut listed = own_jobs;
        for jobs in bounded(lists, reads).await? {
            listed.extend(jobs);
        }
        let is_ours = |job: &LiveJob| job.owner.as_ref().is_some_and(|owner| owner.stack == stack);
        live.jobs.extend(listed.into_iter().filter(|(target, job)| is_ours(job) || targets.contains(target)));
        let others = targets.iter().filter(|target| !matches!(target.inner(), Target::Job { .. }));
        let found = bounded(others.map(|target| async move { Ok((target, self.thing(target).await?)) }), reads).await?;
        for (target, thing) in found {
            thing.put_into(target, &mut live);
        }
        Ok(live)
    }

    /// All jobs of an engine that were not made by another job.
    async fn list_jobs(&self, engine: Option<&str>) -> Result<BTreeMap<Target, LiveJob>, EngineError> {
        let there = self.of(&Target::Namespace { name: String::new() }.at(engine))?;
        let query = Query::new().namespace("*").param("meta", "true");
        let list: Vec<Json> = there.client().get("/v1/jobs", &query).await?.value;
        let is_child = |stub: &&Json| stub["ParentID"].as_str().is_some_and(|parent| !parent.is_empty());
        let jobs = list.iter().filter(|stub| !is_child(stub)).map(|stub| {
            let target = Target::Job { namespace: text(&stub["Namespace"]), id: text(&stub["ID"]) };
            let groups = stub["JobSummary"]["Summary"].as_object();
            let running = groups
                .into_iter()
                .flatten()
                .map(|(_, group)| group["Running"].as_u64().unwrap_or(0) + group["Starting"].as_u64().unwrap_or(0));
            let job = LiveJob {
                index: stub["JobModifyIndex"].as_u64().unwrap_or(0),
                is_stopped: stub["Stop"].as_bool().unwrap_or(false),
                owner: Owner::read(&stub["Meta"]),
                running: running.sum(),
                ..LiveJob::default()
            };
            (target.at(engine), job)
        });
        Ok(jobs.collect())
    }

    /// The dry run of a job, as it would be written.
    async fn rehearse(
        &self,
        resource: &Resource,
        desired: &Desired,
        live: &Live,
        options: &Options,
        masker: &drover_secrets::Masker,
    ) -> Result<(Target, LiveJob), EngineError> {
        let target = resource.target();
        let there = self.of(&target)?;
        let mut found = live.jobs.get(&target).cloned().unwrap_or_default();
        let (Spec::Job(job), Target::Job { namespace, id }) = (&resource.spec, target.inner()) else {
            return Ok((target, found));
        };
        // A dry run in a namespace or a node pool that the plan is going to make would be refused.
        if waits_for(job, &target, desired, live) {
            return Ok((target, found));
        }
        if !found.is_gone() && ignore::leaves_something(job, &resource.ignore) {
            found.job = there.job_json(namespace, id).await?;
        }
        if options.trusts_record && is_as_recorded(resource, &found, live, options) {
            found.dry_run = Some(serde_json::json!({"Diff": {"Type": "None"}}));
            return Ok((target, found));
        }
        let mut job = ignore::left_to_the_engine(job, &resource.ignore, found.job.as_ref()).0;
        let release = live.record.release + 1;
        stamp(&mut job, &desired.stack, &resource.address, &found, release, options.replaces(&resource.address));
        let answer =
            there.dry_run(namespace, id, &job).await.map_err(|error| refused(error, &resource.address, masker))?;
        found.dry_run = Some(answer);
        Ok((target, found))
    }

    /// The index that a thing has now; 0 when it is not there.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn index(&self, target: &Target) -> Result<u64, EngineError> {
        if let Target::Job { namespace, id } = target.inner() {
            return Ok(self.of(target)?.job(namespace, id).await?.map_or(0, |job| job.index));
        }
        let mut live = Live::default();
        self.thing(target).await?.put_into(target, &mut live);
        Ok(live.index(target))
    }

    /// Anything but a job.
    async fn thing(&self, target: &Target) -> Result<Thing, EngineError> {
        let there = self.of(target)?;
        Ok(match target.inner() {
            Target::Namespace { name } => there.namespace(name).await?.map_or(Thing::Nothing, Thing::Namespace),
            Target::Variables { namespace, path } => {
                there.variables(namespace, path).await?.map_or(Thing::Nothing, Thing::Variables)
            }
            Target::Object { .. } => there.object(target).await?.map_or(Thing::Nothing, Thing::Object),
            Target::Job { .. } | Target::At { .. } => Thing::Nothing,
        })
    }

    /// An object as it is, on this engine.
    pub(crate) async fn object(&self, target: &Target) -> Result<Option<LiveObject>, EngineError> {
        let Target::Object { of, namespace, name } = target.inner() else { return Ok(None) };
        let kind = of.kind();
        let within = if namespace.is_empty() { "default" } else { namespace.as_str() };
        let unsupported = |error: EngineError| match error {
            EngineError::Engine(Error::Status { status: 501, body, .. }) => {
                EngineError::Unsupported { target: target.to_string(), reason: body }
            }
            other => other,
        };
        let found = match kind.find(namespace, name) {
            Find::Path(path) => self.found(&path, within).await.map_err(unsupported)?.map(|answer| kind.unwrap(answer)),
            Find::List { path, query, matches, detail } => {
                let list: Vec<Json> = match self.client().get(&path, &query).await {
                    Ok(answer) => answer.value,
                    Err(Error::Status { status: 404, .. }) => Vec::new(),
                    Err(error) => return Err(unsupported(error.into())),
                };
                let mut found = None;
                for stub in list.iter().filter(|stub| matches(stub)) {
                    let whole = self.found(&detail(stub["ID"].as_str().unwrap_or_default()), within).await?;
                    found = whole.filter(|whole| matches(whole));
                    if found.is_some() {
                        break;
                    }
                }
                found
            }
        };
        Ok(found.map(|body| LiveObject { index: body["ModifyIndex"].as_u64().unwrap_or(0), body }))
    }

    /// Writes an object if its index is still `base`. Most of the API's writes are not conditional: there the index is read right
    /// before.
    ///
    /// # Errors
    /// When the engine cannot be asked or refuses it.
    pub async fn write_object(&self, target: &Target, body: &Json, base: u64) -> Result<Written, EngineError> {
        let there = self.of(target)?;
        let Target::Object { of, namespace, name } = target.inner() else { return Ok(Written::Stale) };
        let found = there.object(target).await?;
        if found.as_ref().map_or(0, |found| found.index) != base {
            return Ok(Written::Stale);
        }
        let kind = of.kind();
        let body = kind.schema().body(body);
        let mut call = kind.put(namespace, name, body, found.as_ref().map(|found| &found.body));
        if kind.has_cas() {
            call.query = call.query.param("cas", base.to_string());
        }
        let answer = there.call(call, target).await?;
        if kind.has_cas() && answer["Updated"] == false {
            return Ok(Written::Stale);
        }
        let index = there.object(target).await?.map_or(0, |found| found.index);
        Ok(Written::Done { evaluation: String::new(), index })
    }

    /// Removes an object if its index is still `base`. What cannot be removed stays as it is.
    ///
    /// # Errors
    /// When the engine cannot be asked or refuses.
    pub async fn delete_object(&self, target: &Target, base: u64) -> Result<Written, EngineError> {
        let there = self.of(target)?;
        let Target::Object { of, namespace, name } = target.inner() else { return Ok(Written::Stale) };
        let found = there.object(target).await?;
        if found.as_ref().map_or(0, |found| found.index) != base {
            return Ok(Written::Stale);
        }
        if let Some(call) = found.and_then(|found| of.kind().delete(namespace, name, &found.body)) {
            there.call(call, target).await?;
        }
        Ok(Written::Done { evaluation: String::new(), index: 0 })
    }

    /// Removes an object and makes it anew, if its index is still `base`.
    ///
    /// # Errors
    /// As for the two steps; when the second fails, the object is gone.
    pub async fn recreate_object(&self, target: &Target, body: &Json, base: u64) -> Result<Written, EngineError> {
        match self.delete_object(target, base).await? {
            Written::Done { .. } => {}
            Written::Stale => return Ok(Written::Stale),
        }
        let now = self.index(target).await?;
        self.write_object(target, body, now).await
    }

    async fn call(&self, call: Call, target: &Target) -> Result<Json, EngineError> {
        let sent = self.client().send::<Json, _>(call.method, &call.path, &call.query, call.body.as_ref()).await;
        sent.map_err(|error| match error {
            Error::Status { status: 501, body, .. } => {
                EngineError::Unsupported { target: target.to_string(), reason: body }
            }
            other => other.into(),
        })
    }
}

/// Whether a job is as the last release left it, and the same is wanted.
fn is_as_recorded(resource: &Resource, found: &LiveJob, live: &Live, options: &Options) -> bool {
    let Some(recorded) = live.record.resources.get(&resource.address) else { return false };
    let is_same = recorded.target == resource.target() && recorded.index == found.index && !found.is_gone();
    is_same
        && !recorded.hash.is_empty()
        && !options.replaces(&resource.address)
        && Wanted::of(resource).hash(&live.record.key) == recorded.hash
}

/// Whether the plan is going to make the job's namespace or node pool.
fn waits_for(job: &Json, target: &Target, desired: &Desired, live: &Live) -> bool {
    let namespace = Target::Namespace { name: target.namespace().unwrap_or_default().to_owned() };
    let pool = job["NodePool"].as_str().unwrap_or_default().to_owned();
    let pool = Target::Object { of: ObjectKind::NodePool, namespace: String::new(), name: pool };
    [namespace, pool]
        .into_iter()
        .map(|needed| needed.at(target.engine()))
        .any(|needed| live.index(&needed) == 0 && desired.resources.iter().any(|other| other.target() == needed))
}

/// What was read.
enum Thing {
    Nothing,
    Namespace(crate::live::LiveNamespace),
    Variables(crate::live::LiveVariables),
    Object(LiveObject),
}

impl Thing {
    fn put_into(self, target: &Target, live: &mut Live) {
        match self {
            Self::Nothing => {}
            Self::Namespace(found) => drop(live.namespaces.insert(target.clone(), found)),
            Self::Variables(found) => drop(live.variables.insert(target.clone(), found)),
            Self::Object(found) => drop(live.objects.insert(target.clone(), found)),
        }
    }
}

/// Runs futures with at most `limit` of them at a time.
async fn bounded<T>(
    futures: impl IntoIterator<Item = impl Future<Output = Result<T, EngineError>>>,
    limit: usize,
) -> Result<Vec<T>, EngineError> {
    stream::iter(futures).buffer_unordered(limit.max(1)).try_collect().await
}
