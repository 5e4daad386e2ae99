//! Relative links in Markdown files lead somewhere.

use crate::workspace;
use anyhow::{Context, Result, bail};
use std::path::Path;

/// Fails with every link whose file is not there.
pub fn check() -> Result<()> {
    let mut broken = Vec::new();
    for path in workspace::files(&workspace::root(), ".md")? {
        let text = std::fs::read_to_string(&path).with_context(|| workspace::shown(&path))?;
        let folder = path.parent().expect("a file lies in a folder");
        for (number, line) in text.lines().enumerate() {
            for target in targets(line).filter(|target| !leads_somewhere(folder, target)) {
                broken.push(format!("{}:{}: {target}", workspace::shown(&path), number + 1));
            }
        }
    }
    if broken.is_empty() { Ok(()) } else { bail!("{}", broken.join("; ")) }
}

/// The targets of `[text](target)` in a line.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next()).map(str::trim)
}

fn leads_somewhere(folder: &Path, target: &str) -> bool {
    let file = target.split('#').next().unwrap_or_default();
    file.is_empty() || file.contains("://") || file.starts_with("mailto:") || folder.join(file).exists()
}

#[cfg(test)]
mod tests {
    use super::targets;

    #[test]
    fn every_link_of_a_line_is_found() {
        let line = "see [a](docs/a.md) and [b](b.md#part), not (c.md)";
        assert_eq!(targets(line).collect::<Vec<_>>(), ["docs/a.md", "b.md#part"]);
    }
}
