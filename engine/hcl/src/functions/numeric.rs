//! Functions on numbers.

use num_bigint::BigInt;

use crate::number::Number;
use crate::value::Value;

use super::{CallEnv, Function, FunctionTable, Outcome, Param, text, whole};

pub(super) fn add(table: &mut FunctionTable) {
    let one = |name, run: fn(&Number) -> Number| {
        Function::new(name, vec![Param::number("num")], move |_, a| Ok(Value::Number(run(number(&a[0])?))))
    };
    table.add(one("abs", |n| if n.signum() < 0 { n.negate() } else { n.clone() }));
    table.add(one("ceil", Number::ceil));
    table.add(one("floor", Number::floor));
    table.add(Function::new("signum", vec![Param::number("num")], |_, a| {
        whole(&a[0]).map(|number| number.signum().into())
    }));
    table.add(Function::new("max", vec![], |_, a| extreme(a, |a, b| a > b)).variadic_with(Param::number("numbers")));
    table.add(Function::new("min", vec![], |_, a| extreme(a, |a, b| a < b)).variadic_with(Param::number("numbers")));
    table.add(Function::new("log", vec![Param::number("num"), Param::number("base")], |_, a| {
        float_result(number(&a[0])?.to_f64().ln() / number(&a[1])?.to_f64().ln())
    }));
    table.add(Function::new("pow", vec![Param::number("num"), Param::number("power")], |_, a| {
        float_result(number(&a[0])?.to_f64().powf(number(&a[1])?.to_f64()))
    }));
    table.add(Function::new("parseint", vec![Param::any("number"), Param::number("base")], parse_int));
}

fn number(value: &Value) -> Result<&Number, String> {
    value.as_number().ok_or_else(|| "a number is required".to_owned())
}

fn extreme(values: &[Value], better: impl Fn(&Number, &Number) -> bool) -> Outcome {
    let mut numbers = values.iter().filter_map(Value::as_number);
    let first = numbers.next().ok_or("must pass at least one number")?;
    let found = numbers.fold(first, |best, next| if better(next, best) { next } else { best });
    Ok(Value::Number(found.clone()))
}

fn float_result(value: f64) -> Outcome {
    if value.is_nan() {
        return Err("the result is not a number".to_owned());
    }
    Ok(Value::Number(Number::from_f64(value)))
}

fn parse_int(_: &CallEnv<'_>, a: &[Value]) -> Outcome {
    let digits = crate::convert::to_text(&a[0]).map_err(|error| error.to_string())?;
    let base = whole(&a[1])?;
    if !(2..=62).contains(&base) {
        return Err("the base must be between 2 and 62".to_owned());
    }
    let refused = || format!("cannot parse {:?} as a base {base} integer", text(&Value::String(digits.clone())));
    let (negative, body) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    let mut value = BigInt::ZERO;
    for digit in body.chars() {
        let digit = match digit {
            '0'..='9' => i64::from(digit as u32) - i64::from('0' as u32),
            'a'..='z' => i64::from(digit as u32) - i64::from('a' as u32) + 10,
            'A'..='Z' if base <= 36 => i64::from(digit as u32) - i64::from('A' as u32) + 10,
            'A'..='Z' => i64::from(digit as u32) - i64::from('A' as u32) + 36,
            _ => base,
        };
        if digit >= base || value.bits() > 4096 {
            return Err(refused());
        }
        value = value * base + digit;
    }
    if body.is_empty() {
        return Err(refused());
    }
    Ok(Value::Number(Number::from_big(if negative { -value } else { value })))
}
