//! The tree of a template.

use super::number::Number;
use crate::value::Text;
use std::fmt::{Display, Formatter, Result};

/// The nodes of one template, by the name that it is called by.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The name of the file that it stands in.
    pub file: usize,
    pub nodes: Vec<Node>,
}

/// A pipeline: declarations and commands.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub at: usize,
    /// `=` instead of `:=`.
    pub assigns: bool,
    pub variables: Vec<String>,
    pub commands: Vec<Command>,
}

/// An operand, or a function with its arguments.
#[derive(Debug)]
pub(crate) struct Command {
    pub at: usize,
    pub words: Vec<Node>,
}

/// `if`, `with` and `range` share their parts.
#[derive(Debug)]
pub(crate) struct Range {
    pub at: usize,
    pub pipeline: Pipeline,
    pub body: Vec<Node>,
    pub otherwise: Vec<Node>,
}

/// A node.
#[derive(Debug)]
pub(crate) enum Node {
    Text(Text),
    Action(Pipeline),
    If(Range),
    With(Range),
    Range(Range),
    Template {
        at: usize,
        name: String,
        pipeline: Option<Pipeline>,
    },
    Break(usize),
    Continue(usize),
    // Operands.
    Bool(bool),
    Number(usize, Number),
    String {
        quoted: String,
        text: Text,
    },
    Nil,
    Dot(usize),
    /// `.a.b`
    Field(usize, Vec<String>),
    /// `$x.a.b`: the first part is the variable with its `$`.
    Variable(usize, Vec<String>),
    /// A function.
    Identifier(usize, String),
    /// `(…).a.b`
    Chain(usize, Box<Node>, Vec<String>),
    Pipeline(Pipeline),
}

impl Node {
    /// Where it begins.
    pub(crate) fn at(&self) -> usize {
        match self {
            Self::Text(_) | Self::Bool(_) | Self::String { .. } | Self::Nil => 0,
            Self::Action(pipeline) | Self::Pipeline(pipeline) => pipeline.at,
            Self::If(range) | Self::With(range) | Self::Range(range) => range.at,
            Self::Template { at, .. }
            | Self::Break(at)
            | Self::Continue(at)
            | Self::Number(at, _)
            | Self::Dot(at)
            | Self::Field(at, _)
            | Self::Variable(at, _)
            | Self::Identifier(at, _)
            | Self::Chain(at, ..) => *at,
        }
    }
}

impl Display for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Text(text) => write!(f, "{}", text.text()),
            Self::Action(pipeline) => write!(f, "{{{{{pipeline}}}}}"),
            Self::If(range) => write!(f, "{{{{if {}}}}}", range.pipeline),
            Self::With(range) => write!(f, "{{{{with {}}}}}", range.pipeline),
            Self::Range(range) => write!(f, "{{{{range {}}}}}", range.pipeline),
            Self::Template { name, pipeline: None, .. } => write!(f, "{{{{template {name:?}}}}}"),
            Self::Template { name, pipeline: Some(pipeline), .. } => write!(f, "{{{{template {name:?} {pipeline}}}}}"),
            Self::Break(_) => f.write_str("{{break}}"),
            Self::Continue(_) => f.write_str("{{continue}}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(_, number) => f.write_str(&number.text),
            Self::String { quoted, .. } => f.write_str(quoted),
            Self::Nil => f.write_str("nil"),
            Self::Dot(_) => f.write_str("."),
            Self::Field(_, names) => names.iter().try_for_each(|name| write!(f, ".{name}")),
            Self::Variable(_, names) => f.write_str(&names.join(".")),
            Self::Identifier(_, name) => f.write_str(name),
            Self::Chain(_, node, names) => {
                match **node {
                    Self::Pipeline(_) => write!(f, "({node})")?,
                    _ => write!(f, "{node}")?,
                }
                names.iter().try_for_each(|name| write!(f, ".{name}"))
            }
            Self::Pipeline(pipeline) => write!(f, "{pipeline}"),
        }
    }
}

impl Display for Pipeline {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if !self.variables.is_empty() {
            write!(f, "{} {} ", self.variables.join(", "), if self.assigns { "=" } else { ":=" })?;
        }
        for (at, command) in self.commands.iter().enumerate() {
            write!(f, "{}{command}", if at > 0 { " | " } else { "" })?;
        }
        Ok(())
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (at, word) in self.words.iter().enumerate() {
            let gap = if at > 0 { " " } else { "" };
            match word {
                Node::Pipeline(pipeline) => write!(f, "{gap}({pipeline})")?,
                word => write!(f, "{gap}{word}")?,
            }
        }
        Ok(())
    }
}
