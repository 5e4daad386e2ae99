//! Which resources are planned, and what can be checked before the engine is asked.

use std::collections::{BTreeMap, BTreeSet};

use super::{Options, PlanError};
use crate::desired::{Desired, Import, Resource, Target};

/// Checks what can be checked before the engine is asked.
///
/// # Errors
/// When two resources are the same thing, a chosen address is not there, or an import or a move does not fit.
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
    for target in options.targets.iter().chain(&options.replaces) {
        if !names_something(desired, target) {
            return Err(unknown(desired, target));
        }
    }
    desired.imports.iter().try_for_each(|import| check_import(desired, import))?;
    for (from, to) in &desired.moved {
        let problem = if names_something(desired, from) {
            "the stack still has a resource of the old name"
        } else if !names_something(desired, to) {
            "the stack has no resource of the new name"
        } else {
            continue;
        };
        return Err(PlanError::WrongMove { from: from.clone(), to: to.clone(), problem });
    }
    Ok(())
}

fn names_something(desired: &Desired, address: &str) -> bool {
    desired.resources.iter().any(|resource| covers(address, &resource.address))
}

fn unknown(desired: &Desired, target: &str) -> PlanError {
    let known: Vec<&str> = desired.resources.iter().map(|resource| resource.address.as_str()).collect();
    PlanError::UnknownTarget { target: target.to_owned(), known: known.join(", ") }
}

fn check_import(desired: &Desired, import: &Import) -> Result<(), PlanError> {
    let Some(resource) = desired.resources.iter().find(|resource| covers(&import.to, &resource.address)) else {
        return Err(unknown(desired, &import.to));
    };
    let target = resource.target();
    let long = format!("{}/{}", target.namespace().unwrap_or_default(), target.name());
    if import.id == target.name() || import.id == long {
        return Ok(());
    }
    Err(PlanError::WrongImport {
        place: import.place.clone(),
        to: import.to.clone(),
        target: target.to_string(),
        id: import.id.clone(),
    })
}

/// Whether `target` names the address or something above it.
pub fn covers(target: &str, address: &str) -> bool {
    let is_below = |rest: &str| rest.is_empty() || rest == super::deletions::OLD || rest.starts_with(['.', '[']);
    address.strip_prefix(target).is_some_and(is_below)
}

/// Whether a person left an address out by its name.
pub(super) fn is_excluded(address: &str, options: &Options) -> bool {
    options.excludes.iter().any(|excluded| covers(excluded, address))
}

/// The resources that are planned: all, or the targets with what they depend on; without what is excluded and what depends on that.
pub fn selected<'d>(desired: &'d Desired, options: &Options) -> Vec<&'d Resource> {
    let dependencies: BTreeMap<String, BTreeSet<String>> =
        desired.resources.iter().map(|resource| (resource.address.clone(), resource.depends_on.clone())).collect();
    let mut chosen: BTreeSet<&str> = desired.resources.iter().map(|resource| resource.address.as_str()).collect();
    let needed;
    if !options.targets.is_empty() {
        let roots: BTreeSet<String> = desired
            .resources
            .iter()
            .filter(|resource| options.targets.iter().any(|target| covers(target, &resource.address)))
            .map(|resource| resource.address.clone())
            .collect();
        needed = crate::graph::requirements(&dependencies, &roots);
        chosen.retain(|address| roots.contains(*address) || needed.contains(*address));
    }
    if !options.excludes.is_empty() {
        let is_out = |resource: &&Resource| {
            let own = BTreeSet::from([resource.address.clone()]);
            let needs = crate::graph::requirements(&dependencies, &own);
            is_excluded(&resource.address, options) || needs.iter().any(|needed| is_excluded(needed, options))
        };
        let out: BTreeSet<&str> = desired.resources.iter().filter(is_out).map(|r| r.address.as_str()).collect();
        chosen.retain(|address| !out.contains(*address));
    }
    desired.resources.iter().filter(|resource| chosen.contains(resource.address.as_str())).collect()
}
