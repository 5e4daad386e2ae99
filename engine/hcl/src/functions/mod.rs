//! The functions of the language, one file per family, and the table that expressions look them up in.

mod collection;
mod encoding;
mod file;
mod format;
mod hash;
mod network;
mod numeric;
mod rsa;
mod sets;
mod string;
mod time;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::convert::ConvertError;
use crate::host::Host;
use crate::types::Type;
use crate::value::Value;

/// What a function may use beside its arguments.
pub struct CallEnv<'c> {
    /// Files, paths and the home directory.
    pub host: &'c dyn Host,
}

/// What a function gives: a value, or what is wrong in a few words.
pub type Outcome = Result<Value, String>;

type Run = dyn Fn(&CallEnv<'_>, &[Value]) -> Outcome + Send + Sync;

/// A function.
#[derive(Clone)]
pub struct Function {
    name: Arc<str>,
    parameters: Vec<Param>,
    variadic: Option<Param>,
    run: Arc<Run>,
    special: Option<Special>,
    cost: fn(&[Value]) -> u64,
}

/// Functions that see their arguments' expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    Try,
    Can,
    Convert,
}

/// A parameter: arguments are converted to its type before the call.
#[derive(Clone, Debug)]
pub struct Param {
    /// The name, for messages.
    pub name: &'static str,
    /// The type.
    pub kind: Type,
    /// Whether null is accepted.
    pub nullable: bool,
}

impl Param {
    /// A parameter of any type.
    #[must_use]
    pub fn any(name: &'static str) -> Self {
        Self { name, kind: Type::Any, nullable: false }
    }

    /// A text.
    #[must_use]
    pub fn string(name: &'static str) -> Self {
        Self { name, kind: Type::String, nullable: false }
    }

    /// A number.
    #[must_use]
    pub fn number(name: &'static str) -> Self {
        Self { name, kind: Type::Number, nullable: false }
    }

    /// A list of texts.
    #[must_use]
    pub fn strings(name: &'static str) -> Self {
        Self { name, kind: Type::List(Box::new(Type::String)), nullable: false }
    }

    /// The same, null accepted.
    #[must_use]
    pub fn or_null(mut self) -> Self {
        self.nullable = true;
        self
    }
}

impl Function {
    /// A function with these parameters. `run` gets arguments of their types, never unknown ones.
    pub fn new(
        name: &str,
        parameters: Vec<Param>,
        run: impl Fn(&CallEnv<'_>, &[Value]) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), parameters, variadic: None, run: Arc::new(run), special: None, cost: |_| 0 }
    }

    /// The same with any number of further arguments.
    #[must_use]
    pub fn variadic_with(mut self, parameter: Param) -> Self {
        self.variadic = Some(parameter);
        self
    }

    /// The same with what a call costs beside the size of its arguments and result, in the units of the limit on
    /// evaluation: for functions that take long.
    fn costing(mut self, cost: fn(&[Value]) -> u64) -> Self {
        self.cost = cost;
        self
    }

    fn special_form(name: &str, special: Special) -> Self {
        let run = |_: &CallEnv<'_>, _: &[Value]| Err("this function is evaluated with its expressions".to_owned());
        Self { special: Some(special), ..Self::new(name, Vec::new(), run) }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The parameters that have to be given.
    #[must_use]
    pub fn parameters(&self) -> &[Param] {
        &self.parameters
    }

    /// The parameter of further arguments.
    #[must_use]
    pub fn variadic(&self) -> Option<&Param> {
        self.variadic.as_ref()
    }

    /// How it is called, such as `join(separator, lists...)`.
    #[must_use]
    pub fn signature(&self) -> String {
        let required = self.parameters.iter().map(|p| p.name.to_owned());
        let all: Vec<String> = required.chain(self.variadic.as_ref().map(|p| format!("{}...", p.name))).collect();
        format!("{}({})", self.name, all.join(", "))
    }

    pub(crate) fn special(&self) -> Option<Special> {
        self.special
    }

    pub(crate) fn fixed_cost(&self, arguments: &[Value]) -> u64 {
        (self.cost)(arguments)
    }

    pub(crate) fn call(&self, env: &CallEnv<'_>, arguments: &[Value]) -> Outcome {
        (self.run)(env, arguments)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.signature())
    }
}

/// Functions by name.
#[derive(Clone, Debug, Default)]
pub struct FunctionTable(BTreeMap<Arc<str>, Function>);

impl FunctionTable {
    /// The standard functions of job files.
    #[must_use]
    pub fn standard() -> Arc<Self> {
        static STANDARD: OnceLock<Arc<FunctionTable>> = OnceLock::new();
        Arc::clone(STANDARD.get_or_init(|| {
            let mut table = Self::default();
            for register in [
                collection::add,
                sets::add,
                encoding::add,
                file::add,
                format::add,
                hash::add,
                network::add,
                numeric::add,
                string::add,
                time::add,
            ] {
                register(&mut table);
            }
            table.add(Function::special_form("try", Special::Try));
            table.add(Function::special_form("can", Special::Can));
            table.add(Function::special_form("convert", Special::Convert));
            Arc::new(table)
        }))
    }

    /// Adds a function, or replaces the one of that name.
    pub fn add(&mut self, function: Function) {
        self.0.insert(Arc::clone(&function.name), function);
    }

    /// The function of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Function> {
        self.0.get(name)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|name| &**name)
    }
}

/// The text of an argument that was converted to a string.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

/// The whole number of an argument that was converted to a number.
fn whole(value: &Value) -> Result<i64, String> {
    value.as_number().and_then(crate::number::Number::as_i64).ok_or_else(|| "a whole number is required".to_owned())
}

/// The elements of a list, set or tuple.
fn items(value: &Value) -> Result<&[Value], String> {
    value.as_items().ok_or_else(|| format!("a list is required, but have {}", value.kind()))
}

/// A list if the elements have a type in common, else a tuple.
fn list_or_tuple(items: Vec<Value>) -> Value {
    let kind = items.first().map(Value::type_of);
    if items.iter().all(|item| Some(item.type_of()) == kind) { Value::list(items) } else { Value::tuple(items) }
}

fn described(error: &ConvertError) -> String {
    error.to_string()
}
