//! `*.drover.hcl`: from text to [`Desired`].
//!
//! Blocks are nodes (`local.x`, `pack.web`, `job.report`, …) that are evaluated in the order of their references, so that one
//! may use what another gives.

mod blocks;
mod checks;
mod engines;
mod jobs;
mod moves;
mod nodes;
mod objects;
mod overlays;
mod packs;
mod policies;
mod providers;
mod registries;
mod scope;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drover_hcl::variables::{Declarations, Strictness};
use drover_hcl::{Body, Diagnostics, EvalContext, Source, TypeRules, Value, parse_body};
use drover_packs::{Locate, Supplied};
use drover_secrets::Resolver;

use crate::desired::Desired;
pub(crate) use blocks::is_name;
use nodes::Nodes;
use scope::Scope;

/// What evaluating needs besides the text.
pub struct Inputs {
    /// The folder that paths in the stack are relative to.
    pub folder: PathBuf,
    /// What the person gave for variables.
    pub supplied: Supplied,
    /// Answers `secret()`.
    pub secrets: Arc<Resolver>,
    /// Finds packs that are not folders.
    pub packs: Arc<dyn Locate>,
    /// The environment variables that packs may read.
    pub env: Arc<BTreeMap<String, String>>,
    /// The stack's name when there is no `stack` block.
    pub default_name: String,
    /// The namespace that the person chose; it goes before the stack's.
    pub namespace: Option<String>,
    /// The environment whose overlay is merged in.
    pub environment: Option<String>,
}

/// Evaluates the files of a stack.
///
/// # Errors
/// Everything that is wrong with them, free of secrets.
pub fn evaluate(sources: &[Arc<Source>], inputs: &Inputs) -> Result<Desired, Diagnostics> {
    evaluate_raw(sources, inputs).map_err(|problems| drover_packs::masked(problems, &inputs.secrets))
}

/// The stack from a pack alone, as `pack "NAME" { source = … }` would make it.
///
/// # Errors
/// Everything that is wrong with the pack.
pub fn from_pack(folder: &Path, inputs: &Inputs) -> Result<Desired, Diagnostics> {
    let mut scope = Scope::new(inputs, inputs.default_name.clone(), Namespaces::of(inputs, None));
    let single = packs::single(folder, &mut scope);
    finish(single.map(|()| scope.finish(&[])), inputs)
}

/// The stack from job files alone, one job each.
///
/// # Errors
/// Everything that is wrong with the files.
pub fn from_jobs(files: &[PathBuf], inputs: &Inputs) -> Result<Desired, Diagnostics> {
    let mut scope = Scope::new(inputs, inputs.default_name.clone(), Namespaces::of(inputs, None));
    let mut problems = Diagnostics::new();
    for file in files {
        if let Err(found) = jobs::file_alone(file, &mut scope) {
            problems.extend(found);
        }
    }
    finish(problems.into_result(()).map(|()| scope.finish(&[])), inputs)
}

fn finish(result: Result<Desired, Diagnostics>, inputs: &Inputs) -> Result<Desired, Diagnostics> {
    result.map_err(|problems| drover_packs::masked(problems, &inputs.secrets))
}

/// The default namespace.
pub(crate) struct Namespaces {
    pub(crate) default: String,
}

impl Namespaces {
    fn of(inputs: &Inputs, stack: Option<String>) -> Self {
        Self { default: inputs.namespace.clone().or(stack).unwrap_or_else(|| "default".to_owned()) }
    }
}

fn evaluate_raw(sources: &[Arc<Source>], inputs: &Inputs) -> Result<Desired, Diagnostics> {
    let mut problems = Diagnostics::new();
    let mut bodies = Vec::new();
    for source in sources {
        match parse_body(source) {
            Ok(body) => bodies.push(body),
            Err(found) => problems.extend(found),
        }
    }
    let bodies: Vec<Body> = problems.into_result(bodies)?;
    let bodies = overlays::merged(bodies, inputs.environment.as_deref())?;
    let mut problems = blocks::check(&bodies);
    let name = kept(blocks::stack_name(&bodies), &mut problems).flatten();
    let mut scope =
        Scope::new(inputs, name.unwrap_or_else(|| inputs.default_name.clone()), Namespaces { default: String::new() });
    scope.set_moved(kept(moves::moved(&bodies), &mut problems).unwrap_or_default(), inputs.environment.as_deref());
    let nodes = kept(Nodes::collect(&bodies), &mut problems);
    let order = nodes.as_ref().and_then(|nodes| kept(nodes.order(), &mut problems));
    match variables(&bodies, inputs) {
        Ok(variables) => scope.set_variables(variables),
        Err(found) => {
            // Whatever uses a variable would only repeat it.
            problems.extend(found);
            return Err(problems);
        }
    }
    let context = scope.context();
    let engine = kept(engines::own(&bodies, &context), &mut problems).unwrap_or_default();
    scope.registries = kept(registries::declared(&bodies, &context), &mut problems).unwrap_or_default();
    scope.set_imports(kept(moves::imports(&bodies, &context), &mut problems).unwrap_or_default());
    let providers = providers::configure(&bodies, &engine, &mut scope);
    kept(providers, &mut problems);
    scope.set_engine(engine, Namespaces::of(inputs, None));
    let (Some(nodes), Some(order)) = (nodes, order) else { return Err(problems) };
    for name in &order {
        // A node whose requirement failed would only repeat its errors.
        if nodes.requirements(name).iter().any(|on| scope.has_failed(on)) {
            scope.fail(name);
            continue;
        }
        if let Err(found) = blocks::node(&nodes, name, &mut scope) {
            scope.fail(name);
            problems.extend(found);
        }
    }
    problems.into_result(())?;
    Ok(scope.finish(nodes.output_order()))
}

/// The value, or nothing with its problems noted.
fn kept<T>(result: Result<T, Diagnostics>, problems: &mut Diagnostics) -> Option<T> {
    result.map_err(|found| problems.extend(found)).ok()
}

/// The values of the stack's `variable` blocks; sensitive ones are tainted.
fn variables(bodies: &[Body], inputs: &Inputs) -> Result<Value, Diagnostics> {
    let mut declared = Declarations::default();
    for body in bodies {
        // In a stack, `variables` blocks are the engine's variables rather than defaults of older job files.
        let mut own = body.clone();
        own.blocks.retain(|block| &*block.kind == "variable");
        declared.merge(Declarations::parse(&own, TypeRules::Constraint)?)?;
    }
    let context = EvalContext::new().with_functions(drover_packs::secret_function(&inputs.secrets));
    let given = inputs.supplied.inputs(&declared, &[], "the stack")?;
    let values = declared.resolve(given, Strictness::Strict, &context)?;
    for variable in declared.iter().filter(|variable| variable.sensitive) {
        if let Some(value) = values.as_entries().and_then(|entries| entries.get(&*variable.name)) {
            drover_packs::taint(&format!("var.{}", variable.name), value, inputs.secrets.taint());
        }
    }
    Ok(values)
}
