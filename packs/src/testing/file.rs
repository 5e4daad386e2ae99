//! Reading a test file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drover_hcl::syntax::{ExprKind, StepKind};
use drover_hcl::{
    Attribute, Block, Body, Diagnostic, Diagnostics, EvalContext, Expression, Source, Span, Type, Value, parse_body,
};

use crate::attributes::{Reader, label};

/// A test file.
#[derive(Clone, Debug)]
pub struct TestFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its name in messages.
    pub shown: String,
    /// Values for all runs.
    pub(super) variables: Vec<(String, Value)>,
    pub(super) secrets: BTreeMap<String, String>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) runs: Vec<Run>,
}

/// One rendering and what must be true of it.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub name: String,
    pub line: usize,
    pub variables: Vec<(String, Value)>,
    pub variable_files: Vec<String>,
    pub secrets: BTreeMap<String, String>,
    pub environment: BTreeMap<String, String>,
    pub deployment: Option<String>,
    pub namespace: Option<String>,
    pub expected: Vec<Expected>,
    pub golden: Option<String>,
    pub plan: bool,
    pub asserts: Vec<Assert>,
}

/// A failure that has to come.
#[derive(Clone, Debug)]
pub(super) enum Expected {
    /// A value of this variable is refused.
    Variable(String),
    /// A message holds this.
    Text(String),
}

/// A condition.
#[derive(Clone, Debug)]
pub(super) struct Assert {
    pub condition: Expression,
    pub message: Option<Expression>,
    pub span: Span,
    pub source: Arc<Source>,
}

const RUN: [&str; 10] = [
    "variables",
    "var_files",
    "secrets",
    "env",
    "name",
    "namespace",
    "expect_failures",
    "golden",
    "plan",
    "description",
];

impl TestFile {
    /// Reads a file. Everything in it but conditions and messages is constant, apart from the standard functions.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn read(path: &Path, shown: &str) -> Result<Self, Diagnostics> {
        let content =
            std::fs::read(path).map_err(|error| Diagnostic::error(format!("cannot read {shown}: {error}"), ""))?;
        let source = Source::from_bytes(shown, &content)?;
        let body = parse_body(&source)?;
        let mut problems =
            Reader::new(&body, "a test file", &["variables", "secrets", "env"], &["run", "variables"]).problems;
        let variables = values(&body, &mut problems);
        let secrets = texts(&body, "secrets", &mut problems);
        let environment = texts(&body, "env", &mut problems);
        let mut runs: Vec<Run> = Vec::new();
        for block in body.blocks_of("run") {
            let Some(run) = run(block, &body, &mut problems) else { continue };
            if runs.iter().any(|known| known.name == run.name) {
                let message = format!("there are two runs named `{}`", run.name);
                problems.push(
                    Diagnostic::error(message, "")
                        .at(&source, block.header_span())
                        .hint("give one of them another name"),
                );
            }
            runs.push(run);
        }
        if runs.is_empty() && problems.is_empty() {
            problems.push(
                Diagnostic::error(format!("{shown} has no run"), "")
                    .hint("write run \"defaults\" { assert { condition = … } }"),
            );
        }
        problems.into_result(Self {
            path: path.to_owned(),
            shown: shown.to_owned(),
            variables,
            secrets,
            environment,
            runs,
        })
    }

    /// The names of its runs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.runs.iter().map(|run| run.name.as_str())
    }
}

fn run(block: &Block, file: &Body, problems: &mut Diagnostics) -> Option<Run> {
    let name = label(block, file, problems)?;
    let body = &block.body;
    let mut reader = Reader::new(body, "a `run` block", &RUN, &["assert", "variables"]);
    let context = EvalContext::new();
    let deployment = reader.text("name", &context);
    let namespace = reader.text("namespace", &context);
    let golden = reader.text("golden", &context);
    let plan = reader.value("plan", &Type::Bool, &context).and_then(|value| value.as_bool()).unwrap_or(false);
    let list = Type::List(Box::new(Type::String));
    let variable_files = reader.value("var_files", &list, &context);
    let variable_files = variable_files.iter().filter_map(Value::as_items).flatten();
    let variable_files = variable_files.filter_map(|value| value.as_str().map(str::to_owned)).collect();
    problems.extend(reader.problems);
    let expected = body.attribute("expect_failures").map(|attribute| expected(attribute, problems)).unwrap_or_default();
    let asserts: Vec<Assert> = body.blocks_of("assert").filter_map(|block| assert(block, problems)).collect();
    if !expected.is_empty() && (!asserts.is_empty() || golden.is_some()) {
        let message = "a run that has to fail gives nothing that can be asserted or compared";
        problems.push(Diagnostic::error(message, "").at(&file.source, block.header_span()).hint("make two runs of it"));
    }
    if let Some(path) = golden.as_deref().filter(|path| is_outside(path)) {
        let message = format!("the golden folder `{path}` is outside of the tests");
        problems.push(Diagnostic::error(message, "").at(&file.source, block.header_span()));
    }
    Some(Run {
        name,
        line: file.source.position(block.kind_span.start as usize).line,
        variables: values(body, problems),
        variable_files,
        secrets: texts(body, "secrets", problems),
        environment: texts(body, "env", problems),
        deployment,
        namespace,
        expected,
        golden,
        plan,
        asserts,
    })
}

