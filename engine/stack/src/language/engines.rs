//! `engine {}`, the stack's own engine, and `engine "eu" {}`, others that a resource names with `engine = engine.eu`.

use drover_hcl::{Block, Body, Diagnostic, Diagnostics, EvalContext, Type, Value};

use super::blocks::Reader;
use super::scope::Scope;
use crate::desired::{EngineChoice, Token};

const ATTRIBUTES: [&str; 4] = ["address", "namespace", "region", "token"];

/// The engine without a name.
pub(super) fn own(bodies: &[Body], context: &EvalContext<'_>) -> Result<EngineChoice, Diagnostics> {
    let mut choice = EngineChoice::default();
    let mut problems = Diagnostics::new();
    let blocks = bodies.iter().flat_map(|body| body.blocks_of("engine")).filter(|block| block.labels.is_empty());
    for (count, block) in blocks.enumerate() {
        if count > 0 {
            let detail = "a second engine needs a name: engine \"eu\" { … }, and resources say engine = engine.eu";
            let message = "there are two `engine` blocks without a name";
            problems.push(Diagnostic::error(message, detail).at(&block.body.source, block.header_span()));
        }
        let mut reader = Reader::new(&block.body, "an `engine` block", &ATTRIBUTES, context);
        choice = read(&mut reader);
        problems.extend(reader.problems);
    }
    problems.into_result(choice)
}

/// A named engine.
pub(super) fn named(block: &Block, label: &str, scope: &mut Scope<'_>) -> Result<(), Diagnostics> {
    let context = scope.context();
    let mut reader = Reader::new(&block.body, "an `engine` block", &ATTRIBUTES, &context);
    let choice = read(&mut reader);
    if choice.address.is_none() && choice.region.is_none() && reader.problems.is_empty() {
        reader.missing(
            "a named engine needs an `address` or a `region`".to_owned(),
            "write address = \"http://10.0.0.1:4646\", or region = \"eu\" for another region of the stack's engine",
        );
    }
    reader.problems.into_result(())?;
    let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
    let value = Value::object([
        ("name", Value::from(label)),
        ("address", text(&choice.address)),
        ("namespace", text(&choice.namespace)),
        ("region", text(&choice.region)),
    ]);
    scope.set_value("engine", label, value);
    scope.add_engine(label, choice);
    Ok(())
}

/// The engine that a resource names.
pub(super) fn of_resource(reader: &mut Reader<'_>, scope: &Scope<'_>) -> Option<String> {
    let value = reader.value("engine", &Type::Any)?;
    let name = value.as_entries().and_then(|entries| entries.get("name")).and_then(|name| name.as_str());
    match name.filter(|name| scope.has_engine(name)) {
        Some(name) => Some(name.to_owned()),
        None => {
            let message = "`engine` is one of the stack's named engines, as in engine = engine.eu".to_owned();
            reader.complain("engine", message, None);
            None
        }
    }
}

fn read(reader: &mut Reader<'_>) -> EngineChoice {
    EngineChoice {
        address: reader.text("address"),
        namespace: reader.text("namespace"),
        region: reader.text("region"),
        token: reader.text("token").map(Token),
    }
}
