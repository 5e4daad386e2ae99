//! What a stack's blocks mean: instances, overlays, moves, imports, engines, policies, checks, and all other resources.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::collections::BTreeSet;

use drover_stack::desired::{PolicyLevel, Probe, Spec, Target};
use drover_stack::live::{LiveJob, LiveObject};
use drover_stack::objects::ObjectKind;
use drover_stack::owner::Owner;
use drover_stack::plan::{Action, Options, PlanError, Write, compute};
use drover_stack::preview::{MAX_MARKDOWN_BYTES, plan_html, plan_lines, plan_markdown};
use drover_stack::record::Recorded;
use drover_stack::{ChangePlan, Live};
use serde_json::json;
use support::{Evaluated, addresses, check_error, evaluate, evaluate_in, folder};

fn plan(stack: &str, live: &Live) -> ChangePlan {
    let Evaluated { desired, masker } = evaluate(stack, &[]).unwrap();
    compute(&desired, live, &Options::default(), &masker).unwrap()
}

fn live() -> Live {
    Live { stack: "s".into(), ..Live::default() }
}

fn text(plan: &ChangePlan) -> String {
    let lines: Vec<String> = plan_lines(plan).iter().map(|line| format!("{} {}", line.symbol, line.text)).collect();
    lines.join("\n")
}

#[test]
fn count_makes_as_many_and_is_a_switch() {
    let stack = "stack \"s\" {}\nvariable \"n\" {\n  default = 2\n}\nnamespace \"team\" {\n  count = var.n\n  description = \"number ${count.index}\"\n}\nvariables \"x/y\" {\n  count = 0\n  items = { a = \"b\" }\n}\noutput \"second\" {\n  value = namespace.team[1].name\n}\n";
    let Evaluated { desired, .. } = evaluate(stack, &[]).unwrap();
    assert_eq!(addresses(&desired), ["namespace.team[0]", "namespace.team[1]"]);
    assert_eq!(desired.outputs[0].value, "team-1");
    let Spec::Namespace(second) = &desired.resources[1].spec else { panic!("a namespace") };
    assert_eq!((second.name.as_str(), second.description.as_str()), ("team-1", "number 1"));
    check_error(
        "namespace \"a\" {\n  count = 1\n  for_each = { a = 1 }\n}\n",
        &[],
        &["s.drover.hcl:2:3", "exclude each other"],
    );
    check_error("namespace \"a\" {\n  count = \"many\"\n}\n", &[], &["s.drover.hcl:2:11", "whole number"]);
}

#[test]
fn an_overlay_is_merged_deeply_and_only_when_it_is_chosen() {
    let stack = r#"
stack "s" {}
pack "web" {
  source = "./packs/web"
  vars   = { name = "front", }
}
job "report" {
  file = "jobs/report.nomad.hcl"
}
"#;
    let overlay = r#"
overlay "prod" {
  pack "web" {
    timeout = "9m"
    vars    = { name = "front-${stack.env}" }
  }
  namespace "prod" {}
  job "report" {
    vars = { who = "prod" }
  }
}
overlay "test" {
  pack "web" {
    source = "./nowhere"
  }
}
"#;
    let folder = folder(&[("s.drover.hcl", stack), ("env.drover.hcl", overlay)]);
    let plain = evaluate_in(folder.path(), &[], None).unwrap().desired;
    assert_eq!(addresses(&plain), ["job.report", "pack.web.job.front"]);
    let prod = evaluate_in(folder.path(), &[], Some("prod")).unwrap().desired;
    assert_eq!(addresses(&prod), ["job.report", "namespace.prod", "pack.web.job.front-prod"]);
    assert_eq!(prod.environment, "prod");
    let Spec::Job(job) = &prod.resources[0].spec else { panic!("a job") };
    assert_eq!(job["Meta"]["who"], "prod");
    let unknown = evaluate_in(folder.path(), &[], Some("prd")).err().unwrap();
    assert!(unknown.contains("no overlay `prd`") && unknown.contains("did you mean \"prod\""), "{unknown}");
    let wrong = evaluate_in(folder.path(), &[], Some("test")).err().unwrap();
    assert!(wrong.contains("env.drover.hcl:14:14"), "the place is in the overlay's file: {wrong}");
    check_error("overlay \"x\" {\n  stack \"a\" {}\n}\n", &[], &["s.drover.hcl:2:3", "cannot have a block `stack`"]);
}

