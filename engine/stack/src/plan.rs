//! The change plan: what has to happen so that the engine holds what the stack wants. Pure.

mod context;
mod cost;
mod deletions;
pub mod ignore;
mod jobs;
mod objects;
mod policies;
mod select;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use drover_base::Nanos;
use drover_secrets::Masker;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::desired::{Check, Desired, EngineChoice, Output, PolicyLevel, Resource, Spec, Target, Wait};
use crate::live::Live;
use crate::preview::Line;
use crate::scheduling::Scheduling;
use crate::sensitive;
use context::Context;
pub use cost::Cost;
pub use jobs::stamp;
pub use policies::PolicyResult;
use select::is_excluded;
pub use select::{check, covers, selected};

/// What happens to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is new.
    Create,
    /// It changes, and what runs stays.
    Update,
    /// It changes, and what runs is replaced.
    Replace,
    /// The stack does not name it any more.
    Delete,
    /// It is as it should be, but an earlier apply did not see it become healthy.
    Resume,
    /// It is as it should be, and becomes the stack's own.
    Adopt,
    /// It is as it should be, and has another address in the stack.
    Move,
}

/// What is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Write {
    /// This job.
    Job(Json),
    /// This namespace.
    Namespace(Json),
    /// These items.
    Variables(Json),
    /// This object of another kind.
    Object(Json),
    /// This object, after the one that is there has gone.
    Recreate(Json),
    /// Nothing: the target goes.
    Delete,
    /// Nothing: it is only waited for, or recorded.
    Keep,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The resource.
    pub address: String,
    /// What happens to it.
    pub action: Action,
    /// The thing in the engine.
    pub target: Target,
    /// The index that the thing had when it was read; 0 when it was not there. The write is refused if it is another one.
    pub base_index: u64,
    /// What is written. It holds secrets in the clear: it is sealed before it is stored, and never shown.
    pub write: Write,
    /// The addresses that come before it.
    pub depends_on: BTreeSet<String>,
    /// When it counts as done.
    pub wait: Wait,
    /// How long that may take.
    pub timeout: Nanos,
    /// The difference, safe to show.
    pub lines: Vec<Line>,
    /// For a job, what the scheduler would do.
    pub scheduling: Option<Scheduling>,
    /// For a job, the fields that hold a secret.
    pub sensitive_fields: BTreeSet<String>,
    /// What the engine and Drover want to be known.
    pub notes: Vec<String>,
    /// For a job that goes, how many allocations stop.
    #[serde(default)]
    pub stops: u64,
    /// In which ways a service would not be there for a while.
    #[serde(default)]
    pub risks: Vec<String>,
    /// The address of before, when it was renamed.
    #[serde(default)]
    pub moved_from: Option<String>,
}

/// A thing that was read, with its index then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// The thing.
    pub target: Target,
    /// Its index; 0 when it was not there.
    pub index: u64,
}

/// An immutable description of all changes, and of everything that it was computed from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangePlan {
    /// Identifies this plan, so that a saved one is applied once.
    pub id: String,
    /// The stack.
    pub stack: String,
    /// The namespace of the stack's record.
    pub namespace: String,
    /// The number that the release will have.
    pub release: u64,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// Whether it removes the whole stack.
    pub destroys: bool,
    /// What happens, in an order in which each change comes after what it depends on.
    pub changes: Vec<Change>,
    /// What stays, with what is to be recorded about it.
    pub unchanged: BTreeMap<String, Unchanged>,
    /// The indexes of everything that was read.
    pub base: Vec<Base>,
    /// The index of the stack's record; 0 when there was none.
    pub record_index: u64,
    /// The outputs, with sensitive ones masked.
    pub outputs: BTreeMap<String, Json>,
    /// What packs say after an apply.
    pub messages: Vec<(String, String)>,
    /// Everything that is wanted, by address, for the release's entry in the history. It holds secrets in the clear: it is
    /// sealed before it is stored.
    #[serde(default)]
    pub wanted: BTreeMap<String, Wanted>,
    /// The environment whose overlay was chosen; empty when none was.
    #[serde(default)]
    pub environment: String,
    /// The folder that files of secrets are relative to, as the person gave it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub folder: String,
    /// Where its secrets come from; references, no values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<drover_secrets::ProviderSettings>,
    /// The engines of `engine "name"` blocks, without their tokens.
    #[serde(default)]
    pub engines: BTreeMap<String, EngineChoice>,
    /// What the stack's policies say.
    #[serde(default)]
    pub policies: Vec<PolicyResult>,
    /// What is looked at after an apply.
    #[serde(default)]
    pub checks: Vec<Check>,
}

