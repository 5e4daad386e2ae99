//! `format` and `formatlist`.

use crate::convert::{convert, to_text};
use crate::number::Number;
use crate::types::Type;
use crate::value::Value;

use super::encoding::json_text;
use super::{CallEnv, Function, FunctionTable, Outcome, Param, text};

/// Largest width or precision of a verb.
const MAX_WIDTH: usize = 4096;
/// Most texts that `formatlist` makes.
const MAX_TEXTS: usize = 100_000;

pub(super) fn add(table: &mut FunctionTable) {
    table.add(
        Function::new("format", vec![Param::string("format")], |_, a| {
            format_values(text(&a[0]), &a[1..]).map(Value::from)
        })
        .variadic_with(Param::any("args").or_null()),
    );
    table.add(
        Function::new("formatlist", vec![Param::string("format")], format_list)
            .variadic_with(Param::any("args").or_null()),
    );
}

fn format_list(_: &CallEnv<'_>, a: &[Value]) -> Outcome {
    let mut length = None;
    for items in a[1..].iter().filter_map(Value::as_items) {
        match length {
            Some(expected) if expected != items.len() => {
                return Err(format!(
                    "lists of {expected} and of {} elements cannot be formatted together",
                    items.len()
                ));
            }
            _ => length = Some(items.len()),
        }
    }
    let count = length.unwrap_or(1);
    if count > MAX_TEXTS {
        return Err(format!("at most {MAX_TEXTS} texts are made"));
    }
    let row = |at: usize| {
        let pick = |value: &Value| value.as_items().map_or_else(|| value.clone(), |items| items[at].clone());
        let arguments: Vec<Value> = a[1..].iter().map(pick).collect();
        format_values(text(&a[0]), &arguments).map(Value::from)
    };
    (0..count).map(row).collect::<Result<Vec<_>, _>>().map(Value::list)
}

/// One `%` verb with its flags.
#[derive(Default)]
struct Verb {
    plus: bool,
    minus: bool,
    zero: bool,
    space: bool,
    sharp: bool,
    width: usize,
    precision: Option<usize>,
    argument: Option<usize>,
    mode: char,
}

fn format_values(pattern: &str, arguments: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = pattern;
    let mut next = 0;
    let mut used = 0;
    let mut explicit = false;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let (verb, after) = read_verb(&rest[at..])?;
        rest = after;
        if verb.mode == '%' {
            out.push('%');
            continue;
        }
        let position = match verb.argument {
            Some(number) => {
                explicit = true;
                number.checked_sub(1).ok_or("arguments are counted from 1")?
            }
            None => next,
        };
        next = position + 1;
        used = used.max(next);
        let value = arguments.get(position).ok_or_else(|| {
            format!(
                "not enough arguments for {pattern:?}: argument {} is needed, {} given",
                position + 1,
                arguments.len()
            )
        })?;
        out.push_str(&verb.apply(value)?);
    }
    out.push_str(rest);
    if used < arguments.len() && !explicit {
        return Err(format!("too many arguments; only {used} used by the format text"));
    }
    Ok(out)
}

fn read_verb(text: &str) -> Result<(Verb, &str), String> {
    let mut verb = Verb::default();
    let mut rest = &text[1..];
    loop {
        match rest.as_bytes().first() {
            Some(b'+') => verb.plus = true,
            Some(b'-') => verb.minus = true,
            Some(b'0') => verb.zero = true,
            Some(b' ') => verb.space = true,
            Some(b'#') => verb.sharp = true,
            _ => break,
        }
        rest = &rest[1..];
    }
    if let Some(inner) = rest.strip_prefix('[') {
        let (number, after) = inner.split_once(']').ok_or("a [ without its ]")?;
        verb.argument = Some(number.parse().map_err(|_| format!("{number:?} is not an argument's number"))?);
        rest = after;
    }
    (verb.width, rest) = take_size(rest)?.map_or((0, rest), |found| found);
    if let Some(after) = rest.strip_prefix('.') {
        let (precision, after) = take_size(after)?.unwrap_or((0, after));
        verb.precision = Some(precision);
        rest = after;
    }
    if let Some(inner) = rest.strip_prefix('[') {
        let (number, after) = inner.split_once(']').ok_or("a [ without its ]")?;
        verb.argument = Some(number.parse().map_err(|_| format!("{number:?} is not an argument's number"))?);
        rest = after;
    }
    verb.mode = rest.chars().next().ok_or("the text ends within a verb; write %% for a literal %")?;
    rest = &rest[verb.mode.len_utf8()..];
    Ok((verb, rest))
}

