//! What a stack wants to be there.

use std::collections::{BTreeMap, BTreeSet};

use drover_base::Nanos;
use serde_json::Value as Json;

use crate::objects::{ObjectKind, ObjectSpec};

/// How long a resource may take to become healthy unless it says otherwise.
pub const DEFAULT_TIMEOUT: Nanos = Nanos(5 * 60 * 1_000_000_000);

/// Everything that a stack wants, evaluated: no reference is left in it.
#[derive(Clone, Debug, Default)]
pub struct Desired {
    /// The stack's name.
    pub stack: String,
    /// The namespace of what does not name one, and of the stack's own record.
    pub namespace: String,
    /// The environment whose overlay was chosen; empty when none was.
    pub environment: String,
    /// The engine that the stack's `engine` block names.
    pub engine: EngineChoice,
    /// The engines of `engine "name"` blocks, by name.
    pub engines: BTreeMap<String, EngineChoice>,
    /// All resources, in an order in which each comes after what it depends on.
    pub resources: Vec<Resource>,
    /// The stack's outputs, in the order of writing.
    pub outputs: Vec<Output>,
    /// What packs say after an apply: the pack's address and its text.
    pub messages: Vec<(String, String)>,
    /// Rules that the change has to follow.
    pub policies: Vec<Policy>,
    /// What is looked at after an apply.
    pub checks: Vec<Check>,
    /// Addresses that were renamed: the one of before and the one of now. Each covers what is below it.
    pub moved: Vec<(String, String)>,
    /// The folder that files of secrets are relative to, as the person gave it.
    pub folder: String,
    /// Where secrets come from, as the stack's `secrets` blocks say.
    pub providers: Vec<drover_secrets::ProviderSettings>,
    /// Things that are taken over: the address and the thing's name as the stack gives it.
    pub imports: Vec<Import>,
}

/// An `import` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The resource.
    pub to: String,
    /// The thing: its id or name, or `namespace/id`.
    pub id: String,
    /// Where it is written, as `file:line:column`.
    pub place: String,
}

/// An `engine` block. For the one without a name the command line's flags and environment go before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EngineChoice {
    /// The HTTP address.
    pub address: Option<String>,
    /// The default namespace.
    pub namespace: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The secret of an access token; never stored.
    #[serde(skip)]
    pub token: Option<Token>,
}

/// A token's secret, which is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(pub String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(sensitive)")
    }
}

/// A rule that a change has to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// What follows when it is not kept.
    pub level: PolicyLevel,
    /// What it looks at.
    pub on: PolicyOn,
    /// An expression in CEL that is true when all is well.
    pub rule: String,
    /// What to do about it.
    pub message: String,
    /// Where it is written, as `file:line:column`.
    pub place: String,
}

/// What follows when a rule is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyLevel {
    /// Nothing is applied.
    Mandatory,
    /// It is said.
    Advisory,
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyOn {
    /// Every job of the stack, in its canonical form, changed or not.
    Job,
    /// Every change.
    Change,
    /// The plan as a whole.
    Plan,
}

/// Something that is looked at after an apply.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// What is looked at.
    pub probe: Probe,
    /// How often it is tried again.
    pub retries: u32,
    /// The time between two tries.
    pub interval: Nanos,
    /// How long one try may take.
    pub timeout: Nanos,
    /// The engine's resources that it waits for: none left out means that it is looked at.
    #[serde(default)]
    pub depends_on: BTreeSet<String>,
}

/// What a check looks at.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Probe {
    /// A page.
    Http {
        /// Its address.
        url: String,
        /// `GET`, `HEAD` or `POST`.
        method: String,
        /// The statuses that are well; every one from 200 to 299 when empty.
        status: Vec<u16>,
        /// A text that the page holds.
        contains: Option<String>,
        /// Headers of the request.
        headers: BTreeMap<String, String>,
    },
    /// A port that takes connections.
    Tcp {
        /// `host:port`.
        address: String,
    },
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
    /// The named engine that holds it; the stack's own when there is none.
    pub engine: Option<String>,
    /// What is left to the engine, such as `group.web.count`.
    pub ignore: Vec<String>,
    /// Where it is written, as `file:line:column`; empty when it is not from a stack's file.
    pub place: String,
}

