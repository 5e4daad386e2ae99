//! Carrying out a change plan: dependency order, compare-and-set on every write, health before what depends on it.
//!
//! `walk` goes through the changes, `write` makes one of them also where the connection breaks in the middle, `revert` puts
//! back what was changed, `note` writes down what was done.

mod note;
mod revert;
mod walk;
mod write;

use std::collections::BTreeMap;
use std::time::Duration;

use drover_secrets::Masker;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::watch;

use crate::checks::{self, CheckResult};
use crate::engine::{Engine, EngineError, Purge, Written};
use crate::health::Progress;
use crate::plan::{Action, ChangePlan};
use crate::record::{Record, Release, Status};
use walk::Walk;
pub use write::RECONNECT_LIMIT;

/// Changes in flight at a time unless the person says otherwise.
pub const DEFAULT_PARALLELISM: usize = 10;

/// What is done when a change fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// What depends on it is not begun; everything else goes on, and what was written stays.
    #[default]
    Stop,
    /// Nothing new is begun, and everything that was changed is put back.
    Revert,
}

/// What the person wants of an apply that runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interruption {
    /// It goes on.
    #[default]
    None,
    /// Nothing new is begun; what is written is waited for.
    Drain,
    /// Nothing is waited for: what was and was not done is reported now.
    Report,
}

/// How an apply is done.
pub struct ApplyOptions<'a> {
    /// Changes in flight at a time.
    pub parallelism: usize,
    /// Whether stopped jobs are forgotten at once.
    pub purge: Purge,
    /// Now, RFC 3339.
    pub now: String,
    /// Who applies, as `user@host`.
    pub by: String,
    /// What it is for the history: `apply`, `undo to release 3`.
    pub cause: String,
    /// What happens when a change fails.
    pub on_failure: OnFailure,
    /// A random text; it becomes the stack's key when there is none yet.
    pub fresh_key: String,
    /// How far the person has interrupted.
    pub interruption: watch::Receiver<Interruption>,
    /// Becomes true when the stack's lock is lost: nothing new is begun then.
    pub lock_lost: watch::Receiver<bool>,
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
    /// The engine does not answer; it is asked again.
    Unreachable {
        /// The resource.
        address: String,
        /// What the network says.
        reason: String,
    },
    /// A change is taken back.
    Reverting {
        /// The resource.
        address: String,
    },
    /// A change was taken back, or that did not work.
    Reverted {
        /// The resource.
        address: String,
        /// Why it did not.
        problem: Option<String>,
    },
    /// Something was looked at, after all changes.
    Checked(CheckResult),
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
    /// The indexes that things had after they were written.
    pub indexes: BTreeMap<String, u64>,
    /// What was put back after a failure, and why it could not be.
    pub reverted: Vec<(String, Option<String>)>,
    /// Whether the stack's lock was lost in the middle.
    pub lock_lost: bool,
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

impl Outcome {
    /// Whether everything was done.
    pub fn is_whole(&self) -> bool {
        self.failed.is_empty() && self.not_done.is_empty() && !self.interrupted && !self.lock_lost
    }
}

/// Indexes that are read at a time.
const READS: usize = 16;

/// Carries out `plan`.
///
/// # Errors
/// Only when nothing was written; what fails later is in the outcome.
pub async fn apply(engine: &Engine, plan: &ChangePlan, options: ApplyOptions<'_>) -> Result<Outcome, ApplyError> {
    let (mut record, record_index) = engine.record(&plan.stack, &plan.namespace).await?;
    if record.was_applied(&plan.id) {
        return Err(ApplyError::AppliedBefore);
    }
    if plan.is_empty() {
        return without_changes(engine, plan, &options, record, record_index).await;
    }
    check_base(engine, plan, record_index).await?;
    if record.key.is_empty() {
        record.key.clone_from(&options.fresh_key);
    }
    let release = Release {
        number: plan.release,
        by: options.by.clone(),
        cause: options.cause.clone(),
        at: options.now.clone(),
        status: Status::Applying,
        ..Release::default()
    };
    let before = record.clone();
    record.begin(&plan.id, release);
    note::intend(plan, &mut record);
    let begun = engine.put_record_surely(&plan.stack, &plan.namespace, &record, record_index).await?;
    let Written::Done { index, .. } = begun else {
        return Err(ApplyError::Stale { what: vec![format!("another apply of stack {} has begun", plan.stack)] });
    };
    let walk = Walk::new(engine, plan, &options);
    let mut outcome = walk.run().await;
    if outcome.is_whole() {
        outcome.failed = look(plan, &options).await;
    }
    if !outcome.failed.is_empty() && options.on_failure == OnFailure::Revert {
        walk.revert(&mut outcome).await;
    }
    outcome.record_problem = finish(engine, plan, &options, &outcome, &before, &mut record, index).await.err();
    Ok(outcome)
}

