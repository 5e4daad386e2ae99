//! Secrets: references to them, the places they come from, and the guarantee that they are never shown.
//!
//! A [`SecretRef`] (`provider:path#field`) is resolved by a [`Resolver`], which asks the [`Provider`] of that name once per path
//! and hands out a [`Secret`]: it prints as `(sensitive)`, is zeroed on drop and cannot be serialised. Every resolved value is
//! recorded in a [`Taint`]; its [`Masker`] finds the value, and its base64, percent-encoded, hexadecimal and escaped forms, in
//! any text. Errors name the reference, never the value.
//!
//! The crate must not know about packs, stacks, jobs or the network, and it neither prints nor reads the environment by itself:
//! the `env` provider is given the lookup. More providers join behind [`Provider`].

mod document;
mod forms;
mod mask;
mod provider;
mod reference;
mod resolver;
mod secret;
mod taint;

pub mod providers;

pub use forms::Form;
pub use mask::{MASK, Masker, Occurrence};
pub use provider::{Provider, ProviderError, SecretData};
pub use reference::{ParseReferenceError, SecretRef};
pub use resolver::{ResolveError, Resolver};
pub use secret::Secret;
pub use taint::{Origin, Taint};
