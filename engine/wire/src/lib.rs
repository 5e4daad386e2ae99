//! The /v1 JSON shapes of requests and answers, and their conversion to and from the model.

pub mod admission;
pub mod answers;
mod convert;
pub mod cron;
pub mod job;
pub mod problems;
pub mod requests;
pub mod stubs;
mod validate;
