//! `overlay "prod" { … }`: what is different in an environment, merged into the stack before anything is evaluated.
//!
//! A block within an overlay changes the stack's block of the same type and labels; where there is none, it is added. Attributes are
//! replaced, and objects that are written out are merged member by member, at any depth. Nested blocks follow the same rules.

use std::sync::Arc;

use drover_hcl::syntax::{Expr, ExprKind, ObjectItem};
use drover_hcl::{Attribute, Block, Body, Diagnostic, Diagnostics, Expression, did_you_mean};

/// Blocks that make no sense within an overlay.
const REFUSED: [&str; 4] = ["stack", "overlay", "moved", "import"];

/// The files without their overlays, with that of `environment` merged in.
pub(super) fn merged(bodies: Vec<Body>, environment: Option<&str>) -> Result<Vec<Body>, Diagnostics> {
    let mut problems = Diagnostics::new();
    let mut overlays: Vec<Block> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut base = Vec::new();
    for mut body in bodies {
        let (found, rest): (Vec<Block>, Vec<Block>) =
            body.blocks.into_iter().partition(|block| &*block.kind == "overlay");
        body.blocks = rest;
        for overlay in found {
            check(&overlay, &mut problems);
            names.extend(overlay.label(0).map(str::to_owned));
            overlays.push(overlay);
        }
        base.push(body);
    }
    if let Some(environment) = environment {
        if !names.iter().any(|name| name == environment) {
            let message = format!("there is no overlay `{environment}`");
            let detail = if names.is_empty() { "the stack has no overlays".to_owned() } else { names.join(", ") };
            let hint = did_you_mean(environment, names.iter().map(String::as_str));
            problems.push(Diagnostic::error(message, detail).maybe_hint(hint));
        }
        let chosen = overlays.into_iter().filter(|overlay| overlay.label(0) == Some(environment));
        chosen.for_each(|overlay| lay_over(&mut base, overlay));
    }
    problems.into_result(base)
}

fn check(overlay: &Block, problems: &mut Diagnostics) {
    let source = &overlay.body.source;
    if overlay.labels.len() != 1 || overlay.label(0).is_none_or(str::is_empty) {
        let detail = "overlay \"prod\" { pack \"web\" { … } }; -env=prod chooses it";
        problems.push(Diagnostic::error("an overlay needs a name", detail).at(source, overlay.header_span()));
    }
    for attribute in &overlay.body.attributes {
        let message = format!("`{}` stands outside of any block", attribute.name);
        let detail = "an overlay consists of the stack's blocks, as in: pack \"web\" { vars = { count = 5 } }";
        problems.push(Diagnostic::error(message, detail).at(source, attribute.name_span));
    }
    for block in overlay.body.blocks.iter().filter(|block| REFUSED.contains(&&*block.kind)) {
        let message = format!("an overlay cannot have a block `{}`", block.kind);
        problems.push(Diagnostic::error(message, "write it outside").at(source, block.kind_span));
    }
}

fn lay_over(base: &mut Vec<Body>, overlay: Block) {
    let mut added = overlay.body;
    added.attributes.clear();
    for block in std::mem::take(&mut added.blocks) {
        let own = base.iter_mut().flat_map(|body| body.blocks.iter_mut()).find(|own| is_same(own, &block));
        match own {
            Some(own) => merge(&mut own.body, block.body),
            None => added.blocks.push(block),
        }
    }
    if !added.blocks.is_empty() {
        base.push(added);
    }
}

fn is_same(one: &Block, other: &Block) -> bool {
    one.kind == other.kind && one.labels.iter().map(|l| &l.text).eq(other.labels.iter().map(|l| &l.text))
}

fn merge(base: &mut Body, over: Body) {
    for attribute in over.attributes {
        match base.attributes.iter_mut().find(|own| own.name == attribute.name) {
            Some(own) => own.value = combined(&own.value, &attribute),
            None => base.attributes.push(attribute),
        }
    }
    for block in over.blocks {
        let mut same = base.blocks.iter_mut().filter(|own| is_same(own, &block));
        match (same.next(), same.next()) {
            (Some(own), None) => merge(&mut own.body, block.body),
            _ => base.blocks.push(block),
        }
    }
}

/// Two objects that are written out become one; anything else is replaced.
fn combined(base: &Expression, over: &Attribute) -> Expression {
    let merged = members(base).zip(members(&over.value)).and_then(|(own, new)| merge_members(own, new));
    match merged {
        Some(items) => Expression {
            expr: Arc::new(Expr { kind: ExprKind::Object(items), span: base.expr.span }),
            source: Arc::clone(&base.source),
        },
        None => over.value.clone(),
    }
}

/// The members of an object that is written out, each with the text that it was read from.
fn members(expression: &Expression) -> Option<Vec<(ObjectItem, Expression)>> {
    match &expression.expr.kind {
        ExprKind::Object(items) => Some(
            items
                .iter()
                .map(|item| {
                    let value = match &item.value.kind {
                        ExprKind::Embedded(inner) => (**inner).clone(),
                        _ => Expression { expr: Arc::new(item.value.clone()), source: Arc::clone(&expression.source) },
                    };
                    (item.clone(), value)
                })
                .collect(),
        ),
        ExprKind::Parens(inner) => {
            members(&Expression { expr: Arc::new((**inner).clone()), source: Arc::clone(&expression.source) })
        }
        _ => None,
    }
}

fn merge_members(own: Vec<(ObjectItem, Expression)>, new: Vec<(ObjectItem, Expression)>) -> Option<Vec<ObjectItem>> {
    let mut merged: Vec<(String, ObjectItem, Expression)> = Vec::new();
    for (item, value) in own {
        merged.push((item.key_name()?, item, value));
    }
    for (item, value) in new {
        let key = item.key_name()?;
        match merged.iter_mut().find(|(known, ..)| *known == key) {
            Some((_, _, own)) => {
                let attribute = Attribute { name: key.as_str().into(), name_span: item.key.span, value };
                *own = combined(own, &attribute);
            }
            None => merged.push((key, item, value)),
        }
    }
    let place = |(_, item, value): (String, ObjectItem, Expression)| {
        let span = item.value.span;
        ObjectItem { key: item.key, value: Expr { kind: ExprKind::Embedded(Box::new(value)), span } }
    };
    Some(merged.into_iter().map(place).collect())
}
