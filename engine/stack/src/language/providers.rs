//! `secrets` blocks: where secrets come from.

use drover_hcl::{Block, Body, Diagnostic, Diagnostics, EvalContext};
use drover_secrets::{KINDS, ProviderSettings, Resolver};
use serde_json::{Map, Value as Json};

use super::scope::Scope;
use crate::desired::EngineChoice;

/// Makes the providers that the stack describes, and the one of variables on the stack's engine.
pub(super) fn configure(bodies: &[Body], engine: &EngineChoice, scope: &mut Scope<'_>) -> Result<(), Diagnostics> {
    let secrets = &scope.inputs.secrets;
    let mut problems = Diagnostics::new();
    let context = scope.context();
    let mut configured: Vec<ProviderSettings> = Vec::new();
    let blocks = bodies.iter().flat_map(|body| body.blocks_of("secrets").map(move |block| (body, block)));
    for (body, block) in blocks {
        let at = |message: String, hint: &str| Diagnostic::error(message, hint).at(&body.source, block.header_span());
        match settings(block, &context, secrets) {
            Ok(settings) if configured.iter().any(|known| known.name == settings.name) => {
                problems
                    .push(at(format!("there are two blocks `secrets {:?}`", settings.name), "give one another name"));
            }
            Ok(settings) => {
                if let Err(error) = secrets.configure(&settings) {
                    problems.push(at(format!("secrets {:?}: {error}", settings.name), ""));
                }
                configured.push(settings);
            }
            Err(found) => problems.extend(found),
        }
    }
    if let Some(settings) = on_engine(engine).filter(|_| secrets.can_configure())
        && !configured.iter().any(|known| known.name == settings.name)
    {
        if let Err(error) = secrets.configure(&settings) {
            problems.push(Diagnostic::error(format!("the engine's variables: {error}"), ""));
        }
        configured.push(settings);
    }
    scope.set_providers(configured);
    problems.into_result(())
}

/// Variables are read from the engine that the stack is for.
fn on_engine(engine: &EngineChoice) -> Option<ProviderSettings> {
    let given = [("address", &engine.address), ("region", &engine.region), ("namespace", &engine.namespace)];
    let options: Map<String, Json> =
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.as_deref()?.into()))).collect();
    (!options.is_empty()).then(|| ProviderSettings { options, ..ProviderSettings::of("nomadvar") })
}

fn settings(block: &Block, context: &EvalContext<'_>, secrets: &Resolver) -> Result<ProviderSettings, Diagnostics> {
    let source = &block.body.source;
    let Some(name) = block.label(0).filter(|name| super::is_name(name)) else {
        let hint = "write secrets \"vault\" { … }, or secrets \"team\" { provider = \"vault\" … }";
        return Err(Diagnostic::error("a `secrets` block needs a name", hint).at(source, block.header_span()).into());
    };
    let mut problems = Diagnostics::new();
    let mut options = attributes(&block.body, context, secrets, &mut problems);
    for inner in &block.body.blocks {
        let Some(method) = inner.label(0).filter(|_| &*inner.kind == "auth") else {
            let message = format!("a `secrets` block has no block `{}`", inner.kind);
            problems.push(Diagnostic::error(message, "it has auth \"METHOD\" { … }").at(source, inner.kind_span));
            continue;
        };
        let given = Json::Object(attributes(&inner.body, context, secrets, &mut problems));
        let auth: Map<String, Json> = [(method.to_owned(), given)].into_iter().collect();
        if options.insert("auth".to_owned(), Json::Object(auth)).is_some() {
            problems.push(Diagnostic::error("there are two `auth` blocks", "").at(source, inner.header_span()));
        }
    }
    let kind = match options.shift_remove("provider") {
        Some(Json::String(kind)) => kind,
        None => name.to_owned(),
        Some(_) => String::new(),
    };
    if !KINDS.contains(&kind.as_str()) && problems.is_empty() {
        let message = format!("there is no provider `{kind}` of secrets");
        let hint = format!("provider = one of: {}", KINDS.join(", "));
        problems.push(Diagnostic::error(message, "").hint(hint).at(source, block.header_span()));
    }
    let packs: Option<Vec<String>> =
        options.shift_remove("packs").map_or(Some(Vec::new()), |list| serde_json::from_value(list).ok());
    if packs.is_none() {
        let message = "`packs` is a list of paths, in which `*` stands for any text";
        problems.push(Diagnostic::error(message, "").at(source, block.header_span()));
    }
    let packs = packs.unwrap_or_default();
    problems.into_result(ProviderSettings { name: name.to_owned(), kind, packs, options })
}

/// The values of attributes. They are stored with saved plans, so none may hold a secret.
fn attributes(
    body: &Body,
    context: &EvalContext<'_>,
    secrets: &Resolver,
    problems: &mut Diagnostics,
) -> Map<String, Json> {
    let mut values = Map::new();
    for attribute in &body.attributes {
        let expression = &attribute.value;
        let value = expression.evaluate(context).and_then(|value| {
            value.to_json().map_err(|error| {
                let message = format!("`{}` cannot be used here", attribute.name);
                Diagnostic::error(message, error.to_string()).at(&expression.source, expression.expr.span).into()
            })
        });
        match value {
            Ok(Json::Null) => {}
            Ok(value) if secrets.taint().masker().contains(&value.to_string()) => {
                let message = format!("`{}` holds a secret, and settings of providers are stored", attribute.name);
                let hint = "write the reference itself, as in secret_id = \"env:VAULT_SECRET_ID\"";
                problems.push(Diagnostic::error(message, "").hint(hint).at(&expression.source, expression.expr.span));
            }
            Ok(value) => drop(values.insert(attribute.name.to_string(), value)),
            Err(found) => problems.extend(found),
        }
    }
    values
}
