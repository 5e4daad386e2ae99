//! Resources that are one JSON object in the engine: node pools, access control, host volumes, quotas and the scheduler's settings.
//!
//! One file per kind says what a block may hold ([`schema::Schema`]), how the object is found and how it is written ([`Kind`]). What
//! is common to all of them - reading a block, bringing both sides to one form, the difference, the writes - is done once.

mod acl_auth_method;
mod acl_binding_rule;
mod acl_policy;
mod acl_role;
mod host_volume;
mod node_pool;
mod quota;
mod scheduler_config;
pub(crate) mod schema;

use drover_sdk::{Method, Query};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use schema::Schema;

/// The kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// A pool of nodes.
    NodePool,
    /// An access policy.
    AclPolicy,
    /// A role: policies under one name.
    AclRole,
    /// A way to log in.
    AclAuthMethod,
    /// What somebody who logs in may do.
    AclBindingRule,
    /// A dynamic host volume.
    HostVolume,
    /// A limit of resources.
    Quota,
    /// The scheduler's settings, of which there is one set.
    SchedulerConfig,
}

impl ObjectKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::NodePool,
        Self::AclPolicy,
        Self::AclRole,
        Self::AclAuthMethod,
        Self::AclBindingRule,
        Self::HostVolume,
        Self::Quota,
        Self::SchedulerConfig,
    ];

    /// The block's type in a stack.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NodePool => "node_pool",
            Self::AclPolicy => "acl_policy",
            Self::AclRole => "acl_role",
            Self::AclAuthMethod => "acl_auth_method",
            Self::AclBindingRule => "acl_binding_rule",
            Self::HostVolume => "host_volume",
            Self::Quota => "quota",
            Self::SchedulerConfig => "scheduler_config",
        }
    }

    /// The kind of a block's type.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// For people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::NodePool => "node pool",
            Self::AclPolicy => "ACL policy",
            Self::AclRole => "ACL role",
            Self::AclAuthMethod => "ACL auth method",
            Self::AclBindingRule => "ACL binding rule",
            Self::HostVolume => "host volume",
            Self::Quota => "quota",
            Self::SchedulerConfig => "scheduler configuration",
        }
    }

    pub(crate) fn kind(self) -> &'static dyn Kind {
        match self {
            Self::NodePool => &node_pool::NodePool,
            Self::AclPolicy => &acl_policy::AclPolicy,
            Self::AclRole => &acl_role::AclRole,
            Self::AclAuthMethod => &acl_auth_method::AclAuthMethod,
            Self::AclBindingRule => &acl_binding_rule::AclBindingRule,
            Self::HostVolume => &host_volume::HostVolume,
            Self::Quota => &quota::Quota,
            Self::SchedulerConfig => &scheduler_config::SchedulerConfig,
        }
    }
}

/// A wanted object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectSpec {
    /// Its kind.
    pub of: ObjectKind,
    /// The namespace that holds it; empty for what lies in none.
    pub namespace: String,
    /// What tells it from others of its kind.
    pub name: String,
    /// What Drover looks after, in the API's names and in one form for both sides.
    pub body: Json,
}

/// A request to the engine.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) body: Option<Json>,
}

impl Call {
    fn put(path: impl Into<String>, body: Json) -> Self {
        Self { method: Method::Put, path: path.into(), query: Query::new(), body: Some(body) }
    }

    fn delete(path: impl Into<String>) -> Self {
        Self { method: Method::Delete, path: path.into(), query: Query::new(), body: None }
    }
}

/// How an object is found.
pub(crate) enum Find {
    /// By its name.
    Path(String),
    /// In a list; `detail` is where the whole of it is, for an id.
    List { path: String, query: Query, matches: Box<dyn Fn(&Json) -> bool + Send + Sync>, detail: fn(&str) -> String },
}

/// What a kind is.
pub(crate) trait Kind: Sync {
    /// What a block holds.
    fn schema(&self) -> &'static Schema;

    /// What tells an object from others of its kind; as a rule the name.
    fn identity(&self, name: &str, _body: &Json) -> String {
        name.to_owned()
    }

    /// Whether it lies in a namespace.
    fn is_namespaced(&self) -> bool {
        false
    }

    /// Whether its metadata can say who owns it; else only the stack's record does.
    fn carries_owner(&self) -> bool {
        false
    }

    /// Whether the index is checked by the engine itself as part of the write.
    fn has_cas(&self) -> bool {
        false
    }

    /// What is wrong with a block beyond its types: the attribute and the message.
    fn check(&self, _body: &Json) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Where it is.
    fn find(&self, namespace: &str, identity: &str) -> Find;

    /// The object within an answer.
    fn unwrap(&self, answer: Json) -> Json {
        answer
    }

    /// The write of `body`; `live` is what is there.
    fn put(&self, namespace: &str, name: &str, body: Map<String, Json>, live: Option<&Json>) -> Call;

    /// The removal; none where it cannot be removed and is left as it is.
    fn delete(&self, namespace: &str, name: &str, live: &Json) -> Option<Call>;
}

/// The text at a key.
fn text<'j>(value: &'j Json, key: &str) -> &'j str {
    value[key].as_str().unwrap_or_default()
}

/// The live object's id goes into what is written over it.
fn with_id(mut body: Map<String, Json>, live: Option<&Json>) -> Map<String, Json> {
    if let Some(live) = live {
        body.insert("ID".to_owned(), live["ID"].clone());
    }
    body
}

/// What is there, without what the engine adds, with what is wanted over it; nested blocks are merged.
fn over(schema: &Schema, live: Option<&Json>, body: Map<String, Json>) -> Map<String, Json> {
    let mut merged = live.and_then(Json::as_object).cloned().unwrap_or_default();
    for key in ["CreateIndex", "ModifyIndex", "Hash"] {
        merged.remove(key);
    }
    for (key, value) in body {
        let is_part = schema.parts.iter().any(|part| part.wire == key);
        match (merged.get_mut(&key), value) {
            (Some(Json::Object(before)), Json::Object(after)) if is_part => before.extend(after),
            (_, value) => {
                merged.insert(key, value);
            }
        }
    }
    merged
}