/// A resource as the stack wants it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wanted {
    /// What it is.
    pub spec: Spec,
    /// The addresses that come before it.
    pub depends_on: BTreeSet<String>,
    /// When it counts as done.
    pub wait: Wait,
    /// How long that may take.
    pub timeout: Nanos,
    /// The named engine that holds it.
    #[serde(default)]
    pub engine: Option<String>,
    /// What is left to the engine.
    #[serde(default)]
    pub ignore: Vec<String>,
}

/// A resource that stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unchanged {
    /// The thing in the engine.
    pub target: Target,
    /// The addresses that come before it.
    pub depends_on: BTreeSet<String>,
    /// For a job, the fields that hold a secret.
    pub sensitive_fields: BTreeSet<String>,
}

/// What a person chose.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Take over things that belong to another stack or to none.
    pub adopt: bool,
    /// Only these resources, and what they depend on; all when empty. A name covers what is below it.
    pub targets: Vec<String>,
    /// Not these resources, nor what depends on them. A name covers what is below it.
    pub excludes: Vec<String>,
    /// These are replaced even if nothing about them changes.
    pub replaces: Vec<String>,
    /// A job that has the index and the wanted text of the last release counts as unchanged: its dry run is left out.
    pub trusts_record: bool,
    /// Requests in flight at a time while reading; the usual number when 0.
    pub reads: usize,
    /// Identifies the plan.
    pub id: String,
    /// Now, RFC 3339.
    pub now: String,
}

impl Options {
    /// Whether the person wants that resource replaced.
    pub fn replaces(&self, address: &str) -> bool {
        self.replaces.iter().any(|replaced| covers(replaced, address))
    }

    /// Requests in flight at a time.
    pub fn reads(&self) -> usize {
        if self.reads == 0 { crate::reads::DEFAULT_READS } else { self.reads }
    }
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Things that belong to somebody else.
    #[error("{}", foreign(things))]
    Foreign {
        /// The address, the thing and its owner.
        things: Vec<(String, String, Option<String>)>,
    },
    /// A target that is not there.
    #[error("the stack has no resource `{target}`; it has: {known}")]
    UnknownTarget {
        /// What was asked for.
        target: String,
        /// What there is.
        known: String,
    },
    /// An import names another thing than the resource is.
    #[error("{place}: `{to}` is {target}, not `{id}`; give it that name, or correct the id")]
    WrongImport {
        /// Where the import is written.
        place: String,
        /// The resource.
        to: String,
        /// What it is.
        target: String,
        /// What the import says.
        id: String,
    },
    /// A renamed address is still there, or the new one is not.
    #[error("moved {from} -> {to}: {problem}")]
    WrongMove {
        /// The address of before.
        from: String,
        /// The address of now.
        to: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// Two resources are the same thing.
    #[error("`{first}` and `{second}` are both {target}; rename one")]
    Duplicate {
        /// The one.
        first: String,
        /// The other.
        second: String,
        /// The thing.
        target: String,
    },
}

fn foreign(things: &[(String, String, Option<String>)]) -> String {
    let lines: Vec<String> = things
        .iter()
        .map(|(address, thing, owner)| match owner {
            Some(owner) => format!("{address}: {thing} belongs to the stack `{owner}`"),
            None => format!("{address}: {thing} is there already and belongs to no stack"),
        })
        .collect();
    format!("{}\nrename what the stack wants, or take it over with -adopt", lines.join("\n"))
}

/// Computes the plan. `live` holds every selected resource, with the dry runs of stamped jobs, and all that the stack owns.
///
/// # Errors
/// When something belongs to somebody else.
pub fn compute(desired: &Desired, live: &Live, options: &Options, masker: &Masker) -> Result<ChangePlan, PlanError> {
    check(desired, options)?;
    let release = live.record.release + 1;
    let mask = |(from, text): &(String, String)| (from.clone(), masker.mask(text).into_owned());
    let mut plan = ChangePlan {
        release,
        outputs: outputs(&desired.outputs, masker),
        messages: desired.messages.iter().map(mask).collect(),
        environment: desired.environment.clone(),
        folder: desired.folder.clone(),
        providers: desired.providers.clone(),
        engines: desired.engines.clone(),
        checks: desired.checks.clone(),
        ..ChangePlan::blank(&desired.stack, &desired.namespace, live, options)
    };
    let mut foreign = Vec::new();
    for resource in selected(desired, options) {
        let target = resource.target();
        plan.wanted.insert(resource.address.clone(), Wanted::of(resource));
        plan.base.push(Base { target: target.clone(), index: live.index(&target) });
        let is_imported = desired.imports.iter().any(|import| covers(&import.to, &resource.address));
        let owner = live.foreign(&target, &desired.stack);
        if let Some(owner) = &owner
            && !options.adopt
            && !is_imported
        {
            foreign.push((resource.address.clone(), target.to_string(), owner.clone()));
            continue;
        }
        let context = Context { desired, live, options, masker, release, is_taken_over: owner.is_some() };
        match context.change(resource) {
            Some(change) => plan.changes.push(change),
            None => {
                let sensitive_fields = match &resource.spec {
                    Spec::Job(job) => sensitive::fields(job, masker),
                    _ => BTreeSet::new(),
                };
                let unchanged = Unchanged { target, depends_on: resource.depends_on.clone(), sensitive_fields };
                plan.unchanged.insert(resource.address.clone(), unchanged);
            }
        }
    }
    if !foreign.is_empty() {
        return Err(PlanError::Foreign { things: foreign });
    }
    plan.reach_through_unchanged();
    if options.targets.is_empty() {
        let wanted: BTreeSet<Target> = desired.resources.iter().map(Resource::target).collect();
        let goes = |owned: &Owned| !wanted.contains(&owned.target) && !is_excluded(&owned.address, options);
        plan.delete_all(live.owned(&desired.stack).into_iter().filter(goes), live);
    }
    plan.policies = policies::evaluate(desired, &plan, masker);
    Ok(plan)
}

/// Computes the plan that removes all that the stack owns.
pub fn destroy(stack: &str, namespace: &str, live: &Live, options: &Options) -> ChangePlan {
    let mut plan = ChangePlan { destroys: true, ..ChangePlan::blank(stack, namespace, live, options) };
    let goes = |owned: &Owned| {
        let is_target =
            options.targets.is_empty() || options.targets.iter().any(|target| covers(target, &owned.address));
        is_target && !is_excluded(&owned.address, options)
    };
    plan.delete_all(live.owned(stack).into_iter().filter(goes), live);
    plan
}

/// Something that the stack owns in the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// Its address in the stack.
    pub address: String,
    /// The thing.
    pub target: Target,
    /// Its index.
    pub index: u64,
}

