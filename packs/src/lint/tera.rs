//! What the files of a pack with Tera templates read.

use std::sync::{Arc, LazyLock};

use drover_hcl::syntax::StepKind;
use drover_hcl::{Body, Expression, Source, Span, parse_body};
use regex::Regex;

use super::{Used, source};
use crate::Pack;
use crate::reads::{self, Reads};

/// Names that every template sees.
const GIVEN: [&str; 3] = ["pack", "meta", "deps"];

pub(super) fn used(pack: &Pack) -> Used {
    let mut used = Used::default();
    used.dependencies.extend(GIVEN.map(str::to_owned));
    let mut parts: Vec<(String, Arc<Source>, Reads)> = Vec::new();
    for name in pack.files.keys() {
        let Some(source) = source(pack, name) else { continue };
        if name.ends_with(".tera") {
            let reads = reads::read(source.text());
            parts.push((name.clone(), source, reads));
        } else if matches!(name.as_str(), "outputs.hcl" | "resources.hcl")
            && let Ok(body) = parse_body(&source)
        {
            visit_body(&body, &mut |name, span| note(&mut used, name, &source, span));
        }
    }
    for dependency in &pack.dependencies {
        for expression in [&dependency.declared.enabled, &dependency.declared.vars].into_iter().flatten() {
            visit(expression, &mut |name, span| note(&mut used, name, &expression.source, span));
        }
    }
    for (name, source, reads) in &parts {
        for reading in &reads.variables {
            note(&mut used, &reading.name, source, reading.span);
        }
        // What HCL that a template gives may read once it is rendered.
        if name.ends_with(".hcl.tera") && !name.starts_with("templates/") {
            used.variables.extend(written_reads(source.text()));
        }
        used.used_helpers.extend(reads.uses.iter().cloned());
        used.used_helpers.extend(reads.includes.iter().map(|included| file_name(included).to_owned()));
    }
    for (name, source, reads) in &parts {
        for (component, span) in &reads.defines {
            used.helpers.push(("component", component.clone(), Arc::clone(source), *span));
        }
        if name.starts_with("templates/") && file_name(name).starts_with('_') && reads.defines.is_empty() {
            used.helpers.push(("part", file_name(name).to_owned(), Arc::clone(source), Span::new(0, 0)));
        }
    }
    used
}

fn note(used: &mut Used, name: &str, source: &Arc<Source>, span: Span) {
    used.variables.insert(name.to_owned());
    used.readings.push((name.to_owned(), Arc::clone(source), span));
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `var.x` in a text.
fn written_reads(text: &str) -> impl Iterator<Item = String> + '_ {
    static VAR: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\bvar\.([A-Za-z_][A-Za-z0-9_-]*)").expect("the pattern is right"));
    VAR.captures_iter(text).map(|found| found[1].to_owned())
}

/// Calls `note` for every `var.x` of a body.
fn visit_body(body: &Body, note: &mut dyn FnMut(&str, Span)) {
    for attribute in &body.attributes {
        visit(&attribute.value, note);
    }
    for block in &body.blocks {
        visit_body(&block.body, note);
    }
}

fn visit(expression: &Expression, note: &mut dyn FnMut(&str, Span)) {
    expression.expr.visit_traversals(&mut |root, steps, span| {
        if let ("var", Some(StepKind::Attribute(name))) = (root, steps.first().map(|step| &step.kind)) {
            note(name, span);
        }
    });
}
