//! What a change plan looks like to a person.

mod json;
mod lines;
mod names;
mod render;
mod tree;

pub use json::plan_objects;
pub use lines::{Line, Sensitive, Sign, lines};
pub use render::{PlanLine, plan_lines, summary};
pub use tree::{Field, Kind, Node};
