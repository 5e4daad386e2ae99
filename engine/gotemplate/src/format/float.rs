//! Floats in the verbs `%e`, `%f`, `%g`, `%x` and `%b`.

/// From which power of ten on `%v` and `%g` write an exponent.
const EXPONENT_FROM: i32 = 6;

/// The shortest text that reads back as the same number, with an exponent below 10^-4 and from 10^`limit` on.
#[must_use]
pub fn shortest(value: f64, limit: i32) -> String {
    if let Some(special) = special(value) {
        return special.to_owned();
    }
    let (negative, digits, exponent) = decimal(value);
    let text = layout(&digits, exponent, exponent < -4 || exponent >= limit);
    if negative { format!("-{text}") } else { text }
}

fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { "+Inf" } else { "-Inf" })
    } else {
        None
    }
}

/// Sign, digits and the exponent of the first digit.
fn decimal(value: f64) -> (bool, String, i32) {
    let text = format!("{:e}", value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (value.is_sign_negative(), mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

/// Digits with their point, or with an exponent.
fn layout(digits: &str, exponent: i32, scientific: bool) -> String {
    if scientific {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        return format!("{first}{point}{rest}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
    }
    let Ok(whole) = usize::try_from(exponent + 1) else {
        return format!("0.{}{digits}", "0".repeat(exponent.unsigned_abs() as usize - 1));
    };
    if whole == 0 {
        return format!("0.{digits}");
    }
    if digits.len() <= whole {
        return format!("{digits}{}", "0".repeat(whole - digits.len()));
    }
    let (head, tail) = digits.split_at(whole);
    format!("{head}.{tail}")
}

/// A number in a verb, without sign for positive ones.
pub(super) fn format(value: f64, verb: char, precision: Option<usize>, sharp: bool) -> String {
    if let Some(special) = special(value) {
        return special.to_owned();
    }
    let text = match verb {
        'e' | 'E' => {
            let text = format!("{:.*e}", precision.unwrap_or(6), value);
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let exponent: i32 = exponent.parse().unwrap_or(0);
            format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
        }
        'f' | 'F' => format!("{value:.*}", precision.unwrap_or(6)),
        'x' | 'X' => hex(value),
        'b' => binary(value),
        _ => match precision {
            None => shortest(value, EXPONENT_FROM),
            Some(precision) => general(value, precision.max(1), sharp),
        },
    };
    if verb.is_ascii_uppercase() { text.to_ascii_uppercase() } else { text }
}

/// `%g` with a precision.
fn general(value: f64, precision: usize, keep_zeros: bool) -> String {
    let text = format!("{:.*e}", precision - 1, value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mut digits = mantissa.replace('.', "");
    if !keep_zeros {
        let kept = digits.trim_end_matches('0').len().max(1);
        digits.truncate(kept);
    }
    let scientific = exponent < -4 || exponent >= i32::try_from(precision).unwrap_or(i32::MAX);
    let text = layout(&digits, exponent, scientific);
    if value.is_sign_negative() { format!("-{text}") } else { text }
}

fn parts(value: f64) -> (bool, i32, u64) {
    let bits = value.to_bits();
    let exponent = i32::try_from(bits >> 52 & 0x7ff).unwrap_or(0);
    let fraction = bits & ((1 << 52) - 1);
    let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
    (value.is_sign_negative(), exponent.max(1) - 1075, mantissa)
}

fn hex(value: f64) -> String {
    let (negative, mut exponent, mut mantissa) = parts(value);
    let sign = if negative { "-" } else { "" };
    if mantissa == 0 {
        return format!("{sign}0x0p+00");
    }
    while mantissa & (1 << 52) == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    exponent += 52;
    let fraction = format!("{:013x}", mantissa & ((1 << 52) - 1));
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}0x1{point}{fraction}p{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn binary(value: f64) -> String {
    let (negative, exponent, mantissa) = parts(value);
    format!("{}{mantissa}p{exponent:+}", if negative { "-" } else { "" })
}
