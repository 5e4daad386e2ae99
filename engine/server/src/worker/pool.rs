//! How many workers work, and on what: it can change while they do.

use tokio::sync::watch;

/// The schedulers that workers run.
pub const KINDS: [&str; 4] = ["service", "batch", "system", "sysbatch"];

/// What the workers do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSettings {
    /// How many work; `None`: all that there are.
    pub count: Option<usize>,
    /// The schedulers that they run; a part of [`KINDS`].
    pub kinds: Vec<&'static str>,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self { count: None, kinds: KINDS.to_vec() }
    }
}

impl WorkerSettings {
    fn lets_work(&self, number: usize) -> bool {
        self.count.is_none_or(|count| number < count) && !self.kinds.is_empty()
    }
}

/// The settings, shared with the workers.
#[derive(Debug)]
pub(crate) struct Pool(watch::Sender<WorkerSettings>);

impl Default for Pool {
    fn default() -> Self {
        Self(watch::channel(WorkerSettings::default()).0)
    }
}

impl Pool {
    pub(crate) fn settings(&self) -> WorkerSettings {
        self.0.borrow().clone()
    }
    pub(crate) fn set(&self, settings: WorkerSettings) {
        self.0.send_replace(settings);
    }
    pub(crate) fn follow(&self) -> watch::Receiver<WorkerSettings> {
        self.0.subscribe()
    }
}

/// Waits until worker `number` may work; answers the schedulers that it runs.
pub(super) async fn turn(changes: &mut watch::Receiver<WorkerSettings>, number: usize) -> Vec<&'static str> {
    let kinds = changes.wait_for(|settings| settings.lets_work(number)).await.ok().map(|found| found.kinds.clone());
    match kinds {
        Some(kinds) => kinds,
        // The pool lives as long as its server: nobody is left to work for.
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn workers_beyond_the_count_wait() {
        let pool = Pool::default();
        let mut changes = pool.follow();
        assert_eq!(turn(&mut changes, 3).await, KINDS);
        pool.set(WorkerSettings { count: Some(1), kinds: vec!["system"] });
        assert_eq!(turn(&mut changes, 0).await, ["system"]);
        let waits = tokio::time::timeout(std::time::Duration::from_millis(20), turn(&mut changes, 1)).await;
        assert!(waits.is_err());
        pool.set(WorkerSettings::default());
        assert_eq!(turn(&mut changes, 1).await, KINDS);
    }
}
