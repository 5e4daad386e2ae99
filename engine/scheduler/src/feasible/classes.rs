//! Remembers the verdict of checks per computed class of nodes.

use crate::hash::QuickHash;
use std::collections::{BTreeMap, HashMap};

/// What is known of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not checked yet.
    Unknown,
    /// All checks hold.
    Eligible,
    /// Some check fails.
    Ineligible,
}

/// Verdicts of the job's and of each group's checks. Classes are numbered by [`ClassCache::number`].
pub(crate) struct ClassCache {
    names: Vec<String>,
    numbers: HashMap<String, usize, QuickHash>,
    job: Vec<Verdict>,
    groups: Vec<Vec<Verdict>>,
    job_escaped: bool,
    group_escaped: Vec<bool>,
}

/// What stands for a node without a class: it is checked by itself.
pub(crate) const NO_CLASS: usize = usize::MAX;

impl ClassCache {
    pub(crate) fn new(job_escaped: bool) -> Self {
        Self {
            names: Vec::new(),
            numbers: HashMap::default(),
            job: Vec::new(),
            groups: Vec::new(),
            job_escaped,
            group_escaped: Vec::new(),
        }
    }

    /// One more group, numbered in the order of the calls.
    pub(crate) fn add_group(&mut self, escaped: bool) {
        self.groups.push(vec![Verdict::Unknown; self.names.len()]);
        self.group_escaped.push(escaped);
    }

    /// The number of a class.
    pub(crate) fn number(&mut self, class: &str) -> usize {
        if class.is_empty() {
            return NO_CLASS;
        }
        if let Some(number) = self.numbers.get(class) {
            return *number;
        }
        let number = self.names.len();
        self.names.push(class.to_owned());
        self.numbers.insert(class.to_owned(), number);
        self.job.push(Verdict::Unknown);
        self.groups.iter_mut().for_each(|group| group.push(Verdict::Unknown));
        number
    }

    /// The verdict of the job's checks; unknown when they go beyond classes.
    pub(crate) fn of_job(&self, class: usize) -> Verdict {
        if self.job_escaped { Verdict::Unknown } else { self.job.get(class).copied().unwrap_or(Verdict::Unknown) }
    }
    /// The verdict of a group's checks.
    pub(crate) fn of_group(&self, group: usize, class: usize) -> Verdict {
        if self.group_escaped[group] {
            return Verdict::Unknown;
        }
        self.groups[group].get(class).copied().unwrap_or(Verdict::Unknown)
    }
    pub(crate) fn set_job(&mut self, class: usize, holds: bool) {
        if let Some(verdict) = self.job.get_mut(class) {
            *verdict = if holds { Verdict::Eligible } else { Verdict::Ineligible };
        }
    }
    pub(crate) fn set_group(&mut self, group: usize, class: usize, holds: bool) {
        if let Some(verdict) = self.groups[group].get_mut(class) {
            *verdict = if holds { Verdict::Eligible } else { Verdict::Ineligible };
        }
    }

    /// Whether some checks go beyond classes.
    pub(crate) fn has_escaped(&self) -> bool {
        self.job_escaped || self.group_escaped.contains(&true)
    }

    /// What a blocked evaluation remembers: a class that any group may use is worth waking up for.
    pub(crate) fn eligibility(&self) -> BTreeMap<String, bool> {
        let mut found = BTreeMap::new();
        for (class, name) in self.names.iter().enumerate() {
            let mut verdicts = self.groups.iter().map(|group| group[class]);
            if self.job[class] == Verdict::Ineligible {
                found.insert(name.clone(), false);
            } else if verdicts.clone().any(|verdict| verdict == Verdict::Eligible) {
                found.insert(name.clone(), true);
            } else if verdicts.any(|verdict| verdict == Verdict::Ineligible) {
                found.insert(name.clone(), false);
            } else if self.job[class] == Verdict::Eligible {
                found.insert(name.clone(), true);
            }
        }
        found
    }
}
