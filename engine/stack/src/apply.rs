//! Carrying out a change plan: dependency order, compare-and-set on every write, health before what depends on it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use drover_secrets::Masker;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::desired::Target;
use crate::engine::{Engine, EngineError, Purge, Written, refused};
use crate::health::{Progress, Verdict};
use crate::observe::{Watched, WrittenJob};
use crate::plan::{Action, Change, ChangePlan, Write};
use crate::record::{Record, Recorded, Release, Status};

/// Changes in flight at a time unless the person says otherwise.
pub const DEFAULT_PARALLELISM: usize = 10;

/// How an apply is done.
pub struct ApplyOptions<'a> {
    /// Changes in flight at a time.
    pub parallelism: usize,
    /// Whether stopped jobs are forgotten at once.
    pub purge: Purge,
    /// Now, RFC 3339.
    pub now: String,
    /// Becomes true when the person interrupts: nothing new is begun then.
    pub interrupted: watch::Receiver<bool>,
    /// Hides secrets in what the engine says.
    pub masker: &'a Masker,
    /// Hears what happens.
    pub report: &'a (dyn Fn(&Event) + Send + Sync),
}

/// What happens during an apply.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A change is begun.
    Started {
        /// The resource.
        address: String,
        /// What is done.
        action: Action,
        /// Whether its health is waited for.
        waits: bool,
    },
    /// A job came closer to being healthy.
    Progress {
        /// The resource.
        address: String,
        /// How far it is.
        progress: Progress,
    },
    /// A change is done.
    Done {
        /// The resource.
        address: String,
        /// What was done.
        action: Action,
        /// What is left for a person, if anything.
        note: Option<String>,
        /// How long it took.
        elapsed: Duration,
    },
    /// A change failed.
    Failed(Failure),
    /// A change was not begun.
    Skipped {
        /// The resource.
        address: String,
        /// Why.
        reason: String,
    },
}

/// A change that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The resource.
    pub address: String,
    /// In which way.
    pub kind: FailureKind,
    /// Why, one reason each, masked.
    pub reasons: Vec<String>,
    /// Allocations whose logs tell more.
    pub look_at: Vec<String>,
    /// Whether the engine has the change nevertheless.
    pub was_written: bool,
}

/// The ways in which a change fails, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// It was written, and does not become healthy.
    Unhealthy,
    /// It was written, and does not find a place.
    NotPlaced,
    /// Somebody else changed the thing after the plan was made.
    Stale,
    /// Anything else.
    Error,
}

/// What an apply did.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The release's number.
    pub release: u64,
    /// What was done, in order.
    pub done: Vec<(String, Action)>,
    /// What failed.
    pub failed: Vec<Failure>,
    /// What was not begun or not waited for, and why.
    pub not_done: Vec<(String, String)>,
    /// What was written and not waited for; it is in `not_done` too.
    pub unwaited: Vec<String>,
    /// Whether the person interrupted.
    pub interrupted: bool,
    /// Whether the release could not be noted in the stack's record at the end.
    pub record_problem: Option<String>,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// Things have changed since the plan was made.
    #[error("the plan is stale, and nothing was written: {}; plan again", what.join("; "))]
    Stale {
        /// What has changed.
        what: Vec<String>,
    },
    /// A saved plan is applied once.
    #[error("this plan was applied already, and nothing was written; plan again")]
    AppliedBefore,
    /// The engine could not be asked.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Carries out `plan`.
