//! What goes: the order, and what it costs.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Base, Change, ChangePlan, Owned, Write};
use crate::desired::{Target, Wait};
use crate::live::Live;

/// The end of the address of what goes, where the stack has something else at that address.
pub const OLD: &str = " (old)";

impl ChangePlan {
    /// Deletions come last, what depends on others before those, namespaces after what is in them.
    pub(super) fn delete_all(&mut self, owned: impl Iterator<Item = Owned>, live: &Live) {
        let before: BTreeSet<String> = self.changes.iter().map(|change| change.address.clone()).collect();
        // Where the stack has something else at the address now, what was there before needs another one.
        let rename = |mut gone: Owned| {
            if before.contains(&gone.address) || self.unchanged.contains_key(&gone.address) {
                gone.address.push_str(OLD);
            }
            gone
        };
        let owned: Vec<Owned> = owned.map(rename).collect();
        let mut dependencies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for gone in &owned {
            let mut after: BTreeSet<String> = owned
                .iter()
                .filter(|other| {
                    live.record
                        .resources
                        .get(other.address.trim_end_matches(OLD))
                        .is_some_and(|recorded| recorded.depends_on.contains(gone.address.trim_end_matches(OLD)))
                })
                .map(|other| other.address.clone())
                .collect();
            if let Target::Namespace { name } = gone.target.inner() {
                let is_within = |other: &&Owned| {
                    other.target.engine() == gone.target.engine() && other.target.namespace() == Some(name)
                };
                after.extend(owned.iter().filter(is_within).map(|other| other.address.clone()));
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
                stops: live.jobs.get(&gone.target).map_or(0, |job| job.running),
                risks: Vec::new(),
                moved_from: None,
            });
        }
    }
}
