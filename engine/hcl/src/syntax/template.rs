//! Quoted texts and what all texts have in common: interpolations, directives and the trimming around them.

use std::borrow::Cow;
use std::sync::Arc;

use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::source::Span;
use crate::value::Value;

use super::heredoc;
use super::scan::{Parsed, Scanner};
use super::{Expr, ExprKind, Label, TemplateFor, TemplatePart};

/// How a text ends and what a backslash means in it.
#[derive(Clone, Copy)]
pub(super) enum Mode<'m> {
    /// Up to a quote, with escapes.
    Quoted,
    /// Up to a line that holds only the marker.
    Heredoc(&'m str),
    /// Up to the end.
    Raw,
}

/// A piece of a text, before directives are nested.
pub(super) enum Token {
    Literal(String),
    Interpolation(Expr),
    If(Expr, Span),
    Else(Span),
    EndIf(Span),
    For(Box<TemplateFor>, Span),
    EndFor(Span),
}

impl Scanner<'_> {
    /// A quoted text.
    pub fn quoted(&mut self) -> Parsed<Expr> {
        let start = self.at;
        self.at += 1;
        let tokens = self.template_tokens(Mode::Quoted)?;
        self.at += 1; // template_tokens stops at the quote
        self.template_expression(tokens, start)
    }

    /// The rest of the source as a text.
    pub fn raw_template(&mut self) -> Parsed<Expr> {
        let start = self.at;
        let tokens = self.template_tokens(Mode::Raw)?;
        self.template_expression(tokens, start)
    }

    /// A quoted label: escapes, but no interpolation.
    pub fn quoted_label(&mut self) -> Parsed<Label> {
        let start = self.at;
        self.at += 1;
        let text = self.literal(Mode::Quoted)?;
        let sign = char::from(self.peek(0));
        if sign != '"' {
            let here = Span::new(self.at, self.at + 2);
            let detail =
                format!("templates are not allowed in this text; double the {sign} ({sign}{sign}) for a literal one");
            return Err(self.error(here, "Invalid string literal", detail));
        }
        self.at += 1;
        Ok(Label { text: text.into(), span: self.span_from(start) })
    }

    pub(super) fn template_expression(&mut self, tokens: Vec<Token>, start: usize) -> Parsed<Expr> {
        let span = self.span_from(start);
        let mut tokens = tokens.into_iter();
        let (mut parts, _) = self.nest(&mut tokens, None)?;
        let kind = match parts.as_slice() {
            [] => ExprKind::Literal(Value::string("")),
            [TemplatePart::Literal(text)] => ExprKind::Literal(Value::String(Arc::clone(text))),
            [TemplatePart::Interpolation(_)] => match parts.pop() {
                Some(TemplatePart::Interpolation(inner)) => ExprKind::Wrapped(Box::new(inner)),
                _ => ExprKind::Template(parts),
            },
            _ => ExprKind::Template(parts),
        };
        Ok(Expr { kind, span })
    }

    /// Reads up to the end of the text, which is not taken, except for a heredoc's marker.
    pub(super) fn template_tokens(&mut self, mode: Mode<'_>) -> Parsed<Vec<Token>> {
        let mut tokens = Vec::new();
        let mut trim_next = false;
        let mut line_start = true;
        loop {
            if let Mode::Heredoc(marker) = mode
                && line_start
                && self.take_marker(marker)
            {
                return Ok(tokens);
            }
            match self.peek(0) {
                0 if self.at_end() => match mode {
                    Mode::Raw => return Ok(tokens),
                    _ => {
                        return Err(self
                            .error_here("Unterminated template string", "no closing marker was found for the string"));
                    }
                },
                b'"' if matches!(mode, Mode::Quoted) => return Ok(tokens),
                b'$' | b'%' if self.peek(1) == b'{' => {
                    line_start = false;
                    let before = if self.peek(2) == b'~' { tokens.last_mut() } else { None };
                    if let Some(Token::Literal(text)) = before {
                        text.truncate(text.trim_end().len());
                    }
                    let (token, trim) = self.nested(Self::sequence)?;
                    tokens.push(token);
                    trim_next = trim;
                }
                _ => {
                    let mut text = self.literal(mode)?;
                    line_start = text.ends_with('\n');
                    if std::mem::take(&mut trim_next) {
                        text = text.trim_start().to_owned();
                    }
                    tokens.push(Token::Literal(text));
                }
            }
        }
    }

    /// Text up to the next sequence or end; in a heredoc up to the end of the line.
    fn literal(&mut self, mode: Mode<'_>) -> Parsed<String> {
        let mut text = String::new();
        loop {
            let rest = &self.text[self.at..self.end];
            let stop = rest.bytes().position(|b| matches!(b, b'$' | b'%' | b'"' | b'\\' | b'\n')).unwrap_or(rest.len());
            text.push_str(&rest[..stop]);
            self.at += stop;
            match self.peek(0) {
                sign @ (b'$' | b'%') => {
                    if self.peek(1) == sign && self.peek(2) == b'{' {
                        text.push(char::from(sign));
                        text.push('{');
                        self.at += 3;
                    } else if self.peek(1) == b'{' {
                        break;
                    } else {
                        text.push(char::from(sign));
                        self.at += 1;
                    }
                }
                b'\n' => {
                    if matches!(mode, Mode::Quoted) {
                        return Err(self.error_here(
                            "Invalid multi-line string",
                            "a quoted text cannot go over several lines; write \\n for a line's end or use a heredoc (<<EOT)",
                        ));
                    }
                    text.push('\n');
                    self.at += 1;
                    if matches!(mode, Mode::Heredoc(_)) {
                        break;
                    }
                }
                b'"' if matches!(mode, Mode::Quoted) => break,
                b'\\' if matches!(mode, Mode::Quoted) => text.push(self.escape()?),
                _ if self.at_end() => break,
                plain => {
                    text.push(char::from(plain));
                    self.at += 1;
                }
            }
        }
        if self.at_end() && matches!(mode, Mode::Quoted) {
            return Err(self.error_here("Unterminated template string", "no closing quote was found for the string"));
        }
        Ok(match normalized(&text) {
            Cow::Owned(normal) => normal,
            Cow::Borrowed(_) => text,
        })
    }

    fn escape(&mut self) -> Parsed<char> {
        let start = self.at;
        let selector = self.text[self.at + 1..self.end].chars().next().unwrap_or(' ');
        self.at += 1 + selector.len_utf8();
        let digits = match selector {
            'n' => return Ok('\n'),
            'r' => return Ok('\r'),
            't' => return Ok('\t'),
            '"' => return Ok('"'),
            '\\' => return Ok('\\'),
            'u' => 4,
            'U' => 8,
            _ => {
                let span = Span::new(start, self.at.min(self.end));
                let detail = format!(
                    "the symbol {selector:?} is not a valid escape; known are \\n, \\r, \\t, \\\", \\\\, \\uNNNN and \\UNNNNNNNN"
                );
                return Err(self.error(span, "Invalid escape sequence", detail));
            }
        };
        let hex = self.text.get(self.at..self.at + digits).unwrap_or("");
        let character = u32::from_str_radix(hex, 16).ok().filter(|_| !hex.starts_with('+')).and_then(char::from_u32);
        match character {
            Some(character) if self.at + digits <= self.end => {
                self.at += digits;
                Ok(character)
            }
            _ => {
                let detail =
                    format!("\\{selector} must be followed by {digits} hexadecimal digits that name a character");
                Err(self.error(self.span_from(start), "Invalid escape sequence", detail))
            }
        }
    }

    /// `${…}` or `%{…}`, and whether it ends in `~}`.
    fn sequence(&mut self) -> Parsed<(Token, bool)> {
        let start = self.at;
        let directive = self.peek(0) == b'%';
        self.at += 2;
        self.take("~");
        let token = self.with_newlines(true, |scanner| {
            let token = if directive { scanner.directive(start)? } else { Token::Interpolation(scanner.expression()?) };
            scanner.skip()?;
            Ok(token)
        })?;
        let trim = self.take("~");
        if !self.take("}") {
            let (summary, what) = if directive {
                ("Extra characters in control sequence", "directive")
            } else {
                ("Extra characters after interpolation expression", "interpolation")
            };
            let error = self.error_here(summary, format!("expected a closing brace to end the {what}"));
            return Err(self.bad_character().unwrap_or(error));
        }
        let span = self.span_from(start);
        let token = match token {
            Token::If(condition, _) => Token::If(condition, span),
            Token::Else(_) => Token::Else(span),
            Token::EndIf(_) => Token::EndIf(span),
            Token::For(inner, _) => Token::For(inner, span),
            Token::EndFor(_) => Token::EndFor(span),
            other => other,
        };
        Ok((token, trim))
    }

    fn directive(&mut self, start: usize) -> Parsed<Token> {
        self.skip()?;
        let name = self.take_name();
        let span = self.span_from(start);
        Ok(match name.map(|(name, _)| name) {
            Some("if") => Token::If(self.expression()?, span),
            Some("else") => Token::Else(span),
            Some("endif") => Token::EndIf(span),
            Some("endfor") => Token::EndFor(span),
            Some("for") => {
                let (key_name, value_name) = self.for_names()?;
                let collection = self.expression()?;
                Token::For(Box::new(TemplateFor { key_name, value_name, collection, body: Vec::new() }), span)
            }
            _ => {
                let detail = "a directive is if, else, endif, for or endfor; write %%{ for a literal %{";
                return Err(self.error(span, "Invalid template directive", detail));
            }
        })
    }

    /// Nests the pieces up to the end of the directive at `open`, and says whether an `else` ended them.
    fn nest(
        &mut self,
        tokens: &mut std::vec::IntoIter<Token>,
        open: Option<(&str, Span)>,
    ) -> Parsed<(Vec<TemplatePart>, bool)> {
        let mut parts = Vec::new();
        while let Some(token) = tokens.next() {
            match token {
                Token::Literal(text) => push_literal(&mut parts, text),
                Token::Interpolation(expr) => parts.push(TemplatePart::Interpolation(expr)),
                Token::If(condition, span) => {
                    let (yes, has_else) = self.nested(|scanner| scanner.nest(tokens, Some(("if", span))))?;
                    let no = if has_else {
                        self.nested(|scanner| scanner.nest(tokens, Some(("else", span))))?.0
                    } else {
                        Vec::new()
                    };
                    parts.push(TemplatePart::If(Box::new(condition), yes, no));
                }
                Token::For(mut inner, span) => {
                    inner.body = self.nested(|scanner| scanner.nest(tokens, Some(("for", span))))?.0;
                    parts.push(TemplatePart::For(inner));
                }
                Token::Else(_) if matches!(open, Some(("if", _))) => return Ok((parts, true)),
                Token::EndIf(_) if matches!(open, Some(("if" | "else", _))) => return Ok((parts, false)),
                Token::EndFor(_) if matches!(open, Some(("for", _))) => return Ok((parts, false)),
                Token::Else(span) | Token::EndIf(span) | Token::EndFor(span) => {
                    let detail = "this directive does not match the one that is open here";
                    return Err(self.error(span, "Unexpected template directive", detail));
                }
            }
        }
        match open {
            None => Ok((parts, false)),
            Some((name, span)) => {
                let (name, end) = if name == "for" { ("for", "endfor") } else { ("if", "endif") };
                let place = self.source.range(span);
                let detail = format!("the {name} directive at {place} is missing its {end} directive");
                Err(self.error(span, "Unexpected end of template", detail))
            }
        }
    }

    /// The text of a heredoc: its introduction is next.
    pub fn heredoc(&mut self) -> Parsed<Expr> {
        let start = self.at;
        let (marker, flush) = self.heredoc_introduction()?;
        let mut tokens = self.with_newlines(false, |scanner| scanner.template_tokens(Mode::Heredoc(&marker)))?;
        if flush {
            heredoc::remove_indent(&mut tokens);
        }
        self.template_expression(tokens, start)
    }
}

fn push_literal(parts: &mut Vec<TemplatePart>, text: String) {
    match parts.last_mut() {
        Some(TemplatePart::Literal(before)) => *before = format!("{before}{text}").into(),
        _ => parts.push(TemplatePart::Literal(text.into())),
    }
}

/// The text in Unicode's composed form, in which texts are compared and counted.
pub(crate) fn normalized(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}
