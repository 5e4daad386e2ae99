//! Variables that nobody reads, that nobody declared, and that nobody described.

use drover_hcl::diagnostic::nearest;

use super::{Declared, Findings, Rule, Used};

pub(super) fn check(declared: &Declared, used: &Used, findings: &mut Findings<'_>) {
    for variable in &declared.variables {
        let place = declared.source.as_ref().map(|source| (source, variable.span));
        let name = &variable.name;
        if !used.all_variables && !used.variables.contains(name) {
            let message = format!("nothing reads the variable `{name}`");
            findings.add(Rule::UnusedVariable, message, place, "use it in a template, or remove it");
        }
        if !variable.has_description {
            let message = format!("the variable `{name}` has no description");
            findings.add(
                Rule::MissingDescription,
                message,
                place,
                "`drover pack info` shows it to everybody who uses the pack",
            );
        }
        if !variable.has_type {
            let message = format!("the variable `{name}` has no type");
            findings.add(Rule::MissingType, message, place, "a type refuses wrong values before anything is rendered");
        }
    }
    for (name, source, span) in &used.readings {
        if declared.has(name) || used.dependencies.contains(name) {
            continue;
        }
        let hint = match nearest(name, declared.variables.iter().map(|variable| variable.name.as_str())) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "declare it in variables.hcl".to_owned(),
        };
        findings.add(
            Rule::UndeclaredVariable,
            format!("the variable `{name}` is not declared"),
            Some((source, *span)),
            &hint,
        );
    }
}
