//! `host_volume "data" { plugin_id  node_pool  node_id  capacity_min  capacity_max  capability {}  constraint {}  parameters }`

use drover_sdk::Query;
use serde_json::{Map, Value as Json, json};

use super::schema::{Absent, Field, Form, Many, Part, Schema};
use super::{Call, Find, Kind, text, with_id};
use crate::engine::segment;

const CAPABILITY: Schema = Schema {
    fields: &[
        Field::new("access_mode", "AccessMode", Form::Text).required().recreates(),
        Field::new("attachment_mode", "AttachmentMode", Form::Text).required().recreates(),
    ],
    parts: &[],
};
const CONSTRAINT: Schema = Schema {
    fields: &[
        Field::new("attribute", "LTarget", Form::Raw).recreates(),
        Field::new("operator", "Operand", Form::Text).absent(Absent::Text("=")).recreates(),
        Field::new("value", "RTarget", Form::Raw).recreates(),
    ],
    parts: &[],
};
const SCHEMA: Schema = Schema {
    fields: &[
        Field::new("plugin_id", "PluginID", Form::Text).absent(Absent::Text("mkdir")).recreates(),
        Field::new("node_pool", "NodePool", Form::Text).kept().recreates(),
        Field::new("node_id", "NodeID", Form::Text).kept().recreates(),
        Field::new("capacity_min", "RequestedCapacityMinBytes", Form::Size),
        Field::new("capacity_max", "RequestedCapacityMaxBytes", Form::Size),
        Field::new("parameters", "Parameters", Form::Map).recreates(),
    ],
    parts: &[
        Part { name: "capability", wire: "RequestedCapabilities", many: Many::List, schema: &CAPABILITY },
        Part { name: "constraint", wire: "Constraints", many: Many::List, schema: &CONSTRAINT },
    ],
};

pub(super) struct HostVolume;

impl Kind for HostVolume {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn is_namespaced(&self) -> bool {
        true
    }

    fn check(&self, body: &Json) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if body["RequestedCapabilities"].as_array().is_none_or(Vec::is_empty) {
            let message = "a host volume needs a capability { access_mode = \"…\"  attachment_mode = \"file-system\" }";
            problems.push(("capability", message.to_owned()));
        }
        let bytes = |key: &str| body[key].as_i64().unwrap_or(0);
        if bytes("RequestedCapacityMinBytes") > bytes("RequestedCapacityMaxBytes") {
            problems.push(("capacity_min", "`capacity_max` is not below `capacity_min`".to_owned()));
        }
        problems
    }

    fn find(&self, namespace: &str, identity: &str) -> Find {
        let name = identity.to_owned();
        Find::List {
            path: "/v1/volumes".to_owned(),
            query: Query::new().namespace(namespace).param("type", "host"),
            matches: Box::new(move |volume| text(volume, "Name") == name),
            detail: |id| format!("/v1/volume/host/{}", segment(id)),
        }
    }

    fn put(&self, namespace: &str, name: &str, body: Map<String, Json>, live: Option<&Json>) -> Call {
        let mut body = with_id(body, live);
        if let Some(live) = live {
            // An update stays where the volume is.
            for key in ["NodeID", "NodePool"] {
                body.entry(key).or_insert_with(|| live[key].clone());
            }
        }
        body.insert("Name".to_owned(), name.into());
        body.insert("Namespace".to_owned(), namespace.into());
        let mut call = Call::put("/v1/volume/host/create", json!({"Volume": body}));
        call.query = Query::new().namespace(namespace);
        call
    }

    fn delete(&self, namespace: &str, _: &str, live: &Json) -> Option<Call> {
        let mut call = Call::delete(format!("/v1/volume/host/{}", segment(text(live, "ID"))));
        call.query = Query::new().namespace(namespace);
        Some(call)
    }
}
