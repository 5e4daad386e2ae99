//! Compares blocks by their shapes.

use crate::shapes::{Child, Lone, Shape};
use crate::tree::{DiffType, FieldDiff, ObjectDiff};
use drover_base::tape::{Scalar, View};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Simple values by name.
type Flat<'v> = BTreeMap<Cow<'v, str>, Cow<'v, str>>;

/// Whether unchanged neighbours of changed values are shown too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    Shown,
    Hidden,
}

/// The simple values of a block.
pub(crate) fn fields(shape: &Shape, old: Option<View<'_>>, new: Option<View<'_>>, context: Context) -> Vec<FieldDiff> {
    let mut diffs = field_diffs(&flatten(shape, old), &flatten(shape, new), context);
    if old.is_none() || new.is_none() {
        diffs.retain(|diff| !shape.edits_only.contains(&diff.name.as_str()));
    }
    diffs
}

fn field_diffs(old: &Flat<'_>, new: &Flat<'_>, context: Context) -> Vec<FieldDiff> {
    let mut diffs = Vec::new();
    let (mut olds, mut news) = (old.iter().peekable(), new.iter().peekable());
    loop {
        let order = match (olds.peek(), news.peek()) {
            (Some((old, _)), Some((new, _))) => old.cmp(new),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return diffs,
        };
        let was = if order.is_le() { olds.next() } else { None };
        let is = if order.is_ge() { news.next() } else { None };
        let Some((name, _)) = was.or(is) else { continue };
        let (was, is) = (was.map_or("", |(_, text)| text), is.map_or("", |(_, text)| text));
        if context == Context::Shown || was != is {
            diffs.push(field_diff(name, was.to_owned(), is.to_owned()));
        }
    }
}

fn field_diff(name: &str, old: String, new: String) -> FieldDiff {
    let kind = match (old.is_empty(), new.is_empty()) {
        _ if old == new => DiffType::None,
        (true, false) => DiffType::Added,
        (false, true) => DiffType::Deleted,
        _ => DiffType::Edited,
    };
    FieldDiff { kind, name: name.to_owned(), old, new, annotations: Vec::new() }
}

fn flatten<'v>(shape: &Shape, side: Option<View<'v>>) -> Flat<'v> {
    let Some(value) = side else { return Flat::new() };
    let mut flat: Flat<'_> =
        shape.zeros.iter().map(|(name, text)| (Cow::Borrowed(*name), Cow::Borrowed(*text))).collect();
    for (name, value) in value.entries() {
        if shape.skip.contains(&name) {
            continue;
        }
        if value.is_null() && shape.nils.contains(&name) {
            flat.insert(name.into(), "nil".into());
        } else if value.is_object() && shape.maps.contains(&name) {
            for (inner, value) in value.entries() {
                flat.insert(format!("{name}[{inner}]").into(), simple(value).unwrap_or_default());
            }
        } else if value.is_list() && shape.joined.contains(&name) {
            let texts: Vec<_> = value.items().filter_map(simple).collect();
            flat.insert(name.into(), texts.join(",").into());
        } else if let Some(text) = simple(value) {
            flat.insert(name.into(), text);
        }
    }
    flat
}

/// The text of a value without parts; null has none.
fn simple(value: View<'_>) -> Option<Cow<'_, str>> {
    value.scalar().filter(|scalar| *scalar != Scalar::Null).map(Scalar::to_text)
}

/// The text of a field; empty when it has none.
pub(crate) fn text_of<'v>(value: View<'v>, field: &str) -> &'v str {
    value.get(field).and_then(View::as_str).unwrap_or_default()
}

