//! Values as templates see them, with the names that their types have in Go.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::rc::Rc;

/// Text: bytes that are usually UTF-8. Lengths and indexes count bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Rc<[u8]>);

impl Text {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
    /// As text; what is not UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}
impl Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Debug::fmt(&self.text(), f)
    }
}
impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}
impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into_bytes().into())
    }
}
impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}
impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

/// Which integer type a number has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// `int`
    Int,
    /// `int64`
    Int64,
    /// `uint8`: a byte of a string
    Uint8,
    /// `uint64`
    Uint64,
}

impl Width {
    /// The type's name in Go.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Uint64 => "uint64",
        }
    }
    /// Whether it has no sign.
    #[must_use]
    pub fn is_unsigned(self) -> bool {
        matches!(self, Self::Uint8 | Self::Uint64)
    }
}

/// What the elements of a list or map are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// `interface {}`: anything.
    Any,
    /// `string`
    Text,
    /// `int`
    Int,
    /// `map[string]interface {}`
    Map,
    /// `[]interface {}`
    List,
    /// A type of the host, by its name in Go.
    Host(&'static str),
}

impl Element {
    /// The type's name in Go.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Text => "string",
            Self::Int => "int",
            Self::Map => "map[string]interface {}",
            Self::List => "[]interface {}",
            Self::Host(name) => name,
        }
    }
}

/// A list.
#[derive(Clone, Debug)]
pub struct List {
    /// What it holds.
    pub element: Element,
    /// Its items.
    pub items: Rc<Vec<Value>>,
}

/// A map with string keys, shared by whoever holds it: `set` changes what all of them see.
#[derive(Clone, Debug)]
pub struct Map {
    /// What it holds.
    pub element: Element,
    /// Its entries, in key order.
    pub entries: Rc<RefCell<BTreeMap<Text, Value>>>,
}

impl Map {
    /// An empty `map[string]interface {}`.
    #[must_use]
    pub fn new() -> Self {
        Self::of(BTreeMap::new())
    }
    /// A `map[string]interface {}` of these entries.
    #[must_use]
    pub fn of(entries: BTreeMap<Text, Value>) -> Self {
        Self { element: Element::Any, entries: Rc::new(RefCell::new(entries)) }
    }
    /// The entry of a key.
    #[must_use]
    pub fn get(&self, key: &Text) -> Option<Value> {
        self.entries.borrow().get(key).cloned()
    }
    /// Sets an entry.
    pub fn set(&self, key: Text, value: Value) {
        self.entries.borrow_mut().insert(key, value);
    }
    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.borrow().len()
    }
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
    }
    /// A snapshot of the entries.
    #[must_use]
    pub fn pairs(&self) -> Vec<(Text, Value)> {
        self.entries.borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}
impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

/// A value of the host with fields and methods.
pub trait Object: Debug {
    /// The name of its type in Go.
    fn type_name(&self) -> &'static str;
    /// The kind of its type in Go.
    fn kind(&self) -> &'static str {
        "struct"
    }
    /// Whether a parameter of that type takes it.
    fn fits(&self, type_name: &str) -> bool {
        self.type_name() == type_name
    }
    /// A field or the result of a method; `None` when it has none of that name.
    ///
    /// # Errors
    /// The method fails, or takes other arguments.
    fn get(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>>;
    /// How it prints.
    fn show(&self) -> String;
    /// Whether `if` takes it for true.
    fn is_true(&self) -> bool {
        true
    }
    /// The values that `range` walks through, for those that can be ranged over.
    fn pairs(&self) -> Option<Vec<(Value, Value)>> {
        None
    }
    /// The concrete value.
    fn as_any(&self) -> &dyn Any;
}

/// Levels of nesting that comparisons follow.
const MAX_DEPTH: usize = 100;

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    /// No value at all: prints as `<no value>`.
    Absent,
    /// A nil of type `interface {}`.
    Nil,
    /// A boolean.
    Bool(bool),
    /// An integer; those without a sign are kept as their bits.
    Int(i64, Width),
    /// A float.
    Float(f64),
    /// A complex number.
    Complex(f64, f64),
    /// Text.
    Text(Text),
    /// A list.
    List(List),
    /// A map.
    Map(Map),
    /// A value of the host.
    Object(Rc<dyn Object>),
}