fn take_size(text: &str) -> Result<Option<(usize, &str)>, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return Ok(None);
    }
    match text[..digits].parse() {
        Ok(size) if size <= MAX_WIDTH => Ok(Some((size, &text[digits..]))),
        _ => Err(format!("a width or precision may be at most {MAX_WIDTH}")),
    }
}

impl Verb {
    fn apply(&self, value: &Value) -> Result<String, String> {
        if value.is_null() && self.mode != 'v' {
            return Err(format!("unsupported value for \"%{}\": null value cannot be formatted", self.mode));
        }
        let unsuitable = |error: String| format!("unsupported value for \"%{}\": {error}", self.mode);
        match self.mode {
            'v' => Ok(self.pad(self.shown(value)?)),
            's' | 'q' => {
                let string = to_text(value).map_err(|error| unsuitable(error.to_string()))?;
                let cut: String = match self.precision {
                    Some(count) => string.chars().take(count).collect(),
                    None => string.to_string(),
                };
                Ok(self.pad(if self.mode == 'q' { json_text(&Value::from(cut)).map_err(unsuitable)? } else { cut }))
            }
            't' => match convert(value, &Type::Bool) {
                Ok(value) => Ok(self.pad(value.as_bool().unwrap_or_default().to_string())),
                Err(error) => Err(unsuitable(error.to_string())),
            },
            'b' | 'd' | 'o' | 'x' | 'X' => {
                let number = as_number(value).map_err(unsuitable)?;
                let Some(big) = number.to_big() else { return Err(unsuitable("an integer is required".to_owned())) };
                let radix = match self.mode {
                    'b' => 2,
                    'o' => 8,
                    'd' => 10,
                    _ => 16,
                };
                let digits = big.magnitude().to_str_radix(radix);
                let digits = if self.mode == 'X' { digits.to_uppercase() } else { digits };
                Ok(self.signed(number.signum() < 0, &digits))
            }
            'e' | 'E' | 'f' | 'g' | 'G' => {
                let number = as_number(value).map_err(unsuitable)?.to_f64();
                Ok(self.signed(number < 0.0, &self.float(number.abs())))
            }
            other => Err(format!("unsupported format verb {other:?}")),
        }
    }

    fn shown(&self, value: &Value) -> Result<String, String> {
        match value {
            Value::String(string) if !self.sharp => Ok(string.to_string()),
            Value::Number(number) if !self.sharp => Ok(number.to_string()),
            other => json_text(other),
        }
    }

    fn float(&self, value: f64) -> String {
        let exponential = |value: f64, precision: Option<usize>| {
            let text = match precision {
                Some(digits) => format!("{value:.digits$e}"),
                None => format!("{value:e}"),
            };
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
            format!("{mantissa}e{sign}{digits:0>2}")
        };
        let text = match self.mode {
            'f' => format!("{value:.*}", self.precision.unwrap_or(6)),
            'e' | 'E' => exponential(value, Some(self.precision.unwrap_or(6))),
            _ => {
                let exponent = if value == 0.0 { 0 } else { value.log10().floor() as i32 };
                let limit = self.precision.map_or(21, |p| p.max(1) as i32);
                if exponent < -4 || exponent >= limit {
                    exponential(value, self.precision.map(|p| p.max(1) - 1))
                } else {
                    match self.precision {
                        Some(p) => {
                            let decimals = (p.max(1) as i32 - 1 - exponent).max(0) as usize;
                            let text = format!("{value:.decimals$}");
                            if text.contains('.') {
                                text.trim_end_matches('0').trim_end_matches('.').to_owned()
                            } else {
                                text
                            }
                        }
                        None => value.to_string(),
                    }
                }
            }
        };
        if matches!(self.mode, 'E' | 'G') { text.to_uppercase() } else { text }
    }

    fn signed(&self, negative: bool, digits: &str) -> String {
        let sign = if negative {
            "-"
        } else if self.plus {
            "+"
        } else if self.space {
            " "
        } else {
            ""
        };
        if self.zero && !self.minus {
            let width = self.width.saturating_sub(sign.len());
            return format!("{sign}{digits:0>width$}");
        }
        self.pad(format!("{sign}{digits}"))
    }

    fn pad(&self, text: String) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        let fill = if self.zero && !self.minus { "0" } else { " " }.repeat(missing);
        if self.minus { text + &fill } else { fill + &text }
    }
}

fn as_number(value: &Value) -> Result<Number, String> {
    crate::convert::to_number(value).map_err(|error| error.to_string())
}
