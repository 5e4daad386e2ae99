//! `registry …`: registries of packs.

pub mod render_example;
pub mod serve;
mod settings;
pub mod token;