impl Value {
    /// An `int`.
    #[must_use]
    pub fn int(value: i64) -> Self {
        Self::Int(value, Width::Int)
    }
    /// An `int64`.
    #[must_use]
    pub fn int64(value: i64) -> Self {
        Self::Int(value, Width::Int64)
    }
    /// Text.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text(text.into())
    }
    /// A `[]interface {}`.
    #[must_use]
    pub fn list(items: Vec<Value>) -> Self {
        Self::list_of(Element::Any, items)
    }
    /// A list of a type.
    #[must_use]
    pub fn list_of(element: Element, items: Vec<Value>) -> Self {
        Self::List(List { element, items: Rc::new(items) })
    }
    /// A `[]string`.
    pub fn texts<T: Into<Text>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::list_of(Element::Text, items.into_iter().map(Self::text).collect())
    }
    /// A `map[string]interface {}`.
    #[must_use]
    pub fn map(entries: BTreeMap<Text, Value>) -> Self {
        Self::Map(Map::of(entries))
    }
    /// A value of the host.
    pub fn object(object: impl Object + 'static) -> Self {
        Self::Object(Rc::new(object))
    }

    /// Whether it is nil or nothing.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Absent | Self::Nil)
    }
    /// Go's truth: not the zero value, and not empty.
    #[must_use]
    pub fn is_true(&self) -> bool {
        match self {
            Self::Absent | Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value, _) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Complex(real, imaginary) => *real != 0.0 || *imaginary != 0.0,
            Self::Text(text) => !text.bytes().is_empty(),
            Self::List(list) => !list.items.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Object(object) => object.is_true(),
        }
    }
    /// The name of its type in Go.
    #[must_use]
    pub fn type_name(&self) -> String {
        match self {
            Self::Absent => "<nil>".to_owned(),
            Self::Nil => "interface {}".to_owned(),
            Self::Bool(_) => "bool".to_owned(),
            Self::Int(_, width) => width.name().to_owned(),
            Self::Float(_) => "float64".to_owned(),
            Self::Complex(..) => "complex128".to_owned(),
            Self::Text(_) => "string".to_owned(),
            Self::List(list) => format!("[]{}", list.element.name()),
            Self::Map(map) => format!("map[string]{}", map.element.name()),
            Self::Object(object) => object.type_name().to_owned(),
        }
    }
    /// The kind of its type in Go.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Absent | Self::Nil => "invalid",
            Self::Bool(_) => "bool",
            Self::Int(_, width) => width.name(),
            Self::Float(_) => "float64",
            Self::Complex(..) => "complex128",
            Self::Text(_) => "string",
            Self::List(_) => "slice",
            Self::Map(_) => "map",
            Self::Object(object) => object.kind(),
        }
    }
    /// Whether two values are the same in type and content, also inside lists and maps. Values that hold themselves
    /// differ from all others.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.same_within(other, MAX_DEPTH)
    }

    fn same_within(&self, other: &Self, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        match (self, other) {
            (Self::Absent | Self::Nil, Self::Absent | Self::Nil) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a, x), Self::Int(b, y)) => a == b && x == y,
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Complex(a, b), Self::Complex(c, d)) => a == c && b == d,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::List(a), Self::List(b)) => {
                a.element == b.element
                    && a.items.len() == b.items.len()
                    && a.items.iter().zip(b.items.iter()).all(|(a, b)| a.same_within(b, depth))
            }
            (Self::Map(a), Self::Map(b)) => {
                let (a, b) = (a.pairs(), b.pairs());
                a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.0 == b.0 && a.1.same_within(&b.1, depth))
            }
            (Self::Object(a), Self::Object(b)) => {
                Rc::ptr_eq(a, b) || a.type_name() == b.type_name() && a.show() == b.show()
            }
            _ => false,
        }
    }
}
