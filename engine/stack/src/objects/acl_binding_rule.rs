//! `acl_binding_rule "admins" { auth_method  bind_type  bind_name  selector  description }`
//!
//! The engine gives rules an id and no name. What tells one from others is what it says: changing the method, the selector or
//! what is bound makes another rule, and the old one goes.

use drover_sdk::Query;
use serde_json::{Map, Value as Json};

use super::schema::{Field, Form, Schema};
use super::{Call, Find, Kind, text, with_id};

const SCHEMA: Schema = Schema {
    fields: &[
        Field::new("description", "Description", Form::Text),
        Field::new("auth_method", "AuthMethod", Form::Text).required(),
        Field::new("bind_type", "BindType", Form::Text).required(),
        Field::new("bind_name", "BindName", Form::Raw),
        Field::new("selector", "Selector", Form::Raw),
    ],
    parts: &[],
};

/// The parts of the identity, in order.
const PARTS: [&str; 4] = ["AuthMethod", "BindType", "BindName", "Selector"];

pub(super) struct AclBindingRule;

impl Kind for AclBindingRule {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn identity(&self, _: &str, body: &Json) -> String {
        let [method, kind, name, selector] = PARTS.map(|part| text(body, part));
        let what = if name.is_empty() { kind.to_owned() } else { format!("{kind} {name}") };
        if selector.is_empty() { format!("{method} -> {what}") } else { format!("{method} -> {what} if {selector}") }
    }

    fn check(&self, body: &Json) -> Vec<(&'static str, String)> {
        let kind = text(body, "BindType");
        let mut problems = Vec::new();
        if !["role", "policy", "management"].contains(&kind) {
            problems.push(("bind_type", "`bind_type` is \"role\", \"policy\" or \"management\"".to_owned()));
        } else if (kind == "management") != text(body, "BindName").is_empty() {
            let message = "`bind_name` names the role or policy, and is left out for \"management\"";
            problems.push(("bind_name", message.to_owned()));
        }
        problems
    }

    fn find(&self, _: &str, identity: &str) -> Find {
        let wanted = identity.to_owned();
        Find::List {
            path: "/v1/acl/binding-rules".to_owned(),
            query: Query::new(),
            matches: Box::new(move |rule| match rule.get("BindType") {
                // Lists hold a part of each rule only.
                None => wanted.starts_with(text(rule, "AuthMethod")),
                Some(_) => Self.identity("", rule) == wanted,
            }),
            detail: |id| format!("/v1/acl/binding-rule/{id}"),
        }
    }

    fn put(&self, _: &str, _: &str, body: Map<String, Json>, live: Option<&Json>) -> Call {
        let path = live.map_or_else(
            || "/v1/acl/binding-rule".to_owned(),
            |live| format!("/v1/acl/binding-rule/{}", text(live, "ID")),
        );
        Call::put(path, Json::Object(with_id(body, live)))
    }

    fn delete(&self, _: &str, _: &str, live: &Json) -> Option<Call> {
        Some(Call::delete(format!("/v1/acl/binding-rule/{}", text(live, "ID"))))
    }
}
