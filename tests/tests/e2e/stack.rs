//! A stack's life: planned, applied, unchanged, edited, saved, refused when stale, destroyed; its secrets stay secret.

use drover_tests::{Agent, Run, files, jobs, run_in};
use serde_json::Value;
use std::path::PathBuf;
use tempfile::TempDir;

const SECRET: &str = "correct-horse-battery";
/// Base64 of [`SECRET`].
const SECRET_BASE64: &str = "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5";

/// An agent and a copy of `examples/hello`.
struct Hello {
    agent: Agent,
    folder: TempDir,
}

impl Hello {
    fn new() -> Self {
        let folder = files::folder();
        files::copy_example("hello", folder.path());
        Self { agent: Agent::dev(), folder }
    }
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("hello").join(name)
    }
    fn drover(&self, args: &[&str]) -> Run {
        self.drover_with(&[], args)
    }
    fn drover_with(&self, env: &[(&str, &str)], args: &[&str]) -> Run {
        let address = self.agent.address();
        let env: Vec<_> = [("DROVER_ADDR", address.as_str())].iter().chain(env).copied().collect();
        run_in(self.folder.path(), &env, args)
    }
    /// Indexes of everything that a write would change; a job's own status is not one.
    fn indexes(&self) -> Vec<(Value, Value)> {
        let read = |path: &str, id: &str, index: &str| -> Vec<(Value, Value)> {
            let list = self.agent.get(path);
            list.as_array().unwrap().iter().map(|thing| (thing[id].clone(), thing[index].clone())).collect()
        };
        [read("/v1/jobs", "ID", "JobModifyIndex"), read("/v1/vars", "Path", "ModifyIndex")].concat()
    }
}

#[test]
fn the_second_apply_has_nothing_to_do() {
    let hello = Hello::new();
    let first = hello.drover(&["apply", "-auto-approve", "hello"]).expect_code(0);
    let first = first.expect_text("+ pack.hello.job.hello  create").expect_text("+ job.report  create");
    let first = first.expect_text("Applied stack hello (release 1): 2 created, 0 updated, 0 deleted.");
    let first = first.expect_row("greeting = hello, world!").expect_text("drover job status hello");
    assert!(
        !first.stdout.contains('\x1b') && !first.stderr.contains('\x1b'),
        "no colours without a terminal: {}",
        first.all()
    );
    assert_eq!(hello.agent.allocations("hello", "running").len(), 2, "apply waits until all runs");
    assert_eq!(hello.agent.allocations("hello-report", "complete").len(), 1, "and until the batch job is done");

    let before = hello.indexes();
    hello
        .drover(&["apply", "-auto-approve", "hello"])
        .expect_code(0)
        .expect_text("No changes. Stack hello is as it should be (2 unchanged).");
    hello.drover(&["plan", "-detailed-exitcode", "hello"]).expect_code(0).expect_text("No changes.");
    assert_eq!(hello.indexes(), before, "no changes means no writes");

    let show = hello.drover(&["show", "hello"]).expect_code(0);
    show.expect_row("Release = 1").expect_text("pack.hello.job.hello").expect_row("greeting = hello, world!");
    hello.drover(&["output", "-stack", "hello"]).expect_code(0).expect_row("greeting = hello, world!");
    let raw = hello.drover(&["output", "-stack=hello", "-raw", "greeting"]).expect_code(0);
    assert_eq!(raw.stdout, "hello, world!\n");
    hello.drover(&["output", "-stack", "hello", "greetin"]).expect_code(1).expect_text("no output `greetin`");
}

