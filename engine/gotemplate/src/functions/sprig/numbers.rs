//! Arithmetic and conversions.

use super::{Outcome, bounded, int, shown, text};
use crate::functions::{Functions, Type};
use crate::value::{Element, Value};

pub(super) fn add(functions: &mut Functions) {
    integers(functions);
    floats(functions);
    conversions(functions);
    sequences(functions);
}

fn fold(v: &[Value], first: i64, with: fn(i64, i64) -> i64) -> Outcome {
    Ok(Value::int64(v.iter().map(to_int).fold(first, with)))
}

fn integers(functions: &mut Functions) {
    use Type::Any;
    functions.plain("add", &[], Some(Any), |v| fold(v, 0, i64::wrapping_add));
    functions.plain("add1", &[Any], None, |v| Ok(Value::int64(to_int(&v[0]).wrapping_add(1))));
    functions.plain("sub", &[Any, Any], None, |v| Ok(Value::int64(to_int(&v[0]).wrapping_sub(to_int(&v[1])))));
    functions.plain("mul", &[Any], Some(Any), |v| fold(v, 1, i64::wrapping_mul));
    functions.plain("div", &[Any, Any], None, |v| match to_int(&v[1]) {
        0 => Err("runtime error: integer divide by zero".to_owned()),
        divisor => Ok(Value::int64(to_int(&v[0]).wrapping_div(divisor))),
    });
    functions.plain("mod", &[Any, Any], None, |v| match to_int(&v[1]) {
        0 => Err("runtime error: integer divide by zero".to_owned()),
        divisor => Ok(Value::int64(to_int(&v[0]).wrapping_rem(divisor))),
    });
    for name in ["max", "biggest"] {
        functions.plain(name, &[Any], Some(Any), |v| fold(v, i64::MIN, i64::max));
    }
    functions.plain("min", &[Any], Some(Any), |v| fold(v, i64::MAX, i64::min));
}

fn floats(functions: &mut Functions) {
    use Type::{Any, Float, Int};
    functions.plain("maxf", &[Any], Some(Any), |v| {
        Ok(Value::Float(v.iter().map(to_float).fold(f64::NEG_INFINITY, f64::max)))
    });
    functions
        .plain("minf", &[Any], Some(Any), |v| Ok(Value::Float(v.iter().map(to_float).fold(f64::INFINITY, f64::min))));
    functions.plain("addf", &[], Some(Any), |v| decimal(v, '+'));
    functions.plain("add1f", &[Any], None, |v| decimal(&[v[0].clone(), Value::int(1)], '+'));
    functions.plain("subf", &[Any], Some(Any), |v| decimal(v, '-'));
    functions.plain("mulf", &[Any], Some(Any), |v| decimal(v, '*'));
    functions.plain("divf", &[Any], Some(Any), |v| decimal(v, '/'));
    functions.plain("floor", &[Any], None, |v| Ok(Value::Float(to_float(&v[0]).floor())));
    functions.plain("ceil", &[Any], None, |v| Ok(Value::Float(to_float(&v[0]).ceil())));
    functions.plain("round", &[Any, Int], Some(Float), |v| {
        let on = match v.get(2) {
            Some(Value::Float(on)) => *on,
            _ => 0.5,
        };
        Ok(Value::Float(round(to_float(&v[0]), int(&v[1]), on)))
    });
}

fn conversions(functions: &mut Functions) {
    use Type::{Any, Text};
    functions.plain("int", &[Any], None, |v| Ok(Value::int(to_int(&v[0]))));
    functions.plain("int64", &[Any], None, |v| Ok(Value::int64(to_int(&v[0]))));
    functions.plain("float64", &[Any], None, |v| Ok(Value::Float(to_float(&v[0]))));
    functions.plain("atoi", &[Text], None, |v| Ok(Value::int(text(&v[0]).parse().unwrap_or(0))));
    functions
        .plain("toDecimal", &[Any], None, |v| Ok(Value::int64(i64::from_str_radix(&shown(&v[0]), 8).unwrap_or(0))));
}

fn sequences(functions: &mut Functions) {
    use Type::Int;
    functions.plain("until", &[Int], None, |v| {
        let count = int(&v[0]);
        steps(0, count, if count < 0 { -1 } else { 1 })
    });
    functions.plain("untilStep", &[Int, Int, Int], None, |v| steps(int(&v[0]), int(&v[1]), int(&v[2])));
    functions.plain("seq", &[], Some(Int), |v| {
        let v: Vec<i64> = v.iter().map(int).collect();
        let toward = |from: i64, to: i64| if to < from { -1 } else { 1 };
        let (start, step, end) = match v[..] {
            [end] => (1, toward(1, end), end),
            [start, end] => (start, toward(start, end), end),
            [start, step, end] if step != 0 && (end >= start) == (step > 0) => (start, step, end),
            _ => return Ok(Value::text("")),
        };
        let Value::List(list) = steps(start, end.saturating_add(step.signum()), step)? else {
            return Ok(Value::text(""));
        };
        Ok(Value::text(list.items.iter().map(shown).collect::<Vec<_>>().join(" ")))
    });
}

