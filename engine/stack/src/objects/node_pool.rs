//! `node_pool "gpu" { description  meta  node_identity_ttl  scheduler_config {} }`

use serde_json::{Map, Value as Json};

use super::schema::{Field, Form, Many, Part, Schema};
use super::{Call, Find, Kind};
use crate::engine::segment;

const SCHEDULER: Schema = Schema {
    fields: &[
        Field::new("scheduler_algorithm", "SchedulerAlgorithm", Form::Text).kept(),
        Field::new("memory_oversubscription_enabled", "MemoryOversubscriptionEnabled", Form::Bool).kept(),
    ],
    parts: &[],
};
const SCHEMA: Schema = Schema {
    fields: &[
        Field::new("description", "Description", Form::Text),
        Field::new("meta", "Meta", Form::Map),
        // The engine has a default of its own.
        Field::new("node_identity_ttl", "NodeIdentityTTL", Form::Duration).kept(),
    ],
    parts: &[Part { name: "scheduler_config", wire: "SchedulerConfiguration", many: Many::One, schema: &SCHEDULER }],
};

pub(super) struct NodePool;

impl Kind for NodePool {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn carries_owner(&self) -> bool {
        true
    }

    fn find(&self, _: &str, identity: &str) -> Find {
        Find::Path(format!("/v1/node/pool/{}", segment(identity)))
    }

    fn put(&self, _: &str, name: &str, body: Map<String, Json>, live: Option<&Json>) -> Call {
        let mut pool = super::over(&SCHEMA, live, body);
        pool.insert("Name".to_owned(), name.into());
        Call::put("/v1/node/pools", Json::Object(pool))
    }

    fn delete(&self, _: &str, name: &str, _: &Json) -> Option<Call> {
        Some(Call::delete(format!("/v1/node/pool/{}", segment(name))))
    }
}
