//! `registry …`: registries of packs.

pub mod add;
pub mod delete;
pub mod keygen;
pub mod list;
pub mod login;
pub mod render_example;
pub mod search;
pub mod serve;
mod settings;
pub mod token;
pub mod update;
