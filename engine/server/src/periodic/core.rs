//! When periodic jobs are launched next. Pure.

use drover_model::{Job, JobKey, UnixNanos};
use drover_wire::cron;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A launch whose time has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    /// The periodic job.
    pub job: Arc<Job>,
    /// The time it was due.
    pub at: UnixNanos,
}

/// All periodic jobs with their next launches.
#[derive(Debug, Default)]
pub struct Periodic {
    jobs: HashMap<JobKey, (Arc<Job>, Option<UnixNanos>)>,
    by_time: BTreeSet<(UnixNanos, JobKey)>,
}

impl Periodic {
    /// Takes in a job as it is now, whether it is periodic or not; the next launch is after `after`.
    pub fn track(&mut self, job: &Arc<Job>, after: UnixNanos) {
        let key = job.key();
        if let Some((known, _)) = self.jobs.get(&key)
            && known.version == job.version
            && known.stop == job.stop
            && known.create_index == job.create_index
        {
            return;
        }
        self.forget(&key);
        if job.is_periodic_active() && job.parent_id.is_empty() && job.parameterized_job.is_none() {
            self.schedule(job.clone(), after);
        }
    }

    /// A job is gone.
    pub fn forget(&mut self, key: &JobKey) {
        if let Some((_, Some(at))) = self.jobs.remove(key) {
            self.by_time.remove(&(at, key.clone()));
        }
    }

    /// Launches whose time has come; each is due again at its next time after `now`.
    pub fn due(&mut self, now: UnixNanos) -> Vec<Launch> {
        let mut due = Vec::new();
        while let Some((at, key)) = self.by_time.first().cloned() {
            if at > now {
                break;
            }
            self.by_time.remove(&(at, key.clone()));
            let Some((job, _)) = self.jobs.remove(&key) else { continue };
            due.push(Launch { job: job.clone(), at });
            self.schedule(job, now);
        }
        due
    }

    /// When the next launch is due.
    pub fn next_wakeup(&self) -> Option<UnixNanos> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Forgets all, when leadership is lost.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn schedule(&mut self, job: Arc<Job>, after: UnixNanos) {
        let next = job.periodic.as_ref().and_then(|config| cron::next_launch(config, after).ok().flatten());
        let key = job.key();
        if let Some(at) = next {
            self.by_time.insert((at, key.clone()));
        }
        self.jobs.insert(key, (job, next));
    }
}

/// The id of the child that a launch at `at` makes.
pub fn child_id(parent: &str, at: UnixNanos) -> String {
    format!("{parent}/periodic-{}", at.0.div_euclid(1_000_000_000))
}

/// The child that a launch at `at` makes of a periodic job.
pub fn child(parent: &Job, at: UnixNanos) -> Job {
    let id = child_id(&parent.id, at);
    let mut child = parent.clone();
    child.parent_id = parent.id.clone();
    child.name = id.clone();
    child.id = id.into();
    child.periodic = None;
    child.status = drover_model::JobStatus::Pending;
    child.status_description = String::new();
    child.version_tag = None;
    child
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_model::{Nanos, PeriodicConfig};

    const HOUR: UnixNanos = UnixNanos(3_600_000_000_000 * 480_000);

    fn job(spec: &str) -> Arc<Job> {
        let periodic = PeriodicConfig { enabled: true, spec: spec.to_owned(), ..PeriodicConfig::default() };
        Arc::new(Job { id: "p".into(), namespace: "default".into(), periodic: Some(periodic), ..Job::default() })
    }

    #[test]
    fn launches_come_once_at_their_times() {
        let mut periodic = Periodic::default();
        periodic.track(&job("*/10 * * * *"), HOUR);
        let ten = HOUR.plus(Nanos::from_mins(10));
        assert_eq!(periodic.next_wakeup(), Some(ten));
        assert!(periodic.due(HOUR.plus(Nanos::from_mins(9))).is_empty());
        assert_eq!(periodic.due(ten).len(), 1);
        assert!(periodic.due(ten).is_empty());
        assert_eq!(periodic.next_wakeup(), Some(HOUR.plus(Nanos::from_mins(20))));
    }

    #[test]
    fn missed_launches_are_made_up_once() {
        let mut periodic = Periodic::default();
        periodic.track(&job("*/10 * * * *"), HOUR);
        assert_eq!(periodic.due(HOUR.plus(Nanos::from_mins(55))).len(), 1);
        assert_eq!(periodic.next_wakeup(), Some(HOUR.plus(Nanos::from_mins(60))));
    }

    #[test]
    fn stopped_or_changed_jobs_follow_their_newest_version() {
        let mut periodic = Periodic::default();
        periodic.track(&job("*/10 * * * *"), HOUR);
        let changed = Arc::new(Job { version: 1, ..(*job("30 * * * *")).clone() });
        periodic.track(&changed, HOUR);
        assert_eq!(periodic.next_wakeup(), Some(HOUR.plus(Nanos::from_mins(30))));
        periodic.track(&Arc::new(Job { stop: true, version: 2, ..(*changed).clone() }), HOUR);
        assert_eq!(periodic.next_wakeup(), None);
    }

    #[test]
    fn children_are_named_by_their_time() {
        let child = child(&job("@daily"), UnixNanos(1_700_000_000_500_000_000));
        assert_eq!(child.id, "p/periodic-1700000000");
        assert_eq!((child.parent_id.as_str(), child.periodic), ("p", None));
    }
}
