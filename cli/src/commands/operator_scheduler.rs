//! `operator scheduler get-config|set-config`: how the scheduler is set.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::output::{self, fields};
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;

/// Shows the scheduler.
#[derive(clap::Args)]
#[command(next_help_heading = "Get Config Options")]
pub struct GetConfig {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
}

impl Invoke for GetConfig {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let mut value: serde_json::Value = client
                .get("/v1/operator/scheduler/configuration", &Query::new())
                .await
                .during("Error querying scheduler configuration")?
                .value;
            if self.format.is_set() {
                if let Some(fields) = value.as_object_mut() {
                    // As the reference's client names what it knows of the answer.
                    fields.remove("Index");
                    fields.insert("LastIndex".to_owned(), 0.into());
                    fields.insert("RequestTime".to_owned(), 0.into());
                }
                self.format.print(&value)?;
                return Ok(0);
            }
            let config = &value["SchedulerConfig"];
            let flag = |value: &serde_json::Value| value.as_bool().unwrap_or(false).to_string();
            let preemption = &config["PreemptionConfig"];
            output::line(&fields(&[
                ("Scheduler Algorithm", config["SchedulerAlgorithm"].as_str().unwrap_or_default().to_owned()),
                ("Memory Oversubscription", flag(&config["MemoryOversubscriptionEnabled"])),
                ("Reject Job Registration", flag(&config["RejectJobRegistration"])),
                ("Pause Eval Broker", flag(&config["PauseEvalBroker"])),
                ("Preemption System Scheduler", flag(&preemption["SystemSchedulerEnabled"])),
                ("Preemption Service Scheduler", flag(&preemption["ServiceSchedulerEnabled"])),
                ("Preemption Batch Scheduler", flag(&preemption["BatchSchedulerEnabled"])),
                ("Preemption SysBatch Scheduler", flag(&preemption["SysBatchSchedulerEnabled"])),
                (
                    "Node Limit For Feasibility Checks",
                    config["NodeLimitForFeasibilityChecks"].as_u64().unwrap_or(0).to_string(),
                ),
                ("Modify Index", config["ModifyIndex"].as_u64().unwrap_or(0).to_string()),
            ]));
            Ok(0)
        })
    }
}

/// Sets the scheduler; what is not said stays.
#[derive(clap::Args)]
#[command(next_help_heading = "Set Config Options")]
pub struct SetConfig {
    #[command(flatten)]
    engine: ServerArgs,
    /// Only if the configuration's modify index is this.
    #[arg(long = "check-index", value_name = "index")]
    check_index: Option<u64>,
    /// `binpack` or `spread`.
    #[arg(long = "scheduler-algorithm", value_name = "algorithm")]
    scheduler_algorithm: Option<String>,
    /// Sets `memory-oversubscription`; `true` or `false`.
    #[arg(long = "memory-oversubscription", num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    memory_oversubscription: Option<bool>,
    /// Sets `reject-job-registration`; `true` or `false`.
    #[arg(long = "reject-job-registration", num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    reject_job_registration: Option<bool>,
    /// Sets `pause-eval-broker`; `true` or `false`.
    #[arg(long = "pause-eval-broker", num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pause_eval_broker: Option<bool>,
    /// Sets `preempt-batch-scheduler`; `true` or `false`.
    #[arg(long = "preempt-batch-scheduler", num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    preempt_batch_scheduler: Option<bool>,
    /// Sets `preempt-service-scheduler`; `true` or `false`.
    #[arg(long = "preempt-service-scheduler", num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    preempt_service_scheduler: Option<bool>,
    /// Sets `preempt-sysbatch-scheduler`; `true` or `false`.
    #[arg(long = "preempt-sysbatch-scheduler", num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    preempt_sysbatch_scheduler: Option<bool>,
    /// Sets `preempt-system-scheduler`; `true` or `false`.
    #[arg(long = "preempt-system-scheduler", num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    preempt_system_scheduler: Option<bool>,
}

impl Invoke for SetConfig {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let mut config = client.scheduler_settings().await.during("Error querying for current configuration")?.scheduler_config;
            if let Some(algorithm) = self.scheduler_algorithm {
                config.scheduler_algorithm = algorithm;
            }
            let set = |field: &mut bool, value: Option<bool>| *field = value.unwrap_or(*field);
            set(&mut config.memory_oversubscription_enabled, self.memory_oversubscription);
            set(&mut config.reject_job_registration, self.reject_job_registration);
            set(&mut config.pause_eval_broker, self.pause_eval_broker);
            set(&mut config.preemption_config.batch_scheduler_enabled, self.preempt_batch_scheduler);
            set(&mut config.preemption_config.service_scheduler_enabled, self.preempt_service_scheduler);
            set(&mut config.preemption_config.sysbatch_scheduler_enabled, self.preempt_sysbatch_scheduler);
            set(&mut config.preemption_config.system_scheduler_enabled, self.preempt_system_scheduler);
            let index = config.modify_index;
            if self.check_index.is_some_and(|wanted| wanted != index) {
                return Err(CliError::new(format!(
                    "Error performing check index set: check-index {} does not match does not match current state value {index}",
                    self.check_index.unwrap_or_default()
                )));
            }
            if !client.set_scheduler_settings(&config, Some(index)).await.during("Error setting scheduler configuration")? {
                return Err(CliError::new("Scheduler configuration could not be atomically updated, please try again"));
            }
            output::line("Scheduler configuration updated!");
            Ok(0)
        })
    }
}
