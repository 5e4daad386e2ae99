//! Tera, set up for packs: strict, no HTML escaping, Drover's functions and filters, errors with their place.

mod errors;
mod filters;
mod functions;
pub mod reference;

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_hcl::{Diagnostics, Source};
use drover_secrets::Resolver;
use serde_json::{Map, Value};
use tera::{Context, Tera};

/// What the functions of a template may reach. A template reaches nothing else.
#[derive(Clone)]
pub struct Reach {
    /// Answers `secret()`.
    pub secrets: Arc<Resolver>,
    /// Answers `env()`: only the variables that the person allowed, with their values.
    pub env: Arc<BTreeMap<String, String>>,
    /// Answers `file()`: the pack's own files by their path in it.
    pub files: Arc<BTreeMap<String, Vec<u8>>>,
}

/// The templates of one pack, parsed and checked.
pub struct Templates {
    tera: Tera,
    sources: BTreeMap<String, Arc<Source>>,
}

impl Templates {
    /// Parses all templates, given by their path in the pack. They find each other by that path, or by the path below
    /// `templates/`. A source's name is what errors show.
    ///
    /// # Errors
    /// All syntax errors and unknown names in them, not the first.
    pub fn parse(sources: BTreeMap<String, Arc<Source>>, reach: &Reach) -> Result<Self, Diagnostics> {
        let reporter = errors::Reporter { sources: &sources };
        let mut tera = Tera::new();
        tera.autoescape_on(Vec::<&str>::new());
        functions::register(&mut tera, reach);
        filters::register(&mut tera, reach);
        tera.set_fallback_prefixes(vec!["templates/".to_owned()]).map_err(|error| reporter.explain(&error))?;
        // One by one for syntax, so that every broken file is reported.
        let broken: Diagnostics = sources
            .iter()
            .filter_map(|(name, source)| errors::syntax_error(name, source.text()))
            .flat_map(|error| reporter.explain(&error))
            .collect();
        if !broken.is_empty() {
            return Err(broken);
        }
        let texts = sources.iter().map(|(name, source)| (name.as_str(), source.text()));
        tera.add_raw_templates(texts).map_err(|error| reporter.explain(&error))?;
        Ok(Self { tera, sources })
    }

