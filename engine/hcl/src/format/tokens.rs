//! The words of a source for formatting: texts are one word each, with all that they hold.

use std::borrow::Cow;
use std::sync::Arc;

use crate::source::Source;
use crate::syntax::Scanner;

use super::strings;

/// Operators of several characters, longer ones before those that they start with.
const OPERATORS: [&str; 12] = ["...", "[*]", "==", "!=", "<=", ">=", "&&", "||", "=>", ".*", "::", "<<"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Number,
    Text,
    Operator,
    Comment,
    Newline,
}

#[derive(Clone, Debug)]
pub(super) struct Token<'s> {
    pub kind: Kind,
    pub text: Cow<'s, str>,
}

impl Token<'_> {
    /// 1 for an opening bracket, -1 for a closing one.
    pub fn bracket(&self) -> i32 {
        match (self.kind, &*self.text) {
            (Kind::Operator, "{" | "[" | "(") => 1,
            (Kind::Operator, "}" | "]" | ")") => -1,
            _ => 0,
        }
    }
}

/// Reads all words of a source. What is no HCL is read as well as can be.
pub(super) fn read(source: &Arc<Source>) -> Vec<Token<'_>> {
    let text = source.text();
    let mut scanner = Scanner::new(source);
    let mut tokens = Vec::new();
    while !scanner.at_end() {
        let start = scanner.at;
        let kind = match scanner.peek(0) {
            b'\r' if scanner.peek(1) == b'\n' => {
                scanner.at += 2;
                Kind::Newline
            }
            b' ' | b'\t' | b'\r' => {
                scanner.at += 1;
                continue;
            }
            b'\n' => {
                scanner.at += 1;
                Kind::Newline
            }
            b'#' => comment(&mut scanner),
            b'/' if matches!(scanner.peek(1), b'/' | b'*') => comment(&mut scanner),
            b'"' => whole(&mut scanner, |scanner| scanner.quoted().is_ok()),
            b'<' if scanner.peek(1) == b'<' => whole(&mut scanner, |scanner| scanner.heredoc().is_ok()),
            b'0'..=b'9' => number(&mut scanner),
            _ if scanner.take_name().is_some() => Kind::Name,
            _ => {
                let known = OPERATORS.iter().find(|operator| scanner.starts_with(operator));
                let next = text[start..].chars().next().map_or(1, char::len_utf8);
                scanner.at += known.map_or(next, |operator| operator.len());
                Kind::Operator
            }
        };
        let text = if kind == Kind::Comment { text[start..scanner.at].trim_end() } else { &text[start..scanner.at] };
        let text = if kind == Kind::Text { strings::laid_out(text) } else { Cow::Borrowed(text) };
        tokens.push(Token { kind, text });
    }
    tokens
}

/// A text that ends where it should; else its first character alone.
fn whole<'s>(scanner: &mut Scanner<'s>, read: impl FnOnce(&mut Scanner<'s>) -> bool) -> Kind {
    let start = scanner.at;
    if read(scanner) {
        return Kind::Text;
    }
    scanner.at = start + 1;
    Kind::Operator
}

fn number(scanner: &mut Scanner<'_>) -> Kind {
    let after_exponent = |scanner: &Scanner<'_>| {
        matches!(scanner.text.as_bytes()[scanner.at - 1], b'e' | b'E') && matches!(scanner.peek(0), b'+' | b'-')
    };
    scanner.at += 1;
    while scanner.peek(0).is_ascii_alphanumeric()
        || (scanner.peek(0) == b'.' && scanner.peek(1).is_ascii_digit())
        || after_exponent(scanner)
    {
        scanner.at += 1;
    }
    Kind::Number
}

fn comment(scanner: &mut Scanner<'_>) -> Kind {
    let rest = &scanner.text[scanner.at..scanner.end];
    let length = if rest.starts_with("/*") {
        rest.find("*/").map_or(rest.len(), |at| at + 2)
    } else {
        rest.find('\n').unwrap_or(rest.len())
    };
    scanner.at += length;
    Kind::Comment
}
