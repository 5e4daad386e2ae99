//! `node pool …`: pools of nodes.

pub mod apply;
pub mod contents;
pub mod show;

use crate::context::Context;
use crate::error::CliError;

/// The one argument of a command.
///
/// # Errors
/// There is none, or more.
pub fn only<'a>(context: &Context, arguments: &'a [String], what: &str) -> Result<&'a str, CliError> {
    match arguments {
        [only] => Ok(only),
        _ => Err(context.usage(format!("This command takes one argument: <{what}>"))),
    }
}