/// What is within a block.
pub(crate) fn children(
    shape: &Shape,
    old: Option<View<'_>>,
    new: Option<View<'_>>,
    context: Context,
) -> Vec<ObjectDiff> {
    let mut out = Vec::new();
    for child in shape.children {
        match child {
            Child::Strings(key) => out.extend(strings(key, part(old, key), part(new, key), context)),
            Child::One(key, shape) => out.extend(object(shape, part(old, key), part(new, key), context)),
            Child::Set(key, shape) => {
                out.extend(paired(shape, items(part(old, key)), items(part(new, key)), (&[], Lone::OfAll), context));
            }
            Child::Paired(key, shape, by, lone) => {
                out.extend(paired(shape, items(part(old, key)), items(part(new, key)), (by, *lone), context));
            }
            Child::Keyed(key, shape, field) => {
                let (old, new) = (keyed(part(old, key), field), keyed(part(new, key), field));
                out.extend(by_key(shape, &old, &new, context));
            }
            Child::Placed(key, shape) => {
                let placed = |side| items(part(side, key)).into_iter().enumerate().collect();
                out.extend(by_key(shape, &placed(old), &placed(new), context));
            }
            Child::Map(key, shape) => {
                let entries = |side| part(side, key).into_iter().flat_map(View::entries).collect();
                out.extend(by_key(shape, &entries(old), &entries(new), context));
            }
            Child::Free(key, name) => out.extend(free(name, part(old, key), part(new, key), context)),
        }
    }
    out
}

/// A part of a block; empty ones count as absent.
fn part<'v>(side: Option<View<'v>>, key: &str) -> Option<View<'v>> {
    side?.get(key).filter(|value| !value.is_null() && !value.is_hollow())
}

/// One block; nothing when both sides are equal.
fn object(shape: &Shape, old: Option<View<'_>>, new: Option<View<'_>>, context: Context) -> Option<ObjectDiff> {
    let kind = DiffType::of(old, new);
    if kind == DiffType::None {
        return None;
    }
    let fields = fields(shape, old, new, context);
    if shape.by_fields {
        let kind = kind_of_fields(&fields);
        let name = shape.name.to_owned();
        return (kind != DiffType::None).then_some(ObjectDiff { kind, name, fields, objects: Vec::new() });
    }
    let objects = children(shape, old, new, context);
    // What is not compared is no change of a block that has nothing else.
    let has_change = kind != DiffType::Edited
        || shape.skip.is_empty()
        || !objects.is_empty()
        || fields.iter().any(|field| field.kind != DiffType::None);
    has_change.then(|| ObjectDiff { kind, name: shape.name.to_owned(), fields, objects })
}

fn kind_of_fields(fields: &[FieldDiff]) -> DiffType {
    let mut kinds = fields.iter().map(|field| field.kind).filter(|kind| *kind != DiffType::None);
    let Some(first) = kinds.next() else { return DiffType::None };
    if kinds.all(|kind| kind == first) { first } else { DiffType::Edited }
}

fn strings(name: &str, old: Option<View<'_>>, new: Option<View<'_>>, context: Context) -> Option<ObjectDiff> {
    let (old, new) = (texts(old), texts(new));
    if (old.is_empty() && new.is_empty()) || (old == new && context == Context::Hidden) {
        return None;
    }
    let kind = match (old.is_subset(&new), new.is_subset(&old)) {
        (true, true) => DiffType::None,
        (true, false) => DiffType::Added,
        (false, true) => DiffType::Deleted,
        (false, false) => DiffType::Edited,
    };
    let added = new.difference(&old).map(|text| field_diff(name, String::new(), text.to_string()));
    let deleted = old.difference(&new).map(|text| field_diff(name, text.to_string(), String::new()));
    let same = old.intersection(&new).filter(|_| context == Context::Shown);
    let same = same.map(|text| field_diff(name, text.to_string(), text.to_string()));
    let mut fields: Vec<FieldDiff> = added.chain(deleted).chain(same).collect();
    fields.sort_by(|a, b| (&a.old, &a.new).cmp(&(&b.old, &b.new)));
    Some(ObjectDiff { kind, name: name.to_owned(), fields, objects: Vec::new() })
}

