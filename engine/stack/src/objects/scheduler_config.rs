//! `scheduler_config "main" { scheduler_algorithm  preemption_config {}  … }`
//!
//! The engine has one set of settings, which cannot be removed. What a block does not name stays as it is.

use serde_json::{Map, Value as Json};

use super::schema::{Field, Form, Many, Part, Schema};
use super::{Call, Find, Kind, text};

const PREEMPTION: Schema = Schema {
    fields: &[
        Field::new("system_scheduler_enabled", "SystemSchedulerEnabled", Form::Bool).kept(),
        Field::new("sysbatch_scheduler_enabled", "SysBatchSchedulerEnabled", Form::Bool).kept(),
        Field::new("batch_scheduler_enabled", "BatchSchedulerEnabled", Form::Bool).kept(),
        Field::new("service_scheduler_enabled", "ServiceSchedulerEnabled", Form::Bool).kept(),
    ],
    parts: &[],
};
const SCHEMA: Schema = Schema {
    fields: &[
        Field::new("scheduler_algorithm", "SchedulerAlgorithm", Form::Text).kept(),
        Field::new("memory_oversubscription_enabled", "MemoryOversubscriptionEnabled", Form::Bool).kept(),
        Field::new("reject_job_registration", "RejectJobRegistration", Form::Bool).kept(),
        Field::new("pause_eval_broker", "PauseEvalBroker", Form::Bool).kept(),
    ],
    parts: &[Part { name: "preemption_config", wire: "PreemptionConfig", many: Many::One, schema: &PREEMPTION }],
};

pub(super) struct SchedulerConfig;

impl Kind for SchedulerConfig {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn identity(&self, _: &str, _: &Json) -> String {
        "settings".to_owned()
    }

    fn has_cas(&self) -> bool {
        true
    }

    fn check(&self, body: &Json) -> Vec<(&'static str, String)> {
        let algorithm = text(body, "SchedulerAlgorithm");
        let is_known = matches!(algorithm, "" | "binpack" | "spread");
        let message = || "`scheduler_algorithm` is \"binpack\" or \"spread\"".to_owned();
        (!is_known).then(|| ("scheduler_algorithm", message())).into_iter().collect()
    }

    fn find(&self, _: &str, _: &str) -> Find {
        Find::Path("/v1/operator/scheduler/configuration".to_owned())
    }

    fn unwrap(&self, mut answer: Json) -> Json {
        answer["SchedulerConfig"].take()
    }

    fn put(&self, _: &str, _: &str, body: Map<String, Json>, live: Option<&Json>) -> Call {
        Call::put("/v1/operator/scheduler/configuration", Json::Object(super::over(&SCHEMA, live, body)))
    }

    fn delete(&self, _: &str, _: &str, _: &Json) -> Option<Call> {
        None
    }
}
