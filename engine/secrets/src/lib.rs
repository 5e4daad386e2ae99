//! Secrets: references to them, the places they come from, and the guarantee that they are never shown.
//!
//! A [`SecretRef`] (`provider:path#field`) is resolved by a [`Resolver`], which asks the [`Provider`] of that name once per path
//! and hands out a [`Secret`]: it prints as `(sensitive)`, is zeroed on drop and cannot be serialised. Every resolved value is
//! recorded in a [`Taint`]; its [`Masker`] finds the value, and its base64, percent-encoded, hexadecimal and escaped forms, in
//! any text. Errors name the reference, never the value. A pack ([`Asker::Pack`]) reaches only what the person opened to packs.
//! Values with a lease are renewed while the resolver lives, and revoked with it unless they are [kept](Resolver::keep).
//!
//! The crate must not know about packs, stacks or jobs, and it neither prints nor reads the environment by itself: providers are
//! given what the environment says. More providers join behind [`Provider`].

pub mod age;
mod document;
mod duration;
mod forms;
mod hold;
mod mask;
mod provider;
mod reference;
mod resolver;
mod secret;
mod settings;
mod taint;

pub mod providers;

pub use document::{parse as parse_document, remove as remove_field, set as set_field};
pub use forms::Form;
pub use hold::forbid_core_dumps;
pub use mask::{MASK, Masker, Occurrence};
pub use provider::{Access, Binding, Lease, Provider, ProviderError, SecretData};
pub use reference::{ParseReferenceError, SecretRef};
pub use resolver::{Asker, Bound, Factory, KeptLease, Listed, ResolveError, Resolver};
pub use secret::Secret;
pub use settings::{KINDS, ProviderSettings, SettingsError};
pub use taint::{Origin, Taint};