#[test]
fn an_edit_shows_as_itself_and_nothing_else() {
    let hello = Hello::new();
    hello.drover(&["apply", "-auto-approve", "hello"]).expect_code(0);
    files::edit(&hello.path("packs/hello/variables.hcl"), "default     = 2", "default     = 3");
    let plan = hello.drover(&["plan", "-detailed-exitcode", "hello"]).expect_code(2);
    let expected = [
        "-/+ pack.hello.job.hello update, replacing what runs (job hello in namespace default)",
        "~ group \"greeter\"",
        "~ task \"greet\" (forces create/destroy update)",
        "~ env.EVERY = \"2\" -> \"3\"",
        "= unchanged (1)",
        "Plan for stack hello: 0 to create, 1 to update, 0 to delete, 1 unchanged.",
        "1 allocation restarted.",
    ];
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: Vec<String> =
        plan.stdout.lines().map(words).filter(|line| !line.is_empty() && !line.starts_with("scheduler:")).collect();
    assert_eq!(shown, expected, "{}", plan.all());
    assert!(plan.stdout.contains("scheduler: "), "the plan says what the scheduler will do: {}", plan.all());

    hello.drover(&["apply", "-auto-approve", "hello"]).expect_code(0).expect_text("0 created, 1 updated, 0 deleted.");
    let job = hello.agent.get("/v1/job/hello");
    assert_eq!(job["TaskGroups"][0]["Tasks"][0]["Env"]["EVERY"], "3");
    hello.drover(&["plan", "-detailed-exitcode", "hello"]).expect_code(0);
}

#[test]
fn a_saved_plan_is_what_is_applied_and_stale_ones_are_refused() {
    let hello = Hello::new();
    hello.drover(&["plan", "-out=first.plan", "hello"]).expect_code(0).expect_text("drover apply first.plan");
    hello.drover(&["show", "first.plan"]).expect_code(0).expect_text("Plan for stack hello: 2 to create");
    // Not asked about: naming it is the consent.
    hello.drover(&["apply", "first.plan"]).expect_code(0).expect_text("2 created");
    hello.drover(&["apply", "first.plan"]).expect_code(5).expect_text("applied");

    hello.drover(&["plan", "-var", "name=moon", "-out=moon.plan", "hello"]).expect_code(0);
    hello.drover(&["apply", "-auto-approve", "-var", "greeters=3", "hello"]).expect_code(0);
    let before = hello.indexes();
    hello.drover(&["apply", "moon.plan"]).expect_code(5).expect_text("stale").expect_text("nothing was written");
    assert_eq!(hello.indexes(), before, "a refused plan writes nothing");
    assert_eq!(hello.agent.get("/v1/job/hello")["TaskGroups"][0]["Tasks"][0]["Env"]["NAME"], "world");

    let plan = hello.path("../moon.plan");
    let text = std::fs::read_to_string(&plan).unwrap();
    std::fs::write(&plan, text.replacen("moon", "mars", 1)).unwrap();
    hello.drover(&["apply", "moon.plan"]).expect_code(1);
    assert_eq!(hello.indexes(), before, "a plan that somebody edited writes nothing");
}

#[test]
fn without_a_terminal_nothing_is_done_unasked() {
    let hello = Hello::new();
    hello.drover(&["apply", "hello"]).expect_code(1).expect_text("no terminal").expect_text("-auto-approve");
    assert_eq!(hello.indexes(), [], "nothing was written");
    hello.drover(&["apply", "-auto-approve", "hello"]).expect_code(0);
    hello.drover(&["destroy", "hello"]).expect_code(1).expect_text("no terminal");
    assert_eq!(hello.agent.allocations("hello", "running").len(), 2, "nothing was removed");

    hello.drover(&["destroy", "-auto-approve", "hello"]).expect_code(0).expect_text("Destroyed stack hello");
    drover_tests::eventually("all tasks end", || hello.agent.allocations("hello", "running").is_empty());
    assert_eq!(hello.agent.get("/v1/job/hello")["Status"], "dead");
    hello.drover(&["destroy", "-auto-approve", "hello"]).expect_code(0).expect_text("Nothing to destroy");
    hello.drover(&["show", "hello"]).expect_code(0).expect_text("holds nothing of this stack");
}

