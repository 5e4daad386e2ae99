//! Functions of lists.

use super::{Outcome, bounded, int, items, kind};
use crate::functions::{Functions, Type};
use crate::value::Value;

pub(super) fn add(functions: &mut Functions) {
    use Type::{Any, Int};
    for name in ["list", "tuple"] {
        functions.plain(name, &[], Some(Any), |v| Ok(Value::list(v.iter().map(kept).collect())));
    }
    for name in ["first", "mustFirst"] {
        functions
            .plain(name, &[Any], None, |v| Ok(items(&v[0], "find first on")?.items.first().map_or(Value::Nil, kept)));
    }
    for name in ["last", "mustLast"] {
        functions
            .plain(name, &[Any], None, |v| Ok(items(&v[0], "find last on")?.items.last().map_or(Value::Nil, kept)));
    }
    for name in ["rest", "mustRest"] {
        functions.plain(name, &[Any], None, |v| {
            Ok(Value::list(items(&v[0], "find rest on")?.items.iter().skip(1).cloned().collect()))
        });
    }
    for name in ["initial", "mustInitial"] {
        functions.plain(name, &[Any], None, |v| {
            let list = items(&v[0], "find initial on")?;
            Ok(Value::list(list.items[..list.items.len().saturating_sub(1)].to_vec()))
        });
    }
    for name in ["append", "push", "mustAppend", "mustPush"] {
        functions.plain(name, &[Any, Any], None, |v| {
            let mut all = items(&v[0], "push on")?.items.to_vec();
            all.push(kept(&v[1]));
            Ok(Value::list(all))
        });
    }
    for name in ["prepend", "mustPrepend"] {
        functions.plain(name, &[Any, Any], None, |v| {
            let mut all = vec![kept(&v[1])];
            all.extend_from_slice(&items(&v[0], "prepend on")?.items);
            Ok(Value::list(all))
        });
    }
    functions.plain("concat", &[], Some(Any), |v| {
        let mut all = Vec::new();
        for list in v {
            all.extend_from_slice(&items(list, "concat")?.items);
            bounded(all.len())?;
        }
        Ok(Value::list(all))
    });
    for name in ["reverse", "mustReverse"] {
        functions.plain(name, &[Any], None, |v| {
            Ok(Value::list(items(&v[0], "find reverse on")?.items.iter().rev().cloned().collect()))
        });
    }
    for name in ["uniq", "mustUniq"] {
        functions.plain(name, &[Any], None, unique);
    }
    for name in ["without", "mustWithout"] {
        functions.plain(name, &[Any], Some(Any), |v| {
            let kept = |item: &&Value| !v[1..].iter().any(|other| other.same(item));
            Ok(Value::list(items(&v[0], "find without on")?.items.iter().filter(kept).cloned().collect()))
        });
    }
    for name in ["has", "mustHas"] {
        functions.plain(name, &[Any, Any], None, |v| {
            if v[1].is_nil() {
                return Ok(Value::Bool(false));
            }
            Ok(Value::Bool(items(&v[1], "find has on")?.items.iter().any(|item| item.same(&v[0]))))
        });
    }
    for name in ["compact", "mustCompact"] {
        functions.plain(name, &[Any], None, |v| {
            let full = |item: &&Value| !super::defaults::is_empty(item);
            Ok(Value::list(items(&v[0], "compact on")?.items.iter().filter(full).cloned().collect()))
        });
    }
    for name in ["slice", "mustSlice"] {
        functions.plain(name, &[Any], Some(Any), slice);
    }
    for name in ["chunk", "mustChunk"] {
        functions.plain(name, &[Int, Any], None, chunk);
    }
}

/// An item of a list: nothing is a nil there.
fn kept(value: &Value) -> Value {
    if value.is_nil() { Value::Nil } else { value.clone() }
}

fn unique(v: &[Value]) -> Outcome {
    let list = items(&v[0], "find uniq on")?;
    let mut out: Vec<Value> = Vec::new();
    for item in list.items.iter() {
        if !out.iter().any(|known| known.same(item)) {
            out.push(item.clone());
        }
    }
    Ok(Value::list(out))
}

fn slice(v: &[Value]) -> Outcome {
    let Value::List(list) = &v[0] else {
        return Err(format!("list should be type of slice or array but {}", kind(&v[0])));
    };
    let length = list.items.len();
    let at = |index: usize, otherwise: usize| match v.get(index) {
        None => Ok(otherwise),
        Some(value) => usize::try_from(super::numbers::to_int(value))
            .ok()
            .filter(|&at| at <= length)
            .ok_or_else(|| "reflect: slice index out of bounds".to_owned()),
    };
    let (from, to) = (at(1, 0)?, at(2, length)?);
    if from > to {
        return Err("reflect: slice index out of bounds".to_owned());
    }
    Ok(Value::list_of(list.element, list.items[from..to].to_vec()))
}

fn chunk(v: &[Value]) -> Outcome {
    let Value::List(list) = &v[1] else { return Err(format!("Cannot chunk type {}", kind(&v[1]))) };
    let size = usize::try_from(int(&v[0])).ok().filter(|&size| size > 0);
    let Some(size) = size else { return Err("runtime error: integer divide by zero".to_owned()) };
    let chunks = list.items.chunks(size).map(|items| Value::list(items.to_vec())).collect();
    Ok(Value::list_of(crate::value::Element::List, chunks))
}
