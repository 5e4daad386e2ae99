//! Input variables: their declarations, the values that come from outside, and what the two give together.

mod declare;
mod input;
mod validate;

use std::sync::Arc;

use crate::source::{Source, Span};
use crate::syntax::Expression;
use crate::types::Type;
use crate::value::Value;

pub use declare::Declarations;
pub use input::{Inputs, Origin, Strictness, is_json};

/// One declared variable.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The name.
    pub name: Arc<str>,
    /// The type constraint, if one is given.
    pub kind: Option<Type>,
    /// The default, in the variable's type; `Some(Null)` for `default = null`.
    pub default: Option<Value>,
    /// Where the default is written.
    pub default_span: Option<Span>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether its value must not be shown.
    pub sensitive: bool,
    /// Whether null is accepted.
    pub nullable: bool,
    /// The rules that values have to meet.
    pub validations: Vec<Validation>,
    /// Where its name is.
    pub span: Span,
    /// The text that declares it.
    pub source: Arc<Source>,
}

/// A rule for a variable's value.
#[derive(Clone, Debug)]
pub struct Validation {
    /// True for values that are accepted.
    pub condition: Expression,
    /// What to say about others.
    pub message: Arc<str>,
    /// Where the rule is.
    pub span: Span,
}
