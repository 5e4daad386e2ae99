//! Numbers as text: reading, and the shortest decimal that names a number.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use num_bigint::{BigInt, BigUint, Sign};

use super::{BigFloat, MAX_EXPONENT, Number};

/// Significant decimal digits that always name one 512-bit mantissa.
const MAX_DIGITS: usize = 157;
/// Most digits that are read: the time grows with their square, and far fewer name every number there is.
const MAX_TEXT_DIGITS: usize = 4096;

/// Text that is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a number")]
pub struct NotANumber;

impl FromStr for Number {
    type Err = NotANumber;

    fn from_str(text: &str) -> Result<Self, NotANumber> {
        if let Ok(value) = text.parse::<i64>() {
            return Ok(Self::Int(value));
        }
        let (negative, body) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match body.find(['e', 'E']) {
            Some(at) => (&body[..at], body[at + 1..].parse::<i64>().map_err(|_| NotANumber)?),
            None => (body, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || digits.len() > MAX_TEXT_DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotANumber);
        }
        let scale = exponent - fraction.len() as i64;
        if !(-MAX_EXPONENT..=MAX_EXPONENT).contains(&scale) {
            return Err(NotANumber);
        }
        let digits = BigUint::parse_bytes(digits.as_bytes(), 10).ok_or(NotANumber)?;
        let sign = if negative { Sign::Minus } else { Sign::Plus };
        let value = BigFloat { mantissa: BigInt::from_biguint(sign, digits), exponent: 0 };
        let power = BigInt::from(10u32).pow(scale.unsigned_abs() as u32);
        let value = if scale >= 0 {
            BigFloat::new(value.mantissa * power, 0, false)
        } else {
            value.divide(&BigFloat { mantissa: power, exponent: 0 })
        };
        Ok(value.into_number())
    }
}

/// The shortest decimal that names the number, without an exponent.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let big = match self {
            Self::Int(value) => return write!(f, "{value}"),
            Self::PositiveInfinity => return f.write_str("Inf"),
            Self::NegativeInfinity => return f.write_str("-Inf"),
            Self::Big(big) => big,
        };
        if big.exponent >= 0 {
            return write!(f, "{}", &big.mantissa << big.exponent as u64);
        }
        let sign = if big.mantissa.sign() == Sign::Minus { "-" } else { "" };
        let (digits, scale) = shortest(big);
        let digits = digits.to_string();
        let point = digits.len() as i64 + scale;
        if point <= 0 {
            write!(f, "{sign}0.{}{digits}", "0".repeat(-point as usize))
        } else if scale >= 0 {
            write!(f, "{sign}{digits}{}", "0".repeat(scale as usize))
        } else {
            write!(f, "{sign}{}.{}", &digits[..point as usize], &digits[point as usize..])
        }
    }
}

/// The fewest digits that read back as the same number.
fn shortest(big: &BigFloat) -> (BigUint, i64) {
    // What people write has few digits: the nearest float's shortest form usually is the number's own.
    let float = Number::Big(Arc::new(big.clone())).to_f64().abs();
    let text = format!("{float:e}");
    if let Some((mantissa, exponent)) = text.split_once('e')
        && text.parse::<Number>().is_ok_and(|n| n.big().is_some_and(|n| n.is_magnitude_of(big)))
    {
        let digits = mantissa.replace('.', "");
        let scale = exponent.parse::<i64>().unwrap_or(0) - (digits.len() as i64 - 1);
        return (digits.parse().unwrap_or_default(), scale);
    }
    let reads_back = |count: usize| {
        let (digits, scale) = big.decimal(count);
        let sign = if big.mantissa.sign() == Sign::Minus { "-" } else { "" };
        let same = format!("{sign}{digits}e{scale}").parse::<Number>().is_ok_and(|n| n.big().as_ref() == Some(big));
        same.then_some((digits, scale))
    };
    let (mut low, mut high) = (1, MAX_DIGITS);
    while low < high {
        let middle = usize::midpoint(low, high);
        if reads_back(middle).is_some() { high = middle } else { low = middle + 1 }
    }
    reads_back(high).unwrap_or_else(|| big.decimal(MAX_DIGITS))
}
