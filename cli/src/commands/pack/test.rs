//! `pack test`: runs a pack's tests. Needs no engine, but for runs with `plan = true`.

use super::{load, one_path};
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::CliError;
use crate::output::{self, Colour, paint, plural};
use crate::registry::{Invoke, Outcome};
use crate::stacks::explained;
use drover_packs::testing::{FILE_END, FOLDER, Options, Planner, RunReport, TestFile, report, run};
use drover_packs::{Pack, files};
use serde_json::{Value as Json, json};
use std::path::PathBuf;
use std::sync::OnceLock;

/// Runs tests.
#[derive(clap::Args)]
#[command(next_help_heading = "Test Options")]
pub struct Test {
    #[command(flatten)]
    engine: EngineArgs,
    /// Writes what is rendered now into the golden files, instead of comparing with them.
    #[arg(long)]
    update: bool,
    /// Only runs whose name, or whose file's name, holds this.
    #[arg(long, value_name = "text", default_value = "")]
    filter: String,
    /// Writes the results as JUnit's XML into this file.
    #[arg(long, value_name = "file")]
    junit: Option<PathBuf>,
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Runs at a time. Default: one for each CPU.
    #[arg(long, value_name = "n")]
    parallelism: Option<usize>,
    #[arg(hide = true)]
    paths: Vec<String>,
}

impl Invoke for Test {
    fn invoke(self, context: &Context) -> Outcome {
        let given = one_path(context, &self.paths)?;
        let planner = EnginePlanner { arguments: &self.engine, context, client: OnceLock::new() };
        let available = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let options = Options {
            update: self.update,
            filter: &self.filter,
            parallelism: self.parallelism.unwrap_or(available),
            planner: Some(&planner),
        };
        let mut all: Vec<RunReport> = Vec::new();
        for folder in packs(given)? {
            let shown = folder.display().to_string();
            let pack = load(&shown)?;
            let tests = read(&pack)?;
            let reports = run(&pack, &tests, &options);
            reports.iter().for_each(|report| self.print(report));
            all.extend(reports);
        }
        if let Some(path) = &self.junit {
            super::write(path, &report::junit(given, &all))?;
        }
        if all.is_empty() {
            let what = if self.filter.is_empty() {
                format!("there are no tests: no *{FILE_END} in {given}/{FOLDER}")
            } else {
                format!("no test is named like {:?}", self.filter)
            };
            return Err(CliError::new(what));
        }
        let failed = all.iter().filter(|report| !report.passed()).count();
        self.summary(&all, failed);
        Ok(u8::from(failed > 0))
    }
}

impl Test {
    fn print(&self, report: &RunReport) {
        if self.json {
            output::line(&report::object(report).to_string());
            return;
        }
        let (colour, word) = if report.passed() { (Colour::Green, "pass") } else { (Colour::Red, "FAIL") };
        output::line(&format!(
            "{}  {}  {}  ({} ms)",
            paint(colour, word),
            report.file,
            report.name,
            report.took.as_millis()
        ));
        for failure in &report.failures {
            for line in failure.message.lines().chain(failure.details.iter().map(String::as_str)) {
                let line = match line.chars().next() {
                    Some('+') => paint(Colour::Green, line),
                    Some('-') => paint(Colour::Red, line),
                    _ => line.to_owned(),
                };
                output::line(&format!("      {line}"));
            }
        }
        for path in &report.updated {
            output::line(&format!("      wrote {}", path.display()));
        }
    }

    fn summary(&self, all: &[RunReport], failed: usize) {
        let passed = all.len() - failed;
        if self.json {
            output::line(&json!({"type": "summary", "version": 1, "passed": passed, "failed": failed}).to_string());
            return;
        }
        output::line(&format!("\n{}: {passed} passed, {failed} failed.", plural(all.len() as u64, "run")));
    }
}

/// The pack at a path, or those in the folder.
fn packs(given: &str) -> Result<Vec<PathBuf>, CliError> {
    let path = PathBuf::from(given);
    if files::is_pack(&path) || !path.is_dir() {
        return Ok(vec![path]);
    }
    let entries = std::fs::read_dir(&path).map_err(|error| CliError::new(format!("cannot read {given}: {error}")))?;
    let mut found: Vec<PathBuf> =
        entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| files::is_pack(path)).collect();
    found.sort();
    if found.is_empty() { Ok(vec![path]) } else { Ok(found) }
}

fn read(pack: &Pack) -> Result<Vec<TestFile>, CliError> {
    let names = pack.files.keys().filter(|name| name.starts_with("tests/") && name.ends_with(FILE_END));
    names
        .map(|name| {
            let path = pack.folder.join(name);
            TestFile::read(&path, &pack.shown(name)).map_err(|problems| explained(&problems))
        })
        .collect()
}

/// Dry runs on the engine that the command is pointed at, which is asked for when the first test needs it.
struct EnginePlanner<'a> {
    arguments: &'a EngineArgs,
    context: &'a Context,
    client: OnceLock<Result<drover_sdk::Client, String>>,
}

impl Planner for EnginePlanner<'_> {
    fn plan(&self, job: &Json) -> Result<Json, String> {
        let client = self
            .client
            .get_or_init(|| self.arguments.connect(self.context).map_err(|error| error.message))
            .as_ref()
            .map_err(Clone::clone)?;
        let id = job["ID"].as_str().unwrap_or_default();
        let path = format!("/v1/job/{}/plan", urlencoded(id));
        let body = json!({"Job": job, "Diff": true}).to_string().into_bytes();
        let answer = self.context.block_on(async { Ok(client.raw("PUT", &path, &[], Some(body)).await) });
        let (status, _, body) = answer.map_err(|error| error.message)?.map_err(|error| error.to_string())?;
        if status >= 300 {
            return Err(String::from_utf8_lossy(&body).trim().to_owned());
        }
        serde_json::from_slice(&body).map_err(|error| format!("the answer is no JSON: {error}"))
    }
}

fn urlencoded(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>().replace('+', "%20")
}