#[test]
fn programs_read_the_same_as_json() {
    let hello = Hello::new();
    let plan = hello.drover(&["plan", "-json", "-detailed-exitcode", "hello"]).expect_code(2).json_lines();
    assert!(plan.iter().all(|line| line["version"] == 1), "every line has its version: {plan:?}");
    let addresses: Vec<&str> = plan.iter().filter_map(|line| line["address"].as_str()).collect();
    assert_eq!(addresses, ["pack.hello.job.hello", "job.report"]);

    let apply = hello.drover(&["apply", "-json", "-auto-approve", "hello"]).expect_code(0).json_lines();
    let last = apply.last().unwrap();
    assert_eq!(last["type"], "applied", "{last}");
    assert_eq!(last["outputs"]["greeting"], "hello, world!");
    let started: Vec<&Value> = apply.iter().filter(|line| line["type"] == "started").collect();
    assert_eq!(started.len(), 2, "{apply:?}");

    let show = hello.drover(&["show", "-json", "hello"]).expect_code(0).json();
    assert_eq!(show["release"], 1);
    assert_eq!(show["resources"].as_array().unwrap().len(), 2);
    let outputs = hello.drover(&["output", "-json", "-stack", "hello"]).expect_code(0).json();
    assert_eq!(outputs["greeting"], "hello, world!");
    let destroy = hello.drover(&["destroy", "-json", "-auto-approve", "hello"]).expect_code(0).json_lines();
    assert_eq!(destroy.last().unwrap()["done"].as_array().unwrap().len(), 2);
}

const SECRET_STACK: &str = r#"stack "vault" {}

variable "token" {
  default = ""
}

job "keeper" {
  file = "keeper.nomad.hcl"
  vars = { token = secret("env:KEEPER_TOKEN") }
}
"#;
const SECRET_JOB: &str = r#"variable "token" {
  type = string
}