///
/// # Errors
/// Only when nothing was written; what fails later is in the outcome.
pub async fn apply(engine: &Engine, plan: &ChangePlan, options: ApplyOptions<'_>) -> Result<Outcome, ApplyError> {
    let (mut record, record_index) = check_base(engine, plan).await?;
    if plan.is_empty() {
        refresh_record(engine, plan, &mut record, record_index).await?;
        return Ok(Outcome { release: record.release, ..Outcome::default() });
    }
    let release = Release {
        number: plan.release,
        at: options.now.clone(),
        status: Status::Applying,
        created: vec![],
        updated: vec![],
        deleted: vec![],
        not_done: vec![],
    };
    record.begin(&plan.id, release);
    let stack = (&*plan.stack, &*plan.namespace);
    let begun = engine.put_record(stack.0, stack.1, &record, record_index).await?;
    let Written::Done { index, .. } = begun else {
        return Err(ApplyError::Stale { what: vec![format!("another apply of stack {} has begun", plan.stack)] });
    };
    let outcome = Walk { engine, plan, options: &options }.run().await;
    note(plan, &outcome, &mut record);
    let destroyed_all = plan.destroys && record.resources.is_empty() && record.key.is_empty();
    let written = if destroyed_all {
        engine.delete_variables(stack.1, &crate::record::path(stack.0), index).await
    } else {
        engine.put_record(stack.0, stack.1, &record, index).await
    };
    let record_problem = match written {
        Ok(Written::Done { .. }) => None,
        Ok(Written::Stale) => Some("somebody else wrote the stack's record in the meantime".to_owned()),
        Err(error) => Some(error.to_string()),
    };
    Ok(Outcome { record_problem, ..outcome })
}

/// Reads the index of everything that the plan was made from, before anything is written.
async fn check_base(engine: &Engine, plan: &ChangePlan) -> Result<(Record, u64), ApplyError> {
    let (record, record_index) = engine.record(&plan.stack, &plan.namespace).await?;
    if record.was_applied(&plan.id) {
        return Err(ApplyError::AppliedBefore);
    }
    let reads =
        plan.base.iter().map(|base| async move { Ok::<_, EngineError>((base, engine.index(&base.target).await?)) });
    let mut what: Vec<String> = futures::future::try_join_all(reads)
        .await?
        .into_iter()
        .filter(|(base, now)| base.index != *now)
        .map(|(base, now)| match (base.index, now) {
            (0, _) => format!("{} has appeared", base.target),
            (_, 0) => format!("{} has gone", base.target),
            _ => format!("{} has changed", base.target),
        })
        .collect();
    if record_index != plan.record_index && what.is_empty() {
        what.push(format!("stack {} was applied by somebody else", plan.stack));
    }
    if what.is_empty() { Ok((record, record_index)) } else { Err(ApplyError::Stale { what }) }
}

/// Outputs may change without any resource doing so.
async fn refresh_record(engine: &Engine, plan: &ChangePlan, record: &mut Record, index: u64) -> Result<(), ApplyError> {
    if index == 0 || record.outputs == plan.outputs || plan.destroys {
        return Ok(());
    }
    record.outputs.clone_from(&plan.outputs);
    engine.put_record(&plan.stack, &plan.namespace, record, index).await?;
    Ok(())
}

/// Writes into the record what the apply left.
fn note(plan: &ChangePlan, outcome: &Outcome, record: &mut Record) {
    let written: BTreeSet<&str> = outcome
        .done
        .iter()
        .map(|(address, _)| address.as_str())
        .chain(outcome.failed.iter().filter(|failure| failure.was_written).map(|failure| failure.address.as_str()))
        .chain(outcome.unwaited.iter().map(String::as_str))
        .collect();
    for (address, unchanged) in &plan.unchanged {
        let recorded = Recorded {
            target: unchanged.target.clone(),
            depends_on: unchanged.depends_on.clone(),
            sensitive_fields: unchanged.sensitive_fields.clone(),
        };
        record.resources.insert(address.clone(), recorded);
    }
    for change in plan.changes.iter().filter(|change| written.contains(change.address.as_str())) {
        if change.action == Action::Delete {
            record.resources.remove(&change.address);
            continue;
        }
        let recorded = Recorded {
            target: change.target.clone(),
            depends_on: change.depends_on.clone(),
            sensitive_fields: change.sensitive_fields.clone(),
        };
        record.resources.insert(change.address.clone(), recorded);
    }
    if outcome.failed.is_empty() && outcome.not_done.is_empty() {
        record.outputs.clone_from(&plan.outputs);
    }
    let Some(release) = record.history.first_mut() else { return };
    release.status = match () {
        () if outcome.interrupted => Status::Interrupted,
        () if outcome.failed.is_empty() && outcome.not_done.is_empty() => Status::Done,
        () => Status::Failed,
    };
    let addresses = |actions: &[Action]| {
        let of = outcome.done.iter().filter(|(_, action)| actions.contains(action));
        of.map(|(address, _)| address.clone()).collect()
    };
    release.created = addresses(&[Action::Create]);
    release.updated = addresses(&[Action::Update, Action::Replace]);
    release.deleted = addresses(&[Action::Delete]);
    let failed = outcome.failed.iter().map(|failure| failure.address.clone());
    release.not_done = failed.chain(outcome.not_done.iter().map(|(address, _)| address.clone())).collect();
}

