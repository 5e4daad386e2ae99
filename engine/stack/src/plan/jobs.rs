//! Changes of jobs: the engine's own difference and dry run.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{Action, Change, Context, Write, cost, ignore};
use crate::desired::{Resource, Spec};
use crate::live::LiveJob;
use crate::owner::{self, Owner};
use crate::preview::{self, Node, Sensitive};
use crate::record::Status;
use crate::scheduling::Scheduling;
use crate::sensitive;

/// Writes the owner into a job before its dry run.
///
/// The engine restarts a task whose metadata changes. So a job that runs keeps the address and the release that are written on it,
/// and one that is taken over from nobody stays without any, until all of it is replaced anyway.
pub fn stamp(job: &mut Json, stack: &str, address: &str, found: &LiveJob, release: u64, is_replaced: bool) {
    let fresh = Owner { stack: stack.to_owned(), resource: address.to_owned(), release: release.to_string() };
    if found.is_gone() || is_replaced {
        return fresh.write(job);
    }
    match &found.owner {
        None => {}
        Some(owner) if owner.stack == stack => {
            let or = |text: &String, other: String| if text.is_empty() { other } else { text.clone() };
            let resource = or(&owner.resource, fresh.resource);
            let release = or(&owner.release, fresh.release);
            Owner { stack: stack.to_owned(), resource, release }.write(job);
        }
        Some(_) => fresh.write(job),
    }
}

impl Context<'_> {
    pub(super) fn job_change(&self, change: &mut Change, job: &Json, resource: &Resource) -> Option<()> {
        let blank = LiveJob::default();
        let found = self.live.jobs.get(&change.target).unwrap_or(&blank);
        let (mut job, kept) = ignore::left_to_the_engine(job, &resource.ignore, found.job.as_ref());
        let is_new = found.is_gone();
        let is_asked_for = !is_new && self.options.replaces(&change.address);
        stamp(&mut job, &self.live.stack, &change.address, found, self.release, is_asked_for);
        let mut forces_replacement = is_asked_for;
        if let Some(answer) = &found.dry_run {
            let diff = Node::from_job_diff(&answer["Diff"]).without_fields(&|field| owner::is_own_field(&field.name));
            if diff.is_unchanged() && !is_asked_for {
                return None;
            }
            forces_replacement |= diff.forces_replacement();
            self.describe(change, &diff, answer);
        }
        if found.dry_run.is_none() {
            let note = "its namespace or node pool is new: the engine can say what it will do when that is there";
            change.notes.push(note.to_owned());
        }
        change.notes.extend(kept);
        let scheduling = found.dry_run.as_ref().map(|answer| Scheduling::read(answer, &job)).unwrap_or_default();
        // A limit of the rolling update may keep the first evaluation from replacing anything yet.
        change.action = match (is_new, scheduling.replaces() || forces_replacement) {
            (true, _) => Action::Create,
            (false, true) => Action::Replace,
            (false, false) => Action::Update,
        };
        if is_new || is_asked_for || scheduling.replaces_everything() {
            // Every task is new anyway, so that writing the release restarts nothing.
            let owner = Owner {
                stack: self.live.stack.clone(),
                resource: change.address.clone(),
                release: self.release.to_string(),
            };
            owner.write(&mut job);
        }
        change.sensitive_fields = sensitive::fields(&job, self.masker);
        if !is_new {
            change.risks = cost::risks(&scheduling, &job);
        }
        change.scheduling = Some(scheduling);
        change.write = Write::Job(job);
        Some(())
    }

    fn describe(&self, change: &mut Change, diff: &Node, answer: &Json) {
        let none = BTreeSet::new();
        let resources = &self.live.record.resources;
        let recorded = resources.get(&change.address).map_or(&none, |recorded| &recorded.sensitive_fields);
        change.lines = preview::lines(diff, &Sensitive { masker: self.masker, fields: recorded });
        let warnings = answer["Warnings"].as_str().unwrap_or_default().trim();
        if !warnings.is_empty() {
            change.notes.push(self.masker.mask(warnings).into_owned());
        }
    }

    /// A job that the last apply wrote, or may have written, without seeing it become healthy.
    pub(super) fn resume(&self, change: &mut Change, resource: &Resource) -> Option<()> {
        let Spec::Job(job) = &resource.spec else { return None };
        let last = self.live.record.history.first()?;
        let was_left = match last.status {
            // It was killed, and nobody noted how far it came.
            Status::Applying => true,
            Status::Failed | Status::Interrupted => last.not_done.contains(&resource.address),
            _ => false,
        };
        if !was_left {
            return None;
        }
        change.action = Action::Resume;
        change.write = Write::Keep;
        change.sensitive_fields = sensitive::fields(job, self.masker);
        change.notes = vec![format!("release {} did not see it become healthy", last.number)];
        Some(())
    }
}
