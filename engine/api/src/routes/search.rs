//! `/v1/search` by prefix and `/v1/search/fuzzy` by parts of names.

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use drover_acl::{NamespaceCapability, NodePoolCapability, VariableCapability};
use drover_model::registry::{NamespaceSpec, NodePool, StoredVariable};
use drover_model::{Allocation, Job, Namespace};
use drover_server::Access;
use drover_state::Snapshot;
use drover_wire::requests::SearchRequest;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The matches shown per kind.
const MAX_MATCHES: usize = 20;
/// The shortest text of a fuzzy search.
const MIN_FUZZY_CHARS: usize = 2;
/// All contexts, in the order in which the refusal of a wrong one lists them.
const CONTEXTS: [&str; 12] = [
    "allocs",
    "jobs",
    "nodes",
    "node_pools",
    "evals",
    "deployment",
    "plugins",
    "volumes",
    "scaling_policy",
    "vars",
    "namespaces",
    "host_volumes",
];
/// Contexts whose ids are UUIDs: only whole bytes of hexadecimal digits can be prefixes of them.
const UUID_CONTEXTS: [&str; 4] = ["allocs", "nodes", "evals", "deployment"];
/// Kinds of storage: a fuzzy search looks into plugins only.
const STORAGE_CONTEXTS: [&str; 3] = ["plugins", "volumes", "host_volumes"];

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<M: Serialize> {
    matches: BTreeMap<&'static str, M>,
    truncations: BTreeMap<&'static str, bool>,
    index: u64,
    last_contact: u64,
    known_leader: bool,
    next_token: &'static str,
}

impl<M: Serialize> Answer<M> {
    /// Who may see nothing is not even told the index.
    fn new(state: &Snapshot, kinds: &[&'static str]) -> Self {
        Self {
            matches: BTreeMap::new(),
            truncations: BTreeMap::new(),
            index: if kinds.is_empty() { 0 } else { state.index() },
            last_contact: 0,
            known_leader: true,
            next_token: "",
        }
    }
}

/// The contexts that are searched.
fn contexts(given: &str) -> Result<Vec<&'static str>> {
    if given == "all" {
        return Ok(CONTEXTS.to_vec());
    }
    let found = CONTEXTS.into_iter().find(|context| *context == given);
    found.map(|context| vec![context]).ok_or_else(|| {
        let list = CONTEXTS.join(" ");
        ApiError::refused(format!("context must be one of [{list}] or 'all' for all contexts; got {given:?}"))
    })
}

/// The kinds that a caller may search. A single one that it may not is refused; of all kinds those are left out.
fn allowed(context: &Context, kinds: Vec<&'static str>, is_all: bool) -> Result<Vec<&'static str>> {
    use NamespaceCapability as Ns;
    let access = context.access()?;
    let (acl, namespace) = (&access.acl, context.namespace());
    let in_any = |capabilities: &[Ns]| acl.allows_any_of(&namespace, capabilities);
    let may = |kind: &&'static str| match *kind {
        "scaling_policy" if is_all => in_any(&[Ns::ReadJob, Ns::ListScalingPolicies]),
        "allocs" | "jobs" | "evals" | "deployment" | "scaling_policy" => in_any(&[Ns::ReadJob]),
        "volumes" => in_any(&[Ns::ReadJob, Ns::ListJobs, Ns::CsiReadVolume, Ns::CsiListVolume]),
        "host_volumes" => in_any(&[Ns::HostVolumeRead]),
        "namespaces" => acl.allows_namespace(&namespace),
        "vars" => access.workload().is_some() || acl.allows_variable_search(&namespace),
        "nodes" => acl.can_read_node(),
        "node_pools" => acl.allows_some_node_pool(),
        "plugins" => acl.can_list_plugin(),
        _ => acl.is_management(),
    };
    let found: Vec<&'static str> = kinds.into_iter().filter(may).collect();
    if found.is_empty() && !is_all { Err(ApiError::forbidden()) } else { Ok(found) }
}

/// What of the state a search may show.
struct Scope<'a> {
    state: &'a Snapshot,
    namespace: Namespace,
    access: &'a Access,
}

