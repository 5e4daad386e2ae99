//! A model of rolling updates: whatever happens in whatever order, a deployment takes away no more than
//! it may, keeps the old version until its canaries are promoted, and ends where the job wants it.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod support;

use drover_model::{DeploymentStatus, Job};
use proptest::prelude::*;
use support::{Cluster, changed, job};

/// What people and nodes do while a deployment is under way.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// One allocation that is not healthy yet becomes so.
    Healthy(usize),
    Promote,
    Pause(bool),
    /// A newer version overtakes.
    Change,
    Evaluate,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<usize>().prop_map(Step::Healthy),
        1 => Just(Step::Promote),
        1 => any::<bool>().prop_map(Step::Pause),
        1 => Just(Step::Change),
        2 => Just(Step::Evaluate),
    ]
}

/// The rules of the job, and what the model knows of its deployment.
struct Model {
    cluster: Cluster,
    job: Job,
    count: usize,
    max_parallel: usize,
    canaries: usize,
    /// How many were not healthy when a newer version overtook: its deployment does not wait for those.
    behind: usize,
}

impl Model {
    /// A job that is fully deployed.
    fn new(count: usize, max_parallel: usize, canaries: usize) -> Self {
        let mut web = job("web", u32::try_from(count).unwrap());
        let update = web.task_groups[0].update.as_mut().unwrap();
        update.max_parallel = u32::try_from(max_parallel).unwrap();
        update.canary = u32::try_from(canaries).unwrap();
        let mut model = Self { cluster: Cluster::with_nodes(8), job: web, count, max_parallel, canaries, behind: 0 };
        model.cluster.register(model.job.clone());
        model.finish();
        model
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Healthy(pick) => {
                let waiting: Vec<_> = self.cluster.live("web").into_iter().filter(|a| !a.is_healthy()).collect();
                if !waiting.is_empty() {
                    self.cluster.set_health(&waiting[pick % waiting.len()].id, true);
                }
            }
            Step::Promote if self.canaries_are_healthy() => self.cluster.promote(),
            Step::Pause(pause) => {
                let last = std::sync::Arc::make_mut(self.cluster.deployments.last_mut().unwrap());
                if last.is_active() {
                    last.status = if pause { DeploymentStatus::Paused } else { DeploymentStatus::Running };
                }
            }
            Step::Change => {
                self.behind = self.count.saturating_sub(self.healthy());
                self.job = changed(self.job.clone());
                self.cluster.register(self.job.clone());
            }
            Step::Promote | Step::Evaluate => {}
        }
        let paused = self.cluster.last_deployment().status == DeploymentStatus::Paused;
        let before = self.live_of_newest();
        self.cluster.run("web");
        let overtaken = matches!(step, Step::Change);
        if paused && !overtaken {
            assert!(self.live_of_newest() <= before, "a paused deployment went on");
        }
        self.check();
    }

    fn canaries_are_healthy(&self) -> bool {
        let deployment = self.cluster.last_deployment();
        let state = &deployment.task_groups["g"];
        deployment.is_active()
            && state.desired_canaries > 0
            && state.placed_canaries.len() >= state.desired_canaries as usize
            && state.placed_canaries.iter().all(|id| self.cluster.allocs[id.as_str()].is_healthy())
    }

    fn healthy(&self) -> usize {
        self.cluster.live("web").iter().filter(|alloc| alloc.is_healthy()).count()
    }

    fn newest(&self) -> u64 {
        self.cluster.jobs.values().next().unwrap().version
    }

    fn live_of_newest(&self) -> usize {
        let newest = self.newest();
        self.cluster.live("web").iter().filter(|alloc| alloc.job_version() == newest).count()
    }

    fn check(&self) {
        let live = self.cluster.live("web");
        let healthy = self.healthy();
        let floor = self.count.saturating_sub(self.max_parallel + self.behind);
        assert!(healthy >= floor, "{healthy} healthy, at least {floor} are due");
        assert!(live.len() <= self.count + self.canaries, "{} live", live.len());
        assert!(live.len() >= self.count, "only {} live", live.len());
        let deployment = self.cluster.last_deployment();
        let Some(state) = deployment.task_groups.get("g").filter(|_| deployment.is_active()) else { return };
        let newest = self.newest();
        if deployment.job_version == newest && state.desired_canaries > 0 && !state.promoted {
            let news = live.iter().filter(|alloc| alloc.job_version() == newest);
            assert!(news.clone().all(|alloc| alloc.is_canary()), "the rest goes on before its canaries are promoted");
            assert!(news.count() <= self.canaries, "too many canaries");
        }
        let starting = live
            .iter()
            .filter(|alloc| alloc.deployment_id == deployment.id && !alloc.is_canary() && !alloc.is_healthy())
            .count();
        assert!(starting <= self.max_parallel, "{starting} are being updated at once");
    }

    /// Everything gets healthy and is promoted: the deployment must succeed.
    fn finish(&mut self) {
        for _ in 0..4 * (self.count + self.canaries) + 8 {
            self.cluster.all_healthy("web");
            if !self.cluster.deployments.is_empty() && self.canaries_are_healthy() {
                self.cluster.promote();
            }
            if let Some(last) = self.cluster.deployments.last_mut().filter(|d| d.status == DeploymentStatus::Paused) {
                std::sync::Arc::make_mut(last).status = DeploymentStatus::Running;
            }
            self.cluster.run("web");
        }
        let newest = self.newest();
        let live = self.cluster.live("web");
        assert_eq!(live.len(), self.count);
        assert!(live.iter().all(|alloc| alloc.job_version() == newest), "an old version is left");
        assert_eq!(self.cluster.last_deployment().status, DeploymentStatus::Successful);
        let outcome = self.cluster.run("web");
        assert!(outcome.plan.is_no_op(), "a finished deployment is not at rest");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rollouts_follow_the_model(
        count in 1..8usize,
        max_parallel in 1..5usize,
        canaries in 0..4usize,
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut model = Model::new(count, max_parallel, canaries);
        model.take(Step::Change);
        for step in steps {
            model.take(step);
        }
        model.finish();
    }
}