fn is_outside(path: &str) -> bool {
    path.is_empty() || path.starts_with('/') || path.split('/').any(|part| part == "..")
}

fn assert(block: &Block, problems: &mut Diagnostics) -> Option<Assert> {
    let reader = Reader::new(&block.body, "an `assert` block", &["condition", "error_message"], &[]);
    problems.extend(reader.problems);
    let Some(condition) = block.body.attribute("condition") else {
        let problem = Diagnostic::error("an `assert` block needs a `condition`", "");
        problems
            .push(problem.at(&block.body.source, block.header_span()).hint("condition = job.web.group.web.count == 2"));
        return None;
    };
    Some(Assert {
        condition: condition.value.clone(),
        message: block.body.attribute("error_message").map(|attribute| attribute.value.clone()),
        span: condition.value.expr.span,
        source: Arc::clone(&block.body.source),
    })
}

/// `[var.port, "must be odd"]`
fn expected(attribute: &Attribute, problems: &mut Diagnostics) -> Vec<Expected> {
    let ExprKind::Tuple(items) = &attribute.value.expr.kind else {
        let problem = Diagnostic::error("`expect_failures` is a list", "");
        problems.push(
            problem.at(&attribute.value.source, attribute.value.expr.span).hint("as in expect_failures = [var.port]"),
        );
        return Vec::new();
    };
    let mut found = Vec::new();
    for item in items {
        match &item.kind {
            ExprKind::Traversal(root, steps) if &**root == "var" => {
                if let Some(StepKind::Attribute(name)) = steps.first().map(|step| &step.kind) {
                    found.push(Expected::Variable(name.to_string()));
                    continue;
                }
            }
            ExprKind::Literal(value) => {
                if let Some(text) = value.as_str() {
                    found.push(Expected::Text(text.to_owned()));
                    continue;
                }
            }
            _ => {}
        }
        let problem = Diagnostic::error("an expected failure is a variable or a part of the message", "");
        problems.push(problem.at(&attribute.value.source, item.span).hint("as in [var.port, \"must be odd\"]"));
    }
    found
}

/// `variables = { … }` and `variables { … }`.
fn values(body: &Body, problems: &mut Diagnostics) -> Vec<(String, Value)> {
    let context = EvalContext::new();
    let mut found = Vec::new();
    if let Some(attribute) = body.attribute("variables") {
        match attribute.value.evaluate(&context) {
            Ok(value) => match value.as_entries() {
                Some(entries) => found.extend(entries.iter().map(|(name, value)| (name.to_string(), value.clone()))),
                None => problems.push(
                    Diagnostic::error("`variables` is an object", "")
                        .at(&attribute.value.source, attribute.value.expr.span),
                ),
            },
            Err(found) => problems.extend(found),
        }
    }
    for block in body.blocks_of("variables") {
        for attribute in &block.body.attributes {
            match attribute.value.evaluate(&context) {
                Ok(value) => found.push((attribute.name.to_string(), value)),
                Err(found) => problems.extend(found),
            }
        }
    }
    found
}

fn texts(body: &Body, name: &str, problems: &mut Diagnostics) -> BTreeMap<String, String> {
    let Some(attribute) = body.attribute(name) else { return BTreeMap::new() };
    let kind = Type::Map(Box::new(Type::String));
    match crate::attributes::evaluate(attribute, &kind, &EvalContext::new()) {
        Ok(value) => {
            let entries = value.as_entries().into_iter().flatten();
            entries.filter_map(|(name, value)| Some((name.to_string(), value.as_str()?.to_owned()))).collect()
        }
        Err(found) => {
            problems.extend(found);
            BTreeMap::new()
        }
    }
}
