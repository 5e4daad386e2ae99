//! The structural difference of two jobs, and its rendering for people.
//!
//! [`job_diff`] compares two jobs and gives the [`JobDiff`] tree exactly as `/v1/job/ID/plan` and
//! `/v1/job/ID/versions` show it; [`annotate()`] adds what a dry run of the scheduler found out.
//! [`render()`] prints a tree in Drover's own style; the reference's layout is the CLI's business.
//!
//! What is compared, under which names and in which order, is data: the tables in `shapes`. This
//! crate is pure: it knows nothing of files, terminals or the network.

mod annotate;
mod compare;
mod objects;
mod render;
mod shapes;
mod tree;

pub use annotate::annotate;
pub use compare::job_diff;
pub use render::{RenderOptions, render};
pub use tree::{DiffType, FieldDiff, JobDiff, ObjectDiff, TaskDiff, TaskGroupDiff};