impl Scope<'_> {
    fn holds(&self, namespace: &Namespace) -> bool {
        match *self.namespace == *Namespace::ALL {
            true => self.access.acl.allows(namespace, NamespaceCapability::ReadJob),
            false => self.namespace == *namespace,
        }
    }

    fn pools(&self) -> impl Iterator<Item = &Arc<NodePool>> {
        let acl = &self.access.acl;
        self.state.node_pools().filter(|pool| acl.allows_node_pool(&pool.name, NodePoolCapability::Read))
    }

    fn namespaces(&self) -> impl Iterator<Item = &Arc<NamespaceSpec>> {
        self.state.namespaces().filter(|namespace| self.access.acl.allows_namespace(&namespace.name))
    }

    fn variables(&self) -> impl Iterator<Item = &Arc<StoredVariable>> {
        let in_scope = |namespace: &Namespace| *self.namespace == *Namespace::ALL || self.namespace == *namespace;
        let found = self.state.variables().filter(move |variable| in_scope(&variable.namespace));
        found.filter(|variable| {
            self.access.allows_variable(&variable.namespace, &variable.path, VariableCapability::List)
        })
    }

    /// All ids of a context that begin with `prefix`, in order.
    fn ids(&self, context: &str, prefix: &str) -> Vec<String> {
        let state = self.state;
        let texts = |ids: &mut dyn Iterator<Item = &str>| -> Vec<String> {
            ids.filter(|id| id.starts_with(prefix)).take(MAX_MATCHES + 1).map(str::to_owned).collect()
        };
        match context {
            "jobs" => texts(&mut state.jobs().filter(|job| self.holds(&job.namespace)).map(|job| &*job.id)),
            "nodes" => texts(&mut state.nodes_by_prefix(prefix).map(|node| &*node.id)),
            "allocs" => {
                let found = state.allocs_by_prefix(prefix).filter(|alloc| self.holds(&alloc.namespace));
                texts(&mut found.map(|alloc| &*alloc.id))
            }
            "evals" => {
                let found = state.evals_by_prefix(prefix).filter(|eval| self.holds(&eval.namespace));
                texts(&mut found.map(|eval| &*eval.id))
            }
            "deployment" => {
                let found = state.deployments_by_prefix(prefix).filter(|found| self.holds(&found.namespace));
                texts(&mut found.map(|found| &*found.id))
            }
            "node_pools" => texts(&mut self.pools().map(|pool| pool.name.as_str())),
            "namespaces" => texts(&mut self.namespaces().map(|namespace| &*namespace.name)),
            "vars" => texts(&mut self.variables().map(|variable| variable.path.as_str())),
            "scaling_policy" => {
                let jobs = state.jobs().filter(|job| self.holds(&job.namespace));
                let policies = jobs.flat_map(|job| &job.task_groups).filter_map(|group| group.scaling.as_ref());
                texts(&mut policies.map(|policy| policy.id.as_str()))
            }
            "plugins" => {
                let ids: Vec<String> = state.csi_plugins().map(|plugin| plugin.id).collect();
                texts(&mut ids.iter().map(String::as_str))
            }
            "volumes" => {
                let found = state.csi_volumes().filter(|volume| self.holds(&volume.namespace));
                texts(&mut found.map(|volume| volume.id.as_str()))
            }
            "host_volumes" => {
                let found = state.host_volumes().filter(|volume| self.holds(&volume.namespace));
                texts(&mut found.map(|volume| volume.id.as_str()))
            }
            _ => Vec::new(),
        }
    }
}

fn is_uuid_prefix(prefix: &str) -> bool {
    let digits = prefix.bytes().filter(|byte| *byte != b'-');
    prefix.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()) && digits.count() % 2 == 0
}

/// Searches by the beginning of ids. Kinds whose ids cannot begin so are left out.
pub(super) async fn prefix(context: &Context) -> Result<Reply> {
    context.must_write()?;
    let request: SearchRequest = context.body()?;
    context.read_options()?;
    let contexts = allowed(context, contexts(&request.context)?, request.context == "all")?;
    context.check_region()?;
    let state = context.state.store().snapshot();
    let scope = Scope { state: &state, namespace: context.namespace(), access: context.access()? };
    let mut answer = Answer::<Option<Vec<String>>>::new(&state, &contexts);
    let lowered = request.prefix.to_ascii_lowercase();
    for kind in contexts {
        let is_uuid = UUID_CONTEXTS.contains(&kind);
        if is_uuid && !is_uuid_prefix(&lowered) {
            continue;
        }
        let wanted = if is_uuid { &lowered } else { &request.prefix };
        let mut ids = scope.ids(kind, wanted);
        answer.truncations.insert(kind, ids.len() > MAX_MATCHES);
        ids.truncate(MAX_MATCHES);
        answer.matches.insert(kind, Some(ids).filter(|ids| !ids.is_empty()));
    }
    Ok(context.json(&answer)?.read_at(answer.index))
}

/// A match of a fuzzy search, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct FuzzyMatch {
    #[serde(rename = "ID")]
    id: String,
    scope: Vec<String>,
}

