//! Defaults of policies.

use super::super::*;
use super::{Canonical, HOUR, MINUTE, SECOND, default_to, merge};

impl Canonical for UpdateStrategy {
    fn canonicalize(&mut self) {
        default_to(&mut self.stagger, 30 * SECOND);
        default_to(&mut self.max_parallel, 1);
        default_to(&mut self.health_check, "checks");
        default_to(&mut self.min_healthy_time, 10 * SECOND);
        default_to(&mut self.healthy_deadline, 5 * MINUTE);
        default_to(&mut self.progress_deadline, 10 * MINUTE);
        default_to(&mut self.canary, 0);
        default_to(&mut self.auto_revert, false);
        default_to(&mut self.auto_promote, false);
    }
}

impl UpdateStrategy {
    pub(super) fn merge(&mut self, over: &Self) {
        merge(&mut self.stagger, &over.stagger);
        merge(&mut self.max_parallel, &over.max_parallel);
        merge(&mut self.health_check, &over.health_check);
        merge(&mut self.min_healthy_time, &over.min_healthy_time);
        merge(&mut self.healthy_deadline, &over.healthy_deadline);
        merge(&mut self.progress_deadline, &over.progress_deadline);
        merge(&mut self.canary, &over.canary);
        merge(&mut self.auto_revert, &over.auto_revert);
        merge(&mut self.auto_promote, &over.auto_promote);
    }

    /// Whether nothing in it differs from zero.
    pub(super) fn is_empty(&self) -> bool {
        let zero = |value: Option<i64>| value.is_none_or(|value| value == 0);
        zero(self.stagger)
            && zero(self.max_parallel)
            && self.health_check.as_deref().is_none_or(str::is_empty)
            && zero(self.min_healthy_time)
            && zero(self.healthy_deadline)
            && zero(self.progress_deadline)
            && zero(self.canary)
            && self.auto_revert != Some(true)
            && self.auto_promote != Some(true)
    }
}

impl Canonical for MigrateStrategy {
    fn canonicalize(&mut self) {
        default_to(&mut self.max_parallel, 1);
        default_to(&mut self.health_check, "checks");
        default_to(&mut self.min_healthy_time, 10 * SECOND);
        default_to(&mut self.healthy_deadline, 5 * MINUTE);
    }
}

impl MigrateStrategy {
    pub(super) fn merge(&mut self, over: &Self) {
        merge(&mut self.max_parallel, &over.max_parallel);
        merge(&mut self.health_check, &over.health_check);
        merge(&mut self.min_healthy_time, &over.min_healthy_time);
        merge(&mut self.healthy_deadline, &over.healthy_deadline);
    }
}

impl RestartPolicy {
    /// The policy of groups that say nothing.
    pub(super) fn default_for(job_type: &str) -> Self {
        let (attempts, interval) =
            if matches!(job_type, "service" | "system") { (2, 30 * MINUTE) } else { (3, 24 * HOUR) };
        Self {
            interval: Some(interval),
            attempts: Some(attempts),
            delay: Some(15 * SECOND),
            mode: Some("fail".to_owned()),
            render_templates: Some(false),
        }
    }

    pub(super) fn merge(&mut self, over: &Self) {
        merge(&mut self.interval, &over.interval);
        merge(&mut self.attempts, &over.attempts);
        merge(&mut self.delay, &over.delay);
        merge(&mut self.mode, &over.mode);
        merge(&mut self.render_templates, &over.render_templates);
    }
}

impl ReschedulePolicy {
    /// The policy of groups that say nothing.
    pub(super) fn default_for(job_type: &str) -> Self {
        let (attempts, interval, delay, function, max_delay, unlimited) = match job_type {
            "service" => (0, 0, 30 * SECOND, "exponential", HOUR, true),
            "batch" => (1, 24 * HOUR, 5 * SECOND, "constant", 0, false),
            _ => (0, 0, 0, "", 0, false),
        };
        Self {
            attempts: Some(attempts),
            interval: Some(interval),
            delay: Some(delay),
            delay_function: Some(function.to_owned()),
            max_delay: Some(max_delay),
            unlimited: Some(unlimited),
        }
    }

    pub(super) fn merge(&mut self, over: &Self) {
        merge(&mut self.attempts, &over.attempts);
        merge(&mut self.interval, &over.interval);
        merge(&mut self.delay, &over.delay);
        merge(&mut self.delay_function, &over.delay_function);
        merge(&mut self.max_delay, &over.max_delay);
        merge(&mut self.unlimited, &over.unlimited);
    }

    pub(super) fn complete(&mut self, job_type: &str) {
        let mut whole = Self::default_for(job_type);
        whole.merge(self);
        *self = whole;
    }
}

impl Canonical for DisconnectStrategy {
    fn canonicalize(&mut self) {
        default_to(&mut self.replace, true);
        default_to(&mut self.reconcile, "best_score");
    }
}

impl Canonical for Spread {
    fn canonicalize(&mut self) {
        default_to(&mut self.weight, 50);
    }
}

impl Canonical for Affinity {
    fn canonicalize(&mut self) {
        default_to(&mut self.weight, 50);
    }
}

impl ScalingPolicy {
    pub(super) fn complete(&mut self, count: i64) {
        default_to(&mut self.enabled, true);
        default_to(&mut self.min, count);
    }
}

impl Canonical for PeriodicConfig {
    fn canonicalize(&mut self) {
        default_to(&mut self.enabled, true);
        default_to(&mut self.spec, "");
        default_to(&mut self.specs, Vec::new());
        default_to(&mut self.spec_type, "cron");
        default_to(&mut self.prohibit_overlap, false);
        if self.time_zone.as_deref().is_none_or(str::is_empty) {
            self.time_zone = Some("UTC".to_owned());
        }
    }
}

impl Canonical for Multiregion {
    fn canonicalize(&mut self) {
        let strategy = self.strategy.get_or_insert_default();
        default_to(&mut strategy.max_parallel, 0);
        default_to(&mut strategy.on_failure, "");
        for region in self.regions.get_or_insert_default() {
            default_to(&mut region.count, 1);
            default_to(&mut region.datacenters, Vec::new());
            default_to(&mut region.meta, TextMap::new());
        }
    }
}
