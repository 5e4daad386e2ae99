//! Blocks of the resources that are one object in the engine: read by what their kind says they hold.

use drover_base::Nanos;
use drover_hcl::did_you_mean;
use drover_hcl::{Attribute, Block, Body, Diagnostic, Diagnostics, EvalContext, Type, Unresolved, Value, convert};
use serde_json::{Map, Value as Json};

use super::blocks::{COMMON, Instance, resource};
use super::scope::Scope;
use crate::desired::Spec;
use crate::objects::schema::{Field, Form, Many, Part, Schema};
use crate::objects::{ObjectKind, ObjectSpec};

pub(super) fn block(of: ObjectKind, instance: &Instance<'_>, scope: &mut Scope<'_>) -> Result<Value, Diagnostics> {
    let kind = of.kind();
    let body = &instance.block.body;
    let mut own = vec!["name"];
    if kind.is_namespaced() {
        own.push("namespace");
    }
    own.extend(COMMON);
    let mut read = Read { context: instance.context, problems: Diagnostics::new() };
    let raw = read.body(body, &format!("{} `{}` block", article(of.word()), of.word()), kind.schema(), &own);
    let name = read.text(body, "name").unwrap_or_else(|| instance.name.clone());
    let namespace = match (kind.is_namespaced(), read.text(body, "namespace")) {
        (false, _) => String::new(),
        (true, given) => given.unwrap_or_else(|| instance.namespace.clone()),
    };
    let wanted = kind.schema().normal(&raw);
    if !read.problems.has_errors() {
        for (attribute, message) in kind.check(&wanted) {
            let place = body.attribute(attribute).map_or(body.span.start_point(), |found| found.value.expr.span);
            read.problems.push(Diagnostic::error(message, "").at(&body.source, place));
        }
    }
    read.problems.into_result(())?;
    let value = Value::object([("name", Value::from(name.as_str())), ("namespace", Value::from(namespace.as_str()))]);
    let spec = Spec::Object(ObjectSpec { of, namespace, name, body: wanted });
    scope.add(instance.node, resource(instance, spec));
    Ok(value)
}

const fn article(word: &str) -> &'static str {
    if matches!(word.as_bytes(), [b'a', ..]) { "an" } else { "a" }
}

struct Read<'a> {
    context: &'a EvalContext<'a>,
    problems: Diagnostics,
}

