//! Numbers: integers of 64 bits, and beyond them binary floats with a 512-bit mantissa, as the language defines them.

mod text;

use std::cmp::Ordering;
use std::sync::Arc;

use num_bigint::{BigInt, BigUint, Sign};

/// Bits of a mantissa.
const PRECISION_BITS: u64 = 512;

/// Largest decimal exponent accepted in a text; beyond it a number would only waste memory.
const MAX_EXPONENT: i64 = 1024;

/// A number.
#[derive(Clone, Debug)]
pub enum Number {
    /// A whole number that fits 64 bits.
    Int(i64),
    /// Any other finite number.
    Big(Arc<BigFloat>),
    /// Positive infinity, what a division by zero gives.
    PositiveInfinity,
    /// Negative infinity.
    NegativeInfinity,
}

/// `mantissa * 2^exponent` with an odd mantissa of at most 512 bits (or zero).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BigFloat {
    mantissa: BigInt,
    exponent: i64,
}

impl BigFloat {
    /// Rounds to nearest even; `sticky` says that the true value lies a little further from zero.
    fn new(mantissa: BigInt, exponent: i64, sticky: bool) -> Self {
        let (sign, mut magnitude) = mantissa.into_parts();
        let mut exponent = exponent;
        let bits = magnitude.bits();
        if bits > PRECISION_BITS {
            let drop = bits - PRECISION_BITS;
            let half = magnitude.bit(drop - 1);
            let rest = sticky || magnitude.trailing_zeros().is_some_and(|zeros| zeros < drop - 1);
            magnitude >>= drop;
            exponent += drop as i64;
            if half && (rest || magnitude.bit(0)) {
                magnitude += 1u32;
            }
        }
        let zeros = magnitude.trailing_zeros().unwrap_or(0);
        if zeros > 0 {
            magnitude >>= zeros;
            exponent += zeros as i64;
        }
        if magnitude == BigUint::ZERO {
            exponent = 0;
        }
        Self { mantissa: BigInt::from_biguint(sign, magnitude), exponent }
    }

    fn is_magnitude_of(&self, other: &Self) -> bool {
        self.exponent == other.exponent && self.mantissa.magnitude() == other.mantissa.magnitude()
    }

    fn from_i64(value: i64) -> Self {
        Self::new(BigInt::from(value), 0, false)
    }

    fn into_number(self) -> Number {
        if self.exponent >= 0
            && self.mantissa.bits() + self.exponent as u64 <= 64
            && let Ok(value) = i64::try_from(&self.mantissa << self.exponent as u64)
        {
            return Number::Int(value);
        }
        if self.mantissa.bits() as i64 + self.exponent > MAX_EXPONENT * 4 {
            return if self.mantissa.sign() == Sign::Minus {
                Number::NegativeInfinity
            } else {
                Number::PositiveInfinity
            };
        }
        Number::Big(Arc::new(self))
    }

    fn aligned(&self, other: &Self) -> (BigInt, BigInt, i64) {
        let exponent = self.exponent.min(other.exponent);
        (
            &self.mantissa << (self.exponent - exponent) as u64,
            &other.mantissa << (other.exponent - exponent) as u64,
            exponent,
        )
    }

    fn divide(&self, other: &Self) -> Self {
        let shift = PRECISION_BITS + 2 + other.mantissa.bits();
        let (quotient, rest) =
            ((&self.mantissa << shift) / &other.mantissa, (&self.mantissa << shift) % &other.mantissa);
        Self::new(quotient, self.exponent - other.exponent - shift as i64, rest.sign() != Sign::NoSign)
    }

    /// The value as `digits * 10^scale`, the digits rounded to at most `count`.
    fn decimal(&self, count: usize) -> (BigUint, i64) {
        let magnitude = self.mantissa.magnitude();
        let (digits, scale) = if self.exponent >= 0 {
            (magnitude << self.exponent as u64, 0)
        } else {
            // x / 2^n = x * 5^n / 10^n
            let power = (-self.exponent) as u32;
            (magnitude * BigUint::from(5u32).pow(power), self.exponent)
        };
        let length = digits.to_string().len();
        if length <= count {
            return (digits, scale);
        }
        let drop = (length - count) as u32;
        let unit = BigUint::from(10u32).pow(drop);
        let (quotient, rest) = (&digits / &unit, &digits % &unit);
        let twice = rest * 2u32;
        let up = twice > unit || (twice == unit && quotient.bit(0));
        (if up { quotient + 1u32 } else { quotient }, scale + i64::from(drop))
    }
}

