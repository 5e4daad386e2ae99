//! `/v1/operator/scheduler/configuration`.

use super::cas;
use crate::blocking::read;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use drover_model::registry::{PreemptionConfig, SchedulerConfiguration};
use drover_state::{Table, WatchKey};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The configuration as it is read.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    scheduler_config: &'a SchedulerConfiguration,
    index: u64,
    last_contact: u64,
    known_leader: bool,
    next_token: &'static str,
}

pub(super) async fn configuration(context: &Context) -> Result<Reply> {
    if context.is_read() {
        show(context).await
    } else if context.is_write() {
        change(context).await
    } else {
        Err(ApiError::method())
    }
}

async fn show(context: &Context) -> Result<Reply> {
    let options = context.read_options()?;
    let table = Table::SchedulerConfiguration;
    read(
        context,
        &options,
        || vec![WatchKey::Table(table)],
        |state| state.table_index(table),
        |state| {
            context.json(&Answer {
                scheduler_config: state.scheduler_configuration(),
                index: state.table_index(table),
                last_contact: 0,
                known_leader: true,
                next_token: "",
            })
        },
    )
    .await
}

async fn change(context: &Context) -> Result<Reply> {
    context.check_region()?;
    let wanted: Wanted = context
        .body()
        .map_err(|error| ApiError::bad_request(format!("Error parsing scheduler config: {}", error.message)))?;
    let cas = cas(context)?;
    let (updated, index) = context.state.server.set_scheduler_configuration(wanted.into(), cas).await?;
    Ok(context.json(&json!({ "Updated": updated, "Index": index }))?.written_at(index))
}

/// The configuration as it is written: what is left out is off.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Wanted {
    scheduler_algorithm: String,
    preemption_config: WantedPreemption,
    memory_oversubscription_enabled: bool,
    reject_job_registration: bool,
    pause_eval_broker: bool,
    node_limit_for_feasibility_checks: u64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct WantedPreemption {
    system_scheduler_enabled: bool,
    #[serde(rename = "SysBatchSchedulerEnabled")]
    sysbatch_scheduler_enabled: bool,
    batch_scheduler_enabled: bool,
    service_scheduler_enabled: bool,
}

impl From<Wanted> for SchedulerConfiguration {
    fn from(wanted: Wanted) -> Self {
        let preemption = wanted.preemption_config;
        Self {
            scheduler_algorithm: wanted.scheduler_algorithm,
            preemption_config: PreemptionConfig {
                system_scheduler_enabled: preemption.system_scheduler_enabled,
                sysbatch_scheduler_enabled: preemption.sysbatch_scheduler_enabled,
                batch_scheduler_enabled: preemption.batch_scheduler_enabled,
                service_scheduler_enabled: preemption.service_scheduler_enabled,
            },
            memory_oversubscription_enabled: wanted.memory_oversubscription_enabled,
            reject_job_registration: wanted.reject_job_registration,
            pause_eval_broker: wanted.pause_eval_broker,
            node_limit_for_feasibility_checks: wanted.node_limit_for_feasibility_checks,
            ..Self::default()
        }
    }
}
