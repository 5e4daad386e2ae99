//! Packs in nomad-pack's format: Go templates between `[[` and `]]`, `variables.hcl` and `metadata.hcl` by its rules,
//! dependencies in `deps/`. They render unchanged; where the reference is known to go wrong, [`variables`] and
//! [`render`] say what is done instead.

pub(crate) mod bridge;
mod load;
mod metadata;
mod render;
mod values;
mod variables;
mod wording;

pub use load::{GoPack, LoadFault};
pub use render::{Choices, GoText, Rendering};
pub(crate) use render::{diagnostic, is_helper};
pub(crate) use variables::constant;
pub(crate) use wording::reword;

/// Whether a folder holds a pack in this format: it has a Go template, and none in Tera.
pub fn is_go_pack(folder: &std::path::Path) -> bool {
    let mut go = folder.join("outputs.tpl").is_file();
    let mut waiting = vec![folder.join("templates")];
    let mut seen = 0;
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            seen += 1;
            if seen > crate::files::MAX_FILES {
                return go;
            }
            let path = entry.path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("tera") => return false,
                Some("tpl") => go = true,
                _ if path.is_dir() => waiting.push(path),
                _ => {}
            }
        }
    }
    go
}
