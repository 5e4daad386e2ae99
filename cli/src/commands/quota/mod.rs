//! `quota …`: what namespaces may use together.

pub mod apply;
pub mod show;
mod spec;

use crate::context::Context;
use crate::error::CliError;

/// The one argument of a command.
///
/// # Errors
/// There is none, or more.
fn only<'a>(context: &Context, arguments: &'a [String], what: &str) -> Result<&'a str, CliError> {
    match arguments {
        [only] => Ok(only),
        _ => Err(context.usage(format!("This command takes one argument: <{what}>"))),
    }
}