impl Number {
    /// Zero.
    pub const ZERO: Self = Self::Int(0);

    /// The number nearest to a float; what has a short decimal form keeps it.
    #[must_use]
    pub fn from_f64(value: f64) -> Self {
        if value.is_infinite() {
            return if value > 0.0 { Self::PositiveInfinity } else { Self::NegativeInfinity };
        }
        format!("{value:e}").parse().unwrap_or(Self::ZERO)
    }

    /// The nearest float.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        match self {
            Self::Int(value) => *value as f64,
            Self::Big(big) => {
                let (digits, scale) = big.decimal(40);
                let sign = if big.mantissa.sign() == Sign::Minus { "-" } else { "" };
                format!("{sign}{digits}e{scale}").parse().unwrap_or(0.0)
            }
            Self::PositiveInfinity => f64::INFINITY,
            Self::NegativeInfinity => f64::NEG_INFINITY,
        }
    }

    /// The value, if it is a whole number of 64 bits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// Whether it has no fraction.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        match self {
            Self::Int(_) => true,
            Self::Big(big) => big.exponent >= 0,
            _ => false,
        }
    }

    /// Whether it is neither infinity.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        matches!(self, Self::Int(_) | Self::Big(_))
    }

    /// -1, 0 or 1.
    #[must_use]
    pub fn signum(&self) -> i64 {
        match self {
            Self::Int(value) => value.signum(),
            Self::Big(big) => {
                if big.mantissa.sign() == Sign::Minus {
                    -1
                } else {
                    1
                }
            }
            Self::PositiveInfinity => 1,
            Self::NegativeInfinity => -1,
        }
    }

    /// A whole number of any size.
    #[must_use]
    pub fn from_big(value: BigInt) -> Self {
        BigFloat::new(value, 0, false).into_number()
    }

    /// The exact value of a whole number.
    #[must_use]
    pub fn to_big(&self) -> Option<BigInt> {
        match self {
            Self::Int(value) => Some(BigInt::from(*value)),
            Self::Big(big) if big.exponent >= 0 => Some(&big.mantissa << big.exponent as u64),
            _ => None,
        }
    }

    fn big(&self) -> Option<BigFloat> {
        match self {
            Self::Int(value) => Some(BigFloat::from_i64(*value)),
            Self::Big(big) => Some((**big).clone()),
            _ => None,
        }
    }

    /// `self + other`; `None` for infinities of opposite sign.
    #[must_use]
    pub fn add(&self, other: &Self) -> Option<Self> {
        if let (Self::Int(a), Self::Int(b)) = (self, other)
            && let Some(sum) = a.checked_add(*b)
        {
            return Some(Self::Int(sum));
        }
        let (Some(a), Some(b)) = (self.big(), other.big()) else {
            return match (self.is_finite(), other.is_finite()) {
                (false, true) => Some(self.clone()),
                (true, false) => Some(other.clone()),
                _ => (self == other).then(|| self.clone()),
            };
        };
        let (x, y, exponent) = a.aligned(&b);
        Some(BigFloat::new(x + y, exponent, false).into_number())
    }

    /// `self - other`; `None` for infinities of the same sign.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Option<Self> {
        self.add(&other.negate())
    }

    /// `self * other`; `None` for zero times infinity.
    #[must_use]
    pub fn multiply(&self, other: &Self) -> Option<Self> {
        if let (Self::Int(a), Self::Int(b)) = (self, other)
            && let Some(product) = a.checked_mul(*b)
        {
            return Some(Self::Int(product));
        }
        let (Some(a), Some(b)) = (self.big(), other.big()) else {
            return infinity(self.signum() * other.signum());
        };
        Some(BigFloat::new(a.mantissa * b.mantissa, a.exponent + b.exponent, false).into_number())
    }

    /// `self / other`; infinity for a division by zero, `None` for 0/0.
    #[must_use]
    pub fn divide(&self, other: &Self) -> Option<Self> {
        if let (Self::Int(a), Self::Int(b)) = (self, other)
            && *b != 0
            && a.checked_rem(*b) == Some(0)
        {
            return Some(Self::Int(a / b));
        }
        match (self.big(), other.big()) {
            (Some(_), Some(b)) if b.mantissa.sign() == Sign::NoSign => infinity(self.signum()),
            (Some(a), Some(b)) => Some(a.divide(&b).into_number()),
            (Some(_), None) => Some(Self::ZERO),
            (None, Some(_)) => infinity(self.signum() * if other.signum() < 0 { -1 } else { 1 }),
            (None, None) => None,
        }
    }

    /// The remainder with the sign of `self`; `None` for a division by zero.
    #[must_use]
    pub fn modulo(&self, other: &Self) -> Option<Self> {
        if other.signum() == 0 {
            return None;
        }
        let (Some(a), Some(b)) = (self.big(), other.big()) else {
            return self.is_finite().then(|| self.clone());
        };
        let (x, y, exponent) = a.aligned(&b);
        Some(BigFloat::new(x % y, exponent, false).into_number())
    }

    /// `-self`.
    #[must_use]
    pub fn negate(&self) -> Self {
        match self {
            Self::Int(value) if *value != i64::MIN => Self::Int(-value),
            Self::PositiveInfinity => Self::NegativeInfinity,
            Self::NegativeInfinity => Self::PositiveInfinity,
            other => {
                let big = other.big().expect("infinities are handled above");
                BigFloat { mantissa: -big.mantissa, exponent: big.exponent }.into_number()
            }
        }
    }

    /// The largest whole number that is not above it.
    #[must_use]
    pub fn floor(&self) -> Self {
        match self {
            Self::Big(big) if big.exponent < 0 => {
                // A right shift of a BigInt rounds towards negative infinity.
                Self::from_big(&big.mantissa >> (-big.exponent) as u64)
            }
            other => other.clone(),
        }
    }

    /// The smallest whole number that is not below it.
    #[must_use]
    pub fn ceil(&self) -> Self {
        self.negate().floor().negate()
    }
}

