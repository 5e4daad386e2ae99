//! Go's text/template: the language, its printing rules and the functions of sprig.
//!
//! [`Templates`] is a set of templates that can call each other; [`Templates::render`] executes one of them. Templates
//! call the functions of a [`Functions`] table: [`Functions::standard`] has the language's own and sprig's; a host adds
//! its own. Values are [`Value`]s with Go's type names, since templates and error messages show these.
//!
//! What a function needs of the world (environment, clock, random numbers, name lookup) it asks of a [`Host`]. The crate
//! must not know packs, variables of packs, files or engines. Every execution is bounded by [`limits`].

mod error;
mod exec;
pub mod format;
mod functions;
mod host;
pub mod limits;
mod set;
mod syntax;
mod value;

pub use error::Error;
pub use exec::Execution;
pub use functions::{Function, Functions, Type};
pub use host::{Host, Sealed};
pub use set::Templates;
pub use value::{Element, List, Map, Object, Text, Value, Width};