/// Writes down what was done; answers why it could not.
async fn finish(
    engine: &Engine,
    plan: &ChangePlan,
    options: &ApplyOptions<'_>,
    outcome: &Outcome,
    before: &Record,
    record: &mut Record,
    index: u64,
) -> Result<(), String> {
    let (stack, namespace) = (plan.stack.as_str(), plan.namespace.as_str());
    note::note(plan, outcome, before, record);
    let mut problem = None;
    if !note::is_put_back(outcome) {
        match note::keep(engine, plan, options.masker, outcome, before, record).await {
            Ok(is_kept) => {
                if let Some(release) = record.history.first_mut() {
                    release.is_kept = is_kept;
                }
            }
            Err(error) => problem = Some(format!("what the release wanted could not be kept: {error}")),
        }
    }
    match engine.put_record_surely(stack, namespace, record, index).await {
        Ok(Written::Done { .. }) => problem.map_or(Ok(()), Err),
        Ok(Written::Stale) => Err("somebody else wrote the stack's record in the meantime".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads the index of everything that the plan was made from, before anything is written.
async fn check_base(engine: &Engine, plan: &ChangePlan, record_index: u64) -> Result<(), ApplyError> {
    let reads =
        plan.base.iter().map(|base| async move { Ok::<_, EngineError>((base, engine.index(&base.target).await?)) });
    let now: Vec<_> = futures::stream::iter(reads).buffered(READS).try_collect().await?;
    let mut what: Vec<String> = now
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
    if what.is_empty() { Ok(()) } else { Err(ApplyError::Stale { what }) }
}

/// Runs the stack's checks; answers those that are not well.
async fn look(plan: &ChangePlan, options: &ApplyOptions<'_>) -> Vec<Failure> {
    let results = checks::run(&plan.checks, &|result| (options.report)(&Event::Checked(result.clone()))).await;
    let failed = results.into_iter().filter_map(|result| {
        let problem = options.masker.mask(&result.problem?).into_owned();
        Some(Failure {
            address: format!("check.{}", result.name),
            kind: FailureKind::Unhealthy,
            reasons: vec![format!("{}: {problem}", options.masker.mask(&result.target))],
            look_at: Vec::new(),
            was_written: false,
        })
    });
    failed.collect()
}

/// Outputs may change without any resource doing so, and what a check found last time may be well by now.
async fn without_changes(
    engine: &Engine,
    plan: &ChangePlan,
    options: &ApplyOptions<'_>,
    mut record: Record,
    index: u64,
) -> Result<Outcome, ApplyError> {
    let mut outcome = Outcome { release: record.release, ..Outcome::default() };
    if index == 0 || plan.destroys {
        return Ok(outcome);
    }
    let before = record.clone();
    let was_whole = record.history.first().is_none_or(|release| release.status == Status::Done);
    if !was_whole {
        outcome.failed = look(plan, options).await;
    }
    if outcome.is_whole() {
        record.outputs.clone_from(&plan.outputs);
        if let Some(release) = record.history.first_mut().filter(|release| release.is_kept) {
            release.status = Status::Done;
            release.not_done.clear();
        }
    }
    if record != before {
        engine.put_record_surely(&plan.stack, &plan.namespace, &record, index).await?;
    }
    Ok(outcome)
}
