//! Changes of namespaces and variables, whose difference Drover finds itself.

use std::collections::{BTreeMap, BTreeSet};

use drover_secrets::Masker;

use super::{Action, Change, Write};
use crate::desired::{NamespaceSpec, VariablesSpec};
use crate::live::Live;
use crate::owner;
use crate::preview::{Field, Kind, Line, Sign};

pub(super) fn namespace_change(change: &mut Change, wanted: &NamespaceSpec, live: &Live) -> Option<()> {
    let mut meta = wanted.meta.clone();
    meta.insert(owner::META_STACK.to_owned(), live.stack.clone());
    meta.insert(owner::META_RESOURCE.to_owned(), change.address.clone());
    let found = live.namespaces.get(&change.target);
    let empty = BTreeMap::new();
    let old_description = found.map_or("", |found| found.description.as_str());
    let mut fields: Vec<Field> =
        field("description", Some(old_description), Some(&wanted.description)).into_iter().collect();
    let is_own = |field: &Field| field.name.starts_with("meta.drover.");
    let old_meta = found.map_or(&empty, |found| &found.meta);
    fields.extend(map_fields("meta", old_meta, &meta).into_iter().filter(|field| !is_own(field)));
    let is_same = found.is_some_and(|found| found.description == wanted.description && found.meta == meta);
    if is_same {
        return None;
    }
    change.action = if found.is_none() { Action::Create } else { Action::Update };
    change.lines = plain_lines(&fields, None);
    change.write =
        Write::Namespace(serde_json::json!({"Name": wanted.name, "Description": wanted.description, "Meta": meta}));
    Some(())
}

pub(super) fn variables_change(
    change: &mut Change,
    wanted: &VariablesSpec,
    live: &Live,
    masker: &Masker,
) -> Option<()> {
    let found = live.variables.get(&change.target);
    if found.is_some_and(|found| found.items == wanted.items) {
        return None;
    }
    let empty = BTreeMap::new();
    let fields = map_fields("items", found.map_or(&empty, |found| &found.items), &wanted.items);
    change.action = if found.is_none() { Action::Create } else { Action::Update };
    change.lines = plain_lines(&fields, Some(masker));
    change.write = Write::Variables(serde_json::json!(wanted.items));
    Some(())
}

fn field(name: &str, old: Option<&str>, new: Option<&str>) -> Option<Field> {
    let kind = match (old.filter(|old| !old.is_empty()), new.filter(|new| !new.is_empty())) {
        (None, None) => return None,
        (None, Some(_)) => Kind::Added,
        (Some(_), None) => Kind::Deleted,
        (Some(old), Some(new)) if old == new => return None,
        _ => Kind::Edited,
    };
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Some(Field { kind, name: name.to_owned(), old: text(old), new: text(new), notes: vec![] })
}

fn map_fields(name: &str, old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<Field> {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    keys.into_iter()
        .filter_map(|key| {
            field(&format!("{name}.{key}"), old.get(key).map(String::as_str), new.get(key).map(String::as_str))
        })
        .collect()
}

/// The engine's variables are where secrets live, so their values are never shown: `masker` is given for those.
fn plain_lines(fields: &[Field], secret: Option<&Masker>) -> Vec<Line> {
    fields
        .iter()
        .map(|field| {
            let (sign, value) = match (field.kind, secret.is_some()) {
                (Kind::Added, false) => (Sign::Add, format!("{:?}", field.new)),
                (Kind::Added, true) => (Sign::Add, "(sensitive)".to_owned()),
                (Kind::Deleted, false) => (Sign::Remove, format!("{:?}", field.old)),
                (Kind::Deleted, true) => (Sign::Remove, "(sensitive)".to_owned()),
                (_, false) => (Sign::Change, format!("{:?} -> {:?}", field.old, field.new)),
                (_, true) => (Sign::Change, "(sensitive, changed)".to_owned()),
            };
            Line { indent: 0, sign, text: format!("{} = {value}", field.name) }
        })
        .collect()
}
