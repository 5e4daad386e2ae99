//! What the engine holds, as far as a plan needs to know.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::desired::Target;
use crate::objects::ObjectKind;
use crate::owner::{META_STACK, Owner};
use crate::plan::Owned;
use crate::record::Record;

/// A view of the engine at the time of planning.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// The stack that is looked at.
    pub stack: String,
    /// Jobs that the stack names or owns.
    pub jobs: BTreeMap<Target, LiveJob>,
    /// Namespaces that the stack names or recorded, if they are there.
    pub namespaces: BTreeMap<Target, LiveNamespace>,
    /// Variables that the stack names or recorded, if they are there.
    pub variables: BTreeMap<Target, LiveVariables>,
    /// All else that the stack names or recorded, if it is there.
    pub objects: BTreeMap<Target, LiveObject>,
    /// The stack's record.
    pub record: Record,
    /// The record's index; 0 when there is none.
    pub record_index: u64,
}

/// A job.
#[derive(Clone, Debug, Default)]
pub struct LiveJob {
    /// Its `JobModifyIndex`; 0 when it is not there.
    pub index: u64,
    /// Whether it was stopped: it is kept by the engine, but nothing of it should run.
    pub is_stopped: bool,
    /// Who owns it.
    pub owner: Option<Owner>,
    /// The engine's answer to a dry run of the desired job.
    pub dry_run: Option<Json>,
    /// The job itself, where the stack leaves a part of it to the engine.
    pub job: Option<Json>,
    /// How many allocations run or start.
    pub running: u64,
}

impl LiveJob {
    /// Whether nothing of it runs: it is not there, or was stopped.
    pub const fn is_gone(&self) -> bool {
        self.index == 0 || self.is_stopped
    }
}

/// A namespace.
#[derive(Clone, Debug, Default)]
pub struct LiveNamespace {
    /// Its modify index.
    pub index: u64,
    /// In one sentence.
    pub description: String,
    /// Its metadata.
    pub meta: BTreeMap<String, String>,
}

/// Variables at a path.
#[derive(Clone, Debug, Default)]
pub struct LiveVariables {
    /// Their modify index.
    pub index: u64,
    /// Names and values.
    pub items: BTreeMap<String, String>,
}

/// Anything else.
#[derive(Clone, Debug, Default)]
pub struct LiveObject {
    /// Its modify index.
    pub index: u64,
    /// The engine's answer.
    pub body: Json,
}

impl Live {
    /// The index of a thing; 0 when it is not there.
    pub fn index(&self, target: &Target) -> u64 {
        match target.inner() {
            Target::Job { .. } => self.jobs.get(target).map_or(0, |job| job.index),
            Target::Namespace { .. } => self.namespaces.get(target).map_or(0, |namespace| namespace.index),
            Target::Variables { .. } => self.variables.get(target).map_or(0, |variables| variables.index),
            Target::Object { .. } | Target::At { .. } => self.objects.get(target).map_or(0, |object| object.index),
        }
    }

    /// The owner of a thing that is there and does not belong to `stack`: none within when it belongs to nobody.
    ///
    /// A job or node pool that was taken over as it is says nothing about its owner until something of it changes; until then,
    /// and for everything without metadata, the stack's record counts.
    pub fn foreign(&self, target: &Target, stack: &str) -> Option<Option<String>> {
        let recorded = || {
            let is_recorded = self.record.resources.values().any(|recorded| recorded.target == *target);
            is_recorded.then(|| stack.to_owned())
        };
        let owner = match target.inner() {
            Target::Job { .. } => {
                let job = self.jobs.get(target).filter(|job| !job.is_gone())?;
                job.owner.as_ref().map(|owner| owner.stack.clone()).or_else(recorded)
            }
            Target::Namespace { .. } => {
                let namespace = self.namespaces.get(target)?;
                namespace.meta.get(META_STACK).cloned()
            }
            Target::Variables { .. } => {
                self.variables.get(target)?;
                recorded()
            }
            // The engine always has them, and they are nobody's.
            Target::Object { of: ObjectKind::SchedulerConfig, .. } => return None,
            Target::Object { .. } | Target::At { .. } => {
                let object = self.objects.get(target)?;
                let written = object.body["Meta"][META_STACK].as_str().map(str::to_owned);
                written.or_else(recorded)
            }
        };
        (owner.as_deref() != Some(stack)).then_some(owner)
    }

    /// All that `stack` owns and that is there.
    pub fn owned(&self, stack: &str) -> Vec<Owned> {
        let mut owned = Vec::new();
        for (target, job) in &self.jobs {
            if job.is_gone() {
                continue;
            }
            if let Some(owner) = job.owner.as_ref().filter(|owner| owner.stack == stack) {
                // What was renamed is recorded under its new address.
                let recorded = self.record.resources.iter().find(|(_, recorded)| recorded.target == *target);
                let address = recorded.map_or(&owner.resource, |(address, _)| address);
                owned.push(Owned { address: address.clone(), target: target.clone(), index: job.index });
            }
        }
        for (address, recorded) in &self.record.resources {
            let is_there = self.index(&recorded.target) > 0;
            let is_ours = self.foreign(&recorded.target, stack).is_none();
            let is_listed = owned.iter().any(|known: &Owned| known.target == recorded.target);
            let is_gone = self.jobs.get(&recorded.target).is_some_and(LiveJob::is_gone);
            if is_there && is_ours && !is_listed && !is_gone {
                let index = self.index(&recorded.target);
                owned.push(Owned { address: address.clone(), target: recorded.target.clone(), index });
            }
        }
        owned
    }
}
