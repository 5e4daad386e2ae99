//! Versions that a pack accepts of a dependency in a folder. Registries have their own, richer ranges of the same form.

use semver::{Version, VersionReq};

/// Whether `version` is within `range`: `~> 1.2`, `>= 1.0, < 2.0`, `1.2.3`, `^1.2`.
///
/// # Errors
/// Why the two cannot be compared, or do not fit.
pub(crate) fn check(range: &str, version: &str) -> Result<(), String> {
    let range = range.trim();
    if matches!(range, "" | "*" | "latest") {
        return Ok(());
    }
    if version.is_empty() {
        return Err(format!("version {range} is wanted, and the pack has no version"));
    }
    let found = Version::parse(version.strip_prefix('v').unwrap_or(version))
        .map_err(|_| format!("version {range} is wanted, and the pack's version {version:?} is no semantic version"))?;
    for condition in range.split(',') {
        if !fits(condition.trim(), &found)? {
            return Err(format!("version {range} is wanted, and the pack has {found}"));
        }
    }
    Ok(())
}

fn fits(condition: &str, version: &Version) -> Result<bool, String> {
    let wrong =
        |error: semver::Error| format!("`{condition}` is no range of versions: {error}; write ~> 1.2 or >= 1.0, < 2.0");
    if let Some(other) = condition.strip_prefix("!=") {
        return Ok(!VersionReq::parse(&format!("={}", other.trim())).map_err(wrong)?.matches(version));
    }
    if let Some(lower) = condition.strip_prefix("~>") {
        // The last number that is written may grow.
        let lower = lower.trim();
        let form = if lower.split('.').count() >= 3 { format!("~{lower}") } else { format!("^{lower}") };
        let is_zero = lower.starts_with("0.") && lower.split('.').count() == 2;
        let form = if is_zero { format!(">={lower}, <1") } else { form };
        return Ok(VersionReq::parse(&form).map_err(wrong)?.matches(version));
    }
    let condition = condition.replacen("==", "=", 1);
    let exact = condition.starts_with(|c: char| c.is_ascii_digit());
    let form = if exact { format!("={condition}") } else { condition.clone() };
    Ok(VersionReq::parse(&form).map_err(wrong)?.matches(version))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn ranges_read_as_in_terraform() {
        for (range, version) in [
            ("~> 1.2", "1.9.0"),
            ("~> 1.2.3", "1.2.9"),
            (">= 1.0, < 2.0", "v1.5.0"),
            ("1.2.3", "1.2.3"),
            ("~> 0.1", "0.9.0"),
            ("!= 1.3.0", "1.3.1"),
            ("", ""),
        ] {
            assert_eq!(check(range, version), Ok(()), "{range} {version}");
        }
        for (range, version) in [
            ("~> 1.2", "2.0.0"),
            ("~> 1.2", "1.1.0"),
            ("~> 1.2.3", "1.3.0"),
            (">= 1.0, < 2.0", "2.0.0"),
            ("!= 1.3.0", "1.3.0"),
            ("1.2.3", "1.2.4"),
            ("~> 1", ""),
            ("~> x", "1.0.0"),
        ] {
            assert!(check(range, version).is_err(), "{range} {version}");
        }
    }
}
