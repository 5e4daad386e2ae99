//! `pack new -from`: a pack from a job file. What people change often becomes a variable with the job's value as default.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use drover_hcl::{Block, Body, Diagnostic, Diagnostics, Expression, Source, Span, Type, Value, parse_body};

/// A variable of the new pack.
struct Extracted {
    name: String,
    text: String,
}

struct Extraction<'s> {
    source: &'s Arc<Source>,
    variables: Vec<Extracted>,
    /// What stands in place of a part of the text.
    edits: Vec<(Span, String)>,
}

/// The files of a pack that renders to the job of `source` when nobody gives a value.
///
/// # Errors
/// The file is no job in HCL, or the pack would not give the same job.
pub fn files_from(name: &str, source: &Arc<Source>) -> Result<BTreeMap<String, String>, Diagnostics> {
    let body = parse_body(source)?;
    let Some(job) = body.blocks_of("job").next() else {
        return Err(Diagnostic::error(format!("{}: there is no job in it", source.name()), "").into());
    };
    let mut extraction = Extraction { source, variables: Vec::new(), edits: Vec::new() };
    extraction.own_variables(&body);
    extraction.job(job);
    extraction.references(&body);
    let path = format!("templates/{name}.nomad.hcl.tera");
    let template = extraction.template();
    let template = match crate::layout::lay_out(&Source::new(path.as_str(), template.as_str())) {
        Some(Ok(laid_out)) => laid_out,
        _ => template,
    };
    let variables = extraction.variables.iter().map(|variable| variable.text.clone()).collect::<Vec<_>>().join("\n");
    let layout = |text: String| drover_hcl::format_lexically(&text);
    let metadata = format!(
        "pack {{\n  name        = {name:?}\n  description = \"Runs the job {}.\"\n  version     = \"0.1.0\"\n}}\n\napp {{\n  url = \"\"\n}}\n",
        job.label(0).unwrap_or(name).replace(['"', '\\', '$', '%'], "")
    );
    let readme = format!(
        "# {name}\n\nMade from {}.\n\n    drover pack info .            # its variables\n    drover pack render .          # the job as text; needs no engine\n    drover pack run .             # do it, and wait until it is healthy\n    drover pack test .            # its tests\n",
        Path::new(source.name()).file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    );
    let test = "run \"defaults\" {\n  golden = \"golden/defaults\"\n}\n".to_owned();
    let golden = drover_jobspec::parse(source, &drover_jobspec::Options::default());
    let mut files = BTreeMap::from([
        ("metadata.hcl".to_owned(), metadata),
        ("variables.hcl".to_owned(), layout(variables)),
        (path, template),
        ("README.md".to_owned(), readme),
    ]);
    // A job whose variables all have values can be kept as what the pack has to give.
    if golden.is_ok() {
        files.insert("tests/defaults.drovertest.hcl".to_owned(), test);
    }
    Ok(files)
}

