//! `node pool …`: pools of nodes.

pub mod apply;
pub mod contents;
pub mod show;

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use drover_sdk::Query;

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

/// One page of a list.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Page {
    /// Where the page begins.
    #[arg(long = "page-token", value_name = "token")]
    page_token: Option<String>,
    /// How many per page; 0 for all.
    #[arg(long = "per-page", value_name = "count")]
    per_page: Option<u32>,
}

impl Page {
    /// The query of this page.
    pub fn of(&self, mut query: Query) -> Query {
        if let Some(token) = &self.page_token {
            query = query.param("next_token", token);
        }
        if let Some(count) = self.per_page.filter(|count| *count > 0) {
            query = query.param("per_page", count.to_string());
        }
        query
    }
}

/// Says how to get the next page, if there is one.
pub fn tell_next(token: &str) {
    if !token.is_empty() {
        output::line(&format!("\nResults have been paginated. To get the next page run:\n\n-page-token {token}"));
    }
}
