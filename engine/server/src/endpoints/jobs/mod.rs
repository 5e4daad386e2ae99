//! Jobs: registration and everything that changes or starts them.

mod admission;
mod deregister;
mod dispatch;
mod evaluate;
mod periodic;
mod plan;
mod register;
mod scale;
mod versions;
