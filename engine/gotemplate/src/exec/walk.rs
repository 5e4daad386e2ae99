//! Nodes: text, actions and control.

use super::{Execution, Fault, Step};
use crate::format::plain_text;
use crate::syntax::{Node, Pipeline, Range};
use crate::value::Value;

/// How a list of nodes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

pub(super) fn fault(node: &Node, message: impl Into<String>) -> Fault {
    Fault { at: node.at(), part: node.to_string(), message: message.into(), inner: None }
}

impl Execution<'_> {
    pub(super) fn nodes(&mut self, nodes: &[Node], dot: &Value) -> Step<Flow> {
        for node in nodes {
            match self.node(node, dot)? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn node(&mut self, node: &Node, dot: &Value) -> Step<Flow> {
        self.step().map_err(|message| fault(node, message))?;
        match node {
            Node::Text(text) => {
                self.charge(text.bytes().len()).map_err(|message| fault(node, message))?;
                self.out.extend(text.bytes());
            }
            Node::Action(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                if pipeline.variables.is_empty() {
                    self.print(&value).map_err(|message| fault(node, message))?;
                }
            }
            Node::If(range) => return self.condition(range, dot, false),
            Node::With(range) => return self.condition(range, dot, true),
            Node::Range(range) => return self.range(node, range, dot),
            Node::Template { at, name, pipeline } => {
                let dot = match pipeline {
                    Some(pipeline) => self.pipeline(pipeline, dot)?,
                    None => Value::Absent,
                };
                self.template(*at, name, &dot)?;
            }
            Node::Break(_) => return Ok(Flow::Break),
            Node::Continue(_) => return Ok(Flow::Continue),
            node => return Err(fault(node, "not an action")),
        }
        Ok(Flow::Next)
    }

    fn condition(&mut self, range: &Range, dot: &Value, sets_dot: bool) -> Step<Flow> {
        let scope = self.variables.len();
        let value = self.pipeline(&range.pipeline, dot)?;
        let flow = if value.is_true() {
            self.nodes(&range.body, if sets_dot { &value } else { dot })
        } else {
            self.nodes(&range.otherwise, dot)
        };
        self.variables.truncate(scope);
        flow
    }

    fn range(&mut self, node: &Node, range: &Range, dot: &Value) -> Step<Flow> {
        let scope = self.variables.len();
        let value = self.pipeline(&range.pipeline, dot)?;
        let inner = self.variables.len();
        let declared = &range.pipeline.variables;
        let pairs = match &value {
            Value::Int(count, _) => {
                if declared.len() > 1 {
                    let message = format!("can't use {count} to iterate over more than one variable");
                    return Err(fault(node, message));
                }
                Pairs::Count(usize::try_from(*count).unwrap_or(0))
            }
            Value::List(list) => Pairs::List(list.items.clone()),
            Value::Map(map) => {
                Pairs::Entries(map.pairs().into_iter().map(|(key, item)| (Value::Text(key), item)).collect())
            }
            Value::Object(object) => match object.pairs() {
                Some(pairs) => Pairs::Entries(pairs),
                None => return Err(fault(node, format!("range can't iterate over {}", object.show()))),
            },
            value => {
                let shown = if value.is_nil() { "<nil>".to_owned() } else { plain_text(value) };
                return Err(fault(node, format!("range can't iterate over {shown}")));
            }
        };
        let mut flow = Flow::Next;
        let count = pairs.len();
        for at in 0..count {
            self.step().map_err(|message| fault(node, message))?;
            let (key, item) = pairs.get(at);
            self.bind(&range.pipeline, key, &item);
            flow = self.nodes(&range.body, &item)?;
            self.variables.truncate(inner);
            if flow == Flow::Break {
                break;
            }
        }
        if count == 0 {
            flow = self.nodes(&range.otherwise, dot)?;
            self.variables.truncate(scope);
            return Ok(flow);
        }
        let _ = flow;
        self.variables.truncate(scope);
        Ok(Flow::Next)
    }

    /// Gives the variables of a range their values for one turn.
    fn bind(&mut self, pipeline: &Pipeline, key: Value, item: &Value) {
        let values = match pipeline.variables.len() {
            0 => return,
            1 => vec![item.clone()],
            _ => vec![key, item.clone()],
        };
        for (name, value) in pipeline.variables.iter().zip(values) {
            self.assign(name, value);
        }
    }

    /// Changes a variable, the innermost of that name.
    pub(super) fn assign(&mut self, name: &str, value: Value) {
        if let Some(variable) = self.variables.iter_mut().rev().find(|(known, _)| known == name) {
            variable.1 = value;
        }
    }
}

/// What a range walks through.
enum Pairs {
    Count(usize),
    List(std::rc::Rc<Vec<Value>>),
    Entries(Vec<(Value, Value)>),
}

impl Pairs {
    fn len(&self) -> usize {
        match self {
            Self::Count(count) => *count,
            Self::List(items) => items.len(),
            Self::Entries(pairs) => pairs.len(),
        }
    }
    fn get(&self, at: usize) -> (Value, Value) {
        let index = || Value::int(i64::try_from(at).unwrap_or(i64::MAX));
        match self {
            Self::Count(_) => (index(), index()),
            Self::List(items) => (index(), items[at].clone()),
            Self::Entries(pairs) => pairs[at].clone(),
        }
    }
}
