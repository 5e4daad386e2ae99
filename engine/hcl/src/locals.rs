//! `locals` blocks: named values that may refer to each other in any order.

use std::collections::HashMap;
use std::sync::Arc;

use crate::context::EvalContext;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::syntax::{Attribute, Body, StepKind};
use crate::value::{Entries, Value};

/// Longest chain of locals of which each one refers to the next.
const MAX_CHAIN: usize = 500;

/// Evaluates the `locals` blocks among `blocks` of `body` and sets `local` in the context. Where a name is given twice
/// in different blocks, the later one counts.
///
/// # Errors
/// Everything that is wrong with the values, and every circle of references.
pub fn resolve(body: &Body, context: &mut EvalContext<'_>) -> Result<(), Diagnostics> {
    let mut problems = Diagnostics::new();
    let mut blocks = Vec::new();
    for block in body.blocks_of("locals") {
        if let Some(label) = block.labels.first() {
            let error = Diagnostic::error("Extraneous label for locals", "no labels are expected for locals blocks");
            problems.push(error.at(&body.source, label.span));
        }
        blocks.push(block.body.just_attributes(&mut problems));
    }
    let mut locals: HashMap<&str, &Attribute> = HashMap::new();
    let mut order = Vec::new();
    for attribute in blocks.iter().flat_map(|block| &block.attributes) {
        if locals.insert(&attribute.name, attribute).is_none() {
            order.push(&*attribute.name);
        }
    }
    let mut resolver = Resolver { locals, done: HashMap::new(), path: Vec::new(), values: Entries::new(), problems };
    context.set("local", Value::object(Vec::<(&str, Value)>::new()));
    for name in order {
        resolver.visit(name, context);
    }
    context.set("local", Value::Object(Arc::new(resolver.values)));
    resolver.problems.into_result(())
}

struct Resolver<'b> {
    locals: HashMap<&'b str, &'b Attribute>,
    /// Whether a finished local has a value.
    done: HashMap<&'b str, bool>,
    path: Vec<&'b str>,
    values: Entries,
    problems: Diagnostics,
}

impl<'b> Resolver<'b> {
    /// Evaluates a local after those that it refers to, and says whether it has a value.
    fn visit(&mut self, name: &'b str, context: &mut EvalContext<'_>) -> bool {
        if let Some(done) = self.done.get(name) {
            return *done;
        }
        let attribute = self.locals[name];
        if let Some(start) = self.path.iter().position(|visited| *visited == name) {
            let circle = [&self.path[start..], &[name]].concat().join(" -> ");
            let error = attribute.value.error("Circular locals", format!("these locals refer to each other: {circle}"));
            self.problems.push(error);
            return false;
        }
        if self.path.len() == MAX_CHAIN {
            let detail = format!("a chain of locals that refer to each other has more than {MAX_CHAIN} links");
            self.problems.push(attribute.value.error("Too long a chain of locals", detail));
            return false;
        }
        self.path.push(name);
        let mut needs: Vec<&'b str> = Vec::new();
        attribute.value.expr.visit_traversals(&mut |root, steps, _| {
            let first = steps.first().map(|step| &step.kind);
            let target = match first {
                Some(StepKind::Attribute(target)) => Some(&**target),
                Some(StepKind::Index(Value::String(target))) => Some(&**target),
                _ => None,
            };
            match target {
                _ if root != "local" => {}
                Some(target) => needs.extend(self.locals.get_key_value(target).map(|(name, _)| *name)),
                // The whole object: everything else has to be there first.
                None => needs.extend(self.locals.keys().filter(|other| **other != name)),
            }
        });
        let mut ready = true;
        for need in needs {
            ready &= self.visit(need, context);
        }
        self.path.pop();
        let value = if ready { self.evaluate(attribute, context) } else { None };
        let done = value.is_some();
        if let Some(value) = value {
            self.values.insert(Arc::clone(&attribute.name), value);
        }
        self.done.insert(name, done);
        done
    }

    fn evaluate(&mut self, attribute: &Attribute, context: &mut EvalContext<'_>) -> Option<Value> {
        // Lent to the context and taken back, so that many locals do not copy each other again and again.
        let so_far = Arc::new(std::mem::take(&mut self.values));
        context.set("local", Value::Object(Arc::clone(&so_far)));
        let result = attribute.value.evaluate(context);
        context.set("local", Value::Null);
        self.values = Arc::unwrap_or_clone(so_far);
        match result {
            Ok(value) => Some(value),
            Err(problems) => {
                self.problems.extend(problems);
                None
            }
        }
    }
}
