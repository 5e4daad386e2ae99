//! Defaults, and what groups and tasks take over from above. Values are those of the reference's canonical form.

mod group;
mod policies;
mod service;
mod task;

use super::Job;

/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;
/// Nanoseconds of a minute.
const MINUTE: i64 = 60 * SECOND;
/// Nanoseconds of an hour.
const HOUR: i64 = 60 * MINUTE;

/// Fills in what was not given. Doing it twice changes nothing more.
pub trait Canonical {
    /// Fills in what was not given.
    fn canonicalize(&mut self);
}

/// Sets what is not set.
fn default_to<T>(field: &mut Option<T>, value: impl Into<T>) {
    if field.is_none() {
        *field = Some(value.into());
    }
}

/// Sets a text that is empty.
fn default_text(field: &mut String, value: &str) {
    if field.is_empty() {
        value.clone_into(field);
    }
}

/// Takes `over`'s value where it has one.
fn merge<T: Clone>(field: &mut Option<T>, over: &Option<T>) {
    if over.is_some() {
        field.clone_from(over);
    }
}

/// An empty collection is none.
fn drop_empty<T: IntoIterator + Default>(field: &mut Option<T>)
where
    for<'t> &'t T: IntoIterator,
{
    if field.as_ref().is_some_and(|items| items.into_iter().next().is_none()) {
        *field = None;
    }
}

impl Job {
    /// The type, `service` where none is given.
    #[must_use]
    pub fn kind_or_default(&self) -> &str {
        self.kind.as_deref().unwrap_or("service")
    }
}

impl Canonical for Job {
    fn canonicalize(&mut self) {
        default_to(&mut self.id, "");
        let id = self.id.clone().unwrap_or_default();
        default_to(&mut self.name, id);
        default_to(&mut self.parent_id, "");
        default_to(&mut self.namespace, "default");
        default_to(&mut self.node_pool, "");
        default_to(&mut self.priority, 50);
        default_to(&mut self.stop, false);
        default_to(&mut self.region, "global");
        default_to(&mut self.kind, "service");
        default_to(&mut self.all_at_once, false);
        default_to(&mut self.consul_namespace, "");
        default_to(&mut self.vault_namespace, "");
        default_to(&mut self.nomad_token_id, "");
        default_to(&mut self.status, "");
        default_to(&mut self.status_description, "");
        default_to(&mut self.stable, false);
        for index in [&mut self.version, &mut self.create_index, &mut self.modify_index, &mut self.job_modify_index] {
            default_to(index, 0u64);
        }
        if let Some(periodic) = &mut self.periodic {
            periodic.canonicalize();
        }
        if let Some(update) = &mut self.update {
            update.canonicalize();
        } else if matches!(self.kind_or_default(), "service" | "system") {
            let mut update = super::UpdateStrategy::default();
            update.canonicalize();
            self.update = Some(update);
        }
        if let Some(multiregion) = &mut self.multiregion {
            multiregion.canonicalize();
        }
        // Groups read the job's own settings while they are changed.
        let mut groups = self.task_groups.take();
        for group in groups.iter_mut().flatten() {
            group.canonicalize_in(self);
        }
        self.task_groups = groups;
        self.spreads.iter_mut().flatten().for_each(Canonical::canonicalize);
        self.affinities.iter_mut().flatten().for_each(Canonical::canonicalize);
    }
}
