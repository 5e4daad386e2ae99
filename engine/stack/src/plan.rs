//! The change plan: what has to happen so that the engine holds what the stack wants. Pure.

mod settings;

use std::collections::{BTreeMap, BTreeSet};

use drover_base::Nanos;
use drover_secrets::Masker;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::desired::{Desired, Output, Resource, Spec, Target, Wait};
use crate::live::{Live, LiveJob};
use crate::owner::{self, Owner};
use crate::preview::{self, Line, Node, Sensitive};
use crate::record::Status;
use crate::scheduling::Scheduling;
use crate::sensitive;

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
    /// Nothing: the target goes.
    Delete,
    /// Nothing: it is only waited for.
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
    /// Identifies the plan.
    pub id: String,
    /// Now, RFC 3339.
    pub now: String,
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

/// Writes the owner into a job before its dry run: the release that is there, or the coming one for a new job.
pub fn stamp(job: &mut Json, stack: &str, address: &str, live: Option<&Owner>, release: u64) {
    let release = match live {
        Some(owner) if !owner.release.is_empty() => owner.release.clone(),
        _ => release.to_string(),
    };
    Owner { stack: stack.to_owned(), resource: address.to_owned(), release }.write(job);
}

/// Checks what can be checked before the engine is asked.
///
/// # Errors
/// When two resources are the same thing, or a target is not there.
pub fn check(desired: &Desired, options: &Options) -> Result<(), PlanError> {
    let mut seen: BTreeMap<Target, &str> = BTreeMap::new();
    for resource in &desired.resources {
        if let Some(first) = seen.insert(resource.target(), &resource.address) {
            return Err(PlanError::Duplicate {
                first: first.to_owned(),
                second: resource.address.clone(),
                target: resource.target().to_string(),
            });
        }
    }
    for target in &options.targets {
        if !desired.resources.iter().any(|resource| covers(target, &resource.address)) {
            let known: Vec<&str> = desired.resources.iter().map(|resource| resource.address.as_str()).collect();
            return Err(PlanError::UnknownTarget { target: target.clone(), known: known.join(", ") });
        }
    }
    Ok(())
}

/// Whether `target` names the address or something above it.
fn covers(target: &str, address: &str) -> bool {
    address.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with('['))
}

/// The resources that are planned: all, or the targets with what they depend on.
pub fn selected<'d>(desired: &'d Desired, targets: &[String]) -> Vec<&'d Resource> {
    if targets.is_empty() {
        return desired.resources.iter().collect();
    }
    let dependencies: BTreeMap<String, BTreeSet<String>> =
        desired.resources.iter().map(|resource| (resource.address.clone(), resource.depends_on.clone())).collect();
    let roots: BTreeSet<String> = desired
        .resources
        .iter()
        .filter(|resource| targets.iter().any(|target| covers(target, &resource.address)))
        .map(|resource| resource.address.clone())
        .collect();
    let needed = crate::graph::requirements(&dependencies, &roots);
    desired
        .resources
        .iter()
        .filter(|resource| roots.contains(&resource.address) || needed.contains(&resource.address))
        .collect()
}

