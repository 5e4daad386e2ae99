//! Downloads.

use super::{escapes, text};
use crate::job::TaskArtifact;
use crate::problems::Problems;

/// Kinds of checksums with the bytes of each.
const CHECKSUMS: &[(&str, usize)] = &[("md5", 16), ("sha1", 20), ("sha256", 32), ("sha512", 64)];

pub(super) fn artifact(artifact: &TaskArtifact) -> Problems {
    let mut problems = Problems::default();
    problems.add_if(text(&artifact.getter_source).is_empty(), "source must be specified");
    let mode = text(&artifact.getter_mode);
    if !matches!(mode, "" | "any" | "file" | "dir") {
        problems.add(format!("invalid artifact mode {mode:?}; must be one of: any, file, dir"));
    }
    problems.add_if(escapes(text(&artifact.relative_dest), 1), "destination escapes allocation directory");
    if let Some(checksum) = artifact.getter_options.as_ref().and_then(|options| options.get("checksum"))
        && let Some(fault) = checksum_fault(checksum)
    {
        problems.add(fault);
    }
    problems
}

fn checksum_fault(checksum: &str) -> Option<String> {
    if checksum.contains("${") {
        return None;
    }
    let Some((kind, value)) = checksum.split_once(':') else {
        return Some(format!("checksum must be given as \"type:value\"; got {checksum:?}"));
    };
    if kind == "file" {
        return None;
    }
    if let Some(bad) = value.chars().find(|c| !c.is_ascii_hexdigit()) {
        return Some(format!("invalid checksum: encoding/hex: invalid byte: U+{:04X} {bad:?}", u32::from(bad)));
    }
    if value.len() % 2 != 0 {
        return Some("invalid checksum: encoding/hex: odd length hex string".to_owned());
    }
    match CHECKSUMS.iter().find(|(name, _)| *name == kind) {
        None => Some(format!("unsupported checksum type: {kind}")),
        Some((_, bytes)) if value.len() != bytes * 2 => Some(format!("invalid {kind} checksum: {value}")),
        Some(_) => None,
    }
}
