//! Where in a job file something is that was found wrong in the finished job.
//!
//! Validation works on the job, which knows no files, and engines answer with text alone. This finds the block and
//! the attribute that such a text is about by the names in it; what it cannot find keeps no place.

use std::sync::Arc;

use drover_hcl::syntax::parse_json_tree;
use drover_hcl::{Attribute, Block, Body, Diagnostic, Diagnostics, Source, Span, parse_body};

use crate::json_names::{api_names, hcl_names};
use crate::problem_text::{Problem, problems};

/// A job file by its blocks.
pub struct Places {
    source: Arc<Source>,
    body: Body,
}

/// One level down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The block of a kind with this label.
    Named(&'static str, String),
    /// The block of a kind at this place among its like, from 0.
    Nth(&'static str, usize),
    /// A block of this kind or an attribute of this name.
    Name(String),
}

/// Where a walk ended.
#[derive(Clone, Copy)]
enum Found<'b> {
    Block(&'b Block),
    Attribute(&'b Attribute),
}

impl Found<'_> {
    fn span(&self) -> Span {
        match self {
            Self::Block(block) => block.header_span(),
            Self::Attribute(attribute) => attribute.span(),
        }
    }
}

impl Places {
    /// Reads the blocks of a job file in HCL or in HCL's JSON syntax; `None` for what is neither.
    #[must_use]
    pub fn of(source: &Arc<Source>) -> Option<Self> {
        let body = if drover_hcl::variables::is_json(source.text()) {
            parse_json_tree(source, &hcl_names).ok()?
        } else {
            parse_body(source).ok()?
        };
        Some(Self { source: Arc::clone(source), body })
    }

    /// Reads a job in the API's JSON, bare or under `Job`; `None` for what is no JSON.
    #[must_use]
    pub fn of_submission(source: &Arc<Source>) -> Option<Self> {
        let mut body = parse_json_tree(source, &api_names).ok()?;
        if body.blocks_of("job").next().is_none() {
            let bare = body.clone();
            let kind_span = Span { start: bare.span.start, end: bare.span.end.min(bare.span.start + 1) };
            let job = Block { kind: "job".into(), kind_span, labels: Vec::new(), body: bare };
            body.blocks = vec![job];
        }
        Some(Self { source: Arc::clone(source), body })
    }

    /// The problem at the place that the steps lead to from the job block, as far as they lead.
    #[must_use]
    pub fn at(&self, problem: Diagnostic, steps: &[Step]) -> Diagnostic {
        match self.body.blocks_of("job").next() {
            Some(job) => problem.at(&self.source, walk(job, steps).span()),
            None => problem,
        }
    }

    /// The problems of a validation's text, each at its place.
    #[must_use]
    pub fn explain(&self, text: &str) -> Diagnostics {
        let mut out = Diagnostics::new();
        let Some(job) = self.body.blocks_of("job").next() else { return out };
        for problem in problems(text) {
            self.explain_within(job, &problem, &mut Vec::new(), &mut out);
        }
        out
    }

    fn explain_within(&self, block: &Block, problem: &Problem, trail: &mut Vec<String>, out: &mut Diagnostics) {
        let step = problem.step(trail.is_empty());
        let inner = step.as_ref().and_then(|step| descend(block, step));
        let block = match inner {
            Some(Found::Block(inner)) => inner,
            _ => block,
        };
        if problem.inner.is_empty() {
            let span = mentioned(block, &problem.text).map_or_else(|| block.header_span(), |found| found.span());
            let summary = match trail.is_empty() {
                true => problem.text.clone(),
                false => format!("{}: {}", trail.join(": "), problem.text),
            };
            out.push(Diagnostic::error(summary, "").at(&self.source, span));
            return;
        }
        let name = problem.text.trim_end_matches(" validation failed").to_owned();
        let shown = !name.is_empty();
        if shown {
            trail.push(name);
        }
        for part in &problem.inner {
            self.explain_within(block, part, trail, out);
        }
        if shown {
            trail.pop();
        }
    }
}

fn walk<'b>(job: &'b Block, steps: &[Step]) -> Found<'b> {
    let mut at = job;
    for step in steps {
        match descend(at, step) {
            Some(Found::Block(block)) => at = block,
            Some(attribute) => return attribute,
            None => continue,
        }
    }
    Found::Block(at)
}

fn descend<'b>(block: &'b Block, step: &Step) -> Option<Found<'b>> {
    match step {
        Step::Named(kind, name) => {
            let named = block.body.blocks_of(kind).find(|block| block.label(0) == Some(name) || is_named(block, name));
            named.or_else(|| made_by_dynamic(block, kind)).map(Found::Block)
        }
        Step::Nth(kind, at) => {
            block.body.blocks_of(kind).nth(*at).or_else(|| made_by_dynamic(block, kind)).map(Found::Block)
        }
        Step::Name(name) => match block.body.blocks.iter().find(|block| *block.kind == **name) {
            Some(block) => Some(Found::Block(block)),
            None => block.body.attribute(name).map(Found::Attribute),
        },
    }
}

