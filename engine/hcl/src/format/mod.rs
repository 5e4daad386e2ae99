//! The canonical layout of HCL: indentation by nesting, one space between words, equals signs and trailing comments of
//! neighbouring lines in one column. Comments and blank lines stay as they are, and of texts all but their interpolations.

mod strings;
mod tokens;

use std::sync::Arc;

use crate::diagnostic::Diagnostics;
use crate::source::Source;
use crate::syntax::parse_body;

use tokens::{Kind, Token};

/// Formats a source. Doing it twice changes nothing more.
///
/// # Errors
/// The source has a syntax error; nothing is formatted then.
pub fn format(source: &Arc<Source>) -> Result<String, Diagnostics> {
    parse_body(source)?;
    Ok(lay_out(source))
}

/// Formats a text by its words alone, also where it is no HCL: nothing is refused, and line ends stay as they are.
#[must_use]
pub fn format_lexically(text: &str) -> String {
    lay_out(&Source::new("", text))
}

fn lay_out(source: &Arc<Source>) -> String {
    let tokens = tokens::read(source);
    let mut lines: Vec<Line<'_>> = tokens.split_inclusive(|token| token.kind == Kind::Newline).map(Line::new).collect();
    indent(&mut lines);
    align(&mut lines);
    let mut text = String::new();
    lines.iter().for_each(|line| line.write(&mut text));
    text
}

/// A line in three cells: what leads, an assignment, a trailing comment.
struct Line<'t> {
    tokens: &'t [Token<'t>],
    indent: usize,
    lead: String,
    assign: Option<String>,
    comment: Option<&'t str>,
    /// How it ends.
    end: &'t str,
    assign_column: usize,
    comment_column: usize,
}

impl<'t> Line<'t> {
    fn new(tokens: &'t [Token<'t>]) -> Self {
        let (tokens, end) = match tokens {
            [tokens @ .., Token { kind: Kind::Newline, text }] => (tokens, &**text),
            all => (all, ""),
        };
        let (code, comment) = match tokens {
            [code @ .., Token { kind: Kind::Comment, text }] if !code.is_empty() => (code, Some(&**text)),
            all => (all, None),
        };
        let equals = code.iter().position(|token| &*token.text == "=").filter(|at| *at > 0);
        // A value that goes on over further lines is not aligned with its neighbours.
        let whole = equals.filter(|at| code[*at..].iter().map(Token::bracket).sum::<i32>() == 0);
        let (lead, assign) = match whole {
            Some(at) => (spaced(&code[..at]), Some(spaced(&code[at..]))),
            None => (spaced(code), None),
        };
        Self { tokens, indent: 0, lead, assign, comment, end, assign_column: 0, comment_column: 0 }
    }

    /// The width of the last row that the code takes; a heredoc's first row counts.
    fn code_width(&self) -> usize {
        let width = |text: &str| text.lines().next().unwrap_or("").chars().count();
        match &self.assign {
            Some(assign) => self.assign_column + width(assign),
            None => width(&self.lead),
        }
    }

    fn write(&self, text: &mut String) {
        if self.tokens.is_empty() {
            text.push_str(self.end);
            return;
        }
        text.push_str(&"  ".repeat(self.indent));
        text.push_str(&self.lead);
        if let Some(assign) = &self.assign {
            text.push_str(&" ".repeat(self.assign_column.saturating_sub(self.lead.chars().count())));
            text.push_str(assign);
        }
        if let Some(comment) = self.comment {
            text.push_str(&" ".repeat(self.comment_column.saturating_sub(self.code_width()).max(1)));
            text.push_str(comment);
        }
        text.push_str(self.end);
    }
}

