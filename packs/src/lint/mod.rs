//! What is likely wrong with a pack that renders: names that nobody reads, jobs that will surprise, secrets in the clear.
//!
//! [`lint`] looks at the pack's files, and at its jobs when somebody rendered them ([`examples`] makes up values for the
//! variables that have none). It is pure; the command prints and decides about exit codes.

mod declared;
mod go;
mod helpers;
mod jobs;
mod metadata;
mod secrets;
mod tera;
mod variables;

use std::collections::BTreeSet;
use std::sync::Arc;

use drover_hcl::{Diagnostic, Source, Span, Type, Value};

use crate::{Pack, Rendered, Supplied};

pub(crate) use declared::Declared;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A variable that is declared and never read.
    UnusedVariable,
    /// A variable that is read and not declared.
    UndeclaredVariable,
    /// A variable or pack without a description.
    MissingDescription,
    /// A variable without a type.
    MissingType,
    /// A pack without a version, or one that is not semver.
    MissingVersion,
    /// An image without a tag or with `latest`.
    LatestTag,
    /// A task that does not say how much CPU and memory it needs.
    MissingResources,
    /// A password, token or key that is written in a file of the pack.
    SecretInClear,
    /// A variable that holds a secret by its name and is not `sensitive`.
    SecretNotSensitive,
    /// A sensitive variable whose value ends up in a job, where everybody who may read the job reads it.
    SecretInJob,
    /// A component, part or definition that nothing uses.
    UnusedHelper,
}

/// All rules.
pub const RULES: [Rule; 11] = [
    Rule::UnusedVariable,
    Rule::UndeclaredVariable,
    Rule::MissingDescription,
    Rule::MissingType,
    Rule::MissingVersion,
    Rule::LatestTag,
    Rule::MissingResources,
    Rule::SecretInClear,
    Rule::SecretNotSensitive,
    Rule::SecretInJob,
    Rule::UnusedHelper,
];

impl Rule {
    /// The name by which it is shown and turned off.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnusedVariable => "unused-variable",
            Self::UndeclaredVariable => "undeclared-variable",
            Self::MissingDescription => "missing-description",
            Self::MissingType => "missing-type",
            Self::MissingVersion => "missing-version",
            Self::LatestTag => "latest-tag",
            Self::MissingResources => "missing-resources",
            Self::SecretInClear => "secret-in-clear",
            Self::SecretNotSensitive => "secret-not-sensitive",
            Self::SecretInJob => "secret-in-job",
            Self::UnusedHelper => "unused-helper",
        }
    }
}

/// Something that was found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// By which rule.
    pub rule: Rule,
    /// What, where, and what to do.
    pub problem: Diagnostic,
}

/// What is found so far.
pub(crate) struct Findings<'p> {
    pub pack: &'p Pack,
    found: Vec<Finding>,
}

impl Findings<'_> {
    fn add(&mut self, rule: Rule, message: impl Into<String>, place: Option<(&Arc<Source>, Span)>, hint: &str) {
        let problem = match rule {
            Rule::UndeclaredVariable => Diagnostic::error(message, ""),
            _ => Diagnostic::warning(message, ""),
        };
        let problem = match place {
            Some((source, span)) => problem.at(source, span),
            None => problem,
        };
        self.found.push(Finding { rule, problem: problem.hint(hint) });
    }
}

/// Looks for everything that [`RULES`] name, in order of place. The jobs are looked at when there is a rendering.
pub fn lint(pack: &Pack, rendered: Option<&Rendered>) -> Vec<Finding> {
    let mut findings = Findings { pack, found: Vec::new() };
    let declared = Declared::read(pack);
    let mut used = if pack.go.is_some() { go::used(pack) } else { tera::used(pack) };
    if pack.go.is_none() && crate::mixed::has_any(pack) {
        used.extend(go::used(pack));
    }
    metadata::check(&mut findings);
    variables::check(&declared, &used, &mut findings);
    helpers::check(&used, &mut findings);
    secrets::check(&declared, &mut findings);
    if let Some(rendered) = rendered {
        jobs::check(&declared, rendered, &mut findings);
    }
    let mut found = findings.found;
    let place = |finding: &Finding| {
        finding.problem.range.as_ref().map(|range| (range.file.clone(), range.start.line, range.start.column))
    };
    found.sort_by_key(|finding| (place(finding), finding.rule));
    found.dedup_by(|a, b| a.rule == b.rule && a.problem == b.problem);
    found
}

/// What the files of a pack read.
#[derive(Default)]
pub(crate) struct Used {
    /// Variables by name.
    pub variables: BTreeSet<String>,
    /// Whether a template walks over all variables.
    pub all_variables: bool,
    /// Reads of variables that may not exist: name, and where.
    pub readings: Vec<(String, Arc<Source>, Span)>,
    /// Names that exist without a declaration.
    pub dependencies: BTreeSet<String>,
    /// Things that can be used: what to call it, name, and where.
    pub helpers: Vec<(&'static str, String, Arc<Source>, Span)>,
    /// Names of helpers that are used.
    pub used_helpers: BTreeSet<String>,
}

impl Used {
    fn extend(&mut self, other: Self) {
        self.variables.extend(other.variables);
        self.all_variables |= other.all_variables;
        self.readings.extend(other.readings);
        self.helpers.extend(other.helpers);
        self.used_helpers.extend(other.used_helpers);
    }
}

/// Values for the variables that must be given, so that the jobs can be looked at without asking anybody.
pub fn examples(pack: &Pack) -> Supplied {
    let mut supplied = Supplied::default();
    for variable in pack.missing(&Supplied::default()) {
        supplied.add_value(&variable.name, example(variable.kind.as_ref()));
    }
    supplied
}

fn example(kind: Option<&Type>) -> Value {
    match kind {
        Some(Type::Number) => Value::from_json(&serde_json::json!(1)),
        Some(Type::Bool) => Value::Bool(true),
        Some(Type::List(_) | Type::Set(_) | Type::Tuple(_)) => Value::tuple([]),
        Some(Type::Map(_)) => Value::object::<String>([]),
        Some(Type::Object(fields)) => Value::object(
            fields
                .iter()
                .filter(|(_, field)| field.optional.is_none())
                .map(|(name, field)| (Arc::clone(name), example(Some(&field.kind)))),
        ),
        _ => Value::from("example"),
    }
}

/// A text file of the pack.
pub(crate) fn source(pack: &Pack, name: &str) -> Option<Arc<Source>> {
    pack.source(name)?.ok()
}

/// The first of `needles` in a file of the pack that any of `files` name.
pub(crate) fn find(pack: &Pack, files: &[&str], needles: &[String]) -> Option<(Arc<Source>, Span)> {
    for needle in needles.iter().filter(|needle| !needle.is_empty()) {
        for file in files {
            if let Some(source) = source(pack, file)
                && let Some(at) = source.text().find(needle.as_str())
            {
                return Some((source, Span::new(at, at + needle.len())));
            }
        }
    }
    None
}
