//! The shape of rules: blocks with labels, arguments, lists; HCL of the first generation, or JSON.
//!
//! The language has no expressions: what is written is what is meant. Errors say line and column, counted from one.

use serde_json::Value as Json;

/// Blocks within blocks may go this deep.
const MAX_DEPTH: usize = 32;

/// Rules that are no rules at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("At {line}:{column}: {message}")]
pub struct SyntaxError {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Text, and whatever else has a text: numbers, booleans.
    Text(String),
    List(Vec<Value>),
    Object(Vec<Item>),
}

/// `KEY LABEL… { … }` or `KEY = value`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub key: String,
    pub labels: Vec<String>,
    pub value: Value,
    /// Where the value begins.
    pub at: (usize, usize),
}

/// The items of a document.
pub(crate) fn parse(text: &str) -> Result<Vec<Item>, SyntaxError> {
    if text.trim_start().starts_with('{') {
        return parse_json(text);
    }
    let mut parser = Parser { text, at: 0, token: Token::End, token_at: 0 };
    parser.advance()?;
    let items = parser.items(0)?;
    match parser.token {
        Token::End => Ok(items),
        _ => Err(parser.expected("IDENT | STRING | ASSIGN | LBRACE")),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Ident(String),
    Text(String),
    Number(String),
    Mark(char),
    End,
}

impl Token {
    fn name(&self) -> &'static str {
        match self {
            Self::Ident(_) => "IDENT",
            Self::Text(_) => "STRING",
            Self::Number(_) => "NUMBER",
            Self::Mark('{') => "LBRACE",
            Self::Mark('}') => "RBRACE",
            Self::Mark('[') => "LBRACK",
            Self::Mark(']') => "RBRACK",
            Self::Mark('=') => "ASSIGN",
            Self::Mark(',') => "COMMA",
            Self::Mark(_) => "ILLEGAL",
            Self::End => "EOF",
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Where the next token begins to be looked for.
    at: usize,
    token: Token,
    token_at: usize,
}

impl Parser<'_> {
    fn error_at(&self, at: usize, message: impl Into<String>) -> SyntaxError {
        let (line, column) = place(self.text, at);
        SyntaxError { line, column, message: message.into() }
    }

    fn expected(&self, what: &str) -> SyntaxError {
        self.error_at(self.token_at, format!("expected: {what} got: {}", self.token.name()))
    }

    /// Items until something that cannot begin one.
    fn items(&mut self, depth: usize) -> Result<Vec<Item>, SyntaxError> {
        if depth > MAX_DEPTH {
            return Err(self.error_at(self.token_at, format!("more than {MAX_DEPTH} blocks within each other")));
        }
        let mut items = Vec::new();
        while let Token::Ident(key) | Token::Text(key) = &self.token {
            let key = key.clone();
            self.advance()?;
            items.push(self.item(key, depth)?);
            if self.token == Token::Mark(',') {
                self.advance()?;
            }
        }
        Ok(items)
    }

    fn item(&mut self, key: String, depth: usize) -> Result<Item, SyntaxError> {
        let mut labels = Vec::new();
        loop {
            match &self.token {
                Token::Ident(label) | Token::Text(label) => {
                    labels.push(label.clone());
                    self.advance()?;
                }
                Token::Mark('=') if labels.is_empty() => {
                    self.advance()?;
                    let at = place(self.text, self.token_at);
                    let value = self.value(depth)?;
                    return Ok(Item { key, labels, value, at });
                }
                Token::Mark('{') => {
                    let at = place(self.text, self.token_at);
                    let value = self.object(depth)?;
                    return Ok(Item { key, labels, value, at });
                }
                Token::Mark('=') => {
                    return Err(self.error_at(self.token_at, "nested object expected: LBRACE got: ASSIGN"));
                }
                _ => return Err(self.expected("IDENT | STRING | ASSIGN | LBRACE")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        self.advance()?;
        let items = self.items(depth + 1)?;
        match self.token {
            Token::Mark('}') => self.advance()?,
            Token::End => return Err(self.error_at(self.token_at, "object expected closing RBRACE got: EOF")),
            _ => return Err(self.expected("IDENT | STRING")),
        }
        Ok(Value::Object(items))
    }

    fn value(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        match self.token.clone() {
            Token::Text(text) | Token::Number(text) => {
                self.advance()?;
                Ok(Value::Text(text))
            }
            Token::Ident(word) if word == "true" || word == "false" => {
                self.advance()?;
                Ok(Value::Text(word))
            }
            Token::Mark('{') => self.object(depth),
            Token::Mark('[') => self.list(depth),
            Token::Ident(word) => {
                let (line, column) = place(self.text, self.token_at);
                Err(self.error_at(self.token_at, format!("Unknown token: {line}:{column} IDENT {word}")))
            }
            _ => Err(self.expected("NUMBER | STRING | LBRACE | LBRACK")),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        if depth > MAX_DEPTH {
            return Err(self.error_at(self.token_at, format!("more than {MAX_DEPTH} lists within each other")));
        }
        self.advance()?;
        let mut values = Vec::new();
        loop {
            if self.token == Token::Mark(']') {
                self.advance()?;
                return Ok(Value::List(values));
            }
            values.push(self.value(depth + 1)?);
            match self.token {
                Token::Mark(',') => self.advance()?,
                Token::Mark(']') => {}
                _ => return Err(self.expected("COMMA | RBRACK")),
            }
        }
    }

    /// Reads the next token.
    fn advance(&mut self) -> Result<(), SyntaxError> {
        self.skip_blank()?;
        self.token_at = self.at;
        let rest = &self.text[self.at..];
        let Some(first) = rest.chars().next() else {
            self.token = Token::End;
            return Ok(());
        };
        self.token = match first {
            '{' | '}' | '[' | ']' | '=' | ',' => {
                self.at += 1;
                Token::Mark(first)
            }
            '"' => Token::Text(self.quoted()?),
            '<' if rest.starts_with("<<") => Token::Text(self.heredoc()?),
            c if c.is_alphabetic() || c == '_' => Token::Ident(self.take_while(is_ident).to_owned()),
            c if c.is_ascii_digit() || c == '-' => {
                Token::Number(self.take_while(|c| c.is_ascii_alphanumeric() || "+-._".contains(c)).to_owned())
            }
            other => return Err(self.error_at(self.at, format!("illegal character {other:?}"))),
        };
        Ok(())
    }

    fn skip_blank(&mut self) -> Result<(), SyntaxError> {
        loop {
            let rest = &self.text[self.at..];
            let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with('#') || trimmed.starts_with("//") {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if let Some(comment) = trimmed.strip_prefix("/*") {
                let end = comment.find("*/").ok_or_else(|| self.error_at(self.at, "comment not terminated"))?;
                self.at += end + 4;
            } else {
                return Ok(());
            }
        }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &str {
        let rest = &self.text[self.at..];
        let len = rest.find(|c: char| !wanted(c)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    fn quoted(&mut self) -> Result<String, SyntaxError> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.text[start + 1..].char_indices();
        while let Some((offset, c)) = chars.next() {
            match c {
                '"' => {
                    self.at = start + 1 + offset + 1;
                    return Ok(text);
                }
                '\n' => break,
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, c @ ('"' | '\\'))) => text.push(c),
                    _ => return Err(self.error_at(start + 1 + offset, "illegal escape in a string")),
                },
                c => text.push(c),
            }
        }
        Err(self.error_at(start, "literal not terminated"))
    }

    /// `<<NAME` … `NAME`, or `<<-NAME`, which takes the common indentation away.
    fn heredoc(&mut self) -> Result<String, SyntaxError> {
        let start = self.at;
        let rest = &self.text[start + 2..];
        let (rest, is_indented) = rest.strip_prefix('-').map_or((rest, false), |rest| (rest, true));
        let (name, body) = rest.split_once('\n').ok_or_else(|| self.error_at(start, "heredoc not terminated"))?;
        let name = name.trim_end_matches('\r');
        if name.is_empty() {
            return Err(self.error_at(start, "zero-length heredoc anchor"));
        }
        let body_at = self.text.len() - body.len();
        let mut end = body_at;
        for line in body.split_inclusive('\n') {
            if line.trim() == name {
                let content = &self.text[body_at..end];
                self.at = end + line.trim_end().len();
                return Ok(if is_indented { unindented(content) } else { content.to_owned() });
            }
            end += line.len();
        }
        Err(self.error_at(start, "heredoc not terminated"))
    }
}

fn unindented(text: &str) -> String {
    let blank = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let common = text.lines().map(blank).min().unwrap_or(0);
    text.split_inclusive('\n').map(|line| &line[common.min(line.len())..]).collect()
}

fn is_ident(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Line and column of a byte, from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Blocks whose keys in JSON are labels.
const LABELLED: &[&str] = &["namespace", "node_pool", "host_volume", "path"];

fn parse_json(text: &str) -> Result<Vec<Item>, SyntaxError> {
    let document: Json = serde_json::from_str(text).map_err(|error| SyntaxError {
        line: error.line(),
        column: error.column(),
        message: error.to_string(),
    })?;
    Ok(json_items(&document))
}

fn json_items(document: &Json) -> Vec<Item> {
    let Json::Object(map) = document else { return Vec::new() };
    map.iter().flat_map(|(key, value)| json_blocks(key, value)).collect()
}

fn json_blocks(key: &str, value: &Json) -> Vec<Item> {
    let item = |labels: Vec<String>, value: Value| Item { key: key.to_owned(), labels, value, at: (1, 1) };
    match value {
        Json::Object(map) if LABELLED.contains(&key) => {
            let block = |(label, inner): (&String, &Json)| match inner {
                Json::Array(list) => {
                    list.iter().map(|inner| item(vec![label.clone()], json_value(inner))).collect::<Vec<_>>()
                }
                inner => vec![item(vec![label.clone()], json_value(inner))],
            };
            map.iter().flat_map(block).collect()
        }
        Json::Array(list) if list.iter().any(Json::is_object) => {
            list.iter().flat_map(|value| json_blocks(key, value)).collect()
        }
        value => vec![item(Vec::new(), json_value(value))],
    }
}

fn json_value(value: &Json) -> Value {
    match value {
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(list) => Value::List(list.iter().map(json_value).collect()),
        Json::Object(_) => Value::Object(json_items(value)),
        other => Value::Text(other.to_string()),
    }
}