/// Brackets that a line opens make one level, however many there are.
fn indent(lines: &mut [Line<'_>]) {
    let mut open: Vec<i32> = Vec::new();
    for line in lines {
        let net: i32 = line.tokens.iter().map(Token::bracket).sum();
        line.indent = open.len();
        if net > 0 {
            open.push(net);
            continue;
        }
        let mut closed = -net;
        while closed > 0 {
            match open.last_mut() {
                Some(top) if *top > closed => {
                    *top -= closed;
                    closed = 0;
                }
                Some(top) => {
                    closed -= *top;
                    open.pop();
                }
                None => closed = 0,
            }
        }
        line.indent = open.len();
    }
}

fn align(lines: &mut [Line<'_>]) {
    for_each_run(
        lines,
        |line| line.assign.is_some(),
        |run| {
            let column = run.iter().map(|line| line.lead.chars().count()).max().unwrap_or(0) + 1;
            run.iter_mut().for_each(|line| line.assign_column = column);
        },
    );
    for_each_run(
        lines,
        |line| line.comment.is_some(),
        |run| {
            let column = run.iter().map(Line::code_width).max().unwrap_or(0) + 1;
            run.iter_mut().for_each(|line| line.comment_column = column);
        },
    );
}

/// Calls `apply` with each longest run of neighbouring lines of one indentation that `belongs` accepts.
fn for_each_run<'t>(
    lines: &mut [Line<'t>],
    belongs: impl Fn(&Line<'t>) -> bool,
    mut apply: impl FnMut(&mut [Line<'t>]),
) {
    let mut start = 0;
    while start < lines.len() {
        let indent = lines[start].indent;
        let length = lines[start..].iter().take_while(|line| belongs(line) && line.indent == indent).count();
        apply(&mut lines[start..start + length]);
        start += length.max(1);
    }
}

/// The tokens with the right spaces between them.
fn spaced(tokens: &[Token<'_>]) -> String {
    let mut text = String::new();
    for (at, token) in tokens.iter().enumerate() {
        if at > 0 && needs_space(tokens, at) {
            text.push(' ');
        }
        text.push_str(&token.text);
    }
    text
}

fn needs_space(tokens: &[Token<'_>], at: usize) -> bool {
    let (before, token) = (&tokens[at - 1], &tokens[at]);
    let keyword = before.kind == Kind::Name && matches!(&*before.text, "in" | "if" | "for");
    match (&*before.text, &*token.text) {
        ("{", "}") | (_, "," | ")" | "]" | "." | "..." | ".*" | "[*]") | ("(" | "[" | "." | ".*", _) => false,
        ("{", _) | (_, "}") => true,
        (_, "(") => keyword || !matches!(before.kind, Kind::Name),
        (_, "[") => {
            keyword || !(matches!(before.kind, Kind::Name | Kind::Text) || matches!(&*before.text, ")" | "]" | "}"))
        }
        ("-" | "!", _) => !is_unary(tokens, at - 1),
        _ => true,
    }
}

/// Whether the sign at `at` belongs to what follows.
fn is_unary(tokens: &[Token<'_>], at: usize) -> bool {
    &*tokens[at].text == "!"
        || at == 0
        || (tokens[at - 1].kind == Kind::Operator && !matches!(&*tokens[at - 1].text, ")" | "]" | "}" | "[*]" | ".*"))
        || (tokens[at - 1].kind == Kind::Name && matches!(&*tokens[at - 1].text, "in" | "if"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, after: &str) {
        let formatted = format(&Source::new("a.hcl", before)).unwrap();
        assert_eq!(formatted, after);
        assert_eq!(format(&Source::new("a.hcl", &*formatted)).unwrap(), formatted, "formatting twice");
    }

    #[test]
    fn aligns_neighbours_and_indents() {
        check(
            "job \"x\" {\ntype=\"batch\" # kind\n    priority = 50   // how much\n\n  group g {\ncount=1\n}\n}\n",
            "job \"x\" {\n  type     = \"batch\" # kind\n  priority = 50      // how much\n\n  group g {\n    count = 1\n  }\n}\n",
        );
    }

    #[test]
    fn lays_interpolations_out() {
        check(
            "a = \"${ b+c }-${ f( \"${d }\" ) }%{ if x }y%{~ endif ~}\"\n",
            "a = \"${b + c}-${f(\"${d}\")}%{if x}y%{~ endif ~}\"\n",
        );
    }

    #[test]
    fn what_is_no_hcl_is_laid_out_by_its_words() {
        assert_eq!(format_lexically("a: 1\r\nthis is: not { hcl ]"), "a : 1\r\nthis is : not { hcl]");
    }

    #[test]
    fn keeps_texts_and_comments() {
        let text = "a = \"x  =  y $${ z }\"\n# alone\nb = <<-EOT\n      keep   this\n  EOT\nlong = 1\n";
        check(text, "a = \"x  =  y $${ z }\"\n# alone\nb    = <<-EOT\n      keep   this\n  EOT\nlong = 1\n");
    }

    #[test]
    fn spaces_between_words() {
        check("a=-1+b [0] . c\n", "a = -1 + b[0].c\n");
        check("a = [ for x in [1,2]:f( x )if !x ]\n", "a = [for x in [1, 2] : f(x) if !x]\n");
        check("a = {b=1,c=d[*].e}\nf=g(h...)\n", "a = { b = 1, c = d[*].e }\nf = g(h...)\n");
        check("a = {\nb=1\nccc={}\n}\n", "a = {\n  b   = 1\n  ccc = {}\n}\n");
    }
}
