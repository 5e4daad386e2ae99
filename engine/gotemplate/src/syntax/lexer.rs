//! Splits a template into tokens.

use crate::limits::MAX_SOURCE;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Error,
    Eof,
    Text,
    Left,
    Right,
    Space,
    Assign,
    Declare,
    Pipe,
    LeftParen,
    RightParen,
    Quoted,
    RawQuoted,
    Char,
    Number,
    Bool,
    Dot,
    Field,
    Variable,
    Identifier,
    /// Any other printable character.
    Other,
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Kind {
    /// Whether it is a word of the language.
    pub(crate) fn is_keyword(self) -> bool {
        use Kind::{Block, Break, Continue, Define, Else, End, If, Nil, Range, Template, With};
        matches!(self, Block | Break | Continue | Define | Else | End | If | Nil | Range | Template | With)
    }
    fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "block" => Self::Block,
            "break" => Self::Break,
            "continue" => Self::Continue,
            "define" => Self::Define,
            "else" => Self::Else,
            "end" => Self::End,
            "if" => Self::If,
            "nil" => Self::Nil,
            "range" => Self::Range,
            "template" => Self::Template,
            "with" => Self::With,
            "true" | "false" => Self::Bool,
            _ => return None,
        })
    }
}

/// A token.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub kind: Kind,
    /// Offset of its first byte.
    pub at: usize,
    pub text: String,
}

/// The marks around actions.
#[derive(Debug, Clone)]
pub(crate) struct Marks {
    pub left: String,
    pub right: String,
}

/// White space for the purpose of trimming.
const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

fn is_space(c: char) -> bool {
    BLANK.contains(&c)
}
fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// The tokens of a template; the last one is `Eof` or `Error`.
pub(crate) fn tokens(source: &str, marks: &Marks) -> Vec<Token> {
    let mut lexer = Lexer { source, marks, at: 0, depth: 0, out: Vec::new() };
    if source.len() > MAX_SOURCE {
        lexer.fail(0, format!("template is larger than {MAX_SOURCE} bytes"));
        return lexer.out;
    }
    // An error ends the list.
    let _ = lexer.run();
    lexer.out
}

/// The text was in error; the last token says how.
struct Failed;

