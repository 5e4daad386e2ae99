//! From tokens to the trees of a file: its own, and those that it defines.

use super::lexer::{Kind, Marks, Token, tokens};
use super::node::{Command, Node, Pipeline, Range, Tree};
use super::number::Number;
use super::unquote::unquote;
use crate::limits::MAX_NESTING;
use crate::value::Text;

/// A syntax error: offset in the source and message.
pub(crate) type Fault = (usize, String);
type Result<T> = std::result::Result<T, Fault>;

/// What `parse` asks of its caller.
pub(crate) struct Setting<'a> {
    pub marks: &'a Marks,
    /// Whether a function exists.
    pub knows: &'a dyn Fn(&str) -> bool,
    pub file: usize,
    /// The file's name, for messages.
    pub name: &'a str,
}

/// Parses a file: the tree of its own text first, then the named ones in their order.
pub(crate) fn parse(source: &str, setting: &Setting<'_>) -> Result<Vec<(Option<String>, Tree)>> {
    let mut parser = Parser {
        source,
        setting,
        tokens: tokens(source, setting.marks),
        next: 0,
        variables: vec!["$".to_owned()],
        loops: 0,
        nesting: 0,
        action_line: 0,
        trees: Vec::new(),
    };
    let main = parser.file()?;
    let mut trees = vec![(None, Tree { file: setting.file, nodes: main })];
    trees.extend(parser.trees.into_iter().map(|(name, nodes)| (Some(name), Tree { file: setting.file, nodes })));
    Ok(trees)
}

/// How a list of nodes ended.
enum Stop {
    End,
    Else,
}