struct Walk<'a> {
    engine: &'a Engine,
    plan: &'a ChangePlan,
    options: &'a ApplyOptions<'a>,
}

/// How one change ended.
enum End {
    Done(Option<String>),
    Failed(Failure),
    Interrupted,
}

impl Walk<'_> {
    async fn run(&self) -> Outcome {
        let mut outcome = Outcome { release: self.plan.release, ..Outcome::default() };
        let mut waiting: BTreeMap<usize, &Change> = self.plan.changes.iter().enumerate().collect();
        let planned: BTreeSet<&str> = self.plan.changes.iter().map(|change| change.address.as_str()).collect();
        let mut done: BTreeSet<&str> = BTreeSet::new();
        let mut lost: BTreeSet<&str> = BTreeSet::new();
        let mut flying = FuturesUnordered::new();
        loop {
            self.skip_lost(&mut waiting, &mut lost, &mut outcome);
            let is_interrupted = *self.options.interrupted.borrow();
            let ready: Vec<usize> = waiting
                .iter()
                .filter(|(_, change)| {
                    change.depends_on.iter().all(|on| !planned.contains(on.as_str()) || done.contains(on.as_str()))
                })
                .map(|(number, _)| *number)
                .take(self.options.parallelism.max(1).saturating_sub(flying.len()))
                .collect();
            if !is_interrupted {
                for number in ready {
                    let Some(change) = waiting.remove(&number) else { continue };
                    flying.push(async move { (change, self.carry_out(change).await) });
                }
            }
            let Some((change, (end, elapsed))) = flying.next().await else { break };
            let address = change.address.clone();
            match end {
                End::Done(note) => {
                    done.insert(&change.address);
                    (self.options.report)(&Event::Done {
                        address: address.clone(),
                        action: change.action,
                        note,
                        elapsed,
                    });
                    outcome.done.push((address, change.action));
                }
                End::Failed(failure) => {
                    lost.insert(&change.address);
                    (self.options.report)(&Event::Failed(failure.clone()));
                    outcome.failed.push(failure);
                }
                End::Interrupted => {
                    let reason = "written; whether it is healthy was not waited for".to_owned();
                    (self.options.report)(&Event::Skipped { address: address.clone(), reason: reason.clone() });
                    outcome.not_done.push((address.clone(), reason));
                    outcome.unwaited.push(address);
                }
            }
        }
        outcome.interrupted = *self.options.interrupted.borrow();
        for change in waiting.values() {
            outcome.not_done.push((change.address.clone(), "interrupted before it was begun".to_owned()));
        }
        outcome
    }

    /// What depends on something that failed is not begun.
    fn skip_lost<'p>(
        &self,
        waiting: &mut BTreeMap<usize, &'p Change>,
        lost: &mut BTreeSet<&'p str>,
        outcome: &mut Outcome,
    ) {
        loop {
            let next = waiting.iter().find_map(|(number, change)| {
                let cause = change.depends_on.iter().find(|on| lost.contains(on.as_str()))?;
                Some((*number, format!("it depends on {cause}")))
            });
            let Some((number, reason)) = next else { return };
            let Some(change) = waiting.remove(&number) else { return };
            lost.insert(&change.address);
            (self.options.report)(&Event::Skipped { address: change.address.clone(), reason: reason.clone() });
            outcome.not_done.push((change.address.clone(), reason));
        }
    }

    async fn carry_out(&self, change: &Change) -> (End, Duration) {
        let begin = Instant::now();
        let waits = matches!(change.write, Write::Job(_) | Write::Keep);
        (self.options.report)(&Event::Started { address: change.address.clone(), action: change.action, waits });
        let end = match self.write(change).await {
            Ok(Written::Stale) => self.failed(
                change,
                FailureKind::Stale,
                vec![format!("{} has changed since the plan was made; plan again", change.target)],
                false,
            ),
            Ok(Written::Done { evaluation, index }) => self.wait(change, &evaluation, index).await,
            Err(error) => self.failed(change, FailureKind::Error, vec![error.to_string()], false),
        };
        (end, begin.elapsed())
    }

    async fn write(&self, change: &Change) -> Result<Written, EngineError> {
        let engine = self.engine;
        match (&change.write, &change.target) {
            (Write::Keep, _) => Ok(Written::Done { evaluation: String::new(), index: change.base_index }),
            (Write::Job(job), Target::Job { namespace, .. }) => {
                let answer = engine.register(namespace, job, change.base_index).await;
                answer.map_err(|error| refused(error, &change.address, self.options.masker))
            }
            (Write::Namespace(namespace), _) => engine.put_namespace(namespace, change.base_index).await,
            (Write::Variables(items), Target::Variables { namespace, path }) => {
                engine.put_variables(namespace, path, items, change.base_index).await
            }
            (_, Target::Job { namespace, id }) => {
                engine.stop(namespace, id, change.base_index, self.options.purge).await
            }
            (_, Target::Namespace { name }) => engine.delete_namespace(name, change.base_index).await,
            (_, Target::Variables { namespace, path }) => {
                engine.delete_variables(namespace, path, change.base_index).await
            }
        }
    }

    async fn wait(&self, change: &Change, evaluation: &str, index: u64) -> End {
        let (Write::Job(_) | Write::Keep, Target::Job { namespace, id }) = (&change.write, &change.target) else {
            return End::Done(None);
        };
        let job = WrittenJob { namespace, id, index, evaluation, wait: change.wait, timeout: change.timeout };
        let report = |progress| (self.options.report)(&Event::Progress { address: change.address.clone(), progress });
        let mut interrupted = self.options.interrupted.clone();
        match self.engine.watch(&job, &mut interrupted, &report).await {
            Ok(Watched::Judged(Verdict::Ready { progress, note })) => {
                report(progress);
                End::Done(note)
            }
            Ok(Watched::Judged(Verdict::NotPlaced(failures))) => {
                let reasons = failures.iter().map(|failure| {
                    format!("group {:?}: {} not placed: {}", failure.group, failure.count, failure.reasons.join("; "))
                });
                self.failed(change, FailureKind::NotPlaced, reasons.collect(), true)
            }
            Ok(Watched::Judged(Verdict::Unhealthy { reasons, look_at })) => {
                match self.failed(change, FailureKind::Unhealthy, reasons, true) {
                    End::Failed(failure) => End::Failed(Failure { look_at, ..failure }),
                    other => other,
                }
            }
            // Judging never answers this at the end; treating it as an interruption loses nothing.
            Ok(Watched::Judged(Verdict::Waiting(_)) | Watched::Interrupted) => End::Interrupted,
            Ok(Watched::Superseded) => self.failed(
                change,
                FailureKind::Stale,
                vec!["somebody else changed it while it was being waited for".to_owned()],
                true,
            ),
            Err(error) => self.failed(change, FailureKind::Error, vec![error.to_string()], true),
        }
    }

    fn failed(&self, change: &Change, kind: FailureKind, reasons: Vec<String>, was_written: bool) -> End {
        let reasons = reasons.into_iter().map(|reason| self.options.masker.mask(&reason).into_owned()).collect();
        End::Failed(Failure { address: change.address.clone(), kind, reasons, look_at: Vec::new(), was_written })
    }
}
