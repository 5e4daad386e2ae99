//! The HCL2 language as Drover speaks it: syntax with places, values, types, expressions, functions, variables and
//! spanned diagnostics. Job files, packs, stacks and the agent's configuration are decoded from it.
//!
//! It must not know any of those: no job, no pack. It reads no file, clock or environment by itself: what the file
//! functions may see comes in as a [`Host`], and [`DiskHost`] is the only part that touches the disk.
//!
//! Main types: [`Source`] and [`parse_body`] give a [`Body`] of [`Attribute`]s and [`Block`]s; [`Expression::evaluate`]
//! with an [`EvalContext`] gives a [`Value`]; [`convert()`] brings it to a [`Type`]; problems are [`Diagnostics`].
//!
//! The parser is our own, because job files need what hcl-edit does not keep: the exact text of an unresolved
//! reference inside a template, positions of every node for all errors at once, the JSON syntax read by the same
//! schema, the reference's trimming rules, and its parse of 500 groups within milliseconds.

pub mod context;
pub mod convert;
pub mod diagnostic;
mod evaluate;
mod format;
pub mod functions;
mod glob;
pub mod host;
mod json_value;
pub mod locals;
pub mod loose;
mod number;
mod references;
pub mod schema;
pub mod source;
pub mod syntax;
pub mod types;
mod value;
pub mod variables;

pub use context::{EvalContext, Unresolved};
pub use convert::{ConvertError, convert};
pub use diagnostic::{Diagnostic, Diagnostics, Severity, did_you_mean};

pub use format::{format, format_lexically};
pub use functions::{CallEnv, Function, FunctionTable, Param};
pub use host::{DiskHost, Host, NoHost};
pub use number::Number;
pub use source::{Position, Range, Source, Span};
pub use syntax::{Attribute, Block, Body, Expression, parse_body, parse_expression, parse_json_body};
pub use types::{ObjectField, Type, TypeRules};
pub use value::{Entries, NoJson, Value};
