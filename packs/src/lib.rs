//! Packs: folders of templates with metadata and typed variables that render to jobs and other resources.
//!
//! [`Pack::load`] reads a folder and its dependencies into memory; [`Pack::render`] is pure: the same pack, variables and
//! secrets give the same [`Rendered`] (jobs as submitted, auxiliary files, resources, outputs). No engine is asked.
//! [`Supplied`] holds what a person gave for variables, in order of precedence; [`scaffold`] writes a new pack.
//! Templates are Tera ([`template`]), strict, and reach nothing but their own pack and what [`Reach`] allows.
//!
//! Dependencies that are not folders are found through [`Locate`], which others implement with registries behind it.
//!
//! The crate must not know about stacks, engines, registries or the terminal; it neither prints nor reads the environment.

mod attributes;
pub mod convert;
pub mod files;
mod functions;
pub mod gotemplate;
mod jobs;
pub mod layout;
pub mod limits;
pub mod lint;
pub mod locate;
mod metadata;
mod missing;
mod mixed;
pub mod nomad_pack;
mod pack;
mod range;
mod reads;
mod render;
mod resources;
pub mod scaffold;
mod secret;
mod supplied;
mod tags;
pub mod template;
pub mod testing;
pub mod value_files;
pub mod vendor;

pub use jobs::{RenderedJob, parse_job_file};
pub use locate::{DeclaredRegistry, Folders, Locate, LocateError, Located, Locator, Wanted};
pub use metadata::{Dependency, Metadata};
pub use missing::Missing;
pub use pack::{LoadError, LoadedDependency, Pack};
pub use render::{Meta, RenderError, RenderRequest, Rendered, RenderedFile, masked, taint};
pub use resources::{NamespaceResource, Resource, VariablesResource};
pub use secret::{PackSecrets, secret_function};
pub use supplied::{GivenError, Supplied};
pub use template::Reach;

/// A variable's type, as `Pack::variables` has it.
pub use drover_hcl::Type;
