//! `quota "team" { description  limit { region  region_limit { cpu  memory  … } } }`

use serde_json::{Map, Value as Json};

use super::schema::{Absent, Field, Form, Many, Part, Schema};
use super::{Call, Find, Kind};
use crate::engine::segment;

const DEVICE: Schema =
    Schema { fields: &[Field::new("count", "Count", Form::Integer).absent(Absent::Integer(1))], parts: &[] };
const POOL: Schema = Schema {
    fields: &[
        Field::new("cpu", "CPU", Form::Integer),
        Field::new("cores", "Cores", Form::Integer),
        Field::new("memory", "MemoryMB", Form::Integer),
        Field::new("memory_max", "MemoryMaxMB", Form::Integer),
    ],
    parts: &[Part { name: "device", wire: "Devices", many: Many::Labelled("Name"), schema: &DEVICE }],
};
const STORAGE: Schema = Schema {
    fields: &[
        Field::new("variables", "VariablesMB", Form::Integer),
        Field::new("host_volumes", "HostVolumesMB", Form::Integer),
    ],
    parts: &[],
};
const AMOUNTS: Schema = Schema {
    fields: POOL.fields,
    parts: &[
        Part { name: "device", wire: "Devices", many: Many::Labelled("Name"), schema: &DEVICE },
        Part { name: "node_pool", wire: "NodePools", many: Many::Labelled("NodePool"), schema: &POOL },
        Part { name: "storage", wire: "Storage", many: Many::One, schema: &STORAGE },
    ],
};
const LIMIT: Schema = Schema {
    fields: &[
        Field::new("region", "Region", Form::Text).absent(Absent::Text("global")),
        Field::new("variables_limit", "VariablesLimit", Form::Integer).kept(),
    ],
    parts: &[Part { name: "region_limit", wire: "RegionLimit", many: Many::One, schema: &AMOUNTS }],
};
const SCHEMA: Schema = Schema {
    fields: &[Field::new("description", "Description", Form::Text)],
    parts: &[Part { name: "limit", wire: "Limits", many: Many::List, schema: &LIMIT }],
};

pub(super) struct Quota;

impl Kind for Quota {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn check(&self, body: &Json) -> Vec<(&'static str, String)> {
        let is_empty = body["Limits"].as_array().is_none_or(Vec::is_empty);
        is_empty.then(|| ("limit", "a quota needs a limit {}".to_owned())).into_iter().collect()
    }

    fn find(&self, _: &str, identity: &str) -> Find {
        Find::Path(format!("/v1/quota/{}", segment(identity)))
    }

    fn put(&self, _: &str, name: &str, mut body: Map<String, Json>, _: Option<&Json>) -> Call {
        body.insert("Name".to_owned(), name.into());
        Call::put("/v1/quota", Json::Object(body))
    }

    fn delete(&self, _: &str, name: &str, _: &Json) -> Option<Call> {
        Some(Call::delete(format!("/v1/quota/{}", segment(name))))
    }
}