impl Resource {
    /// A resource with nothing special about it.
    pub fn new(address: impl Into<String>, spec: Spec) -> Self {
        let wait = if matches!(spec, Spec::Job(_)) { Wait::default() } else { Wait::None };
        Self {
            address: address.into(),
            spec,
            depends_on: BTreeSet::new(),
            wait,
            timeout: DEFAULT_TIMEOUT,
            engine: None,
            ignore: Vec::new(),
            place: String::new(),
        }
    }
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
    /// Anything else.
    Object(ObjectSpec),
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
    /// Anything else.
    Object {
        /// Its kind.
        of: ObjectKind,
        /// The namespace that holds it; empty for what lies in none.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        namespace: String,
        /// What tells it from others of its kind.
        name: String,
    },
    /// A thing on a named engine.
    At {
        /// The engine's name in the stack.
        engine: String,
        /// The thing there.
        target: Box<Target>,
    },
}

impl Target {
    /// The named engine that holds it; none for the stack's own.
    pub fn engine(&self) -> Option<&str> {
        match self {
            Self::At { engine, .. } => Some(engine),
            _ => None,
        }
    }

    /// The thing on its engine.
    pub fn inner(&self) -> &Self {
        match self {
            Self::At { target, .. } => target.inner(),
            other => other,
        }
    }

    /// The same thing on an engine.
    #[must_use]
    pub fn at(self, engine: Option<&str>) -> Self {
        match engine {
            Some(engine) => Self::At { engine: engine.to_owned(), target: Box::new(self) },
            None => self,
        }
    }

    /// The namespace that holds it, where one does.
    pub fn namespace(&self) -> Option<&str> {
        match self.inner() {
            Self::Job { namespace, .. } | Self::Variables { namespace, .. } => Some(namespace),
            Self::Object { namespace, .. } if !namespace.is_empty() => Some(namespace),
            _ => None,
        }
    }

    /// Its id, name or path.
    pub fn name(&self) -> &str {
        match self.inner() {
            Self::Namespace { name } | Self::Object { name, .. } => name,
            Self::Variables { path, .. } => path,
            Self::Job { id, .. } => id,
            Self::At { .. } => "",
        }
    }

    /// The type of the block that such a thing is written with.
    pub fn kind(&self) -> &'static str {
        match self.inner() {
            Self::Namespace { .. } => "namespace",
            Self::Variables { .. } => "variables",
            Self::Job { .. } => "job",
            Self::Object { of, .. } => of.word(),
            Self::At { .. } => "",
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Namespace { name } => write!(f, "namespace {name}"),
            Self::Variables { namespace, path } => write!(f, "variables {path} in namespace {namespace}"),
            Self::Job { namespace, id } => write!(f, "job {id} in namespace {namespace}"),
            Self::Object { of: ObjectKind::SchedulerConfig, .. } => f.write_str("the scheduler's configuration"),
            Self::Object { of, namespace, name } if namespace.is_empty() => write!(f, "{} {name}", of.title()),
            Self::Object { of, namespace, name } => write!(f, "{} {name} in namespace {namespace}", of.title()),
            Self::At { engine, target } => write!(f, "{target} on engine {engine}"),
        }
    }
}

impl Resource {
    /// The thing in the engine that this resource is.
    pub fn target(&self) -> Target {
        let target = match &self.spec {
            Spec::Job(job) => Target::Job { namespace: text(job, "Namespace", "default"), id: text(job, "ID", "") },
            Spec::Namespace(namespace) => Target::Namespace { name: namespace.name.clone() },
            Spec::Variables(variables) => {
                Target::Variables { namespace: variables.namespace.clone(), path: variables.path.clone() }
            }
            Spec::Object(object) => Target::Object {
                of: object.of,
                namespace: object.namespace.clone(),
                name: object.of.kind().identity(&object.name, &object.body),
            },
        };
        target.at(self.engine.as_deref())
    }
}

fn text(job: &Json, key: &str, default: &str) -> String {
    job[key].as_str().filter(|text| !text.is_empty()).unwrap_or(default).to_owned()
}
