//! The recorded corpus of jobs, read in this process: the submission form, the canonical form, and refusals.
//! The corpus lies outside of the repository: `DROVER_SHARED`, or `../../shared` beside it; without it the test is skipped.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};

use drover_hcl::Source;
use drover_hcl::variables::Strictness;
use drover_jobspec::{JobArgs, Options, load, parse};
use drover_wire::job::{Canonical, Job};
use serde_json::Value as Json;

/// One recorded job.
struct Case {
    name: String,
    file: PathBuf,
    args: Json,
}

impl Case {
    fn read(&self, kind: &str) -> Option<Json> {
        let path = self.file.with_file_name(format!("{}.{kind}.json", self.name));
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    fn strings(&self, field: &str) -> Vec<String> {
        let list = self.args[field].as_array().into_iter().flatten();
        list.filter_map(|item| item.as_str().map(str::to_owned)).collect()
    }

    fn arguments(&self) -> JobArgs {
        let mut args = JobArgs {
            name: if self.args["stdin"] == true {
                "-".to_owned()
            } else {
                self.file.file_name().unwrap().to_string_lossy().into_owned()
            },
            content: std::fs::read(&self.file).unwrap(),
            working_dir: self.file.parent().unwrap().to_owned(),
            home_dir: self.args["env"]["HOME"].as_str().map(Into::into),
            ..JobArgs::default()
        };
        let mut words = self.strings("args").into_iter();
        while let Some(word) = words.next() {
            let (flag, value) = word.split_once('=').map_or((&*word, None), |(f, v)| (f, Some(v.to_owned())));
            match flag {
                "-json" => args.json = true,
                "-hcl2-strict" => args.lenient = true,
                "-var" => args.vars.push(value.or_else(|| words.next()).unwrap()),
                "-var-file" => args.var_files.push(value.or_else(|| words.next()).unwrap()),
                _ if value.is_none() && word != "-verbose" => drop(words.next()),
                _ => {}
            }
        }
        for (name, value) in self.args["env"].as_object().into_iter().flatten() {
            args.env.push((name.clone(), value.as_str().unwrap().to_owned()));
        }
        args
    }

    /// The job as the HTTP API reads it: variables as one text, nothing from the environment, no files.
    fn parse_over_http(&self) -> Result<Job, String> {
        let bytes = std::fs::read(&self.file).unwrap();
        let source = Source::from_bytes("input.hcl", &bytes).map_err(|error| error.to_string())?;
        let variables = self.args["http"]["Variables"].as_str().unwrap_or("");
        let options = Options {
            var_files: vec![Source::new("input.hcl", variables)],
            strictness: Strictness::Lenient,
            ..Options::default()
        };
        parse(&source, &options).map_err(|problems| problems.to_string())
    }
}

fn corpus() -> Option<Vec<Case>> {
    let shared = std::env::var_os("DROVER_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(shared.join("conformance/jobspec/cases")).ok()?.flatten() {
        let file = entry.path();
        let name = file.file_name()?.to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(".nomad.hcl").or_else(|| name.strip_suffix(".nomad.json")) else { continue };
        let args = file.with_file_name(format!("{name}.args.json"));
        let args = std::fs::read(args).map_or(Json::Null, |bytes| serde_json::from_slice(&bytes).unwrap());
        cases.push(Case { name: name.to_owned(), file, args });
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Some(cases)
}

/// The first path where two values differ; numbers are compared by value.
fn difference(want: &Json, got: &Json, path: &str) -> Option<String> {
    match (want, got) {
        (Json::Object(a), Json::Object(b)) => {
            for (key, value) in a {
                let Some(other) = b.get(key) else { return Some(format!("{path}.{key}: expected {value}, absent")) };
                if let Some(found) = difference(value, other, &format!("{path}.{key}")) {
                    return Some(found);
                }
            }
            let extra = b.keys().find(|key| !a.contains_key(*key));
            extra.map(|key| format!("{path}.{key}: not expected, got {}", b[key]))
        }
        (Json::Array(a), Json::Array(b)) => {
            let inner = a.iter().zip(b).enumerate().find_map(|(i, (a, b))| difference(a, b, &format!("{path}[{i}]")));
            let lengths = (a.len() != b.len()).then(|| format!("{path}: expected {} items, got {}", a.len(), b.len()));
            inner.or(lengths)
        }
        (Json::Number(a), Json::Number(b)) if a.as_i64().is_none() || b.as_i64().is_none() => {
            (a.as_f64() != b.as_f64()).then(|| format!("{path}: expected {a}, got {b}"))
        }
        _ => (want != got).then(|| format!("{path}: expected {want}, got {got}")),
    }
}

fn missing_line(bad: &Json, text: &str, name: Option<&str>) -> Option<String> {
    for place in bad["lines"].as_array().into_iter().flatten() {
        let (file, line) = (name.unwrap_or_else(|| place[0].as_str().unwrap()), &place[1]);
        let named = text.contains(&format!("{file}:{line}:")) || text.contains(&format!("line {line}"));
        if !named {
            return Some(format!("the error does not name {file} line {line}: {text}"));
        }
    }
    None
}

fn check_submission(case: &Case) -> Option<String> {
    let result = load(&case.arguments());
    match (case.read("expected"), result) {
        (Some(want), Ok(mut job)) => {
            let args = case.strings("args");
            let flag = |name: &str| {
                let mut words = args.iter();
                words.find_map(|word| match word.strip_prefix(name)? {
                    "" => None,
                    value => value.strip_prefix('=').map(str::to_owned),
                })
            };
            let following = |name: &str| args.iter().position(|word| word == name).map(|at| args[at + 1].clone());
            let given = |name: &str| flag(name).or_else(|| following(name));
            job.consul_namespace = given("-consul-namespace").or(job.consul_namespace);
            job.vault_namespace = given("-vault-namespace").or(job.vault_namespace);
            difference(&want["Job"], &serde_json::to_value(&job).unwrap(), "$.Job")
        }
        (Some(_), Err(error)) => Some(format!("refused: {error}")),
        (None, Ok(_)) => Some("accepted, but it has to be refused".to_owned()),
        (None, Err(error)) => {
            let text = error.to_string();
            let mentions = case.strings("mentions");
            let silent = mentions.iter().find(|m| !text.to_lowercase().contains(&m.to_lowercase()));
            silent
                .map(|m| format!("the error does not mention {m:?}: {text}"))
                .or_else(|| missing_line(&case.read("expected_error").unwrap(), &text, None))
        }
    }
}

fn check_canonical(case: &Case) -> Option<String> {
    if !case.args["http"].is_object() && case.args.as_object().is_some_and(|args| args.contains_key("http")) {
        return None;
    }
    match (case.read("canonical"), case.parse_over_http()) {
        (Some(want), Ok(mut job)) => {
            job.canonicalize();
            let once = serde_json::to_value(&job).unwrap();
            job.canonicalize();
            let twice = serde_json::to_value(&job).unwrap();
            difference(&want, &once, "$").or_else(|| difference(&once, &twice, "$ (second time)"))
        }
        (Some(_), Err(error)) => Some(format!("refused: {error}")),
        (None, Ok(_)) => Some("accepted, but it has to be refused".to_owned()),
        (None, Err(text)) => missing_line(&case.read("canonical_error").unwrap(), &text, Some("input.hcl")),
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn check_all(check: impl Fn(&Case) -> Option<String>) {
    let Some(cases) = corpus() else {
        eprintln!("skipped: no corpus of jobs; set DROVER_SHARED to the folder that holds conformance/jobspec");
        return;
    };
    let failed: Vec<String> =
        cases.iter().filter_map(|case| Some(format!("{}: {}", case.name, check(case)?))).collect();
    assert!(failed.is_empty(), "{} of {} cases differ:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

#[test]
fn jobs_become_the_recorded_submission() {
    check_all(check_submission);
}

#[test]
fn jobs_become_the_recorded_canonical_form() {
    check_all(check_canonical);
}

/// What was written reads back as the same job.
#[test]
fn submissions_survive_json() {
    check_all(|case| {
        let want = case.read("expected")?;
        let job: Job = serde_json::from_value(want["Job"].clone()).unwrap();
        difference(&want["Job"], &serde_json::to_value(&job).unwrap(), "$.Job")
    });
}

/// A job as text, without the spaces that formatting takes out of interpolations that nodes fill in.
fn meaning(job: &Job) -> String {
    let mut text = serde_json::to_string(job).unwrap();
    for (spaced, tight) in [("${ ", "${"), (" }", "}"), (" .", "."), (". ", "."), (" [", "["), ("[ ", "["), (" ]", "]")]
    {
        while text.contains(spaced) {
            text = text.replace(spaced, tight);
        }
    }
    text
}

/// Formatting changes how a job looks, never what it says.
#[test]
fn formatted_jobs_mean_the_same() {
    check_all(|case| {
        let mut args = case.arguments();
        let before = load(&args).ok()?;
        let source = Source::from_bytes(&args.name, &args.content).ok()?;
        let once = drover_hcl::format(&source).ok()?;
        let twice = drover_hcl::format(&Source::new("again", &*once)).map_err(|e| e.to_string());
        if twice.as_ref() != Ok(&once) {
            return Some(format!("formatting twice differs: {twice:?}"));
        }
        args.content = once.into_bytes();
        let unsteady = ["functions-hash"].contains(&&*case.name);
        match load(&args) {
            Ok(after) if meaning(&after) == meaning(&before) || unsteady => None,
            Ok(_) => Some("the formatted job is another job".to_owned()),
            Err(error) => Some(format!("the formatted job is refused: {error}")),
        }
    });
}
