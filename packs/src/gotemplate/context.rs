//! A pack as its templates see it: `.` and `.dependency`.

use drover_gotemplate::{Map, Object, Text, Value};
use std::any::Any;
use std::rc::Rc;

/// What a fault of a missing pack begins with; the pack's name follows.
pub(super) const NO_PACK: &str = "no such pack: ";
/// The type of contexts in signatures.
pub(super) const CONTEXTABLE: &str = "parser.PackContextable";

/// A pack with its variables, metadata and dependencies.
#[derive(Debug)]
pub(crate) struct View {
    /// The name that it is known by: alias or name.
    pub name: String,
    /// Where it stands among its parents: `web/db`.
    pub path: String,
    /// Its folder, absolute.
    pub folder: String,
    /// Its variables' values.
    pub variables: Map,
    /// `app`, `pack`, `dependencies`, `integration`.
    pub metadata: Map,
    /// Its dependencies by alias.
    pub dependencies: Vec<Rc<View>>,
}

impl View {
    /// The context that templates of the pack are called with.
    pub(crate) fn context(self: &Rc<Self>) -> Value {
        Value::Object(Rc::new(Context(Rc::clone(self))))
    }
}

/// The view of a context argument.
pub(super) fn view(value: &Value) -> Result<Rc<View>, String> {
    match value {
        Value::Object(object) => match object.as_any().downcast_ref::<Context>() {
            Some(context) => Ok(Rc::clone(&context.0)),
            None => Err("the pack of this context does not exist".to_owned()),
        },
        _ => Err("a pack's context is needed here".to_owned()),
    }
}

#[derive(Debug)]
struct Context(Rc<View>);

impl Object for Context {
    fn type_name(&self) -> &'static str {
        "parser.PackTemplateContext"
    }
    fn kind(&self) -> &'static str {
        "map"
    }
    fn fits(&self, type_name: &str) -> bool {
        type_name == CONTEXTABLE || type_name == self.type_name()
    }
    fn get(&self, name: &str, _: &[Value]) -> Option<Result<Value, String>> {
        Some(Ok(match self.0.dependencies.iter().find(|pack| pack.name == name) {
            Some(pack) => pack.context(),
            None if name == "Name" => Value::text(self.0.name.as_str()),
            None => Value::object(Missing(name.to_owned())),
        }))
    }
    fn show(&self) -> String {
        format!("pack {}", self.0.name)
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A pack that is not there.
#[derive(Debug)]
struct Missing(String);

impl Object for Missing {
    fn type_name(&self) -> &'static str {
        "parser.PackTemplateContext"
    }
    fn fits(&self, type_name: &str) -> bool {
        type_name == CONTEXTABLE || type_name == self.type_name()
    }
    fn get(&self, _: &str, _: &[Value]) -> Option<Result<Value, String>> {
        Some(Err(format!("{NO_PACK}{}", self.0)))
    }
    fn show(&self) -> String {
        "<nil>".to_owned()
    }
    fn is_true(&self) -> bool {
        false
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The root of the dialect's first version: every pack's variables by its name, this pack's as `my`, and its metadata.
/// Outputs do not have `my`.
pub(crate) fn legacy_root(root: &Rc<View>, pack: &Rc<View>, has_my: bool) -> Value {
    let map = Map::new();
    let mut waiting = vec![Rc::clone(root)];
    while let Some(view) = waiting.pop() {
        map.set(Text::from(view.name.as_str()), Value::Map(view.variables.clone()));
        waiting.extend(view.dependencies.iter().cloned());
    }
    if has_my {
        map.set(Text::from("my"), Value::Map(pack.variables.clone()));
    }
    map.set(Text::from("nomad_pack"), Value::Map(pack.metadata.clone()));
    Value::Map(map)
}
