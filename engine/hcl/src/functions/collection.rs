//! Functions on lists and maps.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::convert::{convert, to_text, unify_types};
use crate::types::Type;
use crate::value::{Entries, Value};

use super::{Function, FunctionTable, Outcome, Param, described, items, list_or_tuple, text, whole};

pub(super) fn add(table: &mut FunctionTable) {
    lists(table);
    picks(table);
    maps(table);
}

fn lists(table: &mut FunctionTable) {
    table.add(Function::new("chunklist", vec![Param::any("list"), Param::number("size")], |_, a| {
        let size = usize::try_from(whole(&a[1])?).map_err(|_| "the size must not be negative".to_owned())?;
        let all = items(&a[0])?;
        let size = if size == 0 { all.len().max(1) } else { size };
        Ok(Value::list(all.chunks(size).map(|chunk| list_or_tuple(chunk.to_vec()))))
    }));
    table.add(Function::new("compact", vec![Param::strings("list")], |_, a| {
        let kept = items(&a[0])?.iter().filter(|item| !item.is_null() && item.as_str() != Some(""));
        Ok(Value::list(kept.cloned()))
    }));
    table.add(
        Function::new("concat", vec![], |_, a| {
            let mut all = Vec::new();
            for list in a {
                match list {
                    Value::List(items) | Value::Tuple(items) => all.extend(items.iter().cloned()),
                    other => return Err(format!("all arguments must be lists or tuples, but have {}", other.kind())),
                }
            }
            let lists = a.iter().all(|list| matches!(list, Value::List(_)));
            Ok(if lists { list_or_tuple(all) } else { Value::tuple(all) })
        })
        .variadic_with(Param::any("lists")),
    );
    table.add(Function::new("distinct", vec![Param::any("list")], |_, a| {
        let mut seen = BTreeSet::new();
        let first = items(&a[0])?.iter().filter(|item| seen.insert((*item).clone()));
        Ok(list_or_tuple(first.cloned().collect()))
    }));
    table.add(Function::new("flatten", vec![Param::any("list")], |_, a| {
        let mut flat = Vec::new();
        flatten(items(&a[0])?, &mut flat);
        Ok(Value::tuple(flat))
    }));
    table.add(Function::new(
        "slice",
        vec![Param::any("list"), Param::number("start"), Param::number("end")],
        |_, a| {
            let all = items(&a[0])?;
            let bound =
                |value: &Value| usize::try_from(whole(value)?).map_err(|_| "an index must not be negative".to_owned());
            let (start, end) = (bound(&a[1])?, bound(&a[2])?);
            match all.get(start..end) {
                Some(part) if matches!(a[0], Value::Tuple(_)) => Ok(Value::tuple(part.to_vec())),
                Some(part) => Ok(Value::list(part.to_vec())),
                None => Err(format!(
                    "the indexes {start} and {end} are not within a list of {} elements, in order",
                    all.len()
                )),
            }
        },
    ));
    table.add(Function::new("sort", vec![Param::strings("list")], |_, a| {
        let mut sorted = items(&a[0])?.to_vec();
        sorted.sort_by(Value::order);
        Ok(Value::list(sorted))
    }));
    table.add(Function::new("length", vec![Param::any("collection")], |_, a| match &a[0] {
        Value::Map(entries) => Ok((entries.len() as i64).into()),
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => Ok((items.len() as i64).into()),
        other => Err(format!("the collection must be a list, a map or a tuple, but is a {}", other.kind())),
    }));
}

fn flatten(nested: &[Value], flat: &mut Vec<Value>) {
    for item in nested {
        match item.as_items() {
            Some(inner) => flatten(inner, flat),
            None => flat.push(item.clone()),
        }
    }
}

