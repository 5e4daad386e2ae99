//! The functions that templates call.

mod builtin;
mod compare;
mod sprig;

use crate::exec::Execution;
use crate::value::{Element, Value};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The type of a parameter. A value of another type is refused, as the language does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`
    Any,
    /// `reflect.Value`: anything, also no value.
    Raw,
    /// `string`
    Text,
    /// `int`
    Int,
    /// `uint32`
    Uint32,
    /// `float64`
    Float,
    /// `bool`
    Bool,
    /// `map[string]interface {}`
    Map,
    /// `[]interface {}`
    List,
    /// A type of the host, by its name in Go.
    Host(&'static str),
}

impl Type {
    /// The name in Go.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Raw => "reflect.Value",
            Self::Text => "string",
            Self::Int => "int",
            Self::Uint32 => "uint32",
            Self::Float => "float64",
            Self::Bool => "bool",
            Self::Map => "map[string]interface {}",
            Self::List => "[]interface {}",
            Self::Host(name) => name,
        }
    }
    /// The name as signatures for people have it.
    fn short(self) -> &'static str {
        match self {
            Self::Any | Self::Raw => "any",
            Self::Text => "string",
            Self::Int => "int",
            Self::Uint32 => "uint32",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Map => "map",
            Self::List => "list",
            Self::Host("parser.PackContextable") => "pack",
            Self::Host(name) => name,
        }
    }
    /// Whether nil may stand for it.
    pub(crate) fn takes_nil(self) -> bool {
        matches!(self, Self::Any | Self::Raw | Self::Map | Self::List)
    }
    /// Whether a value has it.
    pub(crate) fn takes(self, value: &Value) -> bool {
        use crate::value::Width;
        match (self, value) {
            (Self::Any | Self::Raw, _)
            | (Self::Text, Value::Text(_))
            | (Self::Int, Value::Int(_, Width::Int))
            | (Self::Float, Value::Float(_))
            | (Self::Bool, Value::Bool(_)) => true,
            (Self::Map, Value::Map(map)) => map.element == Element::Any,
            (Self::List, Value::List(list)) => list.element == Element::Any,
            (Self::Host(name), Value::Object(object)) => object.fits(name),
            _ => false,
        }
    }
}

/// A body with the execution at hand.
type Within = Rc<dyn Fn(&mut Execution<'_>, &[Value]) -> Result<Value, String>>;

/// How a function computes.
#[derive(Clone)]
pub(crate) enum Body {
    Plain(fn(&[Value]) -> Result<Value, String>),
    /// With the execution at hand.
    Within(Within),
    /// `and` (false) and `or` (true): stops at the first argument of that truth.
    Stops(bool),
}

/// A function: its parameters and its body.
#[derive(Clone)]
pub struct Function {
    pub(crate) fixed: &'static [Type],
    pub(crate) rest: Option<Type>,
    pub(crate) body: Body,
}

impl Function {
    /// A function of the host. `rest` is the type of further arguments, if it takes any.
    pub fn new(
        fixed: &'static [Type],
        rest: Option<Type>,
        body: impl Fn(&mut Execution<'_>, &[Value]) -> Result<Value, String> + 'static,
    ) -> Self {
        Self { fixed, rest, body: Body::Within(Rc::new(body)) }
    }
    /// Its parameters' types as people write them: `(string, int, …any)`.
    #[must_use]
    pub fn signature(&self) -> String {
        let mut types: Vec<String> = self.fixed.iter().map(|kind| kind.short().to_owned()).collect();
        types.extend(self.rest.map(|kind| format!("…{}", kind.short())));
        format!("({})", types.join(", "))
    }
    pub(crate) fn plain(
        fixed: &'static [Type],
        rest: Option<Type>,
        body: fn(&[Value]) -> Result<Value, String>,
    ) -> Self {
        Self { fixed, rest, body: Body::Plain(body) }
    }
}

/// Functions by name.
#[derive(Clone, Default)]
pub struct Functions(BTreeMap<&'static str, Function>);

impl Functions {
    /// The language's own functions and sprig's; where both have one, sprig's.
    #[must_use]
    pub fn standard() -> Self {
        let mut functions = Self::default();
        builtin::add(&mut functions);
        sprig::add(&mut functions);
        functions
    }
    /// Adds a function, in place of one of the same name.
    pub fn add(&mut self, name: &'static str, function: Function) {
        self.0.insert(name, function);
    }
    /// A function.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Function> {
        self.0.get(name)
    }
    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
    /// Adds a function of values alone.
    pub(crate) fn plain(
        &mut self,
        name: &'static str,
        fixed: &'static [Type],
        rest: Option<Type>,
        body: fn(&[Value]) -> Result<Value, String>,
    ) {
        self.add(name, Function::plain(fixed, rest, body));
    }
}
