//! Functions of maps.

use super::{Outcome, map, shown, text};
use crate::functions::{Functions, Type};
use crate::value::{Element, Map, Text, Value};

pub(super) fn add(functions: &mut Functions) {
    use Type::{Any, Map as Dict, Text as Str};
    functions.plain("dict", &[], Some(Any), |v| {
        let map = Map::new();
        for pair in v.chunks(2) {
            map.set(Text::from(shown(&pair[0])), pair.get(1).map_or_else(|| Value::text(""), kept));
        }
        Ok(Value::Map(map))
    });
    functions.plain("get", &[Dict, Str], None, |v| Ok(map(&v[0]).get(&name(&v[1])).unwrap_or_else(|| Value::text(""))));
    functions.plain("set", &[Dict, Str, Any], None, |v| {
        if v[0].is_nil() {
            return Err("assignment to entry in nil map".to_owned());
        }
        map(&v[0]).set(name(&v[1]), kept(&v[2]));
        Ok(v[0].clone())
    });
    functions.plain("unset", &[Dict, Str], None, |v| {
        map(&v[0]).entries.borrow_mut().remove(&name(&v[1]));
        Ok(v[0].clone())
    });
    functions.plain("hasKey", &[Dict, Str], None, |v| Ok(Value::Bool(map(&v[0]).get(&name(&v[1])).is_some())));
    functions.plain("keys", &[], Some(Dict), |v| {
        Ok(Value::list_of(
            Element::Text,
            v.iter().flat_map(|v| map(v).pairs()).map(|(key, _)| Value::Text(key)).collect(),
        ))
    });
    functions.plain("values", &[Dict], None, |v| {
        Ok(Value::list(map(&v[0]).pairs().into_iter().map(|(_, value)| value).collect()))
    });
    functions.plain("pluck", &[Str], Some(Dict), |v| {
        let key = name(&v[0]);
        Ok(Value::list(v[1..].iter().filter_map(|v| map(v).get(&key)).collect()))
    });
    functions.plain("pick", &[Dict], Some(Str), |v| {
        let (from, to) = (map(&v[0]), Map::new());
        for key in v[1..].iter().map(name) {
            if let Some(value) = from.get(&key) {
                to.set(key, value);
            }
        }
        Ok(Value::Map(to))
    });
    functions.plain("omit", &[Dict], Some(Str), |v| {
        let without: Vec<Text> = v[1..].iter().map(name).collect();
        Ok(Value::map(map(&v[0]).pairs().into_iter().filter(|(key, _)| !without.contains(key)).collect()))
    });
    for (name, overwrites) in
        [("merge", false), ("mustMerge", false), ("mergeOverwrite", true), ("mustMergeOverwrite", true)]
    {
        functions.plain(name, &[Dict], Some(Dict), if overwrites { merge_over } else { merge_under });
    }
    functions.plain("dig", &[], Some(Any), dig);
    for name in ["deepCopy", "mustDeepCopy"] {
        functions.plain(name, &[Any], None, |v| copy(&v[0], 0));
    }
}

fn name(value: &Value) -> Text {
    Text::from(text(value))
}
fn kept(value: &Value) -> Value {
    if value.is_nil() { Value::Nil } else { value.clone() }
}

fn merge_under(v: &[Value]) -> Outcome {
    merge(v, false)
}
fn merge_over(v: &[Value]) -> Outcome {
    merge(v, true)
}

fn merge(v: &[Value], overwrites: bool) -> Outcome {
    for source in &v[1..] {
        merge_into(&map(&v[0]), &map(source), overwrites, 0)?;
    }
    Ok(v[0].clone())
}

/// The deepest nesting that is merged and copied: a map may hold itself.
const MAX_DEPTH: usize = 100;

fn merge_into(target: &Map, source: &Map, overwrites: bool, depth: usize) -> Result<(), String> {
    if depth == MAX_DEPTH {
        return Err(format!("maps are nested deeper than {MAX_DEPTH} levels"));
    }
    for (key, value) in source.pairs() {
        match (target.get(&key), &value) {
            (Some(Value::Map(inner)), Value::Map(from)) => merge_into(&inner, from, overwrites, depth + 1)?,
            (Some(old), _) if !overwrites && old.is_true() => {}
            _ => target.set(key, value),
        }
    }
    Ok(())
}

/// `dig "a" "b" default map`
fn dig(v: &[Value]) -> Outcome {
    if v.len() < 3 {
        return Err("dig needs at least three arguments".to_owned());
    }
    let (default, mut at) = (&v[v.len() - 2], v[v.len() - 1].clone());
    for key in &v[..v.len() - 2] {
        let Value::Map(map) = &at else {
            return Err(format!(
                "interface conversion: interface {{}} is {}, not map[string]interface {{}}",
                at.type_name()
            ));
        };
        match map.get(&name(key)) {
            Some(value) => at = value,
            None => return Ok(default.clone()),
        }
    }
    Ok(at)
}

fn copy(value: &Value, depth: usize) -> Outcome {
    if depth == MAX_DEPTH {
        return Err(format!("value is nested deeper than {MAX_DEPTH} levels"));
    }
    Ok(match value {
        Value::List(list) => {
            Value::list_of(list.element, list.items.iter().map(|item| copy(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        Value::Map(map) => {
            let to = Map { element: map.element, ..Map::new() };
            for (key, value) in map.pairs() {
                to.set(key, copy(&value, depth + 1)?);
            }
            Value::Map(to)
        }
        value => value.clone(),
    })
}