fn picks(table: &mut FunctionTable) {
    table.add(
        Function::new("coalesce", vec![], |_, a| {
            let kind = unify_types(a.iter().map(Value::type_of)).ok_or("all arguments must have the same type")?;
            match a.iter().find(|value| !value.is_null()) {
                Some(found) => convert(found, &kind).map_err(|error| described(&error)),
                None => Err("no non-null arguments".to_owned()),
            }
        })
        .variadic_with(Param::any("vals").or_null()),
    );
    table.add(
        Function::new("coalescelist", vec![], |_, a| {
            for list in a {
                if !items(list)?.is_empty() {
                    return Ok(list.clone());
                }
            }
            Err("no non-empty list among the arguments".to_owned())
        })
        .variadic_with(Param::any("vals")),
    );
    table.add(Function::new("contains", vec![Param::any("list"), Param::any("value").or_null()], |_, a| {
        Ok(Value::Bool(items(&a[0])?.contains(&a[1])))
    }));
    table.add(Function::new("element", vec![Param::any("list"), Param::number("index")], |_, a| {
        let all = items(&a[0])?;
        if all.is_empty() {
            return Err("cannot use element function with an empty list".to_owned());
        }
        Ok(all[whole(&a[1])?.rem_euclid(all.len() as i64) as usize].clone())
    }));
    table.add(Function::new("index", vec![Param::any("collection"), Param::any("key")], |_, a| match &a[0] {
        Value::Map(entries) => {
            let key = to_text(&a[1]).map_err(|error| described(&error))?;
            entries.get(&key).cloned().ok_or_else(|| format!("there is no element with the key {key:?}"))
        }
        Value::List(items) | Value::Tuple(items) => {
            let number = crate::convert::to_number(&a[1]).map_err(|error| described(&error))?;
            let at = number.as_i64().and_then(|at| usize::try_from(at).ok());
            at.and_then(|at| items.get(at)).cloned().ok_or_else(|| format!("there is no element {number}"))
        }
        other => Err(format!("the collection must be a list, a map or a tuple, but is a {}", other.kind())),
    }));
}

fn maps(table: &mut FunctionTable) {
    table.add(Function::new("keys", vec![Param::any("map")], |_, a| {
        let keys = entries(&a[0])?.keys().map(|key| Value::String(Arc::clone(key)));
        Ok(if matches!(a[0], Value::Map(_)) { Value::list(keys) } else { Value::tuple(keys) })
    }));
    table.add(Function::new("values", vec![Param::any("map")], |_, a| {
        let values = entries(&a[0])?.values().cloned();
        Ok(if matches!(a[0], Value::Map(_)) { Value::list(values) } else { Value::tuple(values) })
    }));
    table.add(Function::new(
        "lookup",
        vec![Param::any("map"), Param::string("key"), Param::any("default").or_null()],
        |_, a| {
            let Some(found) = entries(&a[0])?.get(text(&a[1])) else { return Ok(a[2].clone()) };
            Ok(found.clone())
        },
    ));
    table.add(Function::new("merge", vec![], merge).variadic_with(Param::any("maps").or_null()));
    table.add(Function::new("zipmap", vec![Param::strings("keys"), Param::any("values")], |_, a| {
        let (keys, values) = (items(&a[0])?, items(&a[1])?);
        if keys.len() != values.len() {
            return Err(format!("the number of keys ({}) must be that of values ({})", keys.len(), values.len()));
        }
        let entries: Entries = keys.iter().zip(values).map(|(key, value)| (text(key).into(), value.clone())).collect();
        let entries = Arc::new(entries);
        Ok(if matches!(a[1], Value::Tuple(_)) { Value::Object(entries) } else { Value::Map(entries) })
    }));
}

fn entries(value: &Value) -> Result<&Entries, String> {
    value.as_entries().ok_or_else(|| format!("a map is required, but have {}", value.kind()))
}

fn merge(_: &super::CallEnv<'_>, maps: &[Value]) -> Outcome {
    let mut merged = Entries::new();
    for map in maps.iter().filter(|map| !map.is_null()) {
        for (key, value) in entries(map)? {
            merged.insert(Arc::clone(key), value.clone());
        }
    }
    let all_maps = !maps.is_empty() && maps.iter().all(|map| matches!(map, Value::Map(_)));
    let one_type = || {
        let first = merged.values().next().map(Value::type_of);
        merged.values().all(|value| Some(value.type_of()) == first || value.type_of() == Type::Any)
    };
    Ok(if all_maps && one_type() { Value::Map(Arc::new(merged)) } else { Value::Object(Arc::new(merged)) })
}
