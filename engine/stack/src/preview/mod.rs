//! What a change plan looks like: to a person on a terminal, in a pull request, on a page; and to a program.

mod html;
mod json;
mod lines;
mod markdown;
mod names;
mod render;
pub mod svg;
mod tree;

pub use html::plan_html;
pub use json::plan_objects;
pub use lines::{Line, Sensitive, Sign, lines};
pub use markdown::{MAX_MARKDOWN_BYTES, plan_markdown};
pub(crate) use names::words;
pub use render::{PlanLine, plan_lines, summary};
pub use tree::{Field, Kind, Node};
