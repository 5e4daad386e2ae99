//! One job text into one job.

use std::sync::Arc;

use drover_hcl::schema::Schema;
use drover_hcl::variables::{Declarations, Inputs, Origin, Strictness};
use drover_hcl::{Body, Diagnostic, Diagnostics, EvalContext, Host, NoHost, Source, TypeRules, Unresolved};
use drover_wire::job::Job;

use crate::decode::{self, Decoder};

const FILE: Schema = Schema::attributes(&[]).with_blocks(&[
    ("job", &["name"]),
    ("variable", &["name"]),
    ("variables", &[]),
    ("locals", &[]),
]);

/// How a job text is read.
pub struct Options {
    /// Values of variables from the environment, by variable name.
    pub env_vars: Vec<(String, String)>,
    /// Files of values, in order.
    pub var_files: Vec<Arc<Source>>,
    /// Values from flags, in order.
    pub vars: Vec<(String, String)>,
    /// Whether values for variables that the job does not declare are errors.
    pub strictness: Strictness,
    /// What file functions may see.
    pub host: Arc<dyn Host>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            env_vars: Vec::new(),
            var_files: Vec::new(),
            vars: Vec::new(),
            strictness: Strictness::Strict,
            host: Arc::new(NoHost),
        }
    }
}

/// Reads a job in HCL, or in HCL's JSON syntax where the text begins with a brace.
///
/// # Errors
/// Everything that is wrong with the job, each with its place.
pub fn parse(source: &Arc<Source>, options: &Options) -> Result<Job, Diagnostics> {
    let body = read_body(source)?;
    let mut problems = Diagnostics::new();
    let content = body.content(&FILE, &mut problems);
    let mut context = EvalContext::new().with_host(Arc::clone(&options.host)).with_unresolved(Unresolved::KeepText);
    let declared = collect(Declarations::parse(&content, TypeRules::Exact), &mut problems);
    let inputs = collect(inputs(options), &mut problems);
    if let (Some(declared), Some(inputs)) = (declared, inputs) {
        match declared.resolve(inputs, options.strictness, &context) {
            Ok(values) => context.set("var", values),
            Err(errors) => problems.extend(errors),
        }
    }
    // What follows would only report what is missing from the variables once more.
    if problems.has_errors() {
        return Err(problems);
    }
    drover_hcl::locals::resolve(&content, &mut context)?;
    let mut decoder = Decoder::new(&context);
    let mut jobs = content.blocks_of("job");
    let Some(block) = jobs.next() else {
        decoder.report_missing_job();
        return decoder.finish(Job::default());
    };
    for second in jobs {
        let place = source.range(block.header_span());
        let error =
            Diagnostic::error("Duplicate job block", format!("only one job is allowed; another one is at {place}"));
        decoder.report(error.at(source, second.header_span()));
    }
    let job = decode::job(&mut decoder, block);
    decoder.finish(job)
}

fn collect<T>(result: Result<T, Diagnostics>, problems: &mut Diagnostics) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(errors) => {
            problems.extend(errors);
            None
        }
    }
}

fn read_body(source: &Arc<Source>) -> Result<Body, Diagnostics> {
    if drover_hcl::variables::is_json(source.text()) {
        drover_hcl::parse_json_body(source)
    } else {
        drover_hcl::parse_body(source)
    }
}

fn inputs(options: &Options) -> Result<Inputs, Diagnostics> {
    let mut inputs = Inputs::default();
    for (name, text) in &options.env_vars {
        inputs.add_text(name, text, Origin::Environment);
    }
    for file in &options.var_files {
        inputs.add_file(file)?;
    }
    for (name, text) in &options.vars {
        inputs.add_text(name, text, Origin::Argument);
    }
    Ok(inputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        parse(&Source::new("web.nomad.hcl", text), &Options::default()).unwrap_err().to_string()
    }

    #[test]
    fn all_problems_come_at_once_with_their_lines() {
        let text = "job \"web\" {\n  prioritty = 50\n  group \"g\" {\n    count = \"many\"\n    networks {}\n  }\n}\n";
        let shown = refusal(text);
        assert!(shown.contains("web.nomad.hcl:2:3: Unsupported argument"), "{shown}");
        assert!(
            shown.contains("  2 |   prioritty = 50\n    |   ^^^^^^^^^\n  hint: did you mean \"priority\"?"),
            "{shown}"
        );
        assert!(
            shown.contains("web.nomad.hcl:4:13: Unsuitable value type; unsuitable value: a number is required"),
            "{shown}"
        );
        assert!(shown.contains("web.nomad.hcl:5:5: Unsupported block type"), "{shown}");
        assert!(shown.contains("hint: did you mean \"network\"?"), "{shown}");
    }

    #[test]
    fn variables_that_are_unset_say_how_to_set_them() {
        let shown = refusal("variable \"image\" {}\njob \"x\" {}\n");
        assert!(shown.contains("web.nomad.hcl:1:10: Unset variable \"image\""), "{shown}");
        assert!(shown.contains("-var 'image=…'"), "{shown}");
    }

    #[test]
    fn dynamic_blocks_have_a_limit() {
        let shown = refusal(
            "job \"x\" {\n dynamic \"group\" {\n  for_each = range(1000)\n  labels = [\"g\"]\n  content {\n   dynamic \"task\" {\n    \
             for_each = range(1000)\n    labels = [\"t\"]\n    content {}\n   }\n  }\n }\n}\n",
        );
        assert!(shown.contains("Too many blocks"), "{}", &shown[..200]);
    }
}
