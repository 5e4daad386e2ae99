//! Test files: what passes, what fails and how it is told, golden files, expected failures.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;

use drover_packs::testing::{Options, Planner, RunReport, TestFile, report, run};
use drover_packs::{Pack, testing};
use serde_json::{Value as Json, json};

const PACK: [(&str, &str); 6] = [
    ("metadata.hcl", "pack {\n  name = \"web\"\n}\n"),
    (
        "variables.hcl",
        "variable \"count\" {\n  type = number\n  default = 2\n  validation {\n    condition = var.count < 10\n    error_message = \"At most nine.\"\n  }\n}\nvariable \"password\" {\n  type = string\n  sensitive = true\n  default = \"\"\n}\n",
    ),
    (
        "templates/web.nomad.hcl.tera",
        "job \"web\" {\n  group \"main\" {\n    count = {{ count }}\n    task \"t\" {\n      driver = \"raw_exec\"\n      env { A = \"{{ password }}\" }\n    }\n  }\n}\n",
    ),
    ("templates/motd.tera", "count {{ count }}\n"),
    ("resources.hcl.tera", "variables \"nomad/jobs/web\" {\n  items = { n = \"{{ count }}\" }\n}\n"),
    ("outputs.hcl.tera", "output \"url\" {\n  value = \"http://web:{{ count }}\"\n}\n"),
];

struct Pretend;

impl Planner for Pretend {
    fn plan(&self, job: &Json) -> Result<Json, String> {
        assert_eq!(job["ID"], "web");
        Ok(
            json!({"Annotations": {"DesiredTGUpdates": {"main": {"Place": 2}}}, "FailedTGAllocs": null, "Diff": {"Type": "Added"}}),
        )
    }
}

fn folder(test: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in PACK.iter().chain(&[("tests/web.drovertest.hcl", test), ("tests/more.yaml", "count: 4\n")]) {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn reports(folder: &Path, update: bool, filter: &str) -> Vec<RunReport> {
    let pack = Pack::load(folder).unwrap();
    let file = TestFile::read(&folder.join("tests/web.drovertest.hcl"), "tests/web.drovertest.hcl");
    let file = file.map_err(|problems| problems.to_string()).unwrap();
    run(&pack, &[file], &Options { update, filter, parallelism: 2, planner: Some(&Pretend) })
}

#[track_caller]
fn check(test: &str, wanted: &[&str]) {
    let folder = folder(test);
    let shown: Vec<String> = reports(folder.path(), false, "")
        .iter()
        .flat_map(|report| {
            report.failures.iter().flat_map(|failure| [vec![failure.message.clone()], failure.details.clone()].concat())
        })
        .collect();
    let shown = shown.join("\n");
    if wanted.is_empty() {
        assert_eq!(shown, "");
    }
    for part in wanted {
        assert!(shown.contains(part), "{part:?} not in:\n{shown}");
    }
}

#[test]
fn everything_that_a_pack_gives_can_be_asserted() {
    check(
        r#"
variables { password = "unused" }
run "defaults" {
  plan = true
  assert { condition = job.web.group.main.count == 2 && job["web"].raw.ID == "web" }
  assert { condition = job.web.group.main.task.t.env.A == "unused" }
  assert { condition = output.url == "http://web:2" && var.count == 2 }
  assert { condition = file["motd"] == "count 2\n" && strlen(text.web) > 10 }
  assert { condition = resources.variables["nomad/jobs/web"].items.n == "2" }
  assert { condition = jobs == ["web"] && length(keys(dependency)) == 0 && pack.name == "web" }
  assert { condition = plan.web.placed == 2 && length(keys(plan.web.unplaced)) == 0 }
}
run "from_file" {
  var_files = ["more.yaml"]
  assert { condition = job.web.group.main.count == 4 }
}
"#,
        &[],
    );
}

#[test]
fn a_failed_assertion_shows_its_line_and_values() {
    check(
        "run \"a\" {\n  assert {\n    condition     = job.web.group.main.count == 3\n    error_message = \"want 3, not ${job.web.group.main.count}\"\n  }\n  assert { condition = job.wbe.id == \"\" }\n}\n",
        &[
            "tests/web.drovertest.hcl:3:21: want 3, not 2",
            "condition     = job.web.group.main.count == 3",
            "job.web.group.main.count is 2",
            "tests/web.drovertest.hcl:6:",
        ],
    );
}

#[test]
fn expected_failures_have_to_come_and_no_others() {
    check("run \"a\" {\n  variables = { count = 12 }\n  expect_failures = [var.count, \"At most nine\"]\n}\n", &[]);
    check("run \"a\" {\n  expect_failures = [var.count]\n}\n", &["expected to fail"]);
    check(
        "run \"a\" {\n  variables = { count = 12, nope = 1 }\n  expect_failures = [var.count]\n}\n",
        &["no variable `nope`"],
    );
    check("run \"a\" {\n  variables = { count = 12 }\n}\n", &["At most nine"]);
}

#[test]
fn golden_files_are_written_compared_and_cleaned() {
    let folder = folder("run \"a\" {\n  golden = \"golden/a\"\n}\n");
    let failed = reports(folder.path(), false, "");
    assert!(failed[0].failures[0].message.contains("golden"), "{failed:?}");
    assert_eq!(reports(folder.path(), true, "")[0].updated.len(), 2);
    assert!(reports(folder.path(), false, "")[0].passed());
    std::fs::write(folder.path().join("tests/golden/a/motd"), "count 7\n").unwrap();
    std::fs::write(folder.path().join("tests/golden/a/old"), "").unwrap();
    let failed = reports(folder.path(), false, "");
    let shown = format!("{:?}", failed[0].failures);
    for part in ["-count 7", "+count 2", "does not render it any more", "-update"] {
        assert!(shown.contains(part), "{part} not in {shown}");
    }
    reports(folder.path(), true, "");
    assert!(!folder.path().join("tests/golden/a/old").exists());
}

#[test]
fn runs_are_filtered_and_reported() {
    let folder = folder("run \"one\" {}\nrun \"two\" {\n  assert { condition = 1 > 2 }\n}\n");
    assert_eq!(reports(folder.path(), false, "one").len(), 1);
    let all = reports(folder.path(), false, "");
    assert_eq!(all.iter().map(|report| report.name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    let xml = report::junit("web", &all);
    for part in ["tests=\"2\" failures=\"1\"", "<testcase classname=\"web.web\" name=\"two\"", "1 &gt; 2", "line=\"2\""]
    {
        assert!(xml.contains(part), "{part} not in {xml}");
    }
    assert_eq!(report::object(&all[1])["passed"], false);
}

#[test]
fn faults_of_test_files_have_their_place() {
    let folder = folder("run \"a\" {\n  golden = \"../x\"\n  expect_failures = [count]\n  asert {}\n}\nrun \"a\" {}\n");
    let path = folder.path().join("tests/web.drovertest.hcl");
    let error = TestFile::read(&path, "t.drovertest.hcl").unwrap_err().to_string();
    for part in ["outside of the tests", "t.drovertest.hcl:3:22", "did you mean \"assert\"", "two runs named `a`"] {
        assert!(error.contains(part), "{part} not in {error}");
    }
    assert_eq!(testing::FOLDER, "tests");
}