/// Computes the plan. `live` holds every selected resource, with the dry runs of stamped jobs, and all that the stack owns.
///
/// # Errors
/// When something belongs to somebody else.
pub fn compute(desired: &Desired, live: &Live, options: &Options, masker: &Masker) -> Result<ChangePlan, PlanError> {
    check(desired, options)?;
    let release = live.record.release + 1;
    let mut plan = ChangePlan {
        id: options.id.clone(),
        stack: desired.stack.clone(),
        namespace: desired.namespace.clone(),
        release,
        created_at: options.now.clone(),
        destroys: false,
        changes: Vec::new(),
        unchanged: BTreeMap::new(),
        base: Vec::new(),
        record_index: live.record_index,
        outputs: outputs(&desired.outputs, masker),
        messages: desired.messages.iter().map(|(from, text)| (from.clone(), masker.mask(text).into_owned())).collect(),
        wanted: BTreeMap::new(),
    };
    let mut foreign = Vec::new();
    for resource in selected(desired, &options.targets) {
        let target = resource.target();
        let wanted = Wanted {
            spec: resource.spec.clone(),
            depends_on: resource.depends_on.clone(),
            wait: resource.wait,
            timeout: resource.timeout,
        };
        plan.wanted.insert(resource.address.clone(), wanted);
        plan.base.push(Base { target: target.clone(), index: live.index(&target) });
        if let Some(owner) = live.foreign(&target, &desired.stack)
            && !options.adopt
        {
            foreign.push((resource.address.clone(), target.to_string(), owner));
            continue;
        }
        match change(resource, live, masker, release).or_else(|| resume(resource, live, masker)) {
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
        plan.delete_all(live.owned(&desired.stack).into_iter().filter(|owned| !wanted.contains(&owned.target)), live);
    }
    Ok(plan)
}

/// Computes the plan that removes all that the stack owns.
pub fn destroy(stack: &str, namespace: &str, live: &Live, options: &Options) -> ChangePlan {
    let mut plan = ChangePlan {
        id: options.id.clone(),
        stack: stack.to_owned(),
        namespace: namespace.to_owned(),
        release: live.record.release + 1,
        created_at: options.now.clone(),
        destroys: true,
        changes: Vec::new(),
        unchanged: BTreeMap::new(),
        base: Vec::new(),
        record_index: live.record_index,
        outputs: BTreeMap::new(),
        messages: Vec::new(),
        wanted: BTreeMap::new(),
    };
    let keeps =
        |address: &str| !options.targets.is_empty() && !options.targets.iter().any(|target| covers(target, address));
    plan.delete_all(live.owned(stack).into_iter().filter(|owned| !keeps(&owned.address)), live);
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

    /// Deletions come last, what depends on others before those, namespaces after what is in them.
    fn delete_all(&mut self, owned: impl Iterator<Item = Owned>, live: &Live) {
        let before: BTreeSet<String> = self.changes.iter().map(|change| change.address.clone()).collect();
        let owned: Vec<Owned> = owned.collect();
        let mut dependencies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for gone in &owned {
            let mut after: BTreeSet<String> = owned
                .iter()
                .filter(|other| {
                    live.record
                        .resources
                        .get(&other.address)
                        .is_some_and(|recorded| recorded.depends_on.contains(&gone.address))
                })
                .map(|other| other.address.clone())
                .collect();
            if let Target::Namespace { name } = &gone.target {
                after.extend(
                    owned.iter().filter(|other| is_within(&other.target, name)).map(|other| other.address.clone()),
                );
            }
            after.remove(&gone.address);
            dependencies.insert(gone.address.clone(), after);
        }
        // The record cannot hold a circle, since it was written from an ordered plan; if it was tampered with, any order does.
        let order = crate::graph::order(&dependencies).unwrap_or_else(|_| dependencies.keys().cloned().collect());
        for address in order {
            let Some(gone) = owned.iter().find(|gone| gone.address == address) else { continue };
            self.base.push(Base { target: gone.target.clone(), index: gone.index });
            let depends_on = dependencies.get(&address).into_iter().flatten().chain(&before).cloned().collect();
            self.changes.push(Change {
                address,
                action: Action::Delete,
                target: gone.target.clone(),
                base_index: gone.index,
                write: Write::Delete,
                depends_on,
                wait: Wait::None,
                timeout: crate::desired::DEFAULT_TIMEOUT,
                lines: Vec::new(),
                scheduling: None,
                sensitive_fields: BTreeSet::new(),
                notes: Vec::new(),
            });
        }
    }
}

fn is_within(target: &Target, name: &str) -> bool {
    match target {
        Target::Job { namespace, .. } | Target::Variables { namespace, .. } => namespace == name,
        Target::Namespace { .. } => false,
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

/// A job that the last apply wrote, or may have written, without seeing it become healthy.
fn resume(resource: &Resource, live: &Live, masker: &Masker) -> Option<Change> {
    let Spec::Job(job) = &resource.spec else { return None };
    let last = live.record.history.first()?;
    let was_left = match last.status {
        Status::Done => false,
        // It was killed, and nobody noted how far it came.
        Status::Applying => true,
        Status::Failed | Status::Interrupted => last.not_done.contains(&resource.address),
    };
    was_left.then(|| Change {
        action: Action::Resume,
        write: Write::Keep,
        sensitive_fields: sensitive::fields(job, masker),
        notes: vec![format!("release {} did not see it become healthy", last.number)],
        ..blank(resource, live)
    })
}

fn blank(resource: &Resource, live: &Live) -> Change {
    let target = resource.target();
    Change {
        address: resource.address.clone(),
        action: Action::Update,
        base_index: live.index(&target),
        target,
        write: Write::Delete,
        depends_on: resource.depends_on.clone(),
        wait: resource.wait,
        timeout: resource.timeout,
        lines: Vec::new(),
        scheduling: None,
        sensitive_fields: BTreeSet::new(),
        notes: Vec::new(),
    }
}

fn change(resource: &Resource, live: &Live, masker: &Masker, release: u64) -> Option<Change> {
    let target = resource.target();
    let blank = blank(resource, live);
    match &resource.spec {
        Spec::Job(job) => job_change(blank, job, live.jobs.get(&target), live, masker, release),
        Spec::Namespace(namespace) => settings::namespace_change(blank, namespace, live),
        Spec::Variables(variables) => settings::variables_change(blank, variables, live, masker),
    }
}

fn job_change(
    mut change: Change,
    job: &Json,
    found: Option<&LiveJob>,
    live: &Live,
    masker: &Masker,
    release: u64,
) -> Option<Change> {
    let is_new = found.is_none_or(|found| found.index == 0 || found.is_stopped);
    let mut job = job.clone();
    stamp(&mut job, &live.stack, &change.address, found.and_then(|found| found.owner.as_ref()), release);
    let dry_run = found.and_then(|found| found.dry_run.as_ref());
    let mut forces_replacement = false;
    if let Some(answer) = dry_run {
        let diff = Node::from_job_diff(&answer["Diff"]).without_fields(&|field| owner::is_own_field(&field.name));
        if diff.is_unchanged() {
            return None;
        }
        forces_replacement = diff.forces_replacement();
        let none = BTreeSet::new();
        let recorded = live.record.resources.get(&change.address).map_or(&none, |recorded| &recorded.sensitive_fields);
        change.lines = preview::lines(&diff, &Sensitive { masker, fields: recorded });
        let warnings = answer["Warnings"].as_str().unwrap_or_default().trim();
        if !warnings.is_empty() {
            change.notes.push(masker.mask(warnings).into_owned());
        }
    }
    let scheduling = dry_run.map(|answer| Scheduling::read(answer, &job)).unwrap_or_default();
    // A limit of the rolling update may keep the first evaluation from replacing anything yet.
    change.action = match (is_new, scheduling.replaces() || forces_replacement) {
        (true, _) => Action::Create,
        (false, true) => Action::Replace,
        (false, false) => Action::Update,
    };
    if is_new || scheduling.replaces_everything() {
        // Every task is new anyway, so that writing the release restarts nothing.
        let owner = Owner { stack: live.stack.clone(), resource: change.address.clone(), release: release.to_string() };
        owner.write(&mut job);
    }
    change.sensitive_fields = sensitive::fields(&job, masker);
    change.scheduling = Some(scheduling);
    change.write = Write::Job(job);
    Some(change)
}
