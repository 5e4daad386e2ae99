//! Dumps of values for the authors of templates.

use drover_gotemplate::{Function, Functions, Object, Type, Value, format};
use std::any::Any;

const SPEWER: Type = Type::Host("*spew.ConfigState");
/// Where a dump ends when nothing else says so: a map may hold itself.
const MAX_DEPTH: usize = 100;

pub(super) fn add(functions: &mut Functions) {
    use Type::{Any as Anything, Int, Text};
    functions.add("spewDump", Function::new(&[Anything], None, |_, v| Ok(Value::text(Spewer::default().dump(&v[0])))));
    functions.add(
        "spewPrintf",
        Function::new(&[Text], Some(Anything), |_, v| Ok(Value::text(Spewer::default().printf(&v[0], &v[1..])))),
    );
    functions.add("customSpew", Function::new(&[], None, |_, _| Ok(Value::object(Spewer::default()))));
    functions.add(
        "withIndent",
        Function::new(&[Text, SPEWER], None, |_, v| {
            Ok(Value::object(Spewer { indent: format::plain_text(&v[0]), ..spewer(&v[1])? }))
        }),
    );
    functions.add(
        "withMaxDepth",
        Function::new(&[Int, SPEWER], None, |_, v| {
            let depth = match &v[0] {
                Value::Int(depth, _) => usize::try_from(*depth).unwrap_or(0),
                _ => 0,
            };
            Ok(Value::object(Spewer { max_depth: depth, ..spewer(&v[1])? }))
        }),
    );
    functions.add(
        "withDisableCapacities",
        Function::new(&[SPEWER], None, |_, v| Ok(Value::object(Spewer { hides_capacity: true, ..spewer(&v[0])? }))),
    );
    for name in [
        "withDisableMethods",
        "withDisablePointerMethods",
        "withDisablePointerAddresses",
        "withContinueOnMethod",
        "withSortKeys",
        "withSpewKeys",
    ] {
        // Keys are always in order, and values have neither methods nor addresses.
        functions.add(name, Function::new(&[SPEWER], None, |_, v| Ok(Value::object(spewer(&v[0])?))));
    }
}

/// How to dump.
#[derive(Debug, Clone)]
struct Spewer {
    indent: String,
    /// 0 for no limit.
    max_depth: usize,
    hides_capacity: bool,
}

impl Default for Spewer {
    fn default() -> Self {
        Self { indent: " ".to_owned(), max_depth: 0, hides_capacity: false }
    }
}

fn spewer(value: &Value) -> Result<Spewer, String> {
    match value {
        Value::Object(object) => object.as_any().downcast_ref::<Spewer>().cloned(),
        _ => None,
    }
    .ok_or_else(|| "customSpew is needed here".to_owned())
}

impl Spewer {
    fn dump(&self, value: &Value) -> String {
        let mut out = String::new();
        self.append(&mut out, value, 0);
        out.push('\n');
        out
    }

    fn append(&self, out: &mut String, value: &Value, depth: usize) {
        let pad = self.indent.repeat(depth);
        let kind = if value.is_nil() { "interface {}".to_owned() } else { value.type_name() };
        match value {
            Value::Text(text) => {
                let quoted = format::quote(text.bytes(), format::Quote::Plain);
                out.push_str(&format!("({kind}) (len={}) {quoted}", text.bytes().len()));
            }
            Value::List(list) => {
                let count = list.items.len();
                out.push_str(&format!("({kind}) "));
                if count > 0 {
                    let capacity = if self.hides_capacity { String::new() } else { format!(" cap={count}") };
                    out.push_str(&format!("(len={count}{capacity}) "));
                }
                let items = list.items.iter().map(|item| (None, item.clone())).collect();
                self.body(out, items, depth, &pad);
            }
            Value::Map(map) => {
                out.push_str(&format!("({kind}) "));
                if !map.is_empty() {
                    out.push_str(&format!("(len={}) ", map.len()));
                }
                let items = map.pairs().into_iter().map(|(key, value)| (Some(Value::Text(key)), value)).collect();
                self.body(out, items, depth, &pad);
            }
            value if value.is_nil() => out.push_str(&format!("({kind}) <nil>")),
            value => out.push_str(&format!("({kind}) {}", format::plain_text(value))),
        }
    }

    fn body(&self, out: &mut String, items: Vec<(Option<Value>, Value)>, depth: usize, pad: &str) {
        out.push_str("{\n");
        let inner = self.indent.repeat(depth + 1);
        let limit = if self.max_depth == 0 { MAX_DEPTH } else { self.max_depth };
        if depth >= limit {
            out.push_str(&format!("{inner}<max depth reached>\n{pad}}}"));
            return;
        }
        let count = items.len();
        for (at, (key, value)) in items.into_iter().enumerate() {
            out.push_str(&inner);
            if let Some(key) = key {
                self.append(out, &key, depth + 1);
                out.push_str(": ");
            }
            self.append(out, &value, depth + 1);
            out.push_str(if at + 1 < count { ",\n" } else { "\n" });
        }
        out.push_str(pad);
        out.push('}');
    }

    /// `%#v` shows types; other verbs are the usual ones.
    fn printf(&self, form: &Value, values: &[Value]) -> Vec<u8> {
        let form = format::plain_text(form);
        let mut out = Vec::new();
        let mut rest = form.as_str();
        let mut next = 0;
        while let Some(at) = rest.find('%') {
            out.extend(rest[..at].bytes());
            let end = rest[at + 1..]
                .find(|c: char| c.is_ascii_alphabetic() || c == '%')
                .map_or(rest.len(), |end| at + end + 2);
            let verb = &rest[at..end];
            rest = &rest[end..];
            if verb == "%%" {
                out.push(b'%');
                continue;
            }
            let value = values.get(next);
            next += 1;
            match value {
                Some(value) if verb == "%#v" || verb == "%#+v" => out.extend(typed(value, true).bytes()),
                Some(value) => out.extend(format::sprintf(verb.as_bytes(), std::slice::from_ref(value))),
                None => out.extend(format::sprintf(verb.as_bytes(), &[])),
            }
        }
        out.extend(rest.bytes());
        out
    }
}

/// A value with its types.
fn typed(value: &Value, named: bool) -> String {
    let kind = if named { format!("({})", value.type_name()) } else { String::new() };
    match value {
        Value::Map(map) => {
            let entries: Vec<String> =
                map.pairs().iter().map(|(key, value)| format!("{}:{}", key.text(), typed(value, true))).collect();
            format!("{kind}map[{}]", entries.join(" "))
        }
        Value::List(list) => {
            let items: Vec<String> = list.items.iter().map(|item| typed(item, true)).collect();
            format!("{kind}[{}]", items.join(" "))
        }
        value if value.is_nil() => "<nil>".to_owned(),
        value => format!("{kind}{}", format::plain_text(value)),
    }
}

impl Object for Spewer {
    fn type_name(&self) -> &'static str {
        "*spew.ConfigState"
    }
    fn kind(&self) -> &'static str {
        "ptr"
    }
    fn get(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
        Some(Ok(Value::text(match (name, arguments) {
            ("Sdump", values) => values.iter().map(|value| self.dump(value)).collect::<String>().into_bytes(),
            ("Sprint", values) => format::print(values),
            ("Sprintln", values) => format::println(values),
            ("Sprintf", [form, values @ ..]) => self.printf(form, values),
            _ => return None,
        })))
    }
    fn show(&self) -> String {
        "spew".to_owned()
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}
