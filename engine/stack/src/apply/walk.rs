//! Going through the changes in the order of their dependencies, several at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::Value as Json;
use tokio::time::Instant;

use super::{ApplyOptions, Event, Failure, FailureKind, Interruption, OnFailure, Outcome};
use crate::desired::Target;
use crate::engine::{Engine, Written};
use crate::health::Verdict;
use crate::observe::{Watched, WrittenJob};
use crate::plan::{Action, Change, ChangePlan, Write};

/// An apply that runs.
pub(super) struct Walk<'a> {
    pub(super) engine: &'a Engine,
    pub(super) plan: &'a ChangePlan,
    pub(super) options: &'a ApplyOptions<'a>,
    /// What was there before each change, where it may have to be put back.
    pub(super) before: Mutex<BTreeMap<String, Option<Json>>>,
}

/// How one change ended.
enum End {
    Done(Option<String>),
    Failed(Failure),
    Interrupted,
}

/// What became of one change.
struct Ended<'p> {
    change: &'p Change,
    end: End,
    /// The thing's index when it was written.
    index: Option<u64>,
    elapsed: Duration,
}

/// What is still to be done, and what can no more.
struct Open<'p> {
    waiting: BTreeMap<usize, &'p Change>,
    planned: BTreeSet<&'p str>,
    done: BTreeSet<&'p str>,
    lost: BTreeSet<&'p str>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(engine: &'a Engine, plan: &'a ChangePlan, options: &'a ApplyOptions<'a>) -> Self {
        Self { engine, plan, options, before: Mutex::default() }
    }

    pub(super) async fn run(&self) -> Outcome {
        let mut outcome = Outcome { release: self.plan.release, ..Outcome::default() };
        let mut open = Open {
            waiting: self.plan.changes.iter().enumerate().collect(),
            planned: self.plan.changes.iter().map(|change| change.address.as_str()).collect(),
            done: BTreeSet::new(),
            lost: BTreeSet::new(),
        };
        let mut flying = FuturesUnordered::new();
        loop {
            self.skip_lost(&mut open, &mut outcome);
            if self.why_stop(&outcome).is_none() {
                for number in open.ready(self.options.parallelism.max(1).saturating_sub(flying.len())) {
                    let Some(change) = open.waiting.remove(&number) else { continue };
                    flying.push(self.carry_out(change));
                }
            }
            let Some(ended) = flying.next().await else { break };
            self.take(ended, &mut open, &mut outcome);
        }
        outcome.interrupted = *self.options.interruption.borrow() > Interruption::None;
        outcome.lock_lost = *self.options.lock_lost.borrow();
        let why = self.why_stop(&outcome).unwrap_or("what it depends on was not done");
        for change in open.waiting.values() {
            outcome.not_done.push((change.address.clone(), why.to_owned()));
        }
        outcome
    }

    /// Why nothing new is begun.
    fn why_stop(&self, outcome: &Outcome) -> Option<&'static str> {
        if *self.options.lock_lost.borrow() {
            return Some("the stack's lock was lost before it was begun");
        }
        if *self.options.interruption.borrow() > Interruption::None {
            return Some("interrupted before it was begun");
        }
        let reverts = self.options.on_failure == OnFailure::Revert && !outcome.failed.is_empty();
        reverts.then_some("something else failed before it was begun")
    }

    fn take<'p>(&self, ended: Ended<'p>, open: &mut Open<'p>, outcome: &mut Outcome) {
        let Ended { change, end, index, elapsed } = ended;
        let address = change.address.clone();
        if let Some(index) = index {
            outcome.indexes.insert(address.clone(), index);
        }
        match end {
            End::Done(note) => {
                open.done.insert(&change.address);
                let action = change.action;
                (self.options.report)(&Event::Done { address: address.clone(), action, note, elapsed });
                outcome.done.push((address, action));
            }
            End::Failed(failure) => {
                open.lost.insert(&change.address);
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

    /// What depends on something that failed is not begun.
    fn skip_lost(&self, open: &mut Open<'_>, outcome: &mut Outcome) {
        loop {
            let next = open.waiting.iter().find_map(|(number, change)| {
                let cause = change.depends_on.iter().find(|on| open.lost.contains(on.as_str()))?;
                Some((*number, format!("it depends on {cause}")))
            });
            let Some((number, reason)) = next else { return };
            let Some(change) = open.waiting.remove(&number) else { return };
            open.lost.insert(&change.address);
            (self.options.report)(&Event::Skipped { address: change.address.clone(), reason: reason.clone() });
            outcome.not_done.push((change.address.clone(), reason));
        }
    }

    async fn carry_out<'p>(&self, change: &'p Change) -> Ended<'p> {
        let begin = Instant::now();
        let waits = matches!(change.write, Write::Job(_)) || change.action == Action::Resume;
        (self.options.report)(&Event::Started { address: change.address.clone(), action: change.action, waits });
        let (end, index) = match self.remember(change).await {
            Ok(()) => self.write_and_wait(change).await,
            Err(error) => (self.failed(change, FailureKind::Error, vec![error.to_string()], false), None),
        };
        Ended { change, end, index, elapsed: begin.elapsed() }
    }

    /// Keeps what is there, where it may have to be put back.
    async fn remember(&self, change: &Change) -> Result<(), crate::EngineError> {
        if self.options.on_failure == OnFailure::Revert && change.write != Write::Keep {
            let found = self.engine.raw(&change.target).await?;
            let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
            before.insert(change.address.clone(), found.map(|(_, json)| json));
        }
        Ok(())
    }

    async fn write_and_wait(&self, change: &Change) -> (End, Option<u64>) {
        match self.write_surely(change).await {
            Ok(Written::Stale) => {
                let reason = format!("{} has changed since the plan was made; plan again", change.target);
                (self.failed(change, FailureKind::Stale, vec![reason], false), None)
            }
            Ok(Written::Done { evaluation, index }) => (self.wait(change, &evaluation, index).await, Some(index)),
            Err(error) => (self.failed(change, FailureKind::Error, vec![error.to_string()], false), None),
        }
    }

    async fn wait(&self, change: &Change, evaluation: &str, index: u64) -> End {
        let (Write::Job(_) | Write::Keep, Target::Job { namespace, id }) = (&change.write, change.target.inner())
        else {
            return End::Done(None);
        };
        let there = match self.engine.of(&change.target) {
            Ok(there) => there,
            Err(error) => return self.failed(change, FailureKind::Error, vec![error.to_string()], true),
        };
        let job = WrittenJob { namespace, id, index, evaluation, wait: change.wait, timeout: change.timeout };
        let report = |progress| (self.options.report)(&Event::Progress { address: change.address.clone(), progress });
        let mut interruption = self.options.interruption.clone();
        match there.watch(&job, &mut interruption, &report).await {
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

impl Open<'_> {
    /// The next changes that depend on nothing that is not done.
    fn ready(&self, count: usize) -> Vec<usize> {
        let is_ready = |change: &Change| {
            change.depends_on.iter().all(|on| !self.planned.contains(on.as_str()) || self.done.contains(on.as_str()))
        };
        self.waiting.iter().filter(|(_, change)| is_ready(change)).map(|(number, _)| *number).take(count).collect()
    }
}