/// Matches with the place of the text in them: early and short ones first.
#[derive(Default)]
struct Found(BTreeMap<&'static str, Vec<(usize, FuzzyMatch)>>);

impl Found {
    fn look(&mut self, kind: &'static str, name: &str, text: &str, scope: &[&str]) {
        if let Some(at) = name.to_lowercase().find(text) {
            let scope = scope.iter().map(|&part| part.to_owned()).collect();
            self.0.entry(kind).or_default().push((at, FuzzyMatch { id: name.to_owned(), scope }));
        }
    }
}

/// Searches for a part of names of jobs, groups, services, tasks, images, commands, nodes and more.
pub(super) async fn fuzzy(context: &Context) -> Result<Reply> {
    context.must_write()?;
    let request: SearchRequest = context.body()?;
    context.read_options()?;
    let length = request.text.chars().count();
    if length < MIN_FUZZY_CHARS {
        let text = format!("fuzzy search query must be at least {MIN_FUZZY_CHARS} characters, got {length}");
        return Err(ApiError::refused(text));
    }
    let contexts = allowed(context, contexts(&request.context)?, request.context == "all")?;
    context.check_region()?;
    let state = context.state.store().snapshot();
    let scope = Scope { state: &state, namespace: context.namespace(), access: context.access()? };
    let mut answer = Answer::<Vec<FuzzyMatch>>::new(&state, &contexts);
    let text = request.text.to_lowercase();
    let mut found = Found::default();
    for kind in contexts {
        answer.truncations.insert(kind, false);
        look_into(kind, &scope, &text, &mut found);
        if request.context == "all" && is_always_listed(kind) {
            answer.matches.insert(kind, Vec::new());
        }
        if UUID_CONTEXTS.contains(&kind) || kind == "scaling_policy" {
            let ids = if is_uuid_prefix(&text) { scope.ids(kind, &text) } else { Vec::new() };
            let matches: Vec<_> = ids.into_iter().map(|id| (0, FuzzyMatch { id, scope: Vec::new() })).collect();
            if !matches.is_empty() {
                found.0.entry(kind).or_default().extend(matches);
            }
        }
    }
    for (kind, mut matches) in found.0 {
        matches.sort_by(|(at, one), (other_at, other)| {
            (at, one.id.len(), &one.id).cmp(&(other_at, other.id.len(), &other.id))
        });
        if matches.len() > MAX_MATCHES {
            answer.truncations.insert(kind, true);
        }
        let matches = matches.into_iter().take(MAX_MATCHES).map(|(_, found)| found);
        answer.matches.entry(kind).or_default().extend(matches);
    }
    Ok(context.json(&answer)?.read_at(answer.index))
}

/// Kinds that are searched by prefix only, which the reference lists even when they are empty.
fn is_always_listed(kind: &str) -> bool {
    matches!(kind, "deployment" | "evals" | "scaling_policy") || (STORAGE_CONTEXTS.contains(&kind) && kind != "plugins")
}

fn look_into(kind: &'static str, scope: &Scope<'_>, text: &str, found: &mut Found) {
    let state = scope.state;
    match kind {
        "plugins" => state.csi_plugins().for_each(|plugin| found.look("plugins", &plugin.id, text, &[])),
        "jobs" => {
            state.jobs().filter(|job| scope.holds(&job.namespace)).for_each(|job| look_into_job(job, text, found));
        }
        "allocs" => {
            let allocs = state.allocs().filter(|alloc| scope.holds(&alloc.namespace));
            allocs.for_each(|alloc: &Arc<Allocation>| {
                found.look("allocs", &alloc.name, text, &[&alloc.namespace, &alloc.id]);
            });
        }
        "nodes" => state.nodes().for_each(|node| found.look("nodes", &node.name, text, &[&node.id])),
        "node_pools" => scope.pools().for_each(|pool| found.look("node_pools", &pool.name, text, &[])),
        "namespaces" => scope.namespaces().for_each(|namespace| found.look("namespaces", &namespace.name, text, &[])),
        "vars" => {
            scope.variables().for_each(|found_one| {
                found.look("vars", &found_one.path, text, &[&found_one.namespace, &found_one.path]);
            });
        }
        _ => {}
    }
}

/// Names within a job: of itself, its groups, services and tasks, and what its tasks run.
fn look_into_job(job: &Job, text: &str, found: &mut Found) {
    let (namespace, id): (&str, &str) = (&job.namespace, &job.id);
    found.look("jobs", &job.name, text, &[namespace, id]);
    for group in &job.task_groups {
        found.look("groups", &group.name, text, &[namespace, id]);
        for service in &group.services {
            found.look("services", &service.name, text, &[namespace, id, &group.name]);
        }
        for task in &group.tasks {
            found.look("tasks", &task.name, text, &[namespace, id, &group.name]);
            for service in &task.services {
                found.look("services", &service.name, text, &[namespace, id, &group.name, &task.name]);
            }
            let (kind, field) = match task.driver.as_str() {
                "docker" => ("images", "image"),
                "exec" | "raw_exec" => ("commands", "command"),
                "java" => ("classes", "class"),
                _ => continue,
            };
            if let Some(value) = task.config.get(field).and_then(|value| value.as_str()) {
                found.look(kind, value, text, &[namespace, id, &group.name, &task.name]);
            }
        }
    }
}
