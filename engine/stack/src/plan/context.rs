//! What happens to one resource.

use std::collections::BTreeSet;

use drover_secrets::Masker;

use super::{Action, Change, Options, Wanted, Write, covers, settings};
use crate::desired::{Desired, Resource, Spec, Wait};
use crate::live::Live;

impl Wanted {
    pub(crate) fn of(resource: &Resource) -> Self {
        Self {
            spec: resource.spec.clone(),
            depends_on: resource.depends_on.clone(),
            wait: resource.wait,
            timeout: resource.timeout,
            engine: resource.engine.clone(),
            ignore: resource.ignore.clone(),
        }
    }

    /// A part of the keyed hash: whether the same was wanted before.
    pub fn hash(&self, key: &str) -> String {
        let text = serde_json::to_string(&(&self.spec, &self.ignore)).expect("what is wanted always has a JSON form");
        let mut hash = crate::seal::keyed_hash(key.as_bytes(), &text);
        hash.truncate(HASH_DIGITS);
        hash
    }
}

/// Hexadecimal digits of a hash that are kept: enough that no change goes unseen.
const HASH_DIGITS: usize = 24;

/// What the change of one resource is worked out from.
pub(super) struct Context<'a> {
    pub(super) desired: &'a Desired,
    pub(super) live: &'a Live,
    pub(super) options: &'a Options,
    pub(super) masker: &'a Masker,
    /// The number of the release that is planned.
    pub(super) release: u64,
    /// Whether the thing is there and belongs to somebody else, or to nobody.
    pub(super) is_taken_over: bool,
}

impl Context<'_> {
    /// What happens to a resource, if anything.
    pub(super) fn change(&self, resource: &Resource) -> Option<Change> {
        let mut change = self.blank(resource);
        let from = self.moved_from(resource);
        let found = match &resource.spec {
            Spec::Job(job) => self.job_change(&mut change, job, resource),
            Spec::Namespace(namespace) => settings::namespace_change(&mut change, namespace, self.live),
            Spec::Variables(variables) => settings::variables_change(&mut change, variables, self.live, self.masker),
            Spec::Object(object) => self.object_change(&mut change, object),
        };
        let is_changed = found.is_some() || self.resume(&mut change, resource).is_some();
        if !is_changed && (self.is_taken_over || from.is_some()) {
            change.action = if self.is_taken_over { Action::Adopt } else { Action::Move };
            change.write = Write::Keep;
            change.wait = Wait::None;
        } else if !is_changed {
            return None;
        }
        self.note_drift(&mut change);
        if self.is_taken_over && change.action != Action::Adopt {
            change.notes.insert(0, "it is taken over".to_owned());
        }
        change.moved_from = from;
        Some(change)
    }

    fn blank(&self, resource: &Resource) -> Change {
        let target = resource.target();
        Change {
            address: resource.address.clone(),
            action: Action::Update,
            base_index: self.live.index(&target),
            target,
            write: Write::Keep,
            depends_on: resource.depends_on.clone(),
            wait: resource.wait,
            timeout: resource.timeout,
            lines: Vec::new(),
            scheduling: None,
            sensitive_fields: BTreeSet::new(),
            notes: Vec::new(),
            stops: 0,
            risks: Vec::new(),
            moved_from: None,
        }
    }

    /// The address under which the record still has a resource that was renamed.
    fn moved_from(&self, resource: &Resource) -> Option<String> {
        let (from, to) = self.desired.moved.iter().find(|(_, to)| covers(to, &resource.address))?;
        let before = format!("{from}{}", &resource.address[to.len()..]);
        self.live.record.resources.contains_key(&before).then_some(before)
    }

    /// Says when somebody else has changed the thing since the last release.
    fn note_drift(&self, change: &mut Change) {
        let last = self.live.record.resources.get(&change.address).filter(|recorded| recorded.target == change.target);
        let Some(recorded) = last.filter(|recorded| recorded.index > 0 && change.base_index > 0) else { return };
        if recorded.index != change.base_index {
            let number = self.live.record.release;
            change.notes.push(format!("it was changed outside of this stack since release {number}"));
        }
    }
}
