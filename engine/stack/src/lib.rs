//! Stacks: what one team wants to run, compared with what runs, and made so.
//!
//! [`Input`] finds and evaluates what a person points at (a stack's `*.drover.hcl` files, a pack, job files) into [`Desired`].
//! [`Engine`] reads [`Live`] state through the SDK; [`plan::compute`] is pure and gives a [`ChangePlan`]: immutable, naming the
//! index of everything that it was made from. [`preview`] shows it, [`planfile`] stores it without secrets, and
//! [`apply::apply`] carries it out with compare-and-set on every write and a health gate ([`health::judge`], pure).
//! Ownership is written on jobs ([`owner`]); releases are kept in the engine's variables ([`record`]).
//!
//! The crate must not know about the terminal, the environment, the clock or exit codes, and it asks an engine for nothing
//! outside the `/v1` API.

pub mod apply;
mod bind;
pub mod checks;
pub mod desired;
pub mod drift;
mod engine;
mod graph;
pub mod health;
mod input;
mod language;
pub mod live;
pub mod lock;
pub mod objects;
mod observe;
pub mod owner;
mod packed;
pub mod plan;
pub mod planfile;
pub mod policy;
pub mod preview;
mod reads;
pub mod record;
pub mod release;
pub mod scheduling;
mod seal;
mod sensitive;
pub mod sync;

pub use desired::Desired;
pub use engine::{Engine, EngineError, Purge, Written};
pub use input::{Input, InputError};
pub use language::Inputs;
pub use live::Live;
pub use plan::ChangePlan;
pub use seal::{SealError, UnsealError};
