//! The tags of a Tera template as tokens with their places: enough to know which names it reads, without rendering it.

use drover_hcl::Span;

/// What a tag is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TagKind {
    /// `{{ … }}`
    Expression,
    /// `{% … %}`
    Statement,
    /// `{# … #}`
    Comment,
}

/// A tag.
#[derive(Clone, Debug)]
pub(crate) struct Tag {
    pub kind: TagKind,
    /// From its first brace to its last.
    pub span: Span,
    /// What is between; none for comments.
    pub tokens: Vec<Token>,
}

/// A word, a text, a number or a mark.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub kind: TokenKind,
    pub span: Span,
}

/// The kinds of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Word(String),
    /// Without its quotes.
    Text(String),
    Number,
    Mark(char),
}

impl Token {
    pub(crate) fn word(&self) -> Option<&str> {
        match &self.kind {
            TokenKind::Word(word) => Some(word),
            _ => None,
        }
    }
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            TokenKind::Text(text) => Some(text),
            _ => None,
        }
    }
    pub(crate) fn is(&self, mark: char) -> bool {
        self.kind == TokenKind::Mark(mark)
    }
}

impl Tag {
    /// The statement's word: `for`, `if`, `set`.
    pub(crate) fn keyword(&self) -> Option<&str> {
        (self.kind == TagKind::Statement).then(|| self.tokens.first().and_then(Token::word)).flatten()
    }
}

/// All tags of a template in order. What is between `raw` and `endraw` is text.
pub(crate) fn tags(text: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some((start, kind)) = next_tag(text, at) {
        if kind == TagKind::Comment {
            let end = text[start..].find("#}").map_or(text.len(), |end| start + end + 2);
            found.push(Tag { kind, span: Span::new(start, end), tokens: Vec::new() });
            at = end;
            continue;
        }
        let close = if kind == TagKind::Expression { "}}" } else { "%}" };
        let (tokens, end) = tokens(text, start + 2, close);
        let tag = Tag { kind, span: Span::new(start, end), tokens };
        at = if tag.keyword() == Some("raw") { end_of_raw(text, end) } else { end };
        found.push(tag);
    }
    found
}

fn next_tag(text: &str, from: usize) -> Option<(usize, TagKind)> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(found) = text.get(at..)?.find('{') {
        at += found;
        match bytes.get(at + 1) {
            Some(b'{') => return Some((at, TagKind::Expression)),
            Some(b'%') => return Some((at, TagKind::Statement)),
            Some(b'#') => return Some((at, TagKind::Comment)),
            _ => at += 1,
        }
    }
    None
}

/// Where the tag that ends a raw part begins.
fn end_of_raw(text: &str, from: usize) -> usize {
    let mut at = from;
    while let Some(found) = text[at..].find("{%") {
        let inner = text[at + found + 2..].trim_start_matches('-').trim_start();
        if inner.starts_with("endraw") {
            return at + found;
        }
        at += found + 2;
    }
    text.len()
}

/// The tokens up to `close`, and where the tag ends.
fn tokens(text: &str, from: usize, close: &str) -> (Vec<Token>, usize) {
    let mut found = Vec::new();
    let mut at = from;
    // The braces of a map or of a component's argument may stand before those that close the tag.
    let mut open = 0_usize;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if open == 0 && rest.starts_with(close) {
            return (found, at + close.len());
        }
        let length = match c {
            '"' | '\'' | '`' => {
                let length = quoted_length(rest, c);
                let inner = rest[1..length].strip_suffix(c).unwrap_or(&rest[1..length]);
                found.push(Token { kind: TokenKind::Text(inner.to_owned()), span: Span::new(at, at + length) });
                length
            }
            c if c.is_alphabetic() || c == '_' => {
                let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                found
                    .push(Token { kind: TokenKind::Word(rest[..length].to_owned()), span: Span::new(at, at + length) });
                length
            }
            c if c.is_ascii_digit() => {
                let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                found.push(Token { kind: TokenKind::Number, span: Span::new(at, at + length) });
                length
            }
            c if c.is_whitespace() => c.len_utf8(),
            c => {
                match c {
                    '{' => open += 1,
                    '}' => open = open.saturating_sub(1),
                    _ => {}
                }
                let length = c.len_utf8();
                found.push(Token { kind: TokenKind::Mark(c), span: Span::new(at, at + length) });
                length
            }
        };
        at += length;
    }
    (found, text.len())
}

/// How long a text in quotes is, both quotes included.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_their_places_and_tokens() {
        let text = "a {{ x | f(y=\"}}\") }} {# {{ no }} #}{% raw %}{{ no }}{% endraw %}{%- if z -%}{{ <c a={b} /> }}";
        let tags = tags(text);
        let shown: Vec<&str> = tags.iter().map(|tag| &text[tag.span.start as usize..tag.span.end as usize]).collect();
        assert_eq!(
            shown,
            [
                "{{ x | f(y=\"}}\") }}",
                "{# {{ no }} #}",
                "{% raw %}",
                "{% endraw %}",
                "{%- if z -%}",
                "{{ <c a={b} /> }}"
            ]
        );
        assert_eq!(tags[0].tokens.iter().filter_map(Token::word).collect::<Vec<_>>(), ["x", "f", "y"]);
        assert_eq!(tags[0].tokens.iter().filter_map(Token::text).collect::<Vec<_>>(), ["}}"]);
    }

    #[test]
    fn a_tag_that_does_not_end_takes_the_rest() {
        let tags = tags("{{ a \"b");
        assert_eq!((tags.len(), tags[0].span.end), (1, 7));
    }
}
