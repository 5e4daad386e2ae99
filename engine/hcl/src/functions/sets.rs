//! Functions on sets, and the numbers that `range` makes.

use std::collections::BTreeSet;

use crate::convert::{convert, unify_types};
use crate::number::Number;
use crate::value::Value;

use super::{CallEnv, Function, FunctionTable, Outcome, Param, described, items};

/// Most numbers that `range` gives.
const MAX_RANGE: usize = 1024;
/// Most tuples that `setproduct` gives.
const MAX_PRODUCT: usize = 1 << 20;

pub(super) fn add(table: &mut FunctionTable) {
    table.add(
        Function::new("setunion", vec![Param::any("first")], |_, a| {
            let sets = same_type(a)?;
            Ok(Value::set(sets.into_iter().flatten()))
        })
        .variadic_with(Param::any("others")),
    );
    table.add(
        Function::new("setintersection", vec![Param::any("first")], |_, a| {
            let sets = same_type(a)?;
            let (first, others) = sets.split_first().ok_or("a set is required")?;
            let others: Vec<BTreeSet<&Value>> = others.iter().map(|set| set.iter().collect()).collect();
            Ok(Value::set(first.iter().filter(|item| others.iter().all(|set| set.contains(item))).cloned()))
        })
        .variadic_with(Param::any("others")),
    );
    table.add(Function::new("setproduct", vec![], product).variadic_with(Param::any("sets")));
    table.add(Function::new("range", vec![], range).variadic_with(Param::number("params")));
}

/// The elements of each argument, all in the type that they have in common.
fn same_type(sets: &[Value]) -> Result<Vec<Vec<Value>>, String> {
    let mut kinds = Vec::new();
    for set in sets {
        kinds.extend(items(set)?.iter().map(Value::type_of));
    }
    let kind = unify_types(kinds).ok_or("all sets must have the same element type")?;
    let converted = |set: &Value| {
        let all = items(set)?.iter().map(|item| convert(item, &kind).map_err(|error| described(&error)));
        all.collect::<Result<Vec<Value>, String>>()
    };
    sets.iter().map(converted).collect()
}

fn product(_: &CallEnv<'_>, sets: &[Value]) -> Outcome {
    if sets.len() < 2 {
        return Err("at least two arguments are required".to_owned());
    }
    let mut count: usize = 1;
    for set in sets {
        count = count.saturating_mul(items(set)?.len());
    }
    if count > MAX_PRODUCT {
        return Err(format!("the product has {count} elements; at most {MAX_PRODUCT} are made"));
    }
    let mut tuples = vec![Vec::new()];
    for set in sets {
        let longer = |tuple: Vec<Value>| {
            let all = set.as_items().unwrap_or_default();
            all.iter()
                .map(move |item| tuple.iter().cloned().chain([item.clone()]).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        tuples = tuples.into_iter().flat_map(longer).collect();
    }
    let tuples = tuples.into_iter().map(Value::tuple);
    let all_sets = sets.iter().all(|set| matches!(set, Value::Set(_)));
    Ok(if all_sets { Value::set(tuples) } else { Value::list(tuples) })
}

fn range(_: &CallEnv<'_>, bounds: &[Value]) -> Outcome {
    let numbers: Vec<&Number> = bounds.iter().filter_map(Value::as_number).collect();
    let zero = Number::ZERO;
    let (start, end) = match numbers.as_slice() {
        [end] => (&zero, *end),
        [start, end] | [start, end, _] => (*start, *end),
        _ => return Err("one, two or three numbers are required".to_owned()),
    };
    let down = end < start;
    let step = match numbers.get(2) {
        Some(step) => (*step).clone(),
        None => Number::Int(if down { -1 } else { 1 }),
    };
    if start == end {
        return Ok(Value::list([]));
    }
    if step.signum() == 0 || (step.signum() < 0) != down {
        return Err(format!("a step of {step} does not lead from {start} to {end}"));
    }
    let mut list = Vec::new();
    let mut next = start.clone();
    while if down { next > *end } else { next < *end } {
        if list.len() == MAX_RANGE {
            return Err(format!("more than {MAX_RANGE} values; a larger step or nearer ends are needed"));
        }
        list.push(Value::Number(next.clone()));
        next = next.add(&step).ok_or("the numbers are infinite")?;
    }
    Ok(Value::list(list))
}
