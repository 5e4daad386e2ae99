//! Defaults of groups.

use super::super::*;
use super::{Canonical, default_text, default_to};

impl TaskGroup {
    /// Fills in defaults, and what is taken over from the job, whose own defaults are in place.
    pub(super) fn canonicalize_in(&mut self, job: &Job) {
        let job_type = job.kind_or_default();
        default_to(&mut self.name, "");
        if self.count.is_none() {
            self.count = Some(self.scaling.as_ref().and_then(|scaling| scaling.min).unwrap_or(1));
        }
        if let Some(scaling) = &mut self.scaling {
            scaling.complete(self.count.unwrap_or(1));
        }
        self.ephemeral_disk.get_or_insert_default().canonicalize();
        self.canonicalize_consul(job);
        self.merge_update(job);
        self.merge_reschedule(job, job_type);
        self.merge_migrate(job, job_type);
        let mut restart = RestartPolicy::default_for(job_type);
        if let Some(own) = &self.restart_policy {
            restart.merge(own);
        }
        self.restart_policy = Some(restart);
        self.spreads.iter_mut().flatten().for_each(Canonical::canonicalize);
        self.affinities.iter_mut().flatten().for_each(Canonical::canonicalize);
        if let Some(disconnect) = &mut self.disconnect {
            disconnect.canonicalize();
        }
        let mut tasks = self.tasks.take();
        for task in tasks.iter_mut().flatten() {
            task.canonicalize_in(job, self);
        }
        self.tasks = tasks;
        let scope = service_name(job, self, None);
        self.services.iter_mut().flatten().for_each(|service| service.canonicalize_as(&scope));
    }

    fn canonicalize_consul(&mut self, job: &Job) {
        let namespace = job.consul_namespace.as_deref().unwrap_or("");
        if !namespace.is_empty() {
            let consul = self.consul.get_or_insert_default();
            default_text(&mut consul.namespace, namespace);
        }
        if let Some(consul) = &mut self.consul {
            default_text(&mut consul.cluster, "default");
        }
    }

    fn merge_update(&mut self, job: &Job) {
        match (&job.update, &self.update) {
            (Some(above), Some(own)) => {
                let mut merged = above.clone();
                merged.merge(own);
                self.update = Some(merged);
            }
            (Some(above), None) if !above.is_empty() => self.update = Some(above.clone()),
            _ => {}
        }
        if let Some(update) = &mut self.update {
            update.canonicalize();
        }
    }

    fn merge_reschedule(&mut self, job: &Job, job_type: &str) {
        let mut policy = job.reschedule.clone();
        if let Some(own) = &self.reschedule_policy {
            policy.get_or_insert_default().merge(own);
        }
        if policy.is_none() && !matches!(job_type, "system" | "sysbatch") {
            policy = Some(ReschedulePolicy::default());
        }
        if let Some(policy) = &mut policy {
            policy.complete(job_type);
        }
        self.reschedule_policy = policy;
    }

    fn merge_migrate(&mut self, job: &Job, job_type: &str) {
        let mut strategy = job.migrate.clone();
        if let Some(own) = &self.migrate {
            strategy.get_or_insert_default().merge(own);
        }
        if strategy.is_none() && job_type == "service" {
            strategy = Some(MigrateStrategy::default());
        }
        if let Some(strategy) = &mut strategy {
            strategy.canonicalize();
        }
        self.migrate = strategy;
    }
}

/// The name of services that have none.
pub(super) fn service_name(job: &Job, group: &TaskGroup, task: Option<&str>) -> String {
    let job = job.name.as_deref().unwrap_or("");
    let group = group.name.as_deref().unwrap_or("");
    match task {
        Some(task) => format!("{job}-{group}-{task}"),
        None => format!("{job}-{group}"),
    }
}

impl Canonical for EphemeralDisk {
    fn canonicalize(&mut self) {
        default_to(&mut self.sticky, false);
        default_to(&mut self.migrate, false);
        default_to(&mut self.size_mb, 300);
    }
}
