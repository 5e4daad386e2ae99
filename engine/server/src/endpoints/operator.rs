//! The cluster as a whole.

use crate::answer::Written;
use crate::error::{Result, ServerError};
use crate::gc::{self, core::Age};
use crate::log::ProposeError;
use crate::server::Server;
use drover_model::registry::{AutopilotConfiguration, SchedulerConfiguration};
use drover_state::{Command, SetAutopilotConfiguration, SetSchedulerConfiguration, StateError};

impl Server {
    /// Changes how the cluster schedules; `cas` refuses unless that is the modify index of the present
    /// configuration. Answers whether it was changed, and the raft index.
    ///
    /// # Errors
    /// The algorithm is unknown.
    pub async fn set_scheduler_configuration(
        &self,
        configuration: SchedulerConfiguration,
        cas: Option<u64>,
    ) -> Result<(bool, u64)> {
        let algorithm = configuration.scheduler_algorithm.as_str();
        if !matches!(algorithm, "" | "binpack" | "spread") {
            return Err(ServerError::invalid(format!("invalid scheduler algorithm: {algorithm}")));
        }
        let mut configuration = configuration;
        if configuration.scheduler_algorithm.is_empty() {
            "binpack".clone_into(&mut configuration.scheduler_algorithm);
        }
        let snapshot = self.inner.store.snapshot();
        if cas.is_some_and(|wanted| wanted != snapshot.scheduler_configuration().modify_index) {
            return Ok((false, snapshot.index()));
        }
        let paused = configuration.pause_eval_broker;
        let set = SetSchedulerConfiguration { configuration, cas };
        let committed = self.inner.propose(Command::SetSchedulerConfiguration(set)).await?;
        self.inner.queue.pause(paused);
        Ok((true, committed.index))
    }

    /// Changes how servers that fail are dealt with; `cas` as in [`Server::set_scheduler_configuration`]. Answers
    /// whether it was changed.
    ///
    /// # Errors
    /// The log cannot take it.
    pub async fn set_autopilot_configuration(
        &self,
        configuration: AutopilotConfiguration,
        cas: Option<u64>,
    ) -> Result<bool> {
        let set = SetAutopilotConfiguration { configuration, cas };
        match self.inner.log.propose(Command::SetAutopilotConfiguration(set)).await {
            Ok(_) => Ok(true),
            Err(ProposeError::Refused(StateError::AutopilotConfiguration { .. })) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Forgets everything that is over, however recent.
    ///
    /// # Errors
    /// The log cannot take it.
    pub async fn system_gc(&self) -> Result<Written> {
        Ok(Written { index: gc::run_once(&self.inner, Age::Any).await? })
    }

    /// Counts all summaries anew.
    ///
    /// # Errors
    /// The log cannot take it.
    pub async fn reconcile_summaries(&self) -> Result<Written> {
        Ok(Written { index: self.inner.propose(Command::ReconcileSummaries).await?.index })
    }
}
