//! What a stack wants to be there.

use std::collections::{BTreeMap, BTreeSet};

use drover_base::Nanos;
use serde_json::Value as Json;

/// How long a resource may take to become healthy unless it says otherwise.
pub const DEFAULT_TIMEOUT: Nanos = Nanos(5 * 60 * 1_000_000_000);

/// Everything that a stack wants, evaluated: no reference is left in it.
#[derive(Clone, Debug, Default)]
pub struct Desired {
    /// The stack's name.
    pub stack: String,
    /// The namespace of what does not name one, and of the stack's own record.
    pub namespace: String,
    /// The engine that the stack's `engine` block names.
    pub engine: EngineChoice,
    /// All resources, in an order in which each comes after what it depends on.
    pub resources: Vec<Resource>,
    /// The stack's outputs, in the order of writing.
    pub outputs: Vec<Output>,
    /// What packs say after an apply: the pack's address and its text.
    pub messages: Vec<(String, String)>,
}

/// The `engine` block. The command line's flags and environment go before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineChoice {
    /// The HTTP address.
    pub address: Option<String>,
    /// The default namespace.
    pub namespace: Option<String>,
    /// The region.
    pub region: Option<String>,
}

/// One output.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// In one sentence.
    pub description: String,
    /// Whether it must not be shown.
    pub sensitive: bool,
    /// Its value.
    pub value: Json,
}

/// One thing that the engine should hold.
#[derive(Clone, Debug)]
pub struct Resource {
    /// How people and plans name it, such as `job.report` or `pack.web.job.web`.
    pub address: String,
    /// What it is.
    pub spec: Spec,
    /// The addresses that come before it.
    pub depends_on: BTreeSet<String>,
    /// When it counts as done.
    pub wait: Wait,
    /// How long that may take.
    pub timeout: Nanos,
}

/// What a resource is.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spec {
    /// A job, as the JSON that is submitted.
    Job(Json),
    /// A namespace.
    Namespace(NamespaceSpec),
    /// The variables at a path.
    Variables(VariablesSpec),
}

/// A namespace.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NamespaceSpec {
    /// Its name.
    pub name: String,
    /// In one sentence.
    pub description: String,
    /// Its metadata.
    pub meta: BTreeMap<String, String>,
}

/// Variables at a path.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct VariablesSpec {
    /// The namespace that holds them.
    pub namespace: String,
    /// Their path.
    pub path: String,
    /// Names and values.
    pub items: BTreeMap<String, String>,
}

/// When a job counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wait {
    /// A service is healthy, a batch job runs or is complete.
    #[default]
    Healthy,
    /// Every allocation runs or is complete.
    Running,
    /// Every allocation is complete.
    Complete,
    /// At once, when it is registered.
    None,
}

impl Wait {
    /// The words that a stack can use.
    pub const NAMES: [&'static str; 4] = ["healthy", "running", "complete", "none"];

    /// The meaning of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "healthy" => Self::Healthy,
            "running" => Self::Running,
            "complete" => Self::Complete,
            "none" => Self::None,
            _ => return None,
        })
    }
}

/// Identifies a thing in the engine, independent of what a stack calls it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Target {
    /// A namespace.
    Namespace {
        /// Its name.
        name: String,
    },
    /// The variables at a path.
    Variables {
        /// The namespace that holds them.
        namespace: String,
        /// Their path.
        path: String,
    },
    /// A job.
    Job {
        /// Its namespace.
        namespace: String,
        /// Its id.
        id: String,
    },
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Namespace { name } => write!(f, "namespace {name}"),
            Self::Variables { namespace, path } => write!(f, "variables {path} in namespace {namespace}"),
            Self::Job { namespace, id } => write!(f, "job {id} in namespace {namespace}"),
        }
    }
}

impl Resource {
    /// The thing in the engine that this resource is.
    pub fn target(&self) -> Target {
        match &self.spec {
            Spec::Job(job) => Target::Job { namespace: text(job, "Namespace", "default"), id: text(job, "ID", "") },
            Spec::Namespace(namespace) => Target::Namespace { name: namespace.name.clone() },
            Spec::Variables(variables) => {
                Target::Variables { namespace: variables.namespace.clone(), path: variables.path.clone() }
            }
        }
    }
}

fn text(job: &Json, key: &str, default: &str) -> String {
    job[key].as_str().filter(|text| !text.is_empty()).unwrap_or(default).to_owned()
}
