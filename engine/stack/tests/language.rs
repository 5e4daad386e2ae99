//! Stacks in folders: evaluation, order, and what a person sees when something is wrong.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use drover_stack::desired::{Spec, Target, Wait};
use drover_stack::live::{LiveJob, LiveVariables};
use drover_stack::plan::{Action, Options, PlanError, compute, destroy};
use drover_stack::{Input, Live};
use serde_json::json;
use support::{Evaluated, JOB, addresses, check_error, evaluate, evaluate_path};

#[test]
fn references_make_the_order_and_carry_values() {
    let stack = r#"
stack "shop" {}
variable "who" {
  default = "you"
}
job "report" {
  file = "jobs/report.nomad.hcl"
  vars = { who = local.url }
  wait = "complete"
}
locals {
  url = "${pack.web.outputs.url}/${var.who}"
}
pack "web" {
  source = "./packs/web"
  vars   = { name = "front" }
}
output "url" {
  value = local.url
}
"#;
    let Evaluated { desired, .. } = evaluate(stack, &[]).unwrap();
    assert_eq!(desired.stack, "shop");
    assert_eq!(addresses(&desired), ["pack.web.job.front", "job.report"]);
    let report = &desired.resources[1];
    assert!(report.depends_on.contains("pack.web.job.front"), "a dependency through a local counts");
    assert_eq!(report.wait, Wait::Complete);
    let Spec::Job(job) = &report.spec else { panic!("a job") };
    assert_eq!(job["Meta"]["who"], "http://front/you");
    assert_eq!(desired.outputs[0].value, "http://front/you");
}

#[test]
fn for_each_makes_one_of_each() {
    let stack = "stack \"s\" {}\npack \"web\" {\n  for_each = { a = \"one\", b = \"two\" }\n  source = \"./packs/web\"\n  vars = { name = each.value }\n}\nnamespace \"team\" {\n  description = \"x\"\n}\nvariables \"nomad/jobs/one\" {\n  items = { greeting = \"hi\" }\n  depends_on = [pack.web]\n}\n";
    let Evaluated { desired, .. } = evaluate(stack, &[]).unwrap();
    assert_eq!(
        addresses(&desired),
        ["namespace.team", "pack.web[\"a\"].job.one", "pack.web[\"b\"].job.two", "variables[\"nomad/jobs/one\"]"]
    );
    assert_eq!(desired.resources[3].depends_on.len(), 2);
}

#[test]
fn a_pack_and_job_files_are_stacks_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("report.nomad.hcl"), JOB).unwrap();
    let Evaluated { desired, .. } = evaluate_path(folder.path(), &["who=us"]).unwrap();
    assert_eq!(addresses(&desired), ["job.report"]);
    let Spec::Job(job) = &desired.resources[0].spec else { panic!("a job") };
    assert_eq!(job["Meta"]["who"], "us");
    assert!(Input::find(&folder.path().join("none")).unwrap_err().to_string().contains("no file or folder"));
}

#[test]
fn mistakes_are_shown_where_they_are() {
    check_error(
        "stack \"s\" {}\npak \"web\" {\n}\n",
        &[],
        &["s.drover.hcl:2:1", "no block `pak`", "did you mean \"pack\"?"],
    );
    check_error(
        "job \"a\" {\n  fil = \"x\"\n}\n",
        &[],
        &["s.drover.hcl:2:3", "no attribute `fil`", "did you mean \"file\"?"],
    );
    check_error("job \"a\" {\n  file = \"none.nomad.hcl\"\n}\n", &[], &["s.drover.hcl:2:10", "no job file"]);
    check_error("pack \"a\" {\n  source = \"./none\"\n}\n", &[], &["s.drover.hcl:2:12", "no such folder"]);
    check_error(
        "output \"a\" {\n  value = pack.wb.outputs.url\n}\npack \"web\" {\n  source = \"./packs/web\"\n  vars = { name = \"x\" }\n}\n",
        &[],
        &["s.drover.hcl:2:11", "no `pack.wb`", "did you mean \"web\"?"],
    );
    check_error("locals {\n  a = local.b\n  b = local.a\n}\n", &[], &["circle", "local.a -> local.b -> local.a"]);
    check_error(
        "job \"a\" {\n  file = \"jobs/report.nomad.hcl\"\n  wait = \"helthy\"\n}\n",
        &[],
        &["s.drover.hcl:3:10", "did you mean \"healthy\"?"],
    );
    check_error(
        "job \"a\" {\n  file = \"jobs/report.nomad.hcl\"\n  timeout = \"soon\"\n}\n",
        &[],
        &["s.drover.hcl:3:13", "duration"],
    );
    check_error("stack \"s\" {\n", &[], &["s.drover.hcl:"]);
    check_error("stack \"s\" {}\n", &["nope=1"], &["nope"]);
    check_error("locals {\n  p = secret(\"env:NOPE\")\n}\n", &[], &["s.drover.hcl:2:", "env:NOPE", "NOPE is not set"]);
    check_error("locals {\n  p = secret(\"hunter2\")\n}\n", &[], &["provider:path"]);
}

