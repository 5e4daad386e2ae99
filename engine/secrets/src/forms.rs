//! The ways in which a value appears in text.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// How a value is written where it was found. All but [`Form::Fragment`] can be produced from the value again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Form {
    /// As it is.
    Plain,
    /// With the escapes of a JSON or HCL string.
    Escaped,
    /// Base64 with padding.
    Base64,
    /// Base64 without padding.
    Base64NoPad,
    /// URL-safe base64 with padding.
    Base64Url,
    /// URL-safe base64 without padding.
    Base64UrlNoPad,
    /// Percent-encoded; everything but unreserved characters, with capital hexadecimal digits.
    Percent,
    /// Percent-encoded with small hexadecimal digits.
    PercentLower,
    /// As a form field: a space is `+`.
    FormField,
    /// Hexadecimal, small digits.
    Hex,
    /// Hexadecimal, capital digits.
    HexUpper,
    /// A line of a value of several lines, or its part of a longer text's base64. It cannot be undone.
    Fragment,
}

/// Every form that can be produced again.
const REVERSIBLE: [Form; 11] = [
    Form::Plain,
    Form::Escaped,
    Form::Base64,
    Form::Base64NoPad,
    Form::Base64Url,
    Form::Base64UrlNoPad,
    Form::Percent,
    Form::PercentLower,
    Form::FormField,
    Form::Hex,
    Form::HexUpper,
];

/// Encoded forms and fragments shorter than this are too common in ordinary text to be taken for a secret.
const MIN_ENCODED_CHARS: usize = 8;

impl Form {
    /// The stable name used in saved plans.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Escaped => "escaped",
            Self::Base64 => "base64",
            Self::Base64NoPad => "base64-nopad",
            Self::Base64Url => "base64url",
            Self::Base64UrlNoPad => "base64url-nopad",
            Self::Percent => "percent",
            Self::PercentLower => "percent-lower",
            Self::FormField => "form",
            Self::Hex => "hex",
            Self::HexUpper => "hex-upper",
            Self::Fragment => "fragment",
        }
    }

    /// The form of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        REVERSIBLE.into_iter().find(|form| form.name() == name)
    }

    /// Writes `value` in this form; none for a fragment.
    pub fn encode(self, value: &str) -> Option<String> {
        let bytes = value.as_bytes();
        Some(match self {
            Self::Plain => value.to_owned(),
            Self::Escaped => escaped(value),
            Self::Base64 => STANDARD.encode(bytes),
            Self::Base64NoPad => STANDARD_NO_PAD.encode(bytes),
            Self::Base64Url => URL_SAFE.encode(bytes),
            Self::Base64UrlNoPad => URL_SAFE_NO_PAD.encode(bytes),
            Self::Percent => percent(value, b"0123456789ABCDEF", false),
            Self::PercentLower => percent(value, b"0123456789abcdef", false),
            Self::FormField => percent(value, b"0123456789ABCDEF", true),
            Self::Hex => hexadecimal(bytes, b"0123456789abcdef"),
            Self::HexUpper => hexadecimal(bytes, b"0123456789ABCDEF"),
            Self::Fragment => return None,
        })
    }
}

/// All texts under which `value` may appear, the plain one first, without duplicates.
pub(crate) fn all(value: &str) -> Vec<(Form, String)> {
    let mut forms: Vec<(Form, String)> = Vec::new();
    let mut push = |form: Form, text: String| {
        let long_enough = form == Form::Plain || text.chars().count() >= MIN_ENCODED_CHARS;
        if long_enough && !forms.iter().any(|(_, known)| *known == text) {
            forms.push((form, text));
        }
    };
    for form in REVERSIBLE {
        if let Some(text) = form.encode(value) {
            push(form, text);
        }
    }
    for line in value.lines().map(str::trim) {
        if line.len() < value.len() {
            push(Form::Fragment, line.to_owned());
        }
    }
    for offset in 0..3 {
        push(Form::Fragment, base64_inside(value, offset, &STANDARD_NO_PAD.encode(shifted(value, offset))));
        push(Form::Fragment, base64_inside(value, offset, &URL_SAFE_NO_PAD.encode(shifted(value, offset))));
    }
    forms
}

fn shifted(value: &str, offset: usize) -> Vec<u8> {
    let mut bytes = vec![0; offset];
    bytes.extend_from_slice(value.as_bytes());
    bytes
}

/// The part of a longer text's base64 that depends on `value` alone, when `offset` bytes (modulo three) stand before it.
fn base64_inside(value: &str, offset: usize, encoded: &str) -> String {
    // Each character holds six bits: those that begin within the value and end within it are fixed.
    let first = (offset * 8).div_ceil(6);
    let end = (offset + value.len()) * 8 / 6;
    encoded.get(first..end).map(str::to_owned).unwrap_or_default()
}

fn escaped(value: &str) -> String {
    let quoted = serde_json::to_string(value).expect("a string always has a JSON form");
    quoted[1..quoted.len() - 1].to_owned()
}

fn percent(value: &str, digits: &[u8; 16], plus_for_space: bool) -> String {
    let mut result = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => result.push(char::from(byte)),
            b' ' if plus_for_space => result.push('+'),
            _ => {
                result.push('%');
                result.push(char::from(digits[usize::from(byte >> 4)]));
                result.push(char::from(digits[usize::from(byte & 15)]));
            }
        }
    }
    result
}

fn hexadecimal(bytes: &[u8], digits: &[u8; 16]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|nibble| char::from(digits[usize::from(nibble)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_within_a_longer_text_is_found_in_its_base64() {
        for before in ["", "u", "us", "usr:"] {
            let text = STANDARD.encode(format!("{before}hunter2-secret and more"));
            assert!(
                all("hunter2-secret").iter().any(|(form, part)| *form == Form::Fragment && text.contains(part)),
                "{before:?}: {text}"
            );
        }
    }

    #[test]
    fn names_lead_back_to_forms() {
        for form in REVERSIBLE {
            assert_eq!(Form::from_name(form.name()), Some(form));
        }
        assert_eq!(Form::from_name("fragment"), None);
    }
}
