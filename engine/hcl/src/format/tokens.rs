//! The words of a source for formatting: texts are one word each, with all that they hold.

use std::sync::Arc;

use crate::diagnostic::Diagnostics;
use crate::source::Source;
use crate::syntax::Scanner;

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

#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'s> {
    pub kind: Kind,
    pub text: &'s str,
}

impl Token<'_> {
    /// 1 for an opening bracket, -1 for a closing one.
    pub fn bracket(&self) -> i32 {
        match (self.kind, self.text) {
            (Kind::Operator, "{" | "[" | "(") => 1,
            (Kind::Operator, "}" | "]" | ")") => -1,
            _ => 0,
        }
    }
}

/// Reads all words of a source that parses.
pub(super) fn read(source: &Arc<Source>) -> Result<Vec<Token<'_>>, Diagnostics> {
    let text = source.text();
    let mut scanner = Scanner::new(source);
    let mut tokens = Vec::new();
    while !scanner.at_end() {
        let start = scanner.at;
        let kind = match scanner.peek(0) {
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
            b'"' => {
                scanner.quoted().map_err(|error| Diagnostics::from(*error))?;
                Kind::Text
            }
            b'<' if scanner.peek(1) == b'<' => {
                scanner.heredoc().map_err(|error| Diagnostics::from(*error))?;
                Kind::Text
            }
            b'0'..=b'9' => {
                let after_exponent = |scanner: &Scanner<'_>| {
                    matches!(text.as_bytes()[scanner.at - 1], b'e' | b'E') && matches!(scanner.peek(0), b'+' | b'-')
                };
                scanner.at += 1;
                while scanner.peek(0).is_ascii_alphanumeric()
                    || (scanner.peek(0) == b'.' && scanner.peek(1).is_ascii_digit())
                    || after_exponent(&scanner)
                {
                    scanner.at += 1;
                }
                Kind::Number
            }
            _ if scanner.take_name().is_some() => Kind::Name,
            _ => {
                let known = OPERATORS.iter().find(|operator| scanner.starts_with(operator));
                let next = text[start..].chars().next().map_or(1, char::len_utf8);
                scanner.at += known.map_or(next, |operator| operator.len());
                Kind::Operator
            }
        };
        tokens.push(Token { kind, text: text[start..scanner.at].trim_end_matches('\r') });
    }
    Ok(tokens)
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