#[test]
fn a_member_of_an_overlay_that_names_what_is_not_there_is_shown_in_its_file() {
    let stack = "stack \"s\" {}\njob \"report\" {\n  file = \"jobs/report.nomad.hcl\"\n  vars = { who = \"me\" }\n}\n";
    let overlay = "overlay \"prod\" {\n  job \"report\" {\n    vars = { who = namespace.nope.name }\n  }\n}\n";
    let folder = folder(&[("s.drover.hcl", stack), ("env.drover.hcl", overlay)]);
    let error = evaluate_in(folder.path(), &[], Some("prod")).err().unwrap();
    assert!(error.contains("env.drover.hcl:3:20") && error.contains("no `namespace.nope`"), "{error}");
}

#[test]
fn all_mistakes_are_shown_at_once() {
    let stack = "stack \"s\" {}\npak \"web\" {\n}\nmoved {\n  from = \"x\"\n}\nacl_role \"r\" {\n  policies = []\n}\npolicy \"p\" {\n  rule = \"job.\"\n}\nnode_pool \"n\" {\n  node_identity_ttl = \"soon\"\n  colour = \"red\"\n}\ncheck \"c\" {\n}\n";
    check_error(
        stack,
        &[],
        &[
            "s.drover.hcl:2:1",
            "no block `pak`",
            "s.drover.hcl:5:10",
            "`from` is an address",
            "needs `to`",
            "s.drover.hcl:8:14",
            "a role needs a policy",
            "s.drover.hcl:11:10",
            "the rule is not CEL",
            "s.drover.hcl:14:23",
            "duration",
            "s.drover.hcl:15:3",
            "no attribute `colour`",
            "one of `http` and `tcp`",
        ],
    );
}

#[test]
fn engines_have_names_and_resources_say_where_they_are() {
    let stack = "stack \"s\" {}\nengine {\n  namespace = \"shop\"\n}\nengine \"eu\" {\n  address = \"http://10.0.0.1:4646\"\n  namespace = \"europe\"\n}\njob \"report\" {\n  file = \"jobs/report.nomad.hcl\"\n}\njob \"there\" {\n  file = \"jobs/report.nomad.hcl\"\n  engine = engine.eu\n}\n";
    let Evaluated { desired, .. } = evaluate(stack, &[]).unwrap();
    assert_eq!(desired.resources[0].target(), Target::Job { namespace: "shop".into(), id: "report".into() });
    let there = Target::Job { namespace: "europe".into(), id: "report".into() };
    assert_eq!(desired.resources[1].target(), there.at(Some("eu")));
    assert_eq!(desired.resources[1].target().to_string(), "job report in namespace europe on engine eu");
    check_error(
        "engine \"eu\" {\n  region = \"eu\"\n}\nnamespace \"a\" {\n  engine = engine.us\n}\n",
        &[],
        &["s.drover.hcl:5:12", "no `engine.us`"],
    );
    check_error("engine \"eu\" {\n}\n", &[], &["needs an `address` or a `region`"]);
}

