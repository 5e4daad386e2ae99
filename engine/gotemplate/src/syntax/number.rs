//! Number constants: what a constant can be, by its spelling.

use super::unquote::character;

/// A number constant. One spelling may fit several types; which it gets depends on where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    pub text: String,
    pub int: Option<i64>,
    /// Set for what only an unsigned integer holds.
    pub uint: Option<u64>,
    pub float: Option<f64>,
    pub complex: Option<(f64, f64)>,
}

impl Number {
    /// Reads a number or character constant.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut number = Self { text: text.to_owned(), int: None, uint: None, float: None, complex: None };
        if text.starts_with('\'') {
            let code = character(text).ok_or_else(|| format!("malformed character constant: {text}"))?;
            number.int = Some(code);
            number.uint = u64::try_from(code).ok();
            #[expect(clippy::cast_precision_loss, reason = "code points are below 2^21")]
            let float = code as f64;
            number.float = Some(float);
            return Ok(number);
        }
        if let Some(body) = text.strip_suffix('i') {
            let (real, imaginary) = complex(body).ok_or_else(|| format!("bad number syntax: {text:?}"))?;
            number.complex = Some((real, imaginary));
            if imaginary == 0.0 {
                number.float = Some(real);
            }
            return Ok(number);
        }
        number.int = integer(text);
        number.uint = unsigned(text);
        match number.int {
            #[expect(clippy::cast_precision_loss, reason = "as the language converts them")]
            Some(int) => number.float = Some(int as f64),
            None => match number.uint {
                #[expect(clippy::cast_precision_loss, reason = "as the language converts them")]
                Some(uint) => number.float = Some(uint as f64),
                None => number.read_float(text)?,
            },
        }
        if number.int.is_none() && number.uint.is_none() && number.float.is_none() {
            return Err(format!("illegal number syntax: {text:?}"));
        }
        Ok(number)
    }

    fn read_float(&mut self, text: &str) -> Result<(), String> {
        let Some(float) = float(text) else { return Ok(()) };
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {text:?}"));
        }
        self.float = Some(float);
        // Tested to be the same number.
        if float.fract() == 0.0 && float.abs() < 9.2e18 {
            self.int = Some(float as i64);
        }
        Ok(())
    }

    /// Whether it is written as a float.
    pub(crate) fn looks_like_float(&self) -> bool {
        let hex = self.text.trim_start_matches(['+', '-']).to_ascii_lowercase().starts_with("0x");
        let floating = self.text.contains(['.', 'p', 'P']) || !hex && self.text.contains(['e', 'E']);
        self.float.is_some() && floating && !self.text.starts_with('\'')
    }
}

/// Underscores may stand between digits, and after a base's prefix.
fn without_underscores(text: &str, based: bool) -> Option<String> {
    if !text.contains('_') {
        return Some(text.to_owned());
    }
    let bytes = text.as_bytes();
    let fine = based
        && bytes.iter().enumerate().all(|(at, &byte)| {
            byte != b'_' || at > 0 && at + 1 < bytes.len() && bytes[at - 1] != b'_' && bytes[at + 1].is_ascii_hexdigit()
        });
    fine.then(|| text.replace('_', ""))
}

/// Sign, base and digits of an integer.
fn split(text: &str) -> Option<(bool, u32, String)> {
    let (negative, body) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let body = without_underscores(body, true)?;
    let lower = body.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        _ if lower.len() > 1 && lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    (!digits.is_empty() && digits.chars().all(|c| c.is_digit(radix))).then(|| (negative, radix, digits.to_owned()))
}

pub(crate) fn integer(text: &str) -> Option<i64> {
    let (negative, radix, digits) = split(text)?;
    i64::from_str_radix(&format!("{}{digits}", if negative { "-" } else { "" }), radix).ok()
}

fn unsigned(text: &str) -> Option<u64> {
    if text.starts_with(['-', '+']) {
        return None;
    }
    let (_, radix, digits) = split(text)?;
    u64::from_str_radix(&digits, radix).ok()
}

/// A decimal or hexadecimal float.
pub(crate) fn float(text: &str) -> Option<f64> {
    let (sign, body) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    let body = without_underscores(body, true)?.to_ascii_lowercase();
    if let Some(hex) = body.strip_prefix("0x") {
        return Some(sign * hex_float(hex)?);
    }
    if !body.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !body.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    body.parse::<f64>().ok().filter(|value| value.is_finite()).map(|value| sign * value)
}

fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut value = 0.0;
    for digit in whole.chars() {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let mut scale = 1.0 / 16.0;
    for digit in fraction.chars() {
        value += f64::from(digit.to_digit(16)?) * scale;
        scale /= 16.0;
    }
    (!mantissa.is_empty() && mantissa != ".").then(|| value * 2f64.powi(exponent))
}

/// `2` of `2i`, or `1+2` of `1+2i`.
fn complex(body: &str) -> Option<(f64, f64)> {
    let number = |text: &str| integer(text).map(|int| int as f64).or_else(|| float(text));
    let sign = body
        .char_indices()
        .skip(1)
        .filter(|&(at, c)| (c == '+' || c == '-') && !matches!(body.as_bytes()[at - 1], b'e' | b'E' | b'p' | b'P'));
    match sign.last() {
        Some((at, _)) => Some((number(&body[..at])?, number(&body[at..])?)),
        None => Some((0.0, number(body)?)),
    }
}