struct Parser<'a> {
    source: &'a str,
    setting: &'a Setting<'a>,
    tokens: Vec<Token>,
    next: usize,
    variables: Vec<String>,
    loops: usize,
    nesting: usize,
    action_line: usize,
    trees: Vec<(String, Vec<Node>)>,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }
    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next = (self.next + 1).min(self.tokens.len());
        token
    }
    fn skip_space(&mut self) -> &Token {
        while self.peek().kind == Kind::Space {
            self.next += 1;
        }
        self.peek()
    }
    fn take_word(&mut self) -> Token {
        self.skip_space();
        self.take()
    }
    fn line(&self, at: usize) -> usize {
        1 + self.source.as_bytes()[..at.min(self.source.len())].iter().filter(|&&byte| byte == b'\n').count()
    }
    fn unexpected<T>(&self, token: &Token, context: &str) -> Result<T> {
        let shown = match token.kind {
            Kind::Error => {
                let mut message = token.text.clone();
                let line = self.line(if token.text == "unclosed action" { self.source.len() } else { token.at });
                if self.action_line != 0 && self.action_line != line {
                    let action = if message.ends_with(" action") { "" } else { " in action" };
                    message = format!("{message}{action} started at {}:{}", self.setting.name, self.action_line);
                }
                let at = if token.text == "unclosed action" { self.source.len() } else { token.at };
                return Err((at, message));
            }
            Kind::Eof => "EOF".to_owned(),
            kind if kind.is_keyword() => format!("<{}>", token.text),
            _ if token.text.chars().count() > 10 => {
                format!("{}...", quote(&token.text.chars().take(10).collect::<String>()))
            }
            _ => quote(&token.text),
        };
        let at = if token.kind == Kind::Eof { self.source.len() } else { token.at };
        Err((
            at,
            if token.kind == Kind::Eof {
                "unexpected EOF".to_owned()
            } else {
                format!("unexpected {shown} in {context}")
            },
        ))
    }
    fn expect(&mut self, kind: Kind, context: &str) -> Result<Token> {
        let token = self.take_word();
        if token.kind == kind { Ok(token) } else { self.unexpected(&token, context) }
    }
    fn deeper(&mut self, at: usize) -> Result<()> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err((at, format!("nested deeper than {MAX_NESTING} levels")));
        }
        Ok(())
    }

    fn file(&mut self) -> Result<Vec<Node>> {
        let mut nodes = Vec::new();
        while self.peek().kind != Kind::Eof {
            if self.peek().kind == Kind::Left {
                let from = self.next;
                self.next += 1;
                if self.skip_space().kind == Kind::Define {
                    self.next += 1;
                    self.definition()?;
                    continue;
                }
                self.next = from;
            }
            let at = self.peek().at;
            match self.text_or_action()? {
                Ok(node) => nodes.extend(node),
                Err(Stop::End) => return Err((at, "unexpected {{end}}".to_owned())),
                Err(Stop::Else) => return Err((at, "unexpected {{else}}".to_owned())),
            }
        }
        Ok(nodes)
    }

    fn definition(&mut self) -> Result<()> {
        const CONTEXT: &str = "define clause";
        let token = self.take_word();
        let name = self.template_name(&token, CONTEXT)?;
        self.expect(Kind::Right, CONTEXT)?;
        let variables = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let loops = std::mem::take(&mut self.loops);
        let at = token.at;
        let nodes = self.closed_list(CONTEXT)?;
        self.variables = variables;
        self.loops = loops;
        self.add(at, name, nodes)
    }

    /// A list that must end with `end`.
    fn closed_list(&mut self, context: &str) -> Result<Vec<Node>> {
        let (nodes, stop, at) = self.list()?;
        match stop {
            Stop::End => Ok(nodes),
            Stop::Else => Err((at, format!("unexpected {{{{else}}}} in {context}"))),
        }
    }

    /// A name may be defined again only if one of the two is blank.
    fn add(&mut self, at: usize, name: String, nodes: Vec<Node>) -> Result<()> {
        match self.trees.iter_mut().find(|(known, _)| *known == name) {
            None => self.trees.push((name, nodes)),
            Some((_, old)) if is_blank(old) => *old = nodes,
            Some(_) if is_blank(&nodes) => {}
            Some(_) => return Err((at, format!("template: multiple definition of template {}", quote(&name)))),
        }
        Ok(())
    }

    /// Nodes up to `end` or `else`, which of them, and where.
    fn list(&mut self) -> Result<(Vec<Node>, Stop, usize)> {
        let at = self.peek().at;
        self.deeper(at)?;
        let mut nodes = Vec::new();
        while self.skip_space().kind != Kind::Eof {
            let at = self.peek().at;
            match self.text_or_action()? {
                Ok(node) => nodes.extend(node),
                Err(stop) => {
                    self.nesting -= 1;
                    return Ok((nodes, stop, at));
                }
            }
        }
        Err((self.source.len(), "unexpected EOF".to_owned()))
    }

    fn text_or_action(&mut self) -> Result<std::result::Result<Option<Node>, Stop>> {
        let token = self.take_word();
        match token.kind {
            Kind::Text => Ok(Ok(Some(Node::Text(Text::from(token.text))))),
            Kind::Left => {
                self.action_line = self.line(token.at);
                let action = self.action();
                if action.is_ok() {
                    self.action_line = 0;
                }
                action
            }
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self) -> Result<std::result::Result<Option<Node>, Stop>> {
        let (kind, at) = {
            let token = self.skip_space();
            (token.kind, token.at)
        };
        let node = match kind {
            Kind::Block => {
                self.next += 1;
                self.block(at)?
            }
            Kind::Break | Kind::Continue => {
                self.next += 1;
                self.jump(kind, at)?
            }
            Kind::Else => {
                self.next += 1;
                // `else if` and `else with` go on without a mark in between.
                if !matches!(self.skip_space().kind, Kind::If | Kind::With) {
                    self.expect(Kind::Right, "else")?;
                }
                return Ok(Err(Stop::Else));
            }
            Kind::End => {
                self.next += 1;
                self.expect(Kind::Right, "end")?;
                return Ok(Err(Stop::End));
            }
            Kind::If => {
                self.next += 1;
                Node::If(self.control(at, "if")?)
            }
            Kind::With => {
                self.next += 1;
                Node::With(self.control(at, "with")?)
            }
            Kind::Range => {
                self.next += 1;
                Node::Range(self.control(at, "range")?)
            }
            Kind::Template => {
                self.next += 1;
                self.template(at)?
            }
            _ => Node::Action(self.pipeline("command", Kind::Right)?),
        };
        Ok(Ok(Some(node)))
    }

    fn jump(&mut self, kind: Kind, at: usize) -> Result<Node> {
        let name = if kind == Kind::Break { "{{break}}" } else { "{{continue}}" };
        self.expect(Kind::Right, name)?;
        if self.loops == 0 {
            return Err((at, format!("{name} outside {{{{range}}}}")));
        }
        Ok(if kind == Kind::Break { Node::Break(at) } else { Node::Continue(at) })
    }

    fn control(&mut self, at: usize, context: &str) -> Result<Range> {
        self.deeper(at)?;
        let scope = self.variables.len();
        let pipeline = self.pipeline(context, Kind::Right)?;
        self.action_line = 0;
        if context == "range" {
            self.loops += 1;
        }
        let (body, stop, _) = self.list()?;
        if context == "range" {
            self.loops -= 1;
        }
        let otherwise = match stop {
            Stop::End => Vec::new(),
            Stop::Else => self.otherwise(context)?,
        };
        self.variables.truncate(scope);
        self.nesting -= 1;
        Ok(Range { at, pipeline, body, otherwise })
    }

    /// What follows `else`.
    fn otherwise(&mut self, context: &str) -> Result<Vec<Node>> {
        let (kind, at) = (self.peek().kind, self.peek().at);
        match (context, kind) {
            ("if", Kind::If) => {
                self.next += 1;
                Ok(vec![Node::If(self.control(at, "if")?)])
            }
            ("with", Kind::With) => {
                self.next += 1;
                Ok(vec![Node::With(self.control(at, "with")?)])
            }
            _ => {
                let (nodes, stop, at) = self.list()?;
                match stop {
                    Stop::End => Ok(nodes),
                    Stop::Else => Err((at, "expected end; found {{else}}".to_owned())),
                }
            }
        }
    }

    fn block(&mut self, at: usize) -> Result<Node> {
        const CONTEXT: &str = "block clause";
        let token = self.take_word();
        let name = self.template_name(&token, CONTEXT)?;
        let pipeline = self.pipeline(CONTEXT, Kind::Right)?;
        self.action_line = 0;
        let variables = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let loops = std::mem::take(&mut self.loops);
        let nodes = self.closed_list(CONTEXT)?;
        self.variables = variables;
        self.loops = loops;
        self.add(at, name.clone(), nodes)?;
        Ok(Node::Template { at, name, pipeline: Some(pipeline) })
    }

    fn template(&mut self, at: usize) -> Result<Node> {
        const CONTEXT: &str = "template clause";
        let token = self.take_word();
        let name = self.template_name(&token, CONTEXT)?;
        let pipeline = if self.skip_space().kind == Kind::Right {
            self.next += 1;
            None
        } else {
            Some(self.pipeline(CONTEXT, Kind::Right)?)
        };
        Ok(Node::Template { at, name, pipeline })
    }

    fn template_name(&self, token: &Token, context: &str) -> Result<String> {
        match token.kind {
            Kind::Quoted | Kind::RawQuoted => unquote(&token.text)
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .ok_or_else(|| (token.at, "invalid syntax".to_owned())),
            _ => self.unexpected(token, context),
        }
    }

    fn pipeline(&mut self, context: &str, end: Kind) -> Result<Pipeline> {
        let at = self.skip_space().at;
        self.deeper(at)?;
        let mut pipeline = Pipeline { at, assigns: false, variables: Vec::new(), commands: Vec::new() };
        self.declarations(&mut pipeline, context)?;
        loop {
            let token = self.skip_space().clone();
            if token.kind == end {
                self.next += 1;
                break;
            }
            match token.kind {
                Kind::Bool
                | Kind::Char
                | Kind::Number
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Nil
                | Kind::Quoted
                | Kind::RawQuoted
                | Kind::Variable
                | Kind::LeftParen => pipeline.commands.push(self.command()?),
                _ => return self.unexpected(&token, context),
            }
        }
        self.nesting -= 1;
        if pipeline.commands.is_empty() {
            return Err((at, format!("missing value for {context}")));
        }
        for (stage, command) in pipeline.commands.iter().enumerate().skip(1) {
            let fixed = matches!(
                command.words.first(),
                Some(Node::Bool(_) | Node::Dot(_) | Node::Nil | Node::Number(..) | Node::String { .. })
            );
            if fixed {
                return Err((at, format!("non executable command in pipeline stage {}", stage + 1)));
            }
        }
        Ok(pipeline)
    }

    /// `$x :=`, `$x =`, and in ranges `$i, $x :=`.
    fn declarations(&mut self, pipeline: &mut Pipeline, context: &str) -> Result<()> {
        loop {
            let from = self.next;
            let token = self.skip_space().clone();
            if token.kind != Kind::Variable {
                self.next = from;
                return Ok(());
            }
            self.next += 1;
            let following = self.skip_space().clone();
            match following.kind {
                Kind::Assign | Kind::Declare => {
                    pipeline.assigns = following.kind == Kind::Assign;
                    self.next += 1;
                    if pipeline.assigns && !self.variables.contains(&token.text) {
                        return Err((token.at, format!("undefined variable {}", quote(&token.text))));
                    }
                    self.declare(pipeline, token.text);
                    return Ok(());
                }
                Kind::Other if following.text == "," => {
                    self.next += 1;
                    self.declare(pipeline, token.text);
                    if context == "range" && pipeline.variables.len() < 2 {
                        match self.skip_space().kind {
                            Kind::Variable | Kind::Right | Kind::RightParen => continue,
                            _ => return Err((token.at, "range can only initialize variables".to_owned())),
                        }
                    }
                    return Err((token.at, format!("too many declarations in {context}")));
                }
                _ => {
                    self.next = from;
                    return Ok(());
                }
            }
        }
    }
    fn declare(&mut self, pipeline: &mut Pipeline, name: String) {
        self.variables.push(name.clone());
        pipeline.variables.push(name);
    }

    fn command(&mut self) -> Result<Command> {
        let mut command = Command { at: self.skip_space().at, words: Vec::new() };
        loop {
            self.skip_space();
            if let Some(word) = self.operand()? {
                command.words.push(word);
            }
            match self.peek().kind {
                Kind::Space => self.next += 1,
                Kind::Right | Kind::RightParen => break,
                Kind::Pipe => {
                    self.next += 1;
                    break;
                }
                _ => {
                    let token = self.take();
                    return self.unexpected(&token, "operand");
                }
            }
        }
        if command.words.is_empty() {
            return Err((command.at, "empty command".to_owned()));
        }
        Ok(command)
    }

    fn operand(&mut self) -> Result<Option<Node>> {
        let Some(node) = self.term()? else { return Ok(None) };
        if self.peek().kind != Kind::Field {
            return Ok(Some(node));
        }
        let at = self.peek().at;
        let mut names = Vec::new();
        while self.peek().kind == Kind::Field {
            names.push(self.take().text[1..].to_owned());
        }
        Ok(Some(match node {
            Node::Field(at, mut first) => {
                first.extend(names);
                Node::Field(at, first)
            }
            Node::Variable(at, mut first) => {
                first.extend(names);
                Node::Variable(at, first)
            }
            Node::Bool(_) | Node::String { .. } | Node::Number(..) | Node::Nil | Node::Dot(_) => {
                return Err((at, format!("unexpected . after term {}", quote(&node.to_string()))));
            }
            node => Node::Chain(at, Box::new(node), names),
        }))
    }

    fn term(&mut self) -> Result<Option<Node>> {
        let token = self.skip_space().clone();
        let at = token.at;
        let node = match token.kind {
            Kind::Identifier => {
                if !(self.setting.knows)(&token.text) {
                    return Err((at, format!("function {} not defined", quote(&token.text))));
                }
                Node::Identifier(at, token.text)
            }
            Kind::Dot => Node::Dot(at),
            Kind::Nil => Node::Nil,
            Kind::Variable => {
                if !self.variables.contains(&token.text) {
                    return Err((at, format!("undefined variable {}", quote(&token.text))));
                }
                Node::Variable(at, vec![token.text])
            }
            Kind::Field => Node::Field(at, vec![token.text[1..].to_owned()]),
            Kind::Bool => Node::Bool(token.text == "true"),
            Kind::Char | Kind::Number => Node::Number(at, Number::read(&token.text).map_err(|message| (at, message))?),
            Kind::Quoted | Kind::RawQuoted => {
                let bytes = unquote(&token.text).ok_or_else(|| (at, "invalid syntax".to_owned()))?;
                Node::String { quoted: token.text, text: Text::from(bytes) }
            }
            Kind::LeftParen => {
                self.next += 1;
                return Ok(Some(Node::Pipeline(self.pipeline("parenthesized pipeline", Kind::RightParen)?)));
            }
            _ => return Ok(None),
        };
        self.next += 1;
        Ok(Some(node))
    }
}

/// Whether a template prints nothing but white space.
pub(crate) fn is_blank(nodes: &[Node]) -> bool {
    nodes.iter().all(|node| match node {
        Node::Text(text) => text.bytes().iter().all(u8::is_ascii_whitespace),
        _ => false,
    })
}

fn quote(text: &str) -> String {
    crate::format::quote(text.as_bytes(), crate::format::Quote::Plain)
}