    /// Renders one template with the given variables.
    ///
    /// # Errors
    /// An unknown variable, or a function or filter that fails, with its place.
    pub fn render(&self, name: &str, context: &Map<String, Value>) -> Result<String, Diagnostics> {
        let mut values = Context::new();
        for (name, value) in context {
            values.insert(name.clone(), value);
        }
        let reporter = errors::Reporter { sources: &self.sources };
        self.tera.render(name, &values).map_err(|error| reporter.explain(&error))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use drover_secrets::Taint;
    use drover_secrets::providers::EnvProvider;
    use serde_json::json;

    use super::*;

    pub(crate) fn reach() -> Reach {
        let env = EnvProvider::new(|name| (name == "TOKEN").then(|| "hunter2-secret".to_owned()));
        Reach {
            secrets: Arc::new(Resolver::new(Taint::default()).with(env)),
            env: Arc::new(BTreeMap::from([
                ("HOME".to_owned(), "/home/me".to_owned()),
                ("TOKEN".to_owned(), "hunter2-secret".to_owned()),
            ])),
            files: Arc::new(BTreeMap::from([
                ("files/motd".to_owned(), b"welcome\n".to_vec()),
                ("files/two".to_owned(), b"a\nb".to_vec()),
            ])),
        }
    }

    pub(crate) fn render(template: &str) -> Result<String, String> {
        let sources = BTreeMap::from([
            ("templates/t.tera".to_owned(), template.to_owned()),
            (
                "templates/_helpers.tera".to_owned(),
                "{% component meta_block(app) %}meta { app = {{ app | to_hcl }} }{% endcomponent %}".to_owned(),
            ),
            ("templates/_footer.tera".to_owned(), "-- {{ name }}".to_owned()),
        ]);
        let sources = sources
            .into_iter()
            .map(|(name, text)| (name.clone(), Source::new(format!("packs/p/{name}"), text)))
            .collect();
        let show = |errors: Diagnostics| errors.to_string();
        let templates = Templates::parse(sources, &reach()).map_err(show)?;
        let context = json!({"name": "web", "port": 80, "tags": ["a", "b"], "nothing": null,
            "labels": {"z": "1", "a": "${x}"}, "pack": {"name": "p"}});
        templates.render("templates/t.tera", context.as_object().unwrap()).map_err(show)
    }

    fn check(template: &str, wanted: &str) {
        assert_eq!(render(template).as_deref(), Ok(wanted), "{template}");
    }

    fn check_error(template: &str, wanted: &[&str]) {
        let error = render(template).unwrap_err();
        for part in wanted {
            assert!(error.contains(part), "{template}: {part:?} not in:\n{error}");
        }
    }

    #[test]
    fn variables_are_not_escaped_and_helpers_are_found() {
        check("{{ name }}:{{ port }} {{ pack.name }} {{ '<&>' }}", "web:80 p <&>");
        check(r#"{{ <meta_block app={name} /> }} {% include "_footer.tera" %}"#, "meta { app = \"web\" } -- web");
    }

    #[test]
    fn functions() {
        check(r#"{{ file(path="files/motd") }}"#, "welcome\n");
        check(r#"{{ env(name="HOME") }}"#, "/home/me");
        check(r#"{{ env(name="NOT_ALLOWED", default="-") }}"#, "-");
        check(r#"{{ uuid5(name="web") }}"#, "0dd2964a-6550-55d4-8f62-19b72c5eef9f");
        check(r#"{{ secret(ref="env:TOKEN") }}"#, "hunter2-secret");
    }

    #[test]
    fn an_unknown_variable_is_an_error_with_place_and_suggestion() {
        check_error(
            "job {\n  port = {{ prt }}\n}",
            &[
                "packs/p/templates/t.tera:2:13: variable `prt` is not defined",
                "2 |   port = {{ prt }}",
                "^^^",
                "did you mean \"port\"?",
            ],
        );
        check_error("{{ pack.nam }}", &["t.tera:1:9", "field `nam` is not defined", "did you mean \"name\"?"]);
    }

    #[test]
    fn unknown_functions_and_filters_are_found_when_parsing() {
        check_error(
            "{{ secrt(ref=1) }}\n{{ name | to_hlc }}",
            &[
                "t.tera:1:",
                "unknown function `secrt`",
                "did you mean \"secret\"?",
                "t.tera:2:",
                "unknown filter `to_hlc`",
                "did you mean \"to_hcl\"?",
            ],
        );
        check_error("{{ name", &["packs/p/templates/t.tera:1:"]);
        check_error("{% if name %}x", &["t.tera:1:"]);
    }

    #[test]
    fn failing_functions_say_what_to_do() {
        check_error(r#"{{ env(name="PATH") }}"#, &["t.tera:1:4", "`PATH` may not be read", "-allow-env=PATH"]);
        check_error(r#"{{ file(path="../../etc/passwd") }}"#, &["outside the pack"]);
        check_error(r#"{{ file(path="/etc/passwd") }}"#, &["outside the pack"]);
        check_error(r#"{{ file(path="files/mtod") }}"#, &["no file `files/mtod`", "files/motd"]);
        check_error(r#"{{ secret(ref="env:NOPE") }}"#, &["env:NOPE", "-allow-env=NOPE"]);
        check_error(
            r#"{{ secret(ref="file:/etc/shadow") }}"#,
            &["file:/etc/shadow", "pass it to the pack as a variable"],
        );
        check_error(r#"{{ throw(message="count must be odd") }}"#, &["t.tera:1:4: count must be odd"]);
    }

    #[test]
    fn output_is_the_same_every_time() {
        let text = "{% for k, v in labels %}{{ k }}={{ v }} {% endfor %}{{ labels | to_hcl }}";
        let first = render(text).unwrap();
        for _ in 0..20 {
            assert_eq!(render(text).unwrap(), first);
        }
    }
}
