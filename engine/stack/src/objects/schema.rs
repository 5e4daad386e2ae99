//! What a block may hold and how the API calls it; one form for what is wanted and what is there.

use std::collections::{BTreeMap, BTreeSet};

use drover_base::Nanos;
use serde_json::{Map, Value as Json};

/// The form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A text.
    Text,
    /// A text in which `${…}` is the engine's own.
    Raw,
    /// A text that is never shown.
    Secret,
    /// A whole number.
    Integer,
    /// True or false.
    Bool,
    /// A duration, in nanoseconds for the API.
    Duration,
    /// A duration, as a text for the API.
    DurationText,
    /// A size such as `10GiB`, in bytes for the API.
    Size,
    /// A list of texts.
    Texts,
    /// A list of names, for the API objects with a `Name`.
    Names,
    /// Texts by name.
    Map,
}

/// What counts when a value is not given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Absent {
    /// Nothing, empty, zero.
    Empty,
    /// This text.
    Text(&'static str),
    /// This number.
    Integer(i64),
    /// What is there stays.
    Keep,
}

/// An attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// In a stack.
    pub(crate) name: &'static str,
    /// In the API.
    pub(crate) wire: &'static str,
    pub(crate) form: Form,
    pub(crate) absent: Absent,
    pub(crate) is_required: bool,
    /// Whether the object has to be made anew when it changes.
    pub(crate) recreates: bool,
}

impl Field {
    pub(crate) const fn new(name: &'static str, wire: &'static str, form: Form) -> Self {
        Self { name, wire, form, absent: Absent::Empty, is_required: false, recreates: false }
    }

    pub(crate) const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    pub(crate) const fn absent(self, absent: Absent) -> Self {
        Self { absent, ..self }
    }

    pub(crate) const fn kept(self) -> Self {
        Self { absent: Absent::Keep, ..self }
    }

    pub(crate) const fn recreates(self) -> Self {
        Self { recreates: true, ..self }
    }
}

/// How often a nested block may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Many {
    /// At most once.
    One,
    /// Any number of times.
    List,
    /// Any number of times, with a label that the API calls so.
    Labelled(&'static str),
}

/// A nested block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) wire: &'static str,
    pub(crate) many: Many,
    pub(crate) schema: &'static Schema,
}

/// The attributes and blocks within a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schema {
    pub(crate) fields: &'static [Field],
    pub(crate) parts: &'static [Part],
}

/// A shown value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) text: String,
    pub(crate) is_secret: bool,
    pub(crate) recreates: bool,
}

/// What the engine answers in place of a secret that it has.
const REDACTED: [&str; 2] = ["redacted", "<redacted>"];

impl Schema {
    /// The values that Drover looks after, each in one form. Doing it twice changes nothing more.
    pub(crate) fn normal(&self, value: &Json) -> Json {
        let mut object = Map::new();
        for field in self.fields {
            let found = &value[field.wire];
            let normal = if found.is_null() { field.missing() } else { Some(normal(field.form, found)) };
            if let Some(normal) = normal {
                object.insert(field.wire.to_owned(), normal);
            }
        }
        for part in self.parts {
            let found = &value[part.wire];
            let normal = if part.many == Many::One {
                part.schema.normal(found)
            } else {
                let items = found.as_array().into_iter().flatten();
                Json::Array(items.map(|item| labelled(part, item, part.schema.normal(item))).collect())
            };
            object.insert(part.wire.to_owned(), normal);
        }
        Json::Object(object)
    }

    /// What is there, in one form, without what `wanted` leaves to the engine. A secret that the engine does not tell counts as
    /// the wanted one.
    pub(crate) fn comparable(&self, live: &Json, wanted: &Json) -> Json {
        let mut live = self.normal(live);
        self.adapt(&mut live, wanted);
        live
    }

    fn adapt(&self, live: &mut Json, wanted: &Json) {
        let Some(object) = live.as_object_mut() else { return };
        for field in self.fields {
            if wanted[field.wire].is_null() {
                object.remove(field.wire);
            } else if field.form == Form::Secret
                && object.get(field.wire).and_then(Json::as_str).is_some_and(|text| REDACTED.contains(&text))
            {
                object.insert(field.wire.to_owned(), wanted[field.wire].clone());
            }
        }
        for part in self.parts.iter().filter(|part| part.many == Many::One) {
            if let Some(inner) = object.get_mut(part.wire) {
                part.schema.adapt(inner, &wanted[part.wire]);
            }
        }
    }

    /// The body of a write: nested blocks that say nothing are left out.
    pub(crate) fn body(&self, normal: &Json) -> Map<String, Json> {
        let mut body = normal.as_object().cloned().unwrap_or_default();
        for part in self.parts.iter().filter(|part| part.many == Many::One) {
            let says_nothing = normal[part.wire] == part.schema.normal(&Json::Null);
            if says_nothing {
                body.remove(part.wire);
            } else {
                body.insert(part.wire.to_owned(), Json::Object(part.schema.body(&normal[part.wire])));
            }
        }
        for field in self.fields {
            if field.form == Form::Names
                && let Some(names) = body.get(field.wire).and_then(Json::as_array)
            {
                let named = names.iter().map(|name| serde_json::json!({"Name": name})).collect();
                body.insert(field.wire.to_owned(), Json::Array(named));
            }
        }
        body
    }

    /// Every value under the name that it has in a stack.
    pub(crate) fn flat(&self, normal: &Json) -> BTreeMap<String, Shown> {
        let mut flat = BTreeMap::new();
        self.flatten("", normal, &mut flat);
        flat
    }