impl ChangePlan {
    fn blank(stack: &str, namespace: &str, live: &Live, options: &Options) -> Self {
        Self {
            id: options.id.clone(),
            stack: stack.to_owned(),
            namespace: namespace.to_owned(),
            release: live.record.release + 1,
            created_at: options.now.clone(),
            destroys: false,
            changes: Vec::new(),
            unchanged: BTreeMap::new(),
            base: Vec::new(),
            record_index: live.record_index,
            outputs: BTreeMap::new(),
            messages: Vec::new(),
            wanted: BTreeMap::new(),
            environment: String::new(),
            folder: String::new(),
            providers: Vec::new(),
            engines: BTreeMap::new(),
            policies: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// The mandatory policies that are not kept.
    pub fn refusals(&self) -> impl Iterator<Item = &PolicyResult> {
        self.policies.iter().filter(|result| result.level == PolicyLevel::Mandatory && !result.failures.is_empty())
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many changes do that.
    pub fn count(&self, action: Action) -> usize {
        self.changes.iter().filter(|change| change.action == action).count()
    }

    /// What depends on something unchanged waits for what that depends on.
    fn reach_through_unchanged(&mut self) {
        let unchanged: BTreeMap<String, BTreeSet<String>> =
            self.unchanged.iter().map(|(address, unchanged)| (address.clone(), unchanged.depends_on.clone())).collect();
        for change in &mut self.changes {
            change.depends_on.extend(crate::graph::requirements(&unchanged, &change.depends_on));
        }
    }
}

fn outputs(outputs: &[Output], masker: &Masker) -> BTreeMap<String, Json> {
    let mask = |output: &Output| {
        let text = output.value.to_string();
        if output.sensitive || masker.contains(&text) {
            Json::String(drover_secrets::MASK.to_owned())
        } else {
            output.value.clone()
        }
    };
    outputs.iter().map(|output| (output.name.clone(), mask(output))).collect()
}
