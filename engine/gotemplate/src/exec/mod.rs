//! Executes templates.

mod argument;
mod call;
mod evaluate;
mod walk;

use crate::error::Error;
use crate::format::display;
use crate::host::Host;
use crate::limits::{MAX_BYTES, MAX_CALLS, MAX_STEPS};
use crate::set::Templates;
use crate::syntax::Tree;
use crate::value::Value;
use std::rc::Rc;

/// A fault: its offset in the current source, the part it is in, and the message.
pub(crate) struct Fault {
    pub at: usize,
    pub part: String,
    pub message: String,
    /// A finished error of a template that was called.
    pub inner: Option<Box<Error>>,
}
pub(crate) type Step<T> = Result<T, Fault>;

/// One run of a template, with what it has used so far.
pub struct Execution<'a> {
    templates: &'a Templates,
    out: Vec<u8>,
    variables: Vec<(String, Value)>,
    calls: usize,
    steps: u64,
    bytes: u64,
}

impl<'a> Execution<'a> {
    pub(crate) fn new(templates: &'a Templates) -> Self {
        Self { templates, out: Vec::new(), variables: Vec::new(), calls: 0, steps: 0, bytes: 0 }
    }

    pub(crate) fn run(mut self, name: &str, dot: &Value) -> Result<Vec<u8>, Box<Error>> {
        let tree = self
            .templates
            .tree(name)
            .ok_or_else(|| Box::new(Error::of(name, format!("template: {name:?} is not defined"))))?;
        self.enter(name, &tree, dot)?;
        Ok(self.out)
    }

    /// Walks a template, and gives its faults their place.
    fn enter(&mut self, name: &str, tree: &Rc<Tree>, dot: &Value) -> Result<(), Box<Error>> {
        let outer = std::mem::replace(&mut self.variables, vec![("$".to_owned(), dot.clone())]);
        let walked = self.nodes(&tree.nodes, dot);
        self.variables = outer;
        walked.map(drop).map_err(|fault| {
            if let Some(inner) = fault.inner {
                return inner;
            }
            let source = self.templates.source(tree.file);
            let mut error = Error::at(&source.name, &source.text, fault.at, fault.message);
            error.context = Some((name.to_owned(), fault.part));
            Box::new(error)
        })
    }

    /// Calls a template of the set.
    pub(crate) fn template(&mut self, at: usize, name: &str, dot: &Value) -> Step<()> {
        let fault = |message: String| Fault { at, part: format!("{{{{template {name:?}}}}}"), message, inner: None };
        let tree = self.templates.tree(name).ok_or_else(|| fault(format!("template {name:?} not defined")))?;
        if self.calls == MAX_CALLS {
            return Err(fault(format!("exceeded maximum template depth ({MAX_CALLS})")));
        }
        self.calls += 1;
        let entered = self.enter(name, &tree, dot);
        self.calls -= 1;
        entered.map_err(|error| Fault { at, part: String::new(), message: String::new(), inner: Some(error) })
    }

    /// Renders a text as a template of the same set, for functions that do so.
    ///
    /// # Errors
    /// As [`Templates::add`] and [`Templates::render`].
    pub fn render_text(&mut self, name: &str, text: &str, dot: &Value) -> Result<Vec<u8>, String> {
        if self.calls == MAX_CALLS {
            return Err(format!("exceeded maximum template depth ({MAX_CALLS})"));
        }
        let mut templates = self.templates.clone();
        templates.add(name, text).map_err(|error| error.to_string())?;
        let inner =
            Execution { calls: self.calls + 1, steps: self.steps, bytes: self.bytes, ..Execution::new(&templates) };
        let tree = templates.tree(name).ok_or_else(|| format!("template {name:?} not defined"))?;
        let mut inner = inner;
        let entered = inner.enter(name, &tree, dot);
        self.steps = inner.steps;
        self.bytes = inner.bytes;
        entered.map_err(|error| error.to_string())?;
        Ok(inner.out)
    }

    /// The world outside.
    #[must_use]
    pub fn host(&self) -> &dyn Host {
        self.templates.host()
    }

    /// Counts a node.
    fn step(&mut self) -> Result<(), String> {
        self.steps += 1;
        if self.steps > MAX_STEPS { Err(format!("template does more than {MAX_STEPS} steps")) } else { Ok(()) }
    }

    /// Counts bytes that were made.
    fn charge(&mut self, bytes: usize) -> Result<(), String> {
        self.bytes += bytes as u64;
        if self.bytes > MAX_BYTES { Err(format!("template makes more than {MAX_BYTES} bytes")) } else { Ok(()) }
    }

    fn print(&mut self, value: &Value) -> Result<(), String> {
        let text = display(value);
        self.charge(text.len())?;
        self.out.extend(text);
        Ok(())
    }
}