struct Lexer<'a> {
    source: &'a str,
    marks: &'a Marks,
    at: usize,
    depth: usize,
    out: Vec<Token>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..]
    }
    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }
    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }
    fn emit(&mut self, kind: Kind, from: usize) {
        self.out.push(Token { kind, at: from, text: self.source[from..self.at].to_owned() });
    }
    fn fail(&mut self, at: usize, message: impl Into<String>) -> Failed {
        self.out.push(Token { kind: Kind::Error, at, text: message.into() });
        Failed
    }

    fn run(&mut self) -> Result<(), Failed> {
        loop {
            let from = self.at;
            let Some(found) = self.rest().find(&self.marks.left) else {
                self.at = self.source.len();
                if self.at > from {
                    self.emit(Kind::Text, from);
                }
                self.emit(Kind::Eof, self.at);
                return Ok(());
            };
            let mark = from + found;
            let after = mark + self.marks.left.len();
            let trims = trims_left(&self.source[after..]);
            let text = &self.source[from..mark];
            self.at = if trims { from + text.trim_end_matches(BLANK).len() } else { mark };
            if self.at > from {
                self.emit(Kind::Text, from);
            }
            self.at = after + if trims { 2 } else { 0 };
            if self.rest().starts_with("/*") {
                self.comment()?;
            } else {
                self.out.push(Token { kind: Kind::Left, at: mark, text: self.marks.left.clone() });
                self.depth = 0;
                self.action()?;
            }
        }
    }

    fn comment(&mut self) -> Result<(), Failed> {
        let Some(end) = self.rest().find("*/") else { return Err(self.fail(self.at, "unclosed comment")) };
        self.at += end + 2;
        if !self.close() {
            return Err(self.fail(self.at, "comment ends before closing delimiter"));
        }
        Ok(())
    }

    /// Passes the right mark if it is next, and the space that it trims.
    fn close(&mut self) -> bool {
        let rest = self.rest();
        let (skip, trims) = if trims_right(rest) && rest[2..].starts_with(&self.marks.right) {
            (2 + self.marks.right.len(), true)
        } else if rest.starts_with(&self.marks.right) {
            (self.marks.right.len(), false)
        } else {
            return false;
        };
        self.at += skip;
        if trims {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start_matches(BLANK).len();
        }
        true
    }

    /// The inside of an action, with its right mark.
    fn action(&mut self) -> Result<(), Failed> {
        loop {
            let from = self.at;
            let rest = self.rest();
            if rest.starts_with(&self.marks.right) || trims_right(rest) && rest[2..].starts_with(&self.marks.right) {
                if self.depth > 0 {
                    return Err(self.fail(from, "unclosed left paren"));
                }
                self.close();
                self.out.push(Token { kind: Kind::Right, at: from, text: self.marks.right.clone() });
                return Ok(());
            }
            let Some(c) = self.next() else { return Err(self.fail(from, "unclosed action")) };
            match c {
                c if is_space(c) => self.space(from),
                '=' => self.emit(Kind::Assign, from),
                ':' => {
                    if self.next() != Some('=') {
                        return Err(self.fail(from, "expected :="));
                    }
                    self.emit(Kind::Declare, from);
                }
                '|' => self.emit(Kind::Pipe, from),
                '"' => self.quoted(from)?,
                '`' => self.raw(from)?,
                '\'' => self.char(from)?,
                '$' => self.name(from, Kind::Variable)?,
                '.' if !self.peek().is_some_and(|c| c.is_ascii_digit()) => self.name(from, Kind::Field)?,
                '.' | '+' | '-' | '0'..='9' => self.number(from)?,
                c if is_word(c) => self.word(from)?,
                '(' => {
                    self.depth += 1;
                    self.emit(Kind::LeftParen, from);
                }
                ')' => {
                    if self.depth == 0 {
                        return Err(self.fail(from, "unexpected right paren"));
                    }
                    self.depth -= 1;
                    self.emit(Kind::RightParen, from);
                }
                c if c.is_ascii_graphic() => self.emit(Kind::Other, from),
                c => return Err(self.fail(from, format!("unrecognized character in action: {}", unicode(c)))),
            }
        }
    }

    fn space(&mut self, from: usize) {
        while self.peek().is_some_and(is_space) {
            self.next();
        }
        // The last blank may belong to a mark that trims.
        let last = self.at - 1;
        if trims_right(&self.source[last..]) && self.source[last + 2..].starts_with(&self.marks.right) {
            self.at = last;
            if last == from {
                return;
            }
        }
        self.emit(Kind::Space, from);
    }

    fn quoted(&mut self, from: usize) -> Result<(), Failed> {
        loop {
            match self.next() {
                Some('\\') if self.peek().is_some_and(|c| c != '\n') => {
                    self.next();
                }
                None | Some('\n') => return Err(self.fail(from, "unterminated quoted string")),
                Some('"') => break,
                Some(_) => {}
            }
        }
        self.emit(Kind::Quoted, from);
        Ok(())
    }

    fn raw(&mut self, from: usize) -> Result<(), Failed> {
        loop {
            match self.next() {
                None => return Err(self.fail(from, "unterminated raw quoted string")),
                Some('`') => break,
                Some(_) => {}
            }
        }
        self.emit(Kind::RawQuoted, from);
        Ok(())
    }

    fn char(&mut self, from: usize) -> Result<(), Failed> {
        loop {
            match self.next() {
                Some('\\') if self.peek().is_some_and(|c| c != '\n') => {
                    self.next();
                }
                None | Some('\n') => return Err(self.fail(from, "unterminated character constant")),
                Some('\'') => break,
                Some(_) => {}
            }
        }
        self.emit(Kind::Char, from);
        Ok(())
    }

    /// Whether an identifier may end here.
    fn at_end_of_word(&self) -> bool {
        match self.peek() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(_) => self.rest().starts_with(&self.marks.right),
        }
    }
    fn take_word(&mut self) {
        while self.peek().is_some_and(is_word) {
            self.next();
        }
    }
    fn word_must_end(&mut self) -> Result<(), Failed> {
        match self.peek() {
            Some(c) if !self.at_end_of_word() => Err(self.fail(self.at, format!("bad character {}", unicode(c)))),
            _ => Ok(()),
        }
    }

    /// `.name`, `.`, `$name` or `$`.
    fn name(&mut self, from: usize, kind: Kind) -> Result<(), Failed> {
        if self.at_end_of_word() {
            self.emit(if kind == Kind::Field { Kind::Dot } else { kind }, from);
            return Ok(());
        }
        self.take_word();
        self.word_must_end()?;
        self.emit(kind, from);
        Ok(())
    }

    fn word(&mut self, from: usize) -> Result<(), Failed> {
        self.take_word();
        self.word_must_end()?;
        let kind = Kind::of_word(&self.source[from..self.at]).unwrap_or(Kind::Identifier);
        self.emit(kind, from);
        Ok(())
    }

    fn number(&mut self, from: usize) -> Result<(), Failed> {
        self.at = from;
        let mut good = self.scan_number();
        if good && self.peek().is_some_and(|c| c == '+' || c == '-') {
            good = self.scan_number() && self.source[..self.at].ends_with('i');
        }
        if !good {
            let text = self.source[from..self.at].to_owned();
            return Err(self.fail(from, format!("bad number syntax: {text:?}")));
        }
        self.emit(Kind::Number, from);
        Ok(())
    }

    fn accept(&mut self, set: &str) -> bool {
        let found = self.peek().is_some_and(|c| set.contains(c));
        if found {
            self.next();
        }
        found
    }
    fn accept_all(&mut self, set: &str) {
        while self.accept(set) {}
    }

    fn scan_number(&mut self) -> bool {
        const DECIMAL: &str = "0123456789_";
        const HEX: &str = "0123456789abcdefABCDEF_";
        self.accept("+-");
        let mut digits = DECIMAL;
        if self.accept("0") {
            if self.accept("xX") {
                digits = HEX;
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_all(digits);
        if self.accept(".") {
            self.accept_all(digits);
        }
        if digits == DECIMAL && self.accept("eE") || digits == HEX && self.accept("pP") {
            self.accept("+-");
            self.accept_all(DECIMAL);
        }
        self.accept("i");
        if self.peek().is_some_and(is_word) {
            self.next();
            return false;
        }
        true
    }
}

fn trims_left(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next() == Some('-') && chars.next().is_some_and(is_space)
}
fn trims_right(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(is_space) && chars.next() == Some('-')
}

fn unicode(c: char) -> String {
    format!("U+{:04X} '{c}'", u32::from(c))
}