/// From `start` to before `stop`.
fn steps(start: i64, stop: i64, step: i64) -> Outcome {
    let runs = step > 0 && start < stop || step < 0 && start > stop;
    if !runs {
        return Ok(Value::list_of(Element::Int, Vec::new()));
    }
    let count = start.abs_diff(stop).div_ceil(step.unsigned_abs());
    bounded(usize::try_from(count).unwrap_or(usize::MAX))?;
    let items = (0..i64::try_from(count).unwrap_or(0)).map(|at| Value::int(start + at * step));
    Ok(Value::list_of(Element::Int, items.collect()))
}

/// A number as an integer: floats are cut, texts are read with their base, what is none is 0.
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Int(value, _) => *value,
        #[expect(clippy::cast_possible_truncation, reason = "the language cuts floats")]
        Value::Float(value) => *value as i64,
        Value::Bool(value) => i64::from(*value),
        Value::Text(text) => crate::syntax::integer(&text.text()).unwrap_or(0),
        _ => 0,
    }
}

/// A number as a float; what is none is 0.
pub(super) fn to_float(value: &Value) -> f64 {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "the language rounds large integers")]
        Value::Int(value, _) => *value as f64,
        Value::Float(value) => *value,
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Text(text) => text.text().parse().unwrap_or(0.0),
        _ => 0.0,
    }
}

/// Rounds to places after the point; `on` is the fraction from which on it rounds away from zero.
fn round(value: f64, places: i64, on: f64) -> f64 {
    let scale = 10f64.powi(i32::try_from(places).unwrap_or(0));
    let digit = scale * value;
    let fraction = digit.fract().abs();
    let whole = digit.trunc();
    let rounded = if fraction >= on { whole + digit.signum() } else { whole };
    rounded / scale
}

/// A decimal: an integer and how many of its digits stand after the point.
#[derive(Clone)]
struct Decimal {
    digits: num_bigint::BigInt,
    places: u32,
}

/// Decimals that a division keeps.
const DIVISION_PLACES: u32 = 16;
/// Places of a decimal: beyond this floats are zero or infinite anyway.
const MAX_PLACES: u32 = 400;

impl Decimal {
    fn of(value: &Value) -> Self {
        let number = to_float(value);
        let shown = if number.is_finite() { format!("{number}") } else { "0".to_owned() };
        let (whole, fraction) = shown.split_once('.').unwrap_or((&shown, ""));
        let digits = format!("{whole}{fraction}").parse().unwrap_or_default();
        Self { digits, places: u32::try_from(fraction.len()).unwrap_or(0) }
    }
    /// With this many places.
    fn scaled(&self, places: u32) -> num_bigint::BigInt {
        &self.digits * num_bigint::BigInt::from(10).pow(places - self.places)
    }
    fn with(self, other: Self, operation: char) -> Result<Self, String> {
        let places = self.places.max(other.places);
        Ok(match operation {
            '+' => Self { digits: self.scaled(places) + other.scaled(places), places },
            '-' => Self { digits: self.scaled(places) - other.scaled(places), places },
            '*' => Self { digits: self.digits * other.digits, places: self.places + other.places },
            _ => {
                if other.digits == num_bigint::BigInt::ZERO {
                    return Err("decimal division by 0".to_owned());
                }
                let (a, b) = (self.scaled(places), other.scaled(places));
                let ten = num_bigint::BigInt::from(10);
                // One place more, to round by.
                let quotient = a * ten.pow(DIVISION_PLACES + 1) / b;
                let half = num_bigint::BigInt::from(if quotient.sign() == num_bigint::Sign::Minus { -5 } else { 5 });
                Self { digits: (quotient + half) / ten, places: DIVISION_PLACES }
            }
        })
    }
    fn float(&self) -> f64 {
        let negative = self.digits.sign() == num_bigint::Sign::Minus;
        let digits = self.digits.magnitude().to_string();
        let text = format!("{}{digits}e-{}", if negative { "-" } else { "" }, self.places);
        text.parse().unwrap_or(0.0)
    }
}

/// Operations on decimals, as exact as these are.
fn decimal(v: &[Value], operation: char) -> Outcome {
    let Some((first, rest)) = v.split_first() else { return Ok(Value::Float(0.0)) };
    let mut result = Decimal::of(first);
    for value in rest {
        result = result.with(Decimal::of(value), operation)?;
        if result.places > MAX_PLACES {
            let cut = result.places - MAX_PLACES;
            result = Decimal { digits: result.digits / num_bigint::BigInt::from(10).pow(cut), places: MAX_PLACES };
        }
    }
    Ok(Value::Float(result.float()))
}
