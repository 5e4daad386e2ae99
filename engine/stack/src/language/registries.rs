//! `registry "team" { source  trusted_keys }`: where packs come from that are named `team/NAME`.

use drover_hcl::{Body, Diagnostic, Diagnostics, EvalContext, Type};
use drover_packs::DeclaredRegistry;

use super::blocks::Reader;

/// The registries that the stack names.
pub(super) fn declared(bodies: &[Body], context: &EvalContext<'_>) -> Result<Vec<DeclaredRegistry>, Diagnostics> {
    let mut problems = Diagnostics::new();
    let mut registries: Vec<DeclaredRegistry> = Vec::new();
    for block in bodies.iter().flat_map(|body| body.blocks_of("registry")) {
        let source = &block.body.source;
        let Some(name) = block.label(0).filter(|name| !name.is_empty()) else {
            let detail = "registry \"team\" { source = \"oci://127.0.0.1:5000/packs\" }";
            problems.push(Diagnostic::error("a registry needs a name", detail).at(source, block.header_span()));
            continue;
        };
        if registries.iter().any(|known| known.name == name) {
            let message = format!("`registry.{name}` is there twice");
            problems.push(Diagnostic::error(message, "").at(source, block.header_span()));
        }
        let mut reader = Reader::new(&block.body, "a `registry` block", &["source", "trusted_keys"], context);
        let from = reader.text("source");
        if from.is_none() && reader.problems.is_empty() {
            let hint = "write source = \"oci://127.0.0.1:5000/packs\"";
            reader.missing("a `registry` block needs a `source`".to_owned(), hint);
        }
        let keys = reader.value("trusted_keys", &Type::List(Box::new(Type::String)));
        let trusted_keys = keys.as_ref().and_then(|keys| keys.as_items()).into_iter().flatten();
        let trusted_keys = trusted_keys.filter_map(|key| key.as_str().map(str::to_owned)).collect();
        problems.extend(reader.problems);
        registries.push(DeclaredRegistry { name: name.to_owned(), source: from.unwrap_or_default(), trusted_keys });
    }
    problems.into_result(registries)
}