fn texts(side: Option<View<'_>>) -> BTreeSet<Cow<'_, str>> {
    side.into_iter().flat_map(View::items).filter_map(simple).collect()
}

fn paired<'v>(
    shape: &Shape,
    mut old: Vec<View<'v>>,
    mut new: Vec<View<'v>>,
    (by, lone): (&[&str], Lone),
    context: Context,
) -> Vec<ObjectDiff> {
    let mut out = Vec::new();
    let only = |old: &[View<'_>], new: &[View<'_>]| !by.is_empty() && old.len() == 1 && new.len() == 1;
    let are_alone = only(&old, &new);
    // What is on both sides is no difference, however often it is there.
    old.retain(|item| match new.iter().position(|other| other == item) {
        Some(at) => {
            new.remove(at);
            false
        }
        None => true,
    });
    if are_alone || (lone == Lone::OfChanged && only(&old, &new)) {
        let (was, is) = (old.pop(), new.pop());
        return object(shape, was, is, context).into_iter().collect();
    }
    // The more of the fields agree, the better the pair.
    for len in (1..=by.len()).rev() {
        old.retain(|item| {
            let is_pair = |other: &View<'_>| by[..len].iter().all(|key| item.get(key) == other.get(key));
            match new.iter().position(is_pair) {
                Some(at) => {
                    out.extend(object(shape, Some(*item), Some(new.remove(at)), context));
                    false
                }
                None => true,
            }
        });
    }
    out.extend(new.into_iter().filter_map(|item| object(shape, None, Some(item), context)));
    out.extend(old.into_iter().filter_map(|item| object(shape, Some(item), None, context)));
    out.sort_by_cached_key(order);
    out
}

fn items(side: Option<View<'_>>) -> Vec<View<'_>> {
    side.into_iter().flat_map(View::items).collect()
}

fn keyed<'v>(side: Option<View<'v>>, field: &str) -> BTreeMap<&'v str, View<'v>> {
    items(side).into_iter().map(|item| (text_of(item, field), item)).collect()
}

fn by_key<K: Ord>(
    shape: &Shape,
    old: &BTreeMap<K, View<'_>>,
    new: &BTreeMap<K, View<'_>>,
    context: Context,
) -> Vec<ObjectDiff> {
    let keys: BTreeSet<&K> = old.keys().chain(new.keys()).collect();
    let one = |key| object(shape, old.get(key).copied(), new.get(key).copied(), context);
    let mut out: Vec<ObjectDiff> = keys.into_iter().filter_map(one).collect();
    out.sort_by_cached_key(order);
    out
}

/// By what was there before, new ones first, then by what is there now.
fn order(diff: &ObjectDiff) -> (Vec<(String, String)>, DiffType, Vec<String>) {
    let old = diff.fields.iter().map(|field| (field.name.clone(), field.old.clone())).collect();
    (old, diff.kind, diff.fields.iter().map(|field| field.new.clone()).collect())
}

fn free(name: &str, old: Option<View<'_>>, new: Option<View<'_>>, context: Context) -> Option<ObjectDiff> {
    let kind = DiffType::of(old, new);
    if kind == DiffType::None {
        return None;
    }
    let fields = field_diffs(&free_fields(old), &free_fields(new), context);
    Some(ObjectDiff { kind, name: name.to_owned(), fields, objects: Vec::new() })
}

fn free_fields(side: Option<View<'_>>) -> Flat<'_> {
    let mut flat = Flat::new();
    for (key, value) in side.into_iter().flat_map(View::entries) {
        flatten_free(key.into(), value, &mut flat);
    }
    flat
}

fn flatten_free<'v>(path: Cow<'v, str>, value: View<'v>, flat: &mut Flat<'v>) {
    let Some(scalar) = value.scalar() else {
        value.entries().for_each(|(key, value)| flatten_free(format!("{path}[{key}]").into(), value, flat));
        for (i, value) in value.items().enumerate() {
            flatten_free(format!("{path}[{i}]").into(), value, flat);
        }
        return;
    };
    let text = match scalar {
        Scalar::Null => "nil".into(),
        other => other.as_f64().map_or_else(|| other.to_text(), |number| float_text(number).into()),
    };
    flat.insert(path, text);
}

/// Free-form numbers are floats: shortest digits, with an exponent below 0.0001 and from a million on, as the reference prints them.
fn float_text(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if number == 0.0 || (-4..6).contains(&exponent) {
        return number.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}
