//! What the engine holds, as far as a plan needs to know.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::desired::Target;
use crate::owner::Owner;
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
    pub namespaces: BTreeMap<String, LiveNamespace>,
    /// Variables that the stack names or recorded, if they are there.
    pub variables: BTreeMap<Target, LiveVariables>,
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

impl Live {
    /// The index of a thing; 0 when it is not there.
    pub fn index(&self, target: &Target) -> u64 {
        match target {
            Target::Job { .. } => self.jobs.get(target).map_or(0, |job| job.index),
            Target::Namespace { name } => self.namespaces.get(name).map_or(0, |namespace| namespace.index),
            Target::Variables { .. } => self.variables.get(target).map_or(0, |variables| variables.index),
        }
    }

    /// The owner of a thing that is there and does not belong to `stack`: none within when it belongs to nobody.
    pub fn foreign(&self, target: &Target, stack: &str) -> Option<Option<String>> {
        let owner = match target {
            Target::Job { .. } => {
                let job = self.jobs.get(target).filter(|job| job.index > 0 && !job.is_stopped)?;
                job.owner.as_ref().map(|owner| owner.stack.clone())
            }
            Target::Namespace { name } => {
                let namespace = self.namespaces.get(name)?;
                namespace.meta.get(crate::owner::META_STACK).cloned()
            }
            Target::Variables { .. } => {
                self.variables.get(target)?;
                let is_recorded = self.record.resources.values().any(|recorded| recorded.target == *target);
                is_recorded.then(|| stack.to_owned())
            }
        };
        (owner.as_deref() != Some(stack)).then_some(owner)
    }

    /// All that `stack` owns and that is there.
    pub fn owned(&self, stack: &str) -> Vec<Owned> {
        let mut owned = Vec::new();
        for (target, job) in &self.jobs {
            if job.index == 0 || job.is_stopped {
                continue;
            }
            if let Some(owner) = job.owner.as_ref().filter(|owner| owner.stack == stack) {
                owned.push(Owned { address: owner.resource.clone(), target: target.clone(), index: job.index });
            }
        }
        for (address, recorded) in &self.record.resources {
            let is_there = self.index(&recorded.target) > 0;
            let is_ours = self.foreign(&recorded.target, stack).is_none();
            if is_there && is_ours && !matches!(recorded.target, Target::Job { .. }) {
                let index = self.index(&recorded.target);
                owned.push(Owned { address: address.clone(), target: recorded.target.clone(), index });
            }
        }
        owned
    }
}
