//! `acl_role "developers" { description  policies = ["readers"] }`

use serde_json::{Map, Value as Json};

use super::schema::{Field, Form, Schema};
use super::{Call, Find, Kind, text, with_id};
use crate::engine::segment;

const SCHEMA: Schema = Schema {
    fields: &[
        Field::new("description", "Description", Form::Text),
        Field::new("policies", "Policies", Form::Names).required(),
    ],
    parts: &[],
};

pub(super) struct AclRole;

impl Kind for AclRole {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn check(&self, body: &Json) -> Vec<(&'static str, String)> {
        let is_empty = body["Policies"].as_array().is_none_or(Vec::is_empty);
        is_empty.then(|| ("policies", "a role needs a policy at least".to_owned())).into_iter().collect()
    }

    fn find(&self, _: &str, identity: &str) -> Find {
        Find::Path(format!("/v1/acl/role/name/{}", segment(identity)))
    }

    fn put(&self, _: &str, name: &str, body: Map<String, Json>, live: Option<&Json>) -> Call {
        let mut body = with_id(body, live);
        body.insert("Name".to_owned(), name.into());
        let path = live.map_or_else(|| "/v1/acl/role".to_owned(), |live| format!("/v1/acl/role/{}", text(live, "ID")));
        Call::put(path, Json::Object(body))
    }

    fn delete(&self, _: &str, _: &str, live: &Json) -> Option<Call> {
        Some(Call::delete(format!("/v1/acl/role/{}", text(live, "ID"))))
    }
}
