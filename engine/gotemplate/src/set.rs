//! A set of templates that can call each other.

use crate::error::Error;
use crate::exec::Execution;
use crate::functions::Functions;
use crate::host::Host;
use crate::syntax::{Marks, Setting, Tree, is_blank, parse};
use crate::value::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A source file.
#[derive(Debug)]
pub(crate) struct Source {
    pub name: String,
    pub text: String,
}

/// Templates by name.
#[derive(Clone)]
pub struct Templates {
    marks: Marks,
    functions: Rc<Functions>,
    host: Rc<dyn Host>,
    sources: Vec<Rc<Source>>,
    trees: BTreeMap<String, Rc<Tree>>,
}

impl Templates {
    /// An empty set whose actions stand between `left` and `right`.
    #[must_use]
    pub fn new(functions: Functions, host: Rc<dyn Host>, left: &str, right: &str) -> Self {
        Self {
            marks: Marks { left: left.to_owned(), right: right.to_owned() },
            functions: Rc::new(functions),
            host,
            sources: Vec::new(),
            trees: BTreeMap::new(),
        }
    }

    /// Adds a file under a name, with the templates that it defines. A blank definition replaces nothing; any other
    /// replaces one of the same name from another file.
    ///
    /// # Errors
    /// Its syntax is wrong.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), Box<Error>> {
        let knows = |function: &str| self.functions.get(function).is_some();
        let setting = Setting { marks: &self.marks, knows: &knows, file: self.sources.len(), name };
        let trees = parse(text, &setting).map_err(|(at, message)| Box::new(Error::at(name, text, at, message)))?;
        self.sources.push(Rc::new(Source { name: name.to_owned(), text: text.to_owned() }));
        for (defined, tree) in trees {
            let key = defined.unwrap_or_else(|| name.to_owned());
            if !(is_blank(&tree.nodes) && self.trees.contains_key(&key)) {
                self.trees.insert(key, Rc::new(tree));
            }
        }
        Ok(())
    }

    /// Whether a template has that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.trees.contains_key(name)
    }

    /// Executes a template with `dot` as its `.` and `$`.
    ///
    /// # Errors
    /// Something that it does fails, or it goes beyond a limit.
    pub fn render(&self, name: &str, dot: &Value) -> Result<Vec<u8>, Box<Error>> {
        Execution::new(self).run(name, dot)
    }

    pub(crate) fn tree(&self, name: &str) -> Option<Rc<Tree>> {
        self.trees.get(name).cloned()
    }
    pub(crate) fn source(&self, file: usize) -> &Source {
        &self.sources[file]
    }
    pub(crate) fn functions(&self) -> &Functions {
        &self.functions
    }
    pub(crate) fn host(&self) -> &dyn Host {
        &*self.host
    }
}
