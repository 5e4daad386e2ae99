//! The places that secrets come from, one file each.

mod cmd;
mod env;
mod file;
mod keyring;
mod nomadvar;
mod vault;

pub use cmd::{CmdProvider, CmdSettings};
pub use env::EnvProvider;
pub use file::FileProvider;
pub(crate) use file::check_private;
pub use keyring::{Keyring, KeyringBackend, KeyringProvider, KeyringSettings};
pub use nomadvar::{NomadVarProvider, ReadVariable};
pub use vault::{Credentials, VaultDefaults, VaultProvider, VaultSettings};
