//! The pack's own description and version.

use super::{Findings, Rule, source};

pub(super) fn check(findings: &mut Findings<'_>) {
    let pack = findings.pack;
    let Some(source) = source(pack, crate::files::METADATA_FILE) else { return };
    let at = source.text().find("pack").unwrap_or(0);
    let place = (&source, drover_hcl::Span::new(at, at + 4));
    if pack.metadata.description.trim().is_empty() {
        findings.add(
            Rule::MissingDescription,
            "the pack has no description",
            Some(place),
            "say in one sentence what it runs",
        );
    }
    let version = &pack.metadata.version;
    let plain = version.strip_prefix('v').unwrap_or(version);
    if version.is_empty() {
        findings.add(Rule::MissingVersion, "the pack has no version", Some(place), "write version = \"0.1.0\"");
    } else if semver::Version::parse(plain).is_err() {
        let message = format!("the version {version:?} is no semantic version");
        findings.add(Rule::MissingVersion, message, Some(place), "use three numbers, as in \"1.2.0\"");
    }
}
