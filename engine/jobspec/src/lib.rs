//! Job files to jobs: HCL2 or JSON text and variables in, [`wire::job::Job`](drover_wire::job::Job) or diagnostics out.
//!
//! It must not know servers, the state or the node: a job is read the same way by the command line, by
//! `/v1/jobs/parse`, and from a pack. It reads no environment; files only through the host that a caller gives.
//!
//! [`parse()`] reads one text with [`Options`]; [`load()`] does what a command does with a path and its flags; [`Places`]
//! says where in the text something is that was found wrong later. [`write()`] is the way back, for jobs that have no file.

mod decode;
mod json_names;
mod load;
mod parse;
mod places;
mod problem_text;
mod submission;
mod write;

pub use load::{JobArgs, LoadError, load};
pub use parse::{Options, parse};
pub use places::{Places, Step};
pub use submission::{SubmissionError, parse_submission};
pub use write::{WriteError, write};
