//! `acl_policy "readers" { description  rules = file("readers.hcl")  job_acl {} }`

use serde_json::{Map, Value as Json};

use super::schema::{Field, Form, Many, Part, Schema};
use super::{Call, Find, Kind};
use crate::engine::segment;

const JOB: Schema = Schema {
    fields: &[
        Field::new("namespace", "Namespace", Form::Text),
        Field::new("job_id", "JobID", Form::Text),
        Field::new("group", "Group", Form::Text),
        Field::new("task", "Task", Form::Text),
    ],
    parts: &[],
};
const SCHEMA: Schema = Schema {
    fields: &[
        Field::new("description", "Description", Form::Text),
        Field::new("rules", "Rules", Form::Text).required(),
    ],
    parts: &[Part { name: "job_acl", wire: "JobACL", many: Many::One, schema: &JOB }],
};

pub(super) struct AclPolicy;

impl Kind for AclPolicy {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn find(&self, _: &str, identity: &str) -> Find {
        Find::Path(path(identity))
    }

    fn put(&self, _: &str, name: &str, mut body: Map<String, Json>, _: Option<&Json>) -> Call {
        body.insert("Name".to_owned(), name.into());
        Call::put(path(name), Json::Object(body))
    }

    fn delete(&self, _: &str, name: &str, _: &Json) -> Option<Call> {
        Some(Call::delete(path(name)))
    }
}

fn path(name: &str) -> String {
    format!("/v1/acl/policy/{}", segment(name))
}
