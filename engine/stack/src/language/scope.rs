//! What has been evaluated so far.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use drover_hcl::{DiskHost, Entries, EvalContext, Value};

use super::{Inputs, Namespaces};
use crate::desired::{Check, Desired, EngineChoice, Import, Output, Policy, Resource};
use crate::objects::ObjectKind;
use drover_packs::DeclaredRegistry;

pub(super) struct Scope<'i> {
    pub(super) inputs: &'i Inputs,
    /// The default namespace.
    pub(super) namespace: String,
    /// Where packs come from.
    pub(super) registries: Vec<DeclaredRegistry>,
    variables: Value,
    /// Values by kind and label: `local.x`, `pack.web`, …
    values: BTreeMap<&'static str, Entries>,
    /// Which resources a node made.
    produced: BTreeMap<String, BTreeSet<String>>,
    failed: BTreeSet<String>,
    desired: Desired,
}

/// The roots under which values are found, beside those of objects.
const ROOTS: [&str; 6] = ["local", "pack", "job", "namespace", "variables", "engine"];

impl<'i> Scope<'i> {
    pub(super) fn new(inputs: &'i Inputs, stack: String, namespaces: Namespaces) -> Self {
        Self {
            inputs,
            namespace: namespaces.default.clone(),
            registries: Vec::new(),
            variables: Value::Object(Arc::new(Entries::new())),
            values: BTreeMap::new(),
            produced: BTreeMap::new(),
            failed: BTreeSet::new(),
            desired: Desired { stack, namespace: namespaces.default, ..Desired::default() },
        }
    }

    pub(super) fn stack(&self) -> &str {
        &self.desired.stack
    }

    pub(super) fn set_variables(&mut self, variables: Value) {
        self.variables = variables;
    }

    pub(super) fn set_engine(&mut self, engine: EngineChoice, chosen: Namespaces) {
        // What the person chose goes before what the stack says.
        let person = self.inputs.namespace.clone();
        let namespace = person.or_else(|| engine.namespace.clone()).unwrap_or(chosen.default);
        self.namespace.clone_from(&namespace);
        self.desired.namespace = namespace;
        self.desired.engine = engine;
    }

    /// Everything that an expression can use now.
    pub(super) fn context(&self) -> EvalContext<'static> {
        let mut context = EvalContext::new()
            .with_host(Arc::new(DiskHost::new(&self.inputs.folder, None)))
            .with_functions(drover_packs::secret_function(&self.inputs.secrets));
        context.set("var", self.variables.clone());
        let stack = [
            ("name", Value::from(self.desired.stack.as_str())),
            ("namespace", Value::from(self.namespace.as_str())),
            ("env", Value::from(self.desired.environment.as_str())),
        ];
        context.set("stack", Value::object(stack));
        for root in ROOTS.into_iter().chain(ObjectKind::ALL.map(ObjectKind::word)) {
            let entries = self.values.get(root).cloned().unwrap_or_default();
            context.set(root, Value::Object(Arc::new(entries)));
        }
        context
    }

    pub(super) fn set_value(&mut self, root: &'static str, label: &str, value: Value) {
        self.values.entry(root).or_default().insert(label.into(), value);
    }

    pub(super) fn add(&mut self, node: &str, resource: Resource) {
        self.produced.entry(node.to_owned()).or_default().insert(resource.address.clone());
        self.desired.resources.push(resource);
    }

    /// The resources that nodes made.
    pub(super) fn produced(&self, nodes: &BTreeSet<String>) -> BTreeSet<String> {
        nodes.iter().filter_map(|node| self.produced.get(node)).flatten().cloned().collect()
    }

    /// What a local is made of is passed on to what uses the local.
    pub(super) fn inherit(&mut self, node: &str, requirements: &BTreeSet<String>) {
        let inherited = self.produced(requirements);
        self.produced.entry(node.to_owned()).or_default().extend(inherited);
    }

    pub(super) fn set_providers(&mut self, providers: Vec<drover_secrets::ProviderSettings>) {
        self.desired.providers = providers;
    }

    pub(super) fn add_policy(&mut self, policy: Policy) {
        self.desired.policies.push(policy);
    }

    pub(super) fn add_check(&mut self, check: Check) {
        self.desired.checks.push(check);
    }

    pub(super) fn add_engine(&mut self, name: &str, choice: EngineChoice) {
        self.desired.engines.insert(name.to_owned(), choice);
    }

    pub(super) fn has_engine(&self, name: &str) -> bool {
        self.desired.engines.contains_key(name)
    }

    /// The namespace of what names none, on a named engine or the stack's own.
    pub(super) fn default_namespace(&self, engine: Option<&str>) -> String {
        let named = engine.and_then(|engine| self.desired.engines.get(engine)?.namespace.clone());
        named.unwrap_or_else(|| self.namespace.clone())
    }

    /// The address that had another name before.
    pub(super) fn old_name(&self, address: &str) -> Option<&str> {
        let (from, _) = self.desired.moved.iter().find(|(_, to)| to == address)?;
        from.split_once('.').map(|(_, label)| label)
    }

    pub(super) fn set_moved(&mut self, moved: Vec<(String, String)>, environment: Option<&str>) {
        self.desired.moved = moved;
        self.desired.environment = environment.unwrap_or_default().to_owned();
    }

    pub(super) fn set_imports(&mut self, imports: Vec<Import>) {
        self.desired.imports = imports;
    }

    pub(super) fn add_output(&mut self, output: Output) {
        self.desired.outputs.push(output);
    }

    pub(super) fn add_message(&mut self, from: &str, text: String) {
        self.desired.messages.push((from.to_owned(), text));
    }

    pub(super) fn fail(&mut self, node: &str) {
        self.failed.insert(node.to_owned());
    }

    pub(super) fn has_failed(&self, node: &str) -> bool {
        self.failed.contains(node)
    }

    /// The result, with outputs in the order of writing.
    pub(super) fn finish(mut self, outputs: &[String]) -> Desired {
        let place = |name: &str| outputs.iter().position(|known| known == name);
        self.desired.outputs.sort_by_key(|output| place(&output.name));
        self.desired
    }
}
