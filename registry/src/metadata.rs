//! What `metadata.hcl` says about who a pack is. The rest of it is not a registry's business.

use crate::archive::METADATA_FILE;
use drover_hcl::{Body, EvalContext, Source, parse_body};
use std::path::Path;

/// Who a pack is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackMetadata {
    /// Its name.
    pub name: String,
    /// Semver; empty when it has none.
    pub version: String,
    /// In one sentence.
    pub description: String,
    /// Where the application comes from.
    pub url: String,
}

/// `metadata.hcl` cannot be read.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct MetadataError(pub String);

impl PackMetadata {
    /// Of the pack in a folder.
    ///
    /// # Errors
    /// The file is missing or no HCL, or has no `pack` block.
    pub fn of_folder(folder: &Path) -> Result<Self, MetadataError> {
        let path = folder.join(METADATA_FILE);
        let content =
            std::fs::read(&path).map_err(|error| MetadataError(format!("cannot read {}: {error}", path.display())))?;
        Self::parse(&path.display().to_string(), &content)
    }

    /// From the text of a file, which messages call `shown`.
    ///
    /// # Errors
    /// As [`Self::of_folder`].
    pub fn parse(shown: &str, content: &[u8]) -> Result<Self, MetadataError> {
        let source = Source::from_bytes(shown, content).map_err(|problem| MetadataError(problem.to_string()))?;
        let body = parse_body(&source).map_err(|problems| MetadataError(problems.to_string()))?;
        let pack = body.blocks_of("pack").next();
        let pack = pack.ok_or_else(|| MetadataError(format!("{shown} has no `pack` block")))?;
        let app = body.blocks_of("app").next();
        Ok(Self {
            name: text(&pack.body, "name"),
            version: text(&pack.body, "version"),
            description: text(&pack.body, "description"),
            url: app.map(|app| text(&app.body, "url")).unwrap_or_default(),
        })
    }
}

/// The value of an attribute that is a plain text.
pub(crate) fn text(body: &Body, name: &str) -> String {
    let value = body.attribute(name).and_then(|attribute| attribute.value.evaluate(&EvalContext::new()).ok());
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The texts of an attribute that is a list of them.
pub(crate) fn texts(body: &Body, name: &str) -> Vec<String> {
    let value = body.attribute(name).and_then(|attribute| attribute.value.evaluate(&EvalContext::new()).ok());
    let items = value.as_ref().and_then(|value| value.as_items()).unwrap_or_default();
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// A text as HCL writes it.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out.replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_a_pack_is() {
        let text = "app {\n url = \"u\"\n}\npack {\n name = \"web\"\n version = \"1.2.0\"\n description = \"d\"\n}\n";
        let metadata = PackMetadata::parse("metadata.hcl", text.as_bytes()).unwrap();
        assert_eq!((metadata.name.as_str(), metadata.version.as_str(), metadata.url.as_str()), ("web", "1.2.0", "u"));
        assert!(PackMetadata::parse("metadata.hcl", b"pack {").is_err());
        assert!(PackMetadata::parse("metadata.hcl", b"").unwrap_err().to_string().contains("no `pack` block"));
    }

    #[test]
    fn quoted_texts_are_read_back() {
        for text in ["a \"b\"\n\\c", "${x} %{y}", "tab\tü\u{7}"] {
            let source = Source::new("x", format!("x = {}\n", quoted(text)));
            assert_eq!(super::text(&parse_body(&source).unwrap(), "x"), text);
        }
    }
}
