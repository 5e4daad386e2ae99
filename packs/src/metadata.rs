//! `metadata.hcl`.

use drover_hcl::{Body, Diagnostic, Diagnostics, EvalContext, Expression};

use crate::attributes::{Reader, label};

/// Who a pack is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The pack's name.
    pub name: String,
    /// In one sentence.
    pub description: String,
    /// Its version, semver; empty when it has none.
    pub version: String,
    /// Where the application comes from.
    pub url: String,
    /// Who made the application.
    pub author: String,
}

/// A pack that this one needs.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The name under which templates and variables find it.
    pub alias: String,
    /// Its folder, from this pack's, or its address in a registry.
    pub source: String,
    /// The version or range that is wanted of a registry.
    pub version: Option<String>,
    /// The branch, tag or commit that is wanted of a git source.
    pub reference: Option<String>,
    /// Whether it is used, decided by this pack's variables; always when absent.
    pub enabled: Option<Expression>,
    /// Values that this pack gives to its variables.
    pub vars: Option<Expression>,
    /// Where it is declared, for errors.
    pub declared_at: String,
}

impl Metadata {
    /// Reads the body of `metadata.hcl`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(body: &Body) -> Result<(Self, Vec<Dependency>), Diagnostics> {
        let top = Reader::new(body, "metadata.hcl", &[], &["pack", "app", "dependency", "integration"]);
        let mut problems = top.problems;
        let context = EvalContext::new();
        let mut metadata = Self::default();
        let Some(pack) = body.blocks_of("pack").next() else {
            problems.push(
                Diagnostic::error("metadata.hcl has no `pack` block", "it needs at least: pack { name = \"…\" }")
                    .at(&body.source, body.span.start_point()),
            );
            return Err(problems);
        };
        let mut reader =
            Reader::new(&pack.body, "a `pack` block", &["name", "alias", "description", "version", "url", "type"], &[]);
        metadata.name = reader.required_text("name", "a `pack` block", &context).unwrap_or_default();
        metadata.description = reader.text("description", &context).unwrap_or_default();
        metadata.version = reader.text("version", &context).unwrap_or_default();
        problems.extend(reader.problems);
        if let Some(app) = body.blocks_of("app").next() {
            let mut reader = Reader::new(&app.body, "an `app` block", &["url", "author"], &[]);
            metadata.url = reader.text("url", &context).unwrap_or_default();
            metadata.author = reader.text("author", &context).unwrap_or_default();
            problems.extend(reader.problems);
        }
        let dependencies = dependencies(body, &context, &mut problems);
        problems.into_result((metadata, dependencies))
    }
}

fn dependencies(body: &Body, context: &EvalContext<'_>, problems: &mut Diagnostics) -> Vec<Dependency> {
    let mut found: Vec<Dependency> = Vec::new();
    for block in body.blocks_of("dependency") {
        let Some(name) = label(block, body, problems) else { continue };
        let mut reader = Reader::new(
            &block.body,
            "a `dependency` block",
            &["source", "alias", "enabled", "vars", "version", "ref"],
            &[],
        );
        let source = reader.required_text("source", "a `dependency` block", context);
        let alias = reader.text("alias", context).unwrap_or(name);
        let version = reader.text("version", context);
        let reference = reader.text("ref", context);
        let enabled = reader.expression("enabled").cloned();
        let vars = reader.expression("vars").cloned();
        problems.extend(reader.problems);
        if found.iter().any(|known| known.alias == alias) {
            problems.push(
                Diagnostic::error(format!("there are two dependencies named `{alias}`"), "give one of them an `alias`")
                    .at(&body.source, block.header_span()),
            );
        }
        let declared_at = body.source.range(block.header_span()).to_string();
        let source = source.unwrap_or_default();
        found.push(Dependency { alias, source, version, reference, enabled, vars, declared_at });
    }
    found
}

#[cfg(test)]
mod tests {
    use drover_hcl::{Source, parse_body};

    use super::*;

    fn parse(text: &str) -> Result<(Metadata, Vec<Dependency>), String> {
        let body = parse_body(&Source::new("metadata.hcl", text)).unwrap();
        Metadata::parse(&body).map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_pack_with_a_dependency() {
        let (metadata, dependencies) = parse(
            "pack {\n name = \"web\"\n version = \"1.2.0\"\n}\napp {\n url = \"u\"\n}\ndependency \"postgres\" {\n source = \"./deps/pg\"\n alias = \"db\"\n}",
        )
        .unwrap();
        assert_eq!((metadata.name.as_str(), metadata.version.as_str(), metadata.url.as_str()), ("web", "1.2.0", "u"));
        assert_eq!((dependencies[0].alias.as_str(), dependencies[0].source.as_str()), ("db", "./deps/pg"));
    }

    #[test]
    fn all_problems_are_reported_with_their_place() {
        let error = parse("pack {\n nam = \"web\"\n}\ndependency {\n source = \"x\"\n}").unwrap_err();
        for part in [
            "metadata.hcl:2:2",
            "no attribute `nam`",
            "did you mean \"name\"?",
            "needs the attribute `name`",
            "needs a name",
        ] {
            assert!(error.contains(part), "{part} not in {error}");
        }
    }
}