fn two_jobs() -> Evaluated {
    evaluate("stack \"s\" {}\npack \"web\" {\n  source = \"./packs/web\"\n  vars = { name = \"front\" }\n}\njob \"report\" {\n  file = \"jobs/report.nomad.hcl\"\n  vars = { who = secret(\"env:TOKEN\") }\n  depends_on = [pack.web]\n}\n", &[]).unwrap()
}

fn target(id: &str) -> Target {
    Target::Job { namespace: "default".into(), id: id.into() }
}

fn live_job(stack: &str, resource: &str, dry_run: Option<serde_json::Value>) -> LiveJob {
    let owner = drover_stack::owner::Owner { stack: stack.into(), resource: resource.into(), release: "1".into() };
    LiveJob { index: 7, is_stopped: false, owner: Some(owner), dry_run, ..LiveJob::default() }
}

fn unchanged() -> Option<serde_json::Value> {
    Some(json!({"Diff": {"Type": "None", "ID": "x"}, "JobModifyIndex": 7}))
}

#[test]
fn what_is_new_is_created_what_is_gone_is_deleted_and_the_rest_stays() {
    let Evaluated { desired, masker } = two_jobs();
    let mut live = Live { stack: "s".into(), ..Live::default() };
    live.jobs.insert(target("front"), live_job("s", "pack.web.job.front", unchanged()));
    live.jobs.insert(target("old"), live_job("s", "job.old", None));
    live.jobs.insert(target("other"), live_job("another", "job.other", None));
    let plan = compute(&desired, &live, &Options::default(), &masker).unwrap();
    let changes: Vec<_> = plan.changes.iter().map(|change| (change.address.as_str(), change.action)).collect();
    assert_eq!(changes, [("job.report", Action::Create), ("job.old", Action::Delete)]);
    assert_eq!(plan.unchanged.keys().collect::<Vec<_>>(), ["pack.web.job.front"]);
    assert!(
        plan.base.iter().any(|base| base.target == target("front") && base.index == 7),
        "what was only read counts too"
    );
    assert!(plan.changes[1].depends_on.contains("job.report"), "deletions come last");
    let shown: String = drover_stack::preview::plan_objects(&plan).iter().map(ToString::to_string).collect();
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn what_belongs_to_others_is_not_touched_without_adopt() {
    let Evaluated { desired, masker } = two_jobs();
    let mut live = Live { stack: "s".into(), ..Live::default() };
    live.jobs.insert(target("front"), live_job("another", "job.front", unchanged()));
    live.jobs.insert(target("report"), LiveJob { index: 3, dry_run: unchanged(), ..LiveJob::default() });
    let error = compute(&desired, &live, &Options::default(), &masker).unwrap_err();
    assert!(matches!(&error, PlanError::Foreign { things } if things.len() == 2), "{error}");
    assert!(error.to_string().contains("stack `another`") && error.to_string().contains("-adopt"), "{error}");
    let adopting = Options { adopt: true, ..Options::default() };
    assert!(compute(&desired, &live, &adopting, &masker).is_ok());
}

#[test]
fn targets_bring_what_they_depend_on_and_unknown_ones_are_refused() {
    let Evaluated { desired, masker } = two_jobs();
    let live = Live { stack: "s".into(), ..Live::default() };
    let options = |target: &str| Options { targets: vec![target.to_owned()], ..Options::default() };
    let plan = compute(&desired, &live, &options("pack.web"), &masker).unwrap();
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(compute(&desired, &live, &options("job.report"), &masker).unwrap().changes.len(), 2);
    assert!(matches!(compute(&desired, &live, &options("job.nope"), &masker), Err(PlanError::UnknownTarget { .. })));
}

#[test]
fn what_depends_on_something_unchanged_waits_for_what_that_depends_on() {
    let stack = "stack \"s\" {}\npack \"a\" {\n  source = \"./packs/web\"\n  vars = { name = \"a\" }\n}\npack \"b\" {\n  source = \"./packs/web\"\n  vars = { name = \"b\" }\n  depends_on = [pack.a]\n}\npack \"c\" {\n  source = \"./packs/web\"\n  vars = { name = \"c\" }\n  depends_on = [pack.b]\n}\n";
    let Evaluated { desired, masker } = evaluate(stack, &[]).unwrap();
    let mut live = Live { stack: "s".into(), ..Live::default() };
    live.jobs.insert(target("b"), live_job("s", "pack.b.job.b", unchanged()));
    let plan = compute(&desired, &live, &Options::default(), &masker).unwrap();
    let last = plan.changes.iter().find(|change| change.address == "pack.c.job.c").unwrap();
    assert!(last.depends_on.contains("pack.a.job.a"));
}

#[test]
fn destroy_removes_what_the_stack_owns_and_nothing_else() {
    let mut live = Live { stack: "s".into(), ..Live::default() };
    live.jobs.insert(target("front"), live_job("s", "pack.web.job.front", None));
    live.jobs.insert(target("other"), live_job("another", "job.other", None));
    let variables = Target::Variables { namespace: "default".into(), path: "nomad/jobs/x".into() };
    live.variables.insert(variables, LiveVariables { index: 1, ..LiveVariables::default() });
    let plan = destroy("s", "default", &live, &Options::default());
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(plan.changes[0].address, "pack.web.job.front");
}
