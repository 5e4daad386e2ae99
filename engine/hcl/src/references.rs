//! Which variables an expression reads.

use crate::source::Span;
use crate::syntax::{Expr, ExprKind, SplatStep, Step, TemplatePart};

type Visit<'v, 'e> = &'v mut dyn FnMut(&'e str, &'e [Step], Span);

/// Calls `visit` for every traversal whose root is not one of the `bound` names.
pub(crate) fn visit<'e>(expr: &'e Expr, bound: &mut Vec<&'e str>, visit_one: Visit<'_, 'e>) {
    match &expr.kind {
        ExprKind::Literal(_) => {}
        ExprKind::Traversal(root, steps) => {
            if !bound.contains(&&**root) {
                visit_one(root, steps, expr.span);
            }
        }
        ExprKind::Template(parts) => visit_parts(parts, bound, visit_one),
        ExprKind::Wrapped(inner)
        | ExprKind::Parens(inner)
        | ExprKind::Negate(inner)
        | ExprKind::Not(inner)
        | ExprKind::Access(inner, _) => visit(inner, bound, visit_one),
        ExprKind::Index(inner, index) => {
            visit(inner, bound, visit_one);
            visit(index, bound, visit_one);
        }
        ExprKind::Splat(splat) => {
            visit(&splat.source, bound, visit_one);
            visit_splat(&splat.each, bound, visit_one);
        }
        ExprKind::Call(call) => {
            // The second argument of convert is a type, not a value.
            let count = if &*call.name == "convert" { 1 } else { call.arguments.len() };
            for argument in call.arguments.iter().take(count) {
                visit(argument, bound, visit_one);
            }
        }
        ExprKind::Conditional(parts) => parts.iter().for_each(|part| visit(part, bound, visit_one)),
        ExprKind::Binary(_, _, operands) => operands.iter().for_each(|operand| visit(operand, bound, visit_one)),
        ExprKind::Tuple(items) => items.iter().for_each(|item| visit(item, bound, visit_one)),
        ExprKind::Object(items) => {
            for item in items {
                let bare = matches!(&item.key.kind, ExprKind::Traversal(_, steps) if steps.is_empty());
                if !bare {
                    visit(&item.key, bound, visit_one);
                }
                visit(&item.value, bound, visit_one);
            }
        }
        ExprKind::For(parts) => {
            visit(&parts.collection, bound, visit_one);
            let before = bound.len();
            bound.extend(parts.key_name.as_deref());
            bound.push(&parts.value_name);
            for expr in parts.key.iter().chain([&parts.value]).chain(&parts.condition) {
                visit(expr, bound, visit_one);
            }
            bound.truncate(before);
        }
        ExprKind::Embedded(inner) => visit(&inner.expr, bound, visit_one),
    }
}

fn visit_parts<'e>(parts: &'e [TemplatePart], bound: &mut Vec<&'e str>, visit_one: Visit<'_, 'e>) {
    for part in parts {
        match part {
            TemplatePart::Literal(_) => {}
            TemplatePart::Interpolation(expr) => visit(expr, bound, visit_one),
            TemplatePart::If(condition, yes, no) => {
                visit(condition, bound, visit_one);
                visit_parts(yes, bound, visit_one);
                visit_parts(no, bound, visit_one);
            }
            TemplatePart::For(parts) => {
                visit(&parts.collection, bound, visit_one);
                let before = bound.len();
                bound.extend(parts.key_name.as_deref());
                bound.push(&parts.value_name);
                visit_parts(&parts.body, bound, visit_one);
                bound.truncate(before);
            }
        }
    }
}

fn visit_splat<'e>(steps: &'e [SplatStep], bound: &mut Vec<&'e str>, visit_one: Visit<'_, 'e>) {
    for step in steps {
        match step {
            SplatStep::Step(_) => {}
            SplatStep::Index(index) => visit(index, bound, visit_one),
            SplatStep::Splat(rest, _) => visit_splat(rest, bound, visit_one),
        }
    }
}
