//! `moved { from = job.a  to = job.b }` and `import { to = job.web  id = "web" }`: blocks about addresses, which are not evaluated.

use drover_hcl::syntax::ExprKind;
use drover_hcl::{Block, Body, Diagnostic, Diagnostics, EvalContext, Type, convert};

use super::blocks::unknown_parts;
use crate::desired::Import;

/// The addresses that were renamed.
pub(super) fn moved(bodies: &[Body]) -> Result<Vec<(String, String)>, Diagnostics> {
    let mut problems = Diagnostics::new();
    let mut moved = Vec::new();
    for (_, block) in blocks(bodies, "moved") {
        problems.extend(unknown_parts(&block.body, "a `moved` block", &["from", "to"]));
        match (address(block, "from"), address(block, "to")) {
            (Ok(from), Ok(to)) if from == to => {
                let message = "`from` and `to` are the same";
                problems.push(Diagnostic::error(message, "").at(&block.body.source, block.header_span()));
            }
            (Ok(from), Ok(to)) => moved.push((from, to)),
            (from, to) => [from.err(), to.err()].into_iter().flatten().for_each(|found| problems.extend(found)),
        }
    }
    problems.into_result(moved)
}

/// The things that are taken over.
pub(super) fn imports(bodies: &[Body], context: &EvalContext<'_>) -> Result<Vec<Import>, Diagnostics> {
    let mut problems = Diagnostics::new();
    let mut imports = Vec::new();
    for (body, block) in blocks(bodies, "import") {
        problems.extend(unknown_parts(&block.body, "an `import` block", &["to", "id"]));
        let id = match block.body.attribute("id") {
            None => {
                let message = "an `import` block needs an `id`";
                Err(Diagnostic::error(message, "write id = \"web\", or \"namespace/web\"")
                    .at(&body.source, block.header_span())
                    .into())
            }
            Some(attribute) => attribute.value.evaluate(context).and_then(|value| {
                let wrong =
                    |error: drover_hcl::ConvertError| attribute.value.error("`id` is a text", error.to_string());
                convert(&value, &Type::String).map_err(|error| wrong(error).into())
            }),
        };
        match (address(block, "to"), id) {
            (Ok(to), Ok(id)) => {
                let place = block.body.source.range(block.header_span()).to_string();
                imports.push(Import { to, id: id.as_str().unwrap_or_default().to_owned(), place });
            }
            (to, id) => [to.err(), id.err()].into_iter().flatten().for_each(|found| problems.extend(found)),
        }
    }
    problems.into_result(imports)
}

fn blocks<'b>(bodies: &'b [Body], kind: &'static str) -> impl Iterator<Item = (&'b Body, &'b Block)> {
    bodies.iter().flat_map(move |body| body.blocks_of(kind).map(move |block| (body, block)))
}

/// An address as it is written, such as `job.web` or `pack.web["a"]`.
fn address(block: &Block, name: &str) -> Result<String, Diagnostics> {
    let Some(attribute) = block.body.attribute(name) else {
        let message = format!("a `{}` block needs `{name}`", block.kind);
        let detail = format!("write {name} = job.web");
        return Err(Diagnostic::error(message, detail).at(&block.body.source, block.header_span()).into());
    };
    let expression = &attribute.value;
    let is_address = matches!(&expression.expr.kind, ExprKind::Traversal(root, steps)
        if super::nodes::is_resource(root) && !steps.is_empty());
    if !is_address {
        return Err(expression.error(&format!("`{name}` is an address, as job.web or pack.web[\"a\"]"), "").into());
    }
    let written = expression.source.slice(expression.expr.span);
    Ok(written.chars().filter(|c| !c.is_whitespace()).collect())
}
