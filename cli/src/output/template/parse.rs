//! From text to nodes.

use super::{Result, TemplateError, functions};
use serde_json::Value;

/// A piece of a template.
#[derive(Debug)]
pub(super) enum Node {
    /// As it is.
    Text(String),
    /// A value.
    Print(Pipe),
    /// `if`, with what holds then and otherwise.
    If(Pipe, Vec<Node>, Vec<Node>),
    /// `with`.
    With(Pipe, Vec<Node>, Vec<Node>),
    /// `range`, with the names of its variables.
    Range(Vec<String>, Pipe, Vec<Node>, Vec<Node>),
}

/// Commands, each of which is given what the one before it gave.
#[derive(Debug)]
pub(super) struct Pipe(pub Vec<Command>);

/// A function with its arguments, or one operand alone.
#[derive(Debug)]
pub(super) struct Command {
    pub function: Option<String>,
    pub operands: Vec<Operand>,
}

/// Something with a value.
#[derive(Debug)]
pub(super) enum Operand {
    Literal(Value),
    Field(Vec<String>),
    Variable(String, Vec<String>),
    Pipe(Pipe, Vec<String>),
}

/// Deepest nesting of blocks and brackets.
const MAX_DEPTH: usize = 64;

enum Piece {
    Text(String),
    Action(Vec<String>),
}

fn syntax<T>(text: impl Into<String>) -> Result<T> {
    Err(TemplateError::Syntax(text.into()))
}

/// Reads a template.
pub(super) fn parse(text: &str) -> Result<Vec<Node>> {
    let mut parser = Parser { pieces: pieces(text)?.into_iter(), depth: 0 };
    let (nodes, end) = parser.nodes()?;
    match end {
        None => Ok(nodes),
        Some(words) => syntax(format!("unexpected {{{{{}}}}}", words.join(" "))),
    }
}

fn pieces(text: &str) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut trims = false;
    while let Some((before, after)) = rest.split_once("{{") {
        let before = if trims { before.trim_start() } else { before };
        let trims_before = after.starts_with("- ");
        pieces.push(Piece::Text(if trims_before { before.trim_end() } else { before }.to_owned()));
        let inside = if trims_before { &after[1..] } else { after };
        let end = end_of_action(inside).map_or_else(|| syntax("unclosed action"), Ok)?;
        let action = &inside[..end];
        rest = &inside[end + 2..];
        trims = action.ends_with(" -");
        let action = if trims { &action[..action.len() - 1] } else { action }.trim();
        if !(action.starts_with("/*") && action.ends_with("*/")) {
            pieces.push(Piece::Action(words(action)?));
        }
    }
    pieces.push(Piece::Text(if trims { rest.trim_start() } else { rest }.to_owned()));
    Ok(pieces)
}

/// Where the `}}` is that is in no string.
fn end_of_action(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut quote = None;
    let mut at = 0;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            (None, found @ (b'"' | b'`')) => quote = Some(found),
            (Some(b'"'), b'\\') => at += 1,
            (Some(open), found) if open == found => quote = None,
            _ => {}
        }
        at += 1;
    }
    None
}

/// Words of an action: strings with their quotes, brackets, pipes, commas and `:=` alone.
fn words(action: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = action.chars().peekable();
    while let Some(first) = rest.next() {
        let mut word = first.to_string();
        match first {
            _ if first.is_whitespace() => continue,
            '(' | ')' | '|' | ',' => {}
            ':' if rest.next_if_eq(&'=').is_some() => word.push('='),
            '"' | '`' => loop {
                match rest.next() {
                    Some('\\') if first == '"' => {
                        word.push('\\');
                        word.extend(rest.next());
                    }
                    Some(character) => {
                        word.push(character);
                        if character == first {
                            break;
                        }
                    }
                    None => return syntax("unterminated string"),
                }
            },
            _ => {
                while let Some(next) = rest.next_if(|next| !next.is_whitespace() && !"()|,:\"`".contains(*next)) {
                    word.push(next);
                }
            }
        }
        words.push(word);
    }
    Ok(words)
}

struct Parser {
    pieces: std::vec::IntoIter<Piece>,
    depth: usize,
}

