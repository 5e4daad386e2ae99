//! nomad-pack's own functions.

use super::World;
use super::context::{CONTEXTABLE, View, view};
use drover_gotemplate::{Element, Function, Functions, Map, Text, Type, Value, format};
use std::rc::Rc;

const PACK: Type = Type::Host(CONTEXTABLE);
type Outcome = Result<Value, String>;

/// Functions that take a pack's context, which the first version of the dialect does not have.
const WITH_CONTEXT: [&str; 9] =
    ["var", "vars", "must_var", "meta", "metas", "must_meta", "deps", "deps_tree", "fileRelative"];

pub(super) fn add(functions: &mut Functions, root: &Rc<View>, world: &World, legacy: bool) {
    use Type::{Any, Text};
    functions.add("toStringList", Function::new(&[Any], None, |_, v| Ok(Value::text(string_list(&v[0])))));
    functions.add(
        "tpl",
        Function::new(&[Text, Any], None, |execution, v| {
            let text = text(&v[0]);
            Ok(Value::text(
                String::from_utf8_lossy(&execution.render_text("tpl", &text, &v[1])?).replace(super::NO_VALUE, ""),
            ))
        }),
    );
    let rules = world.rules.clone();
    functions.add("fileContents", Function::new(&[Text], None, move |_, v| Ok(Value::text(rules.read(&text(&v[0]))?))));
    if let Some(secrets) = world.secrets.clone() {
        let get = move |_: &mut drover_gotemplate::Execution<'_>, v: &[Value]| -> Outcome {
            let bind = v.get(1).map(text);
            Ok(Value::text(secrets.get(&text(&v[0]), bind.as_deref())?))
        };
        functions.add("secret", Function::new(&[Text], Some(Text), get));
    }
    let folder = root.folder.clone();
    functions.add("packPath", Function::new(&[], None, move |_, _| Ok(Value::text(folder.as_str()))));
    if legacy {
        for name in WITH_CONTEXT {
            let refuse = move |_: &mut drover_gotemplate::Execution<'_>, _: &[Value]| -> Outcome {
                Err(format!("{name} is not implemented for nomad-pack's v1 syntax"))
            };
            functions.add(name, Function::new(&[], Some(Any), refuse));
        }
        return;
    }
    functions.add(
        "var",
        Function::new(
            &[Text, PACK],
            None,
            |_, v| Ok(find(&view(&v[1])?.variables, &text(&v[0])).unwrap_or(Value::Nil)),
        ),
    );
    functions.add("must_var", Function::new(&[Text, PACK], None, |_, v| find(&view(&v[1])?.variables, &text(&v[0]))));
    functions.add("vars", Function::new(&[PACK], None, |_, v| Ok(Value::Map(view(&v[0])?.variables.clone()))));
    functions.add(
        "meta",
        Function::new(&[Text, PACK], None, |_, v| {
            Ok(find_meta(&view(&v[1])?.metadata, &text(&v[0])).unwrap_or_else(|_| Value::text("")))
        }),
    );
    functions
        .add("must_meta", Function::new(&[Text, PACK], None, |_, v| find_meta(&view(&v[1])?.metadata, &text(&v[0]))));
    functions.add("metas", Function::new(&[PACK], None, |_, v| Ok(Value::Map(view(&v[0])?.metadata.clone()))));
    functions.add(
        "deps",
        Function::new(&[PACK], None, |_, v| {
            let map = Map { element: Element::Host("parser.PackTemplateContext"), ..Map::new() };
            for pack in &view(&v[0])?.dependencies {
                map.set(drover_gotemplate::Text::from(pack.name.as_str()), pack.context());
            }
            Ok(Value::Map(map))
        }),
    );
    functions.add(
        "deps_tree",
        Function::new(&[PACK], None, |_, v| {
            let mut paths = Vec::new();
            tree(&*view(&v[0])?, "", &mut paths);
            Ok(Value::texts(paths))
        }),
    );
    let rules = world.rules.clone();
    functions.add(
        "fileRelative",
        Function::new(&[Text, PACK], None, move |_, v| {
            let path = format!("{}/{}", view(&v[1])?.folder, text(&v[0]));
            Ok(Value::text(rules.read(&path)?))
        }),
    );
}

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.text().into_owned(),
        value => format::plain_text(value),
    }
}

fn tree(pack: &View, prefix: &str, paths: &mut Vec<String>) {
    for dependency in &pack.dependencies {
        let path = format!("{prefix}.{}", dependency.name);
        paths.push(path.clone());
        tree(dependency, &path, paths);
    }
}

/// A variable by its dotted path.
fn find(variables: &Map, path: &str) -> Outcome {
    let mut at = Value::Map(variables.clone());
    for name in path.split('.') {
        at = match at {
            Value::Map(map) => map.get(&Text::from(name)).ok_or_else(|| format!("var key {name} not found"))?,
            Value::Text(_) => return Err("encountered non-traversable key while traversing".to_owned()),
            _ => return Err("var key not found".to_owned()),
        };
    }
    Ok(at)
}

/// An item of the metadata by its dotted path.
fn find_meta(metadata: &Map, path: &str) -> Outcome {
    let mut at = Value::Map(metadata.clone());
    for name in path.split('.') {
        at = match at {
            Value::Map(map) => map.get(&Text::from(name)).ok_or_else(|| format!("meta key {name} not found"))?,
            Value::Text(_) => return Err("encountered non-map key while traversing".to_owned()),
            _ => return Err("meta key not found".to_owned()),
        };
    }
    match at {
        Value::Map(_) | Value::List(_) => Err("traversal ended on non-metadata item key".to_owned()),
        value => Ok(value),
    }
}

/// A list in HCL: `["a", "b"]`. Numbers stay numbers.
fn string_list(value: &Value) -> String {
    let items = match value {
        Value::List(list) if matches!(list.element, Element::Any) => list.items.to_vec(),
        value => vec![value.clone()],
    };
    let whole_numbers = !items.is_empty() && items.iter().all(|item| matches!(item, Value::Int(..)));
    let verb: &[u8] = if whole_numbers { b"%d" } else { b"%q" };
    let shown = |item: &Value| String::from_utf8_lossy(&format::sprintf(verb, std::slice::from_ref(item))).into_owned();
    format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", "))
}
