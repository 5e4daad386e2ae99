//! From text to a tree.

mod lexer;
mod node;
mod number;
mod parser;
mod unquote;

pub(crate) use lexer::Marks;
pub(crate) use node::{Command, Node, Pipeline, Range, Tree};
pub(crate) use number::{Number, integer};
pub(crate) use parser::{Setting, is_blank, parse};