impl Parser {
    /// Nodes up to the end, or to the words of an `end` or `else`.
    fn nodes(&mut self) -> Result<(Vec<Node>, Option<Vec<String>>)> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return syntax(format!("more than {MAX_DEPTH} levels"));
        }
        let mut nodes = Vec::new();
        let mut end = None;
        while let Some(piece) = self.pieces.next() {
            let words = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Piece::Action(words) => words,
            };
            match words.first().map(String::as_str) {
                None => return syntax("missing value for command"),
                Some("end" | "else") => {
                    end = Some(words);
                    break;
                }
                Some("if" | "with" | "range") => nodes.push(self.block(&words)?),
                Some("define" | "template" | "block" | "break" | "continue") => {
                    return syntax(format!("{{{{{}}}}} is not known here", words[0]));
                }
                Some(_) => nodes.push(Node::Print(pipe(&words)?)),
            }
        }
        self.depth -= 1;
        Ok((nodes, end))
    }

    fn block(&mut self, words: &[String]) -> Result<Node> {
        let (kind, head) = words.split_first().map_or(("", words), |(kind, head)| (kind.as_str(), head));
        let (names, head) = match head.iter().position(|word| word == ":=") {
            Some(at) if kind == "range" => {
                (head[..at].iter().filter(|word| *word != ",").cloned().collect(), &head[at + 1..])
            }
            Some(_) => return syntax("variables can only be set by range"),
            None => (Vec::new(), head),
        };
        let condition = pipe(head)?;
        let (then, end) = self.nodes()?;
        let otherwise = match end.as_deref() {
            Some([word]) if word == "end" => Vec::new(),
            Some([word]) if word == "else" => match self.nodes()? {
                (nodes, Some(end)) if end == ["end"] => nodes,
                _ => return syntax("unexpected end: {{end}} is missing"),
            },
            Some([word, rest @ ..]) if word == "else" => vec![self.block(rest)?],
            _ => return syntax("unexpected end: {{end}} is missing"),
        };
        Ok(match kind {
            "if" => Node::If(condition, then, otherwise),
            "with" => Node::With(condition, then, otherwise),
            "range" => Node::Range(names, condition, then, otherwise),
            other => return syntax(format!("unexpected {other} after else")),
        })
    }
}

fn pipe(words: &[String]) -> Result<Pipe> {
    let mut words = words.iter().map(String::as_str).peekable();
    let found = pipe_of(&mut words, 0)?;
    match words.next() {
        None => Ok(found),
        Some(word) => syntax(format!("unexpected {word:?}")),
    }
}

fn pipe_of<'w>(words: &mut std::iter::Peekable<impl Iterator<Item = &'w str>>, depth: usize) -> Result<Pipe> {
    if depth > MAX_DEPTH {
        return syntax(format!("more than {MAX_DEPTH} levels"));
    }
    let mut commands = Vec::new();
    loop {
        let mut command = Command { function: None, operands: Vec::new() };
        while let Some(word) = words.next_if(|word| *word != "|" && *word != ")") {
            let is_first = command.function.is_none() && command.operands.is_empty();
            match word {
                "(" => {
                    let inner = pipe_of(words, depth + 1)?;
                    if words.next() != Some(")") {
                        return syntax("unclosed left paren");
                    }
                    let path =
                        words.next_if(|word| word.starts_with('.') && word.len() > 1).map(path).unwrap_or_default();
                    command.operands.push(Operand::Pipe(inner, path));
                }
                name if is_first && functions::NAMES.contains(&name) => command.function = Some(name.to_owned()),
                word => command.operands.push(operand(word)?),
            }
        }
        if command.function.is_none() && command.operands.is_empty() {
            return syntax("missing value for command");
        }
        commands.push(command);
        if words.next_if_eq(&"|").is_none() {
            return Ok(Pipe(commands));
        }
    }
}

fn path(text: &str) -> Vec<String> {
    text.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn operand(word: &str) -> Result<Operand> {
    Ok(match word {
        "true" => Operand::Literal(true.into()),
        "false" => Operand::Literal(false.into()),
        "nil" => Operand::Literal(Value::Null),
        _ if word.starts_with('.') => Operand::Field(path(word)),
        _ if word.starts_with('$') => {
            let (name, rest) = word.split_once('.').unwrap_or((word, ""));
            Operand::Variable(name.to_owned(), path(rest))
        }
        _ if word.starts_with('`') => Operand::Literal(word.trim_matches('`').into()),
        _ => match serde_json::from_str(word) {
            Ok(literal @ (Value::String(_) | Value::Number(_))) => Operand::Literal(literal),
            _ => return syntax(format!("function {word:?} not defined")),
        },
    })
}