/// The content of a `dynamic` block, for blocks that no one wrote.
fn made_by_dynamic<'b>(block: &'b Block, kind: &str) -> Option<&'b Block> {
    let dynamic = block.body.blocks_of(drover_hcl::schema::DYNAMIC).find(|block| block.label(0) == Some(kind))?;
    Some(dynamic.body.blocks_of("content").next().unwrap_or(dynamic))
}

/// Whether the block gives itself that name in an attribute.
fn is_named(block: &Block, name: &str) -> bool {
    let Some(attribute) = block.body.attribute("name") else { return false };
    let span = attribute.value.span();
    let text = &attribute.value.source.text()[span.start as usize..span.end as usize];
    text.trim_matches('"') == name
}

/// The attribute or block that a text names, the longest name first.
fn mentioned<'b>(block: &'b Block, text: &str) -> Option<Found<'b>> {
    let squeeze = |text: &str| text.to_lowercase().replace(['_', ' ', '-'], "");
    let text = squeeze(text);
    let attributes = block.body.attributes.iter().map(|attribute| (&*attribute.name, Found::Attribute(attribute)));
    let blocks = block.body.blocks.iter().map(|block| (&*block.kind, Found::Block(block)));
    attributes
        .chain(blocks)
        .filter(|(name, _)| !matches!(*name, "task" | "group" | "name") && text.contains(&squeeze(name)))
        .max_by_key(|(name, _)| name.len())
        .map(|(_, found)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = "job \"web\" {\n  type = \"sideways\"\n  group \"g\" {\n    count = 1\n    task \"t\" {\n      driver = \
                       \"docker\"\n      kill_timeout = \"-5s\"\n      config {\n        iamge = \"x\"\n      }\n    }\n  \
                       }\n}\n";

    fn lines(problems: &Diagnostics) -> Vec<(usize, String)> {
        problems.iter().map(|one| (one.range.as_ref().unwrap().start.line, one.summary.clone())).collect()
    }

    #[test]
    fn every_problem_of_a_validation_finds_its_line() {
        let text = "2 errors occurred:\n\t* Invalid job type: \"sideways\"\n\t* Task group g validation failed: 1 error \
                    occurred:\n\t* Task t validation failed: 2 errors occurred:\n\t* KillTimeout must be a positive \
                    value\n\t* Missing task resources\n\n\n\n\n\n";
        let places = Places::of(&Source::new("web.nomad.hcl", JOB)).unwrap();
        assert_eq!(
            lines(&places.explain(text)),
            [
                (2, "Invalid job type: \"sideways\"".to_owned()),
                (7, "Task group g: Task t: KillTimeout must be a positive value".to_owned()),
                (5, "Task group g: Task t: Missing task resources".to_owned()),
            ]
        );
    }

    #[test]
    fn jobs_in_json_have_lines_too() {
        let text = "1 error occurred:\n\t* Task group g validation failed: 1 error occurred:\n\t* Task t validation \
                    failed: 2 errors occurred:\n\t* KillTimeout must be a positive value\n\t* Missing task driver\n\n\n\n\n\n";
        let hcl = "{\"job\": {\"web\": {\n  \"group\": {\n    \"g\": {\"task\": {\n      \"t\": {\n        \
                   \"kill_timeout\": \"-5s\"\n}}}}}}}";
        let api = "{\n  \"ID\": \"web\",\n  \"TaskGroups\": [{\"Name\": \"g\", \"Tasks\": [\n    {\"Name\": \"t\",\n     \
                   \"KillTimeout\": -5}\n  ]}]\n}";
        let hcl = Places::of(&Source::new("web.nomad.json", hcl)).unwrap();
        let api = Places::of_submission(&Source::new("web.json", api)).unwrap();
        for (places, wanted) in [(hcl, [5, 4]), (api, [5, 4])] {
            let found: Vec<usize> = lines(&places.explain(text)).into_iter().map(|(line, _)| line).collect();
            assert_eq!(found, wanted, "{}", places.source.name());
        }
    }

    #[test]
    fn steps_lead_to_arguments_of_a_config() {
        let places = Places::of(&Source::new("web.nomad.hcl", JOB)).unwrap();
        let steps = [
            Step::Named("group", "g".into()),
            Step::Named("task", "t".into()),
            Step::Name("config".into()),
            Step::Name("iamge".into()),
        ];
        let found = places.at(Diagnostic::error("x", ""), &steps);
        assert_eq!(found.range.unwrap().start.line, 9);
    }
}