fn infinity(sign: i64) -> Option<Number> {
    match sign {
        0 => None,
        1.. => Some(Number::PositiveInfinity),
        _ => Some(Number::NegativeInfinity),
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            _ => match (self.big(), other.big()) {
                (Some(a), Some(b)) => {
                    let (x, y, _) = a.aligned(&b);
                    x.cmp(&y)
                }
                (None, Some(_)) => self.signum().cmp(&0),
                (Some(_), None) => 0.cmp(&other.signum()),
                (None, None) => self.signum().cmp(&other.signum()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::text::NotANumber;
    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn prints_what_was_written() {
        for text in ["0.1", "1.5", "-2.25", "0.0000000001", "123456789012345678901234567890", "9223372036854775808"] {
            assert_eq!(number(text).to_string(), text);
        }
        assert_eq!(number("1e30").to_string(), format!("1{}", "0".repeat(30)));
        assert_eq!(number("2.50").to_string(), "2.5");
    }

    #[test]
    fn calculates_with_decimals_as_people_do() {
        assert_eq!(number("0.1").add(&number("0.2")).unwrap().to_string(), "0.3");
        assert_eq!(number("100").multiply(&number("1.1")).unwrap().to_string(), "110");
        assert_eq!(number("10").divide(&number("4")).unwrap().to_string(), "2.5");
        assert_eq!(number("1").divide(&number("3")).unwrap().to_f64(), 1.0 / 3.0);
        assert_eq!(number("-5").modulo(&number("3")).unwrap().to_string(), "-2");
        assert_eq!(number("-1.1").floor(), Number::Int(-2));
        assert_eq!(number("1.2").ceil(), Number::Int(2));
    }

    #[test]
    fn a_third_has_155_digits_as_with_512_bits() {
        let third = number("1").divide(&number("3")).unwrap().to_string();
        assert_eq!(third, format!("0.{}5", "3".repeat(154)));
    }

    #[test]
    fn hostile_exponents_are_refused() {
        assert_eq!("1e999999999".parse::<Number>(), Err(NotANumber));
        assert_eq!("9".repeat(4 << 20).parse::<Number>(), Err(NotANumber));
    }
}