impl Extraction<'_> {
    /// The job file's own variables are the pack's.
    fn own_variables(&mut self, body: &Body) {
        for block in body.blocks_of("variable") {
            let start = block.kind_span.start as usize;
            let end = block.body.span.end as usize;
            let text = &self.source.text()[start..end];
            let text = if block.body.attribute("description").is_some() {
                text.to_owned()
            } else {
                let open = block.body.span.start as usize - start + 1;
                format!(
                    "{}\n  description = \"\"{}{}",
                    &text[..open],
                    if text[open..].starts_with('\n') { "" } else { "\n" },
                    &text[open..]
                )
            };
            self.variables.push(Extracted { name: block.label(0).unwrap_or_default().to_owned(), text: text + "\n" });
            self.edits.push((Span::new(start, end), String::new()));
        }
    }

    fn job(&mut self, job: &Block) {
        if let Some(label) = job.labels.first() {
            let value = Value::from(&*label.text);
            self.add("job_name", "The job's name.", &value, label.span);
        }
        self.attribute(&job.body, "datacenters", "datacenters", "Where the job may run.");
        let several_groups = job.body.blocks_of("group").count() > 1;
        for group in job.body.blocks_of("group") {
            let name = group.label(0).unwrap_or_default();
            let prefix = if several_groups { format!("{}_", plain(name)) } else { String::new() };
            self.attribute(
                &group.body,
                "count",
                &format!("{prefix}count"),
                &format!("How many instances of {name} run."),
            );
            let several_tasks = several_groups || group.body.blocks_of("task").count() > 1;
            for task in group.body.blocks_of("task") {
                let name = task.label(0).unwrap_or_default();
                let prefix = if several_tasks { format!("{}_", plain(name)) } else { String::new() };
                for config in task.body.blocks_of("config") {
                    self.attribute(&config.body, "image", &format!("{prefix}image"), &format!("The image of {name}."));
                }
                for resources in task.body.blocks_of("resources") {
                    self.attribute(&resources.body, "cpu", &format!("{prefix}cpu"), &format!("CPU of {name} in MHz."));
                    self.attribute(
                        &resources.body,
                        "memory",
                        &format!("{prefix}memory"),
                        &format!("Memory of {name} in MiB."),
                    );
                }
            }
        }
    }

    fn attribute(&mut self, body: &Body, attribute: &str, name: &str, description: &str) {
        let Some(attribute) = body.attribute(attribute) else { return };
        let Some(value) = attribute.value.expr.constant() else { return };
        // Texts for the engine, as ${attr.arch}, stay where they are.
        if value.as_str().is_some_and(|text| text.contains("${")) {
            return;
        }
        self.add(name, description, &value, attribute.value.expr.span);
    }

    fn add(&mut self, name: &str, description: &str, value: &Value, span: Span) {
        let mut unique = name.to_owned();
        let mut number = 2;
        while self.variables.iter().any(|variable| variable.name == unique) {
            unique = format!("{name}_{number}");
            number += 1;
        }
        let kind = match value.type_of() {
            Type::Tuple(items) if items.iter().all(|item| *item == Type::String) => "list(string)".to_owned(),
            Type::Number => "number".to_owned(),
            Type::Bool => "bool".to_owned(),
            Type::String => "string".to_owned(),
            _ => "any".to_owned(),
        };
        let default = self.source.slice(span).to_owned();
        let text = format!(
            "variable \"{unique}\" {{\n  description = {description:?}\n  type        = {kind}\n  default     = {default}\n}}\n"
        );
        self.variables.push(Extracted { name: unique.clone(), text });
        self.edits.push((span, format!("{{{{ {unique} | to_hcl }}}}")));
    }

    /// `var.x` reads the pack's variable.
    fn references(&mut self, body: &Body) {
        let mut found: Vec<(Span, String)> = Vec::new();
        visit_body(body, &mut |expression| {
            expression.expr.visit_traversals(&mut |root, steps, span| {
                if let ("var", Some(step)) = (root, steps.first())
                    && let drover_hcl::syntax::StepKind::Attribute(name) = &step.kind
                {
                    found.push((Span { start: span.start, end: step.span.end }, format!("{{{{ {name} | to_hcl }}}}")));
                }
            });
        });
        let is_within =
            |span: &Span| self.edits.iter().any(|(edit, _)| edit.start <= span.start && span.end <= edit.end);
        found.retain(|(span, _)| !is_within(span));
        self.edits.extend(found);
    }

    fn template(&mut self) -> String {
        self.edits.sort_by_key(|(span, _)| span.start);
        let text = self.source.text();
        let mut result = String::new();
        let mut at = 0;
        for (span, replacement) in &self.edits {
            result.push_str(&kept(&text[at..span.start as usize]));
            // Within `${…}` the braces of the two languages must not run together.
            if result.ends_with('{') {
                result.push(' ');
            }
            result.push_str(replacement);
            at = span.end as usize;
            if text[at..].starts_with('}') {
                result.push(' ');
            }
        }
        result.push_str(&kept(&text[at..]));
        result.trim_start().to_owned()
    }
}

/// A part of the job file. Where it holds what Tera would take for tags, Tera is told to leave it.
fn kept(text: &str) -> String {
    let first = ["{{", "{%", "{#"].iter().filter_map(|mark| text.find(mark)).min();
    let last = ["}}", "%}", "#}", "{{", "{%", "{#"].iter().filter_map(|mark| text.rfind(mark).map(|at| at + 2)).max();
    match (first, last) {
        (Some(first), Some(last)) if first < last => {
            format!("{}{{% raw %}}{}{{% endraw %}}{}", &text[..first], &text[first..last], &text[last..])
        }
        _ => text.to_owned(),
    }
}

fn visit_body(body: &Body, visit: &mut dyn FnMut(&Expression)) {
    body.attributes.iter().for_each(|attribute| visit(&attribute.value));
    body.blocks.iter().for_each(|block| visit_body(&block.body, visit));
}

/// A name as variables may have it.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}