const OBJECTS: &str = r#"
stack "s" {}
node_pool "gpu" {
  description = "cards"
  meta        = { team = "ml" }
}
acl_policy "readers" {
  rules = "namespace \"default\" { policy = \"read\" }"
}
acl_role "developers" {
  policies = [acl_policy.readers.name, "a"]
}
acl_auth_method "ci" {
  type           = "JWT"
  token_locality = "local"
  max_token_ttl  = "60m"
  config {
    jwks_url        = "http://127.0.0.1:9/jwks"
    bound_audiences = ["x"]
  }
}
acl_binding_rule "ci" {
  auth_method = acl_auth_method.ci.name
  bind_type   = "role"
  bind_name   = acl_role.developers.name
  selector    = "value.repo == \"shop\""
}
host_volume "data" {
  capacity_min = "1GiB"
  capacity_max = "2GiB"
  capability {
    access_mode     = "single-node-writer"
    attachment_mode = "file-system"
  }
  constraint {
    attribute = "${attr.kernel.name}"
    value     = "linux"
  }
}
quota "team" {
  limit {
    region_limit {
      cpu = 2500
      device "nvidia/gpu" {}
    }
  }
}
scheduler_config "main" {
  scheduler_algorithm = "spread"
}
"#;

#[test]
fn every_resource_has_its_form_for_the_engine() {
    let Evaluated { desired, .. } = evaluate(OBJECTS, &[]).unwrap();
    let body = |address: &str| {
        let resource = desired.resources.iter().find(|resource| resource.address == address).unwrap();
        let Spec::Object(object) = &resource.spec else { panic!("an object") };
        object.body.clone()
    };
    assert_eq!(body("node_pool.gpu")["Meta"], json!({"team": "ml"}));
    assert_eq!(body("acl_role.developers")["Policies"], json!(["a", "readers"]));
    assert_eq!(body("acl_auth_method.ci")["MaxTokenTTL"], "1h0m0s");
    assert_eq!(body("host_volume.data")["RequestedCapacityMinBytes"], 1 << 30);
    assert_eq!(body("host_volume.data")["Constraints"][0]["LTarget"], "${attr.kernel.name}");
    assert_eq!(body("quota.team")["Limits"][0]["RegionLimit"]["Devices"], json!([{"Count": 1, "Name": "nvidia/gpu"}]));
    assert_eq!(body("scheduler_config.main")["SchedulerAlgorithm"], "spread");
    let rule = desired.resources.iter().find(|resource| resource.address == "acl_binding_rule.ci").unwrap();
    assert_eq!(rule.target().name(), "ci -> role developers if value.repo == \"shop\"");
    assert_eq!(rule.depends_on, BTreeSet::from(["acl_auth_method.ci".to_owned(), "acl_role.developers".to_owned()]));
}

fn object(of: ObjectKind, name: &str) -> Target {
    Target::Object { of, namespace: String::new(), name: name.to_owned() }
}

#[test]
fn an_object_that_is_as_wanted_makes_no_difference() {
    let stack = "stack \"s\" {}\nacl_policy \"p\" {\n  description = \"d\"\n  rules = \"x\"\n}\nnode_pool \"gpu\" {\n  meta = { a = \"b\" }\n}\nscheduler_config \"c\" {\n  scheduler_algorithm = \"spread\"\n}\n";
    let mut live = live();
    let policy = object(ObjectKind::AclPolicy, "p");
    let body = json!({"Name": "p", "Description": "d", "Rules": "x", "RulesJSON": {}, "JobACL": null, "Hash": "h", "ModifyIndex": 9});
    live.objects.insert(policy.clone(), LiveObject { index: 9, body });
    let recorded = Recorded {
        target: policy.clone(),
        depends_on: BTreeSet::new(),
        sensitive_fields: BTreeSet::new(),
        index: 0,
        hash: String::new(),
    };
    live.record.resources.insert("acl_policy.p".into(), recorded);
    let meta = json!({"a": "b", "drover.stack": "s", "drover.resource": "node_pool.gpu"});
    let pool = json!({"Name": "gpu", "Description": "", "Meta": meta, "NodeIdentityTTL": 86_400_000_000_000_i64,
        "SchedulerConfiguration": null, "ModifyIndex": 4});
    live.objects.insert(object(ObjectKind::NodePool, "gpu"), LiveObject { index: 4, body: pool });
    let settings = json!({"SchedulerAlgorithm": "binpack", "PreemptionConfig": {"SystemSchedulerEnabled": true}, "ModifyIndex": 5});
    live.objects.insert(object(ObjectKind::SchedulerConfig, "settings"), LiveObject { index: 5, body: settings });
    let plan = plan(stack, &live);
    assert_eq!(plan.changes.len(), 1, "{}", text(&plan));
    assert_eq!((plan.changes[0].address.as_str(), plan.changes[0].action), ("scheduler_config.c", Action::Update));
    assert!(text(&plan).contains("scheduler_algorithm = \"binpack\" -> \"spread\""), "{}", text(&plan));
    assert!(!text(&plan).contains("preemption"), "what the block does not name is left alone: {}", text(&plan));
}

