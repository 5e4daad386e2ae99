//! Names of packs, teams and registries, and versions as registries take them.

use semver::Version;

/// The most bytes of a name.
pub const MAX_NAME_BYTES: usize = 64;
/// The most bytes of a version.
pub const MAX_VERSION_BYTES: usize = 64;

/// Why a name or version is refused.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// It has the wrong characters or length.
    #[error(
        "`{name}` cannot be the name of a {what}: it takes small letters, digits and `.`, `_`, `-` between them, at most {MAX_NAME_BYTES}"
    )]
    Name {
        /// What the name is of.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// It is no version.
    #[error("`{version}` is no version: {reason}; one reads 1.2.3 or 1.2.3-rc.1")]
    Version {
        /// The text.
        version: String,
        /// Why.
        reason: String,
    },
}

/// Whether a registry takes this as the name of a pack, team or registry: `[a-z0-9]([a-z0-9._-]*[a-z0-9])?`.
///
/// # Errors
/// It does not; `what` says of what in the message.
pub fn check(what: &'static str, name: &str) -> Result<(), NameError> {
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_fine = name.len() <= MAX_NAME_BYTES
        && name.starts_with(is_end)
        && name.ends_with(is_end)
        && name.chars().all(|c| is_end(c) || matches!(c, '.' | '_' | '-'))
        // Not a registry's business alone: such names would climb in paths and file names.
        && !name.contains("..");
    let shown = || name.chars().take(100).collect();
    if is_fine { Ok(()) } else { Err(NameError::Name { what, name: shown() }) }
}

/// Reads the version that is published: all of semver but build metadata, which tags of images cannot hold and which
/// would make two versions equal.
///
/// # Errors
/// It is not one.
pub fn version(text: &str) -> Result<Version, NameError> {
    let wrong = |reason: String| NameError::Version { version: text.chars().take(100).collect(), reason };
    if text.len() > MAX_VERSION_BYTES {
        return Err(wrong(format!("it is longer than {MAX_VERSION_BYTES} bytes")));
    }
    let version = Version::parse(text).map_err(|error| wrong(error.to_string()))?;
    if !version.build.is_empty() {
        return Err(wrong("it has build metadata (`+…`)".to_owned()));
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["a", "web", "hello_world", "a.b-c", "7z"] {
            assert_eq!(check("pack", name), Ok(()), "{name}");
        }
        let long = "a".repeat(65);
        for name in ["", ".", "..", "a..b", "-a", "a-", "A", "a/b", "a b", "ä", long.as_str()] {
            assert!(check("pack", name).is_err(), "{name}");
        }
    }

    #[test]
    fn versions() {
        assert!(version("1.2.3").is_ok() && version("1.2.3-rc.1").is_ok());
        for text in ["1.2", "v1.2.3", "1.2.3+build", "01.2.3", "", "1.2.3/.."] {
            assert!(version(text).is_err(), "{text}");
        }
    }
}