job "keeper" {
  group "g" {
    task "t" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "echo ${base64encode(var.token)} | base64 -d | wc -c; exec sleep 600"]
      }
      env {
        TOKEN = var.token
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
"#;

#[test]
fn a_secret_reaches_its_task_and_nothing_that_is_shown() {
    let hello = Hello::new();
    files::write(hello.folder.path(), "vault/vault.drover.hcl", SECRET_STACK);
    files::write(hello.folder.path(), "vault/keeper.nomad.hcl", SECRET_JOB);
    let env = [("KEEPER_TOKEN", SECRET)];
    let check = |what: &str, text: &str| {
        assert!(!text.contains(SECRET) && !text.contains(SECRET_BASE64), "the secret is in {what}:\n{text}");
    };
    let plan = hello.drover_with(&env, &["plan", "-out=vault.plan", "vault"]).expect_code(0).expect_text("(sensitive)");
    check("the plan", &plan.all());
    check("the plan as JSON", &hello.drover_with(&env, &["plan", "-json", "vault"]).expect_code(0).all());
    check("the plan's file", &String::from_utf8_lossy(&std::fs::read(hello.folder.path().join("vault.plan")).unwrap()));
    check("the apply", &hello.drover_with(&env, &["apply", "vault.plan"]).expect_code(0).all());
    let job = hello.agent.get("/v1/job/keeper");
    assert_eq!(job["TaskGroups"][0]["Tasks"][0]["Env"]["TOKEN"], SECRET, "the task gets it");
    hello.drover_with(&env, &["plan", "-detailed-exitcode", "vault"]).expect_code(0);

    let changed = hello
        .drover_with(&[("KEEPER_TOKEN", "battery-staple")], &["plan", "-detailed-exitcode", "vault"])
        .expect_code(2);
    let changed = changed.expect_text("(sensitive").expect_no("battery-staple");
    check("the plan of another value", &changed.all());
    check("the agent's log", &hello.agent.log());

    // A saved plan whose secret has another value by now is stale.
    hello.drover_with(&[("KEEPER_TOKEN", "battery-staple")], &["plan", "-out=next.plan", "vault"]).expect_code(0);
    hello.drover_with(&env, &["apply", "next.plan"]).expect_code(5).expect_text("nothing was written");
}

#[test]
fn a_missing_secret_is_named_where_it_is_asked_for() {
    let hello = Hello::new();
    files::write(hello.folder.path(), "vault/vault.drover.hcl", SECRET_STACK);
    files::write(hello.folder.path(), "vault/keeper.nomad.hcl", SECRET_JOB);
    let run = hello.drover(&["apply", "-auto-approve", "vault"]).expect_code(1);
    run.expect_text("vault.drover.hcl:9:").expect_text("env:KEEPER_TOKEN").expect_text("KEEPER_TOKEN");
    assert_eq!(hello.indexes(), [], "nothing was written");
}

/// A stack of two jobs, the second after the first.
fn two_jobs(hello: &Hello, first: &str) {
    let stack = "stack \"two\" {}\njob \"first\" {\n  file = \"first.nomad.hcl\"\n  timeout = \"20s\"\n}\njob \"second\" {\n  file = \"second.nomad.hcl\"\n  depends_on = [job.first]\n}\n";
    files::write(hello.folder.path(), "two/two.drover.hcl", stack);
    files::write(hello.folder.path(), "two/first.nomad.hcl", first);
    files::write(
        hello.folder.path(),
        "two/second.nomad.hcl",
        &jobs::shell("second", "service", "exec sleep 600", QUICK),
    );
}

const QUICK: &str = "update {\n      min_healthy_time  = \"500ms\"\n      healthy_deadline  = \"2s\"\n      progress_deadline = \"3s\"\n    }\n    restart {\n      attempts = 0\n      mode     = \"fail\"\n    }\n    reschedule {\n      attempts  = 0\n      unlimited = false\n    }";

#[test]
fn what_does_not_get_healthy_stops_what_depends_on_it() {
    let hello = Hello::new();
    two_jobs(&hello, &jobs::shell("first", "service", "echo broken; exit 3", QUICK));
    let apply = hello.drover(&["apply", "-auto-approve", "two"]).expect_code(4);
    let apply = apply.expect_text("failed    job.first: written, but unhealthy").expect_text("not done  job.second");
    apply.expect_text("drover alloc status ").expect_text("Exit Code: 3");
    assert_eq!(hello.agent.try_get("/v1/job/second"), None, "what depends on it is not begun");
    // "No changes" is only said when it is true.
    hello.drover(&["plan", "-detailed-exitcode", "two"]).expect_code(2);

    two_jobs(&hello, &jobs::shell("first", "service", "exec sleep 600", QUICK));
    hello.drover(&["apply", "-auto-approve", "two"]).expect_code(0).expect_text("1 created, 1 updated");
    hello.drover(&["plan", "-detailed-exitcode", "two"]).expect_code(0);
}

#[test]
fn what_a_stack_no_longer_names_is_deleted() {
    let hello = Hello::new();
    two_jobs(&hello, &jobs::shell("first", "service", "exec sleep 600", QUICK));
    hello.drover(&["apply", "-auto-approve", "two"]).expect_code(0);
    files::write(
        hello.folder.path(),
        "two/two.drover.hcl",
        "stack \"two\" {}\njob \"first\" {\n  file = \"first.nomad.hcl\"\n}\n",
    );
    let plan = hello.drover(&["plan", "-detailed-exitcode", "two"]).expect_code(2);
    plan.expect_text("- job.second  delete").expect_text("0 to create, 0 to update, 1 to delete, 1 unchanged.");
    hello.drover(&["apply", "-auto-approve", "two"]).expect_code(0).expect_text("1 deleted");
    assert_eq!(hello.agent.get("/v1/job/second")["Status"], "dead");
    assert_eq!(hello.agent.allocations("first", "running").len(), 1, "the other one is not touched");
}

#[test]
fn what_belongs_to_others_is_not_touched() {
    let hello = Hello::new();
    hello.agent.register(&jobs::script("first", "service", "exec sleep 600"));
    let before = hello.indexes();
    two_jobs(&hello, &jobs::shell("first", "service", "exec sleep 601", QUICK));
    let refused = hello.drover(&["apply", "-auto-approve", "two"]).expect_code(1);
    refused.expect_text("first").expect_text("-adopt");
    assert_eq!(hello.indexes(), before, "nothing was written");
    hello.drover(&["apply", "-auto-approve", "-adopt", "two"]).expect_code(0);
    // Another stack that wants the same job.
    files::write(
        hello.folder.path(),
        "other/other.drover.hcl",
        "stack \"other\" {}\njob \"mine\" {\n  file = \"../two/first.nomad.hcl\"\n}\n",
    );
    hello.drover(&["apply", "-auto-approve", "other"]).expect_code(1).expect_text("two").expect_text("-adopt");
}