#[test]
fn an_object_of_somebody_else_is_not_touched_and_one_that_is_gone_from_the_stack_goes() {
    let stack = "stack \"s\" {}\nacl_policy \"p\" {\n  rules = \"x\"\n}\n";
    let mut live = live();
    let theirs = LiveObject { index: 9, body: json!({"Name": "p", "Rules": "y"}) };
    live.objects.insert(object(ObjectKind::AclPolicy, "p"), theirs);
    let Evaluated { desired, masker } = evaluate(stack, &[]).unwrap();
    let refused = compute(&desired, &live, &Options::default(), &masker).unwrap_err();
    assert!(matches!(refused, PlanError::Foreign { .. }), "{refused}");
    let old = object(ObjectKind::AclRole, "old");
    live.objects.clear();
    live.objects.insert(old.clone(), LiveObject { index: 3, body: json!({"ID": "x", "Name": "old"}) });
    let recorded = Recorded {
        target: old,
        depends_on: BTreeSet::new(),
        sensitive_fields: BTreeSet::new(),
        index: 3,
        hash: String::new(),
    };
    live.record.resources.insert("acl_role.old".into(), recorded);
    let plan = compute(&desired, &live, &Options::default(), &masker).unwrap();
    let changes: Vec<_> = plan.changes.iter().map(|change| (change.address.as_str(), change.action)).collect();
    assert_eq!(changes, [("acl_policy.p", Action::Create), ("acl_role.old", Action::Delete)]);
}

fn unchanged_job(owner: Option<&str>) -> LiveJob {
    let owner = owner.map(|address| Owner { stack: "s".into(), resource: address.into(), release: "1".into() });
    LiveJob { index: 7, owner, dry_run: Some(json!({"Diff": {"Type": "None"}})), ..LiveJob::default() }
}

fn report() -> Target {
    Target::Job { namespace: "default".into(), id: "report".into() }
}

const REPORT: &str = "job \"report\" {\n  file = \"jobs/report.nomad.hcl\"\n}\n";

#[test]
fn an_import_takes_over_what_is_there_without_a_restart() {
    let stack = format!("stack \"s\" {{}}\n{REPORT}import {{\n  to = job.report\n  id = \"report\"\n}}\n");
    let mut live = live();
    live.jobs.insert(report(), unchanged_job(None));
    let plan = plan(&stack, &live);
    assert_eq!((plan.changes[0].action, &plan.changes[0].write), (Action::Adopt, &Write::Keep));
    let wrong = stack.replace("id = \"report\"", "id = \"rapport\"");
    let Evaluated { desired, masker } = evaluate(&wrong, &[]).unwrap();
    let error = compute(&desired, &live, &Options::default(), &masker).unwrap_err().to_string();
    assert!(error.contains("s.drover.hcl:5:1") && error.contains("not `rapport`"), "{error}");
}

