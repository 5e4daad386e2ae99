//! The grammar of filter expressions.

use regex::Regex;

/// Nested expressions, to keep a hostile filter from exhausting the stack.
const MAX_DEPTH: usize = 64;

pub(super) enum Expression {
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Match(Match),
}

/// One comparison.
pub(super) struct Match {
    pub selector: Selector,
    pub operator: Operator,
    pub negated: bool,
    pub value: String,
    pub pattern: Option<Regex>,
}

/// A path into the document.
pub(super) struct Selector(pub Vec<String>);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    In,
    Empty,
    Matches,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Symbol(&'static str),
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    end: usize,
}

pub(super) fn parse(text: &str) -> Result<Expression, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, end: text.len() };
    let expression = parser.or(0)?;
    match parser.peek() {
        None => Ok(expression),
        Some(_) => Err(parser.fault("no match found, expected: \"and\", \"or\" or the end")),
    }
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((at, first)) = rest.next() {
        match first {
            _ if first.is_whitespace() => {}
            '(' => tokens.push((at, Token::Symbol("("))),
            ')' => tokens.push((at, Token::Symbol(")"))),
            '=' | '!' if matches!(rest.peek(), Some((_, '='))) => {
                rest.next();
                tokens.push((at, Token::Symbol(if first == '=' { "==" } else { "!=" })));
            }
            '"' | '`' => {
                let mut value = String::new();
                loop {
                    match rest.next() {
                        Some((_, c)) if c == first => break,
                        Some((_, '\\')) if first == '"' => match rest.next() {
                            Some((_, 'n')) => value.push('\n'),
                            Some((_, 't')) => value.push('\t'),
                            Some((_, c @ ('"' | '\\'))) => value.push(c),
                            Some((_, c)) => value.extend(['\\', c]),
                            None => return Err(position(at, "unterminated string literal")),
                        },
                        Some((_, c)) => value.push(c),
                        None => return Err(position(at, "unterminated string literal")),
                    }
                }
                tokens.push((at, Token::Text(value)));
            }
            _ if is_word(first) => {
                let mut word = String::from(first);
                while let Some((_, c)) = rest.next_if(|(_, c)| is_word(*c)) {
                    word.push(c);
                }
                tokens.push((at, Token::Word(word)));
            }
            other => return Err(position(at, &format!("no match found, unexpected {other:?}"))),
        }
    }
    Ok(tokens)
}

const fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | '[' | ']' | ':' | '~' | '*')
}

fn position(at: usize, fault: &str) -> String {
    format!("1:{} ({at}): {fault}", at + 1)
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn fault(&self, text: &str) -> String {
        position(self.tokens.get(self.at).map_or(self.end, |(at, _)| *at), text)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(found)) if found == word);
        self.at += usize::from(found);
        found
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol);
        self.at += usize::from(found);
        found
    }

    fn or(&mut self, depth: usize) -> Result<Expression, String> {
        let mut left = self.and(depth)?;
        while self.take_word("or") {
            left = Expression::Or(Box::new(left), Box::new(self.and(depth)?));
        }
        Ok(left)
    }

    fn and(&mut self, depth: usize) -> Result<Expression, String> {
        let mut left = self.not(depth)?;
        while self.take_word("and") {
            left = Expression::And(Box::new(left), Box::new(self.not(depth)?));
        }
        Ok(left)
    }

    fn not(&mut self, depth: usize) -> Result<Expression, String> {
        if depth > MAX_DEPTH {
            return Err(self.fault("the expression is nested too deeply"));
        }
        if self.take_word("not") {
            return Ok(Expression::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.take_symbol("(") {
            let inner = self.or(depth + 1)?;
            return if self.take_symbol(")") { Ok(inner) } else { Err(self.fault("no match found, expected: \")\"")) };
        }
        self.comparison().map(Expression::Match)
    }

    fn comparison(&mut self) -> Result<Match, String> {
        let (left, is_text) = self.operand()?;
        if self.take_word("in") {
            return self.inside(left, false);
        }
        if matches!(self.peek(), Some(Token::Word(word)) if word == "not")
            && matches!(self.tokens.get(self.at + 1), Some((_, Token::Word(word))) if word == "in")
        {
            self.at += 2;
            return self.inside(left, true);
        }
        if is_text && !left.starts_with('/') {
            return Err(self.fault("no match found, expected: \"in\" or \"not\""));
        }
        let selector = selector(&left);
        if self.take_word("is") {
            let negated = self.take_word("not");
            return if self.take_word("empty") {
                Ok(Match { selector, operator: Operator::Empty, negated, value: String::new(), pattern: None })
            } else {
                Err(self.fault("no match found, expected: \"empty\""))
            };
        }
        let (operator, negated) = self.operator()?;
        let (value, _) = self.operand()?;
        let pattern = match operator {
            Operator::Matches => {
                Some(Regex::new(&value).map_err(|error| format!("failed to compile regex {value:?}: {error}"))?)
            }
            _ => None,
        };
        Ok(Match { selector, operator, negated, value, pattern })
    }

    fn inside(&mut self, value: String, negated: bool) -> Result<Match, String> {
        let (path, _) = self.operand()?;
        Ok(Match { selector: selector(&path), operator: Operator::In, negated, value, pattern: None })
    }

    fn operator(&mut self) -> Result<(Operator, bool), String> {
        if self.take_symbol("==") {
            return Ok((Operator::Equal, false));
        }
        if self.take_symbol("!=") {
            return Ok((Operator::Equal, true));
        }
        let negated = self.take_word("not");
        if self.take_word("contains") {
            return Ok((Operator::In, negated));
        }
        if self.take_word("matches") {
            return Ok((Operator::Matches, negated));
        }
        Err(self
            .fault("no match found, expected: \"!=\", \"==\", \"contains\", \"in\", \"is\", \"matches\" or \"not\""))
    }

    fn operand(&mut self) -> Result<(String, bool), String> {
        let operand = match self.peek() {
            Some(Token::Word(word)) => (word.clone(), false),
            Some(Token::Text(text)) => (text.clone(), true),
            _ => return Err(self.fault("no match found, expected a selector or a value")),
        };
        self.at += 1;
        Ok(operand)
    }
}

/// `A.b["c"].d` or `/A/b/c`.
fn selector(path: &str) -> Selector {
    if let Some(pointer) = path.strip_prefix('/') {
        let parts = pointer.split('/').map(|part| part.replace("~1", "/").replace("~0", "~"));
        return Selector(parts.collect());
    }
    let parts = path.split(['.', '[']).map(|part| part.trim_end_matches(']').trim_matches('"').to_owned());
    Selector(parts.filter(|part| !part.is_empty()).collect())
}
