//! The providers that need nothing but this machine.

mod env;
mod file;

pub use env::EnvProvider;
pub use file::FileProvider;