#[test]
fn what_was_taken_over_stays_the_stacks_own_by_its_record() {
    let stack = format!("stack \"s\" {{}}\n{REPORT}");
    let mut live = live();
    live.jobs.insert(report(), unchanged_job(None));
    let recorded = Recorded {
        target: report(),
        depends_on: BTreeSet::new(),
        sensitive_fields: BTreeSet::new(),
        index: 7,
        hash: String::new(),
    };
    live.record.resources.insert("job.report".into(), recorded);
    assert!(plan(&stack, &live).is_empty());
    let gone = plan("stack \"s\" {}\n", &live);
    assert_eq!((gone.changes[0].address.as_str(), gone.changes[0].action), ("job.report", Action::Delete));
}

#[test]
fn a_renamed_resource_keeps_running() {
    let stack = "stack \"s\" {}\njob \"daily\" {\n  file = \"jobs/report.nomad.hcl\"\n}\nnamespace \"new\" {}\nmoved {\n  from = job.report\n  to = job.daily\n}\nmoved {\n  from = namespace.old\n  to = namespace.new\n}\n";
    let mut live = live();
    live.jobs.insert(report(), unchanged_job(Some("job.report")));
    let recorded = Recorded {
        target: report(),
        depends_on: BTreeSet::new(),
        sensitive_fields: BTreeSet::new(),
        index: 7,
        hash: String::new(),
    };
    live.record.resources.insert("job.report".into(), recorded);
    let plan = plan(stack, &live);
    let job = plan.changes.iter().find(|change| change.address == "job.daily").unwrap();
    assert_eq!((job.action, job.moved_from.as_deref()), (Action::Move, Some("job.report")));
    assert!(!plan.changes.iter().any(|change| change.action == Action::Delete), "{}", text(&plan));
    let namespace = plan.changes.iter().find(|change| change.address == "namespace.new").unwrap();
    assert_eq!(namespace.target, Target::Namespace { name: "old".into() }, "the thing keeps its name");
    let Evaluated { desired, masker } = evaluate(
        &format!("{stack}{REPORT}").replace("job \"daily\" {\n  file", "job \"daily\" {\n  namespace = \"x\"\n  file"),
        &[],
    )
    .unwrap();
    let both = compute(&desired, &live, &Options::default(), &masker).unwrap_err();
    assert!(matches!(both, PlanError::WrongMove { .. }), "{both}");
}

#[test]
fn policies_judge_jobs_changes_and_the_plan() {
    let shared =
        "policy \"small\" {\n  on = \"plan\"\n  rule = \"plan.create < 1\"\n  message = \"one thing at a time\"\n}\n";
    let stack = format!(
        "stack \"s\" {{}}\n{REPORT}policy \"batch\" {{\n  rule = \"job.Type == 'service'\"\n  message = \"services only\"\n}}\npolicy \"fine\" {{\n  on = \"change\"\n  rule = \"change.kind == 'job' && change.is_new\"\n}}\npolicy \"broken\" {{\n  level = \"advisory\"\n  rule = \"job.Nope\"\n}}\npolicy_file \"company\" {{\n  path = \"shared/policies.hcl\"\n  level = \"advisory\"\n}}\n"
    );
    let folder = folder(&[("s.drover.hcl", &stack), ("shared/policies.hcl", shared)]);
    let Evaluated { desired, masker } = evaluate_in(folder.path(), &[], None).unwrap();
    let plan = compute(&desired, &live(), &Options::default(), &masker).unwrap();
    let result = |name: &str| plan.policies.iter().find(|result| result.name == name).unwrap();
    assert_eq!(result("batch").failures, ["job.report"]);
    assert!(result("fine").failures.is_empty());
    assert!(result("broken").failures[0].starts_with("job.report: "), "a rule that fails is not kept");
    assert_eq!((result("small").level, result("small").failures.len()), (PolicyLevel::Advisory, 1));
    assert_eq!(plan.refusals().map(|result| result.name.as_str()).collect::<Vec<_>>(), ["batch"]);
    assert!(text(&plan).contains("policy \"batch\" refuses this: services only"), "{}", text(&plan));
}