impl Read<'_> {
    fn body(&mut self, body: &Body, what: &str, schema: &Schema, extra: &[&str]) -> Json {
        let mut object = Map::new();
        let names = schema.names();
        for attribute in &body.attributes {
            let name = &*attribute.name;
            if let Some(field) = schema.fields.iter().find(|field| field.name == name) {
                if let Some(value) = self.field(attribute, field) {
                    object.insert(field.wire.to_owned(), value);
                }
            } else if !extra.contains(&name) {
                let is_block = names.contains(name);
                let detail = if is_block { format!("it is a block: {name} {{ … }}") } else { String::new() };
                let hint = did_you_mean(name, names.iter().copied().chain(extra.iter().copied()));
                let message = format!("{what} has no attribute `{name}`");
                let source = &attribute.value.source;
                self.problems.push(Diagnostic::error(message, detail).at(source, attribute.name_span).maybe_hint(hint));
            }
        }
        for block in &body.blocks {
            match schema.parts.iter().find(|part| part.name == &*block.kind) {
                Some(part) => self.part(block, part, &mut object),
                None => {
                    let hint = did_you_mean(&block.kind, names.iter().copied());
                    let message = format!("{what} has no block `{}`", block.kind);
                    let source = &block.body.source;
                    self.problems.push(Diagnostic::error(message, "").at(source, block.kind_span).maybe_hint(hint));
                }
            }
        }
        let missing = schema.fields.iter().filter(|field| field.is_required && body.attribute(field.name).is_none());
        for field in missing {
            let message = format!("{what} needs the attribute `{}`", field.name);
            self.problems.push(Diagnostic::error(message, "").at(&body.source, body.span.start_point()));
        }
        Json::Object(object)
    }

    fn part(&mut self, block: &Block, part: &Part, object: &mut Map<String, Json>) {
        let what = format!("{} `{}` block", article(part.name), part.name);
        let source = &block.body.source;
        let mut value = self.body(&block.body, &what, part.schema, &[]);
        match (part.many, block.label(0)) {
            (Many::Labelled(wire), Some(label)) => value[wire] = Json::String(label.to_owned()),
            (Many::Labelled(_), None) => {
                let message = format!("{what} needs a name: {} \"name\" {{ … }}", part.name);
                self.problems.push(Diagnostic::error(message, "").at(source, block.header_span()));
            }
            (_, Some(_)) => {
                let message = format!("{what} has no name");
                self.problems.push(Diagnostic::error(message, "").at(source, block.header_span()));
            }
            (_, None) => {}
        }
        if part.many == Many::One {
            if object.insert(part.wire.to_owned(), value).is_some() {
                let message = format!("there are two `{}` blocks", part.name);
                self.problems.push(Diagnostic::error(message, "").at(source, block.header_span()));
            }
            return;
        }
        let list = object.entry(part.wire).or_insert_with(|| Json::Array(Vec::new()));
        if let Json::Array(list) = list {
            list.push(value);
        }
    }

    fn text(&mut self, body: &Body, name: &'static str) -> Option<String> {
        let attribute = body.attribute(name)?;
        let field = Field::new(name, name, Form::Text);
        self.field(attribute, &field)?.as_str().map(str::to_owned)
    }

    fn field(&mut self, attribute: &Attribute, field: &Field) -> Option<Json> {
        let expression = &attribute.value;
        let kind = match field.form {
            Form::Text | Form::Raw | Form::Secret | Form::Duration | Form::DurationText | Form::Size => Type::String,
            Form::Integer => Type::Number,
            Form::Bool => Type::Bool,
            Form::Texts | Form::Names => Type::List(Box::new(Type::String)),
            Form::Map => Type::Map(Box::new(Type::String)),
        };
        let evaluated = if field.form == Form::Raw {
            expression.evaluate(&self.context.inner().with_unresolved(Unresolved::KeepText))
        } else {
            expression.evaluate(self.context)
        };
        let value = evaluated.and_then(|value| {
            convert(&value, &kind).map_err(|error| {
                expression.error(&format!("`{}` has the wrong type", field.name), error.to_string()).into()
            })
        });
        let value = match value {
            Ok(value) if value.is_null() => return None,
            Ok(value) => value,
            Err(found) => {
                self.problems.extend(found);
                return None;
            }
        };
        let json = value.to_json().unwrap_or(Json::Null);
        formed(field.form, json).or_else(|| {
            let message = match field.form {
                Form::Size => format!("`{}` is a size such as \"10GiB\" or \"500MB\"", field.name),
                Form::Integer => format!("`{}` is a whole number", field.name),
                _ => format!("`{}` is a duration such as \"1h\" or \"30s\"", field.name),
            };
            self.problems.push(expression.error(&message, ""));
            None
        })
    }
}

/// The API's form of a value; none when it is not one.
fn formed(form: Form, json: Json) -> Option<Json> {
    let text = json.as_str();
    match form {
        Form::Duration => Some(Nanos::parse(text?).ok()?.0.into()),
        Form::DurationText => Nanos::parse(text?).is_ok().then_some(json),
        Form::Size => Some(bytes(text?)?.into()),
        Form::Integer => json.as_i64().map(Json::from),
        _ => Some(json),
    }
}

/// `10GiB`, `20G`, or a number of bytes.
fn bytes(text: &str) -> Option<i64> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let unit = text[end..].trim().to_ascii_lowercase();
    let (prefix, base) = match unit.strip_suffix("ib") {
        Some(prefix) => (prefix, 1024_f64),
        None => (unit.strip_suffix('b').unwrap_or(&unit), 1000_f64),
    };
    let power = match prefix {
        "" => 0,
        prefix if prefix.len() == 1 => "kmgtpe".find(prefix)? + 1,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "sizes of volumes are far below 2^63")]
    Some((number * base.powi(i32::try_from(power).ok()?)) as i64)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_powers_of_1000_or_1024() {
        assert_eq!(bytes("10GiB"), Some(10 << 30));
        assert_eq!(bytes("20G"), Some(20_000_000_000));
        assert_eq!(bytes("17"), Some(17));
        assert_eq!(bytes("much"), None);
    }
}