    fn flatten(&self, prefix: &str, normal: &Json, flat: &mut BTreeMap<String, Shown>) {
        for field in self.fields {
            let value = &normal[field.wire];
            let mut add = |name: String, text: String| {
                let shown = Shown { text, is_secret: field.form == Form::Secret, recreates: field.recreates };
                flat.insert(name, shown);
            };
            match (field.form, value) {
                (_, Json::Null) => {}
                (Form::Map, value) => {
                    for (key, value) in value.as_object().into_iter().flatten() {
                        add(format!("{prefix}{}[{key}]", field.name), plain(value));
                    }
                }
                (Form::Texts | Form::Names, value) => {
                    let texts: Vec<String> = value.as_array().into_iter().flatten().map(plain).collect();
                    add(format!("{prefix}{}", field.name), texts.join(", "));
                }
                (Form::Duration, value) => {
                    let shown = value.as_i64().map_or_else(String::new, |nanos| match nanos {
                        0 => String::new(),
                        nanos => Nanos(nanos).to_string(),
                    });
                    add(format!("{prefix}{}", field.name), shown);
                }
                (_, value) => add(format!("{prefix}{}", field.name), plain(value)),
            }
        }
        for part in self.parts {
            let value = &normal[part.wire];
            match part.many {
                Many::One => part.schema.flatten(&format!("{prefix}{}.", part.name), value, flat),
                Many::List | Many::Labelled(_) => {
                    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                        let key = match part.many {
                            Many::Labelled(wire) => format!("{:?}", plain(&item[wire])),
                            _ => at.to_string(),
                        };
                        part.schema.flatten(&format!("{prefix}{}[{key}].", part.name), item, flat);
                    }
                }
            }
        }
    }

    /// The names of all attributes and blocks, for hints.
    pub(crate) fn names(&self) -> BTreeSet<&'static str> {
        self.fields.iter().map(|field| field.name).chain(self.parts.iter().map(|part| part.name)).collect()
    }
}

impl Field {
    fn missing(&self) -> Option<Json> {
        Some(match self.absent {
            Absent::Keep => return None,
            Absent::Text(text) => Json::String(text.to_owned()),
            Absent::Integer(number) => number.into(),
            Absent::Empty => match self.form {
                Form::Text | Form::Raw | Form::Secret => Json::String(String::new()),
                Form::DurationText => Json::String("0s".to_owned()),
                Form::Integer | Form::Duration | Form::Size => 0.into(),
                Form::Bool => false.into(),
                Form::Texts | Form::Names => Json::Array(Vec::new()),
                Form::Map => Json::Object(Map::new()),
            },
        })
    }
}

fn labelled(part: &Part, item: &Json, mut normal: Json) -> Json {
    if let Many::Labelled(wire) = part.many {
        normal[wire] = item[wire].clone();
    }
    normal
}

fn normal(form: Form, value: &Json) -> Json {
    match form {
        Form::DurationText => match value.as_str().map(Nanos::parse) {
            Some(Ok(duration)) => Json::String(duration.to_string()),
            _ => value.clone(),
        },
        Form::Names => {
            let name = |item: &Json| if item.is_object() { item["Name"].clone() } else { item.clone() };
            let mut names: Vec<Json> = value.as_array().into_iter().flatten().map(name).collect();
            // The engine has them in no particular order.
            names.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            Json::Array(names)
        }
        Form::Map => {
            let sorted: BTreeMap<&String, &Json> = value.as_object().into_iter().flatten().collect();
            Json::Object(sorted.into_iter().map(|(key, value)| (key.clone(), Json::String(plain(value)))).collect())
        }
        _ => value.clone(),
    }
}

/// A text without quotes, anything else as JSON.
fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const INNER: Schema = Schema { fields: &[Field::new("ttl", "TTL", Form::DurationText)], parts: &[] };
    const OUTER: Schema = Schema {
        fields: &[
            Field::new("names", "Names", Form::Names),
            Field::new("meta", "Meta", Form::Map),
            Field::new("mode", "Mode", Form::Text).kept(),
            Field::new("key", "Key", Form::Secret),
        ],
        parts: &[Part { name: "inner", wire: "Inner", many: Many::One, schema: &INNER }],
    };

    #[test]
    fn both_sides_come_to_one_form() {
        let wanted = OUTER.normal(&json!({"Names": ["b", "a"], "Key": "hunter2", "Inner": {"TTL": "1h"}}));
        let live = json!({"Names": [{"Name": "a"}, {"Name": "b"}], "Meta": null, "Mode": "x", "Key": "redacted",
            "Inner": {"TTL": "1h0m0s"}, "ModifyIndex": 7});
        assert_eq!(OUTER.comparable(&live, &wanted), wanted);
        assert_eq!(OUTER.normal(&wanted), wanted, "doing it twice changes nothing");
        let body = OUTER.body(&wanted);
        assert_eq!(body["Names"], json!([{"Name": "a"}, {"Name": "b"}]));
        assert!(!OUTER.body(&OUTER.normal(&json!({}))).contains_key("Inner"), "what says nothing is not written");
    }

    #[test]
    fn values_are_shown_under_the_names_of_the_stack() {
        let flat = OUTER.flat(&OUTER.normal(&json!({"Meta": {"a": "b"}, "Inner": {"TTL": "60s"}})));
        assert_eq!(flat["meta[a]"].text, "b");
        assert_eq!(flat["inner.ttl"].text, "1m0s");
        assert!(flat["key"].is_secret);
    }
}