#[test]
fn checks_are_part_of_the_plan() {
    let stack = "stack \"s\" {}\npack \"web\" {\n  source = \"./packs/web\"\n  vars = { name = \"front\" }\n}\ncheck \"home\" {\n  http = \"${pack.web.outputs.url}/health\"\n  retries = 2\n  status = [200, 204]\n}\ncheck \"port\" {\n  tcp = \"127.0.0.1:80\"\n}\n";
    let plan = plan(stack, &live());
    assert_eq!(plan.checks.len(), 2);
    let Probe::Http { url, status, .. } = &plan.checks[0].probe else { panic!("a page") };
    assert_eq!((url.as_str(), status.as_slice()), ("http://front/health", [200, 204].as_slice()));
    check_error(
        "check \"c\" {\n  http = \"http://x/?t=${secret(\"env:TOKEN\")}\"\n}\n",
        &[],
        &["s.drover.hcl:2:10", "must hold no secret"],
    );
    check_error("check \"c\" {\n  tcp = \"localhost\"\n}\n", &[], &["a host and a port"]);
}

#[test]
fn exclusion_takes_along_what_depends_on_it_and_replacement_restarts() {
    let stack = format!(
        "stack \"s\" {{}}\nnamespace \"a\" {{}}\nnamespace \"b\" {{\n  depends_on = [namespace.a]\n}}\n{REPORT}"
    );
    let Evaluated { desired, masker } = evaluate(&stack, &[]).unwrap();
    let options = Options { excludes: vec!["namespace.a".into()], ..Options::default() };
    let plan = compute(&desired, &live(), &options, &masker).unwrap();
    assert_eq!(plan.changes.iter().map(|change| change.address.as_str()).collect::<Vec<_>>(), ["job.report"]);
    let mut live = live();
    live.jobs.insert(report(), unchanged_job(Some("job.report")));
    let options = Options { replaces: vec!["job.report".into()], ..Options::default() };
    let plan = compute(&desired, &live, &options, &masker).unwrap();
    let job = plan.changes.iter().find(|change| change.address == "job.report").unwrap();
    assert_eq!(job.action, Action::Replace);
    let Write::Job(written) = &job.write else { panic!("a job") };
    assert_eq!(written["Meta"]["drover.release"], "1", "a new release restarts every task");
}

#[test]
fn a_comment_is_bounded_and_a_page_stands_alone() {
    let many: String = (0..400)
        .map(|n| format!("namespace \"team-{n}\" {{\n  description = \"<b>{}</b> | `x`\"\n}}\n", "y".repeat(300)))
        .collect();
    let plan = plan(&format!("stack \"s\" {{}}\n{many}"), &live());
    let comment = plan_markdown(&plan);
    assert!(comment.len() <= MAX_MARKDOWN_BYTES && comment.contains("are left out"), "{}", comment.len());
    assert!(comment.starts_with("### Plan for stack `s`"));
    let page = plan_html(&plan);
    assert!(
        page.contains("<svg ") && !page.contains("<b>") && !page.contains("<script"),
        "nothing of a value is markup"
    );
    assert!(!page.contains("src=") && !page.contains("href="), "nothing is loaded");
}

#[test]
fn what_was_at_an_address_before_goes_under_another_one() {
    let stack = format!("stack \"s\" {{}}\n{REPORT}");
    let old = Target::Job { namespace: "default".into(), id: "before".into() };
    let mut live = live();
    live.jobs.insert(old.clone(), LiveJob { running: 3, ..unchanged_job(Some("job.report")) });
    let recorded = Recorded {
        target: old,
        depends_on: BTreeSet::new(),
        sensitive_fields: BTreeSet::new(),
        index: 7,
        hash: String::new(),
    };
    live.record.resources.insert("job.report".into(), recorded);
    let plan = plan(&stack, &live);
    let changes: Vec<_> = plan.changes.iter().map(|change| (change.address.as_str(), change.action)).collect();
    assert_eq!(changes, [("job.report", Action::Create), ("job.report (old)", Action::Delete)]);
    assert_eq!(plan.cost().stopped, 3);
}
