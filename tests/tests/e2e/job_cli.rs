//! The commands about jobs and what belongs to them: what they say, in which layout, with which exit code.

use drover_tests::{Agent, Run, drover, files, jobs, normal, run_in, run_program};
use std::path::PathBuf;
use tempfile::TempDir;

const UPDATE: &str = "count = 2\n    update {\n      min_healthy_time = \"0s\"\n    }";
const SLEEPER: &str = "echo out; echo err >&2; exec sleep 600";

struct Cli {
    agent: Agent,
    folder: TempDir,
}

impl Cli {
    fn new() -> Self {
        Self { agent: Agent::dev(), folder: files::folder() }
    }
    fn write(&self, name: &str, text: &str) -> PathBuf {
        files::write(self.folder.path(), name, text)
    }
    fn run(&self, args: &[&str]) -> Run {
        run_in(self.folder.path(), &[("DROVER_ADDR", &self.agent.address())], args)
    }
}

#[test]
fn a_job_is_planned_run_shown_and_stopped() {
    let cli = Cli::new();
    cli.write("web.nomad", &jobs::shell("web", "service", SLEEPER, UPDATE));
    let plan = cli.run(&["job", "plan", "web.nomad"]).expect_code(1);
    let plan = plan
        .expect_row("+ Job: \"web\"")
        .expect_row("+ Task Group: \"g\" (2 create)")
        .expect_row("+ Task: \"t\" (forces create)");
    let plan = plan.expect_row("- All tasks successfully allocated.").expect_row("Job Modify Index: 0");
    plan.expect_row("drover job run -check-index 0 web.nomad");

    let run = cli.run(&["job", "run", "-check-index", "0", "web.nomad"]).expect_code(0);
    let text = normal(&run.stdout);
    for line in [
        "==> <time>: Monitoring evaluation \"<id>\"",
        "<time>: Evaluation triggered by job \"web\"",
        "<time>: Evaluation status changed: \"pending\" -> \"complete\"",
        "==> <time>: Evaluation \"<id>\" finished with status \"complete\"",
        "==> <time>: Monitoring deployment \"<id>\"",
        "Description = Deployment completed successfully",
        "Task Group Desired Placed Healthy Unhealthy Progress Deadline",
        "g 2 2 2 0 <time>",
    ] {
        assert!(text.lines().any(|shown| shown.trim() == line), "no {line:?} in\n{text}");
    }
    cli.run(&["job", "plan", "web.nomad"])
        .expect_code(0)
        .expect_row("Job: \"web\"")
        .expect_row("Task Group: \"g\" (2 ignore)");
    cli.run(&["job", "run", "-check-index=0", "web.nomad"])
        .expect_code(1)
        .expect_text("Enforcing job modify index 0")
        .expect_text("Job not updated");

    let status = cli.run(&["job", "status", "web"]).expect_code(0);
    let status = status
        .expect_row("ID = web")
        .expect_row("Type = service")
        .expect_row("Priority = 50")
        .expect_row("Status = running");
    let status = status
        .expect_row("Task Group Queued Starting Running Failed Complete Lost Unknown")
        .expect_row("g 0 0 2 0 0 0 0");
    let status = status.expect_row("Latest Deployment").expect_row("Status = successful");
    let table = normal(&status.stdout);
    assert!(table.contains("ID Node ID Task Group Version Desired Status Created Modified"), "{table}");
    assert_eq!(table.matches("<id> <id> g 0 run running <ago> <ago>").count(), 2, "{table}");
    cli.run(&["job", "status"]).expect_code(0).expect_text("Submit Date").expect_text("web");
    cli.run(&["job", "status", "we"]).expect_code(0).expect_row("ID = web");

    let inspected = cli.run(&["job", "inspect", "web"]).expect_code(0).json();
    assert_eq!(inspected["Job"]["ID"], "web");
    cli.run(&["job", "stop", "web"]).expect_code(0).expect_text("finished with status \"complete\"");
    drover_tests::eventually("all tasks end", || cli.agent.allocations("web", "running").is_empty());
    cli.run(&["job", "status", "web"]).expect_code(0).expect_row("Status = dead (stopped)");
    cli.run(&["job", "stop", "-purge", "web"]).expect_code(0);
    cli.run(&["job", "status", "web"]).expect_code(1).expect_text("No job(s) with prefix or ID \"web\" found");
    cli.run(&["job", "stop", "web"]).expect_code(1).expect_text("No job(s) with prefix or ID \"web\" found");
}

#[test]
fn allocations_are_shown_and_read_and_stopped() {
    let cli = Cli::new();
    cli.agent.register(&jobs::script("web", "service", SLEEPER));
    let id = cli.agent.wait_alloc("web", "running");
    let prefix = &id[..8];
    let status = cli.run(&["alloc", "status", prefix]).expect_code(0);
    let status =
        status.expect_row(&format!("ID = {id}")).expect_row("Name = web.g[0]").expect_row("Client Status = running");
    let status = status.expect_row("Client Description = Tasks are running").expect_row("Desired Status = run");
    let status = status
        .expect_row("Task \"t\" is \"running\"")
        .expect_row("CPU Memory Disk Addresses")
        .expect_row("Total Restarts = 0");
    let text = normal(&status.stdout);
    for event in [
        "<time> Started Task started by client",
        "<time> Task Setup Building Task Directory",
        "<time> Received Task received by client",
    ] {
        assert!(text.contains(event), "no {event:?} in\n{text}");
    }
    assert_eq!(cli.run(&["alloc", "status", "-json", &id]).expect_code(0).json()["ID"], id.as_str());
    assert_eq!(cli.run(&["alloc", "logs", prefix]).expect_code(0).stdout, "out\n");
    assert_eq!(cli.run(&["alloc", "logs", "-stderr", &id, "t"]).expect_code(0).stdout, "err\n");
    assert_eq!(cli.run(&["alloc", "logs", "-job", "web"]).expect_code(0).stdout, "out\n");
    cli.run(&["alloc", "logs", prefix, "nothing"]).expect_code(1).expect_text("nothing");
    cli.run(&["alloc", "status", "ffffffff"])
        .expect_code(1)
        .expect_text("No allocation(s) with prefix or id \"ffffffff\" found");

    cli.run(&["alloc", "stop", prefix]).expect_code(0).expect_text("Monitoring evaluation");
    let next = drover_tests::wait_for("another allocation", || {
        cli.agent.allocations("web", "running").into_iter().find(|other| *other != id)
    });
    cli.run(&["alloc", "status", &next]).expect_code(0).expect_row("Client Status = running");
    drover_tests::eventually("the old one ends", || {
        cli.agent.get(&format!("/v1/allocation/{id}"))["ClientStatus"] == "complete"
    });
}

#[test]
fn nodes_evaluations_and_deployments_are_shown() {
    let cli = Cli::new();
    cli.write("web.nomad", &jobs::shell("web", "service", SLEEPER, UPDATE));
    cli.run(&["job", "run", "web.nomad"]).expect_code(0);
    let node = cli.agent.get("/v1/nodes")[0].clone();
    let id = node["ID"].as_str().unwrap();
    let list = normal(&cli.run(&["node", "status"]).expect_code(0).stdout);
    let row = format!("<id> default dc1 {} <none> false eligible ready", node["Name"].as_str().unwrap());
    assert!(list.starts_with("ID Node Pool DC Name Class Drain Eligibility Status\n"), "{list}");
    assert!(list.contains(&row), "no {row:?} in {list}");
    let status = cli.run(&["node", "status", &id[..8]]).expect_code(0).expect_row(&format!("ID = {id}"));
    let status = status.expect_row("Status = ready").expect_text("Driver Status").expect_text("raw_exec");
    assert_eq!(normal(&status.stdout).matches(" web g run running").count(), 0, "the task group stands before the job");
    assert_eq!(normal(&status.stdout).matches("<id> <id> g 0 run running").count(), 2, "{}", status.all());
    cli.run(&["node", "status", "ffffffff"]).expect_code(1).expect_text("ffffffff");

    let evals = cli.agent.get("/v1/job/web/evaluations");
    let first = evals.as_array().unwrap().iter().find(|eval| eval["TriggeredBy"] == "job-register").unwrap();
    let eval = first["ID"].as_str().unwrap().to_owned();
    let status = cli.run(&["eval", "status", &eval[..8]]).expect_code(0).expect_row(&format!("ID = {}", &eval[..8]));
    status
        .expect_row("Status = complete")
        .expect_row("Type = service")
        .expect_row("Job ID = web")
        .expect_row("Placement Failures = false");
    let deployment = cli.agent.get("/v1/job/web/deployment")["ID"].as_str().unwrap().to_owned();
    let status = cli.run(&["deployment", "status", &deployment[..8]]).expect_code(0);
    status
        .expect_row(&format!("ID = {}", &deployment[..8]))
        .expect_row("Job ID = web")
        .expect_row("Status = successful");
    let text = cli.run(&["deployment", "status", &deployment]).expect_code(0);
    assert!(normal(&text.stdout).contains("g 2 2 2 0 <time>"), "{}", text.all());
    // Anything by its id, as `status` finds it.
    for (prefix, row) in [
        (&eval, "TriggeredBy = job-register"),
        (&deployment, "Status = successful"),
        (&id.to_owned(), "Status = ready"),
    ] {
        cli.run(&["status", prefix]).expect_code(0).expect_row(row);
    }
}

#[test]
fn exit_codes_tell_what_happened() {
    let cli = Cli::new();
    cli.write(
        "big.nomad",
        &jobs::shell("big", "batch", "true", "count = 2").replace("memory = 16", "memory = 9999999"),
    );
    let plan = cli.run(&["job", "plan", "big.nomad"]).expect_code(1);
    plan.expect_row("- WARNING: Failed to place all allocations.")
        .expect_text("Dimension \"memory\" exhausted on 1 nodes");
    let run = cli.run(&["job", "run", "big.nomad"]).expect_code(2);
    let run = run
        .expect_text("but failed to place all allocations:")
        .expect_text("Task Group \"g\" (failed to place 2 allocations):");
    run.expect_text("* Dimension \"memory\" exhausted on 1 nodes")
        .expect_text("waiting for additional capacity to place remainder");
    cli.run(&["job", "status", "big"]).expect_code(0).expect_row("Status = pending").expect_text("Placement Failure");

    cli.write("bad.nomad", "job \"bad\" {\n  grup \"g\" {}\n}\n");
    cli.run(&["job", "plan", "bad.nomad"]).expect_code(255).expect_text("bad.nomad:2");
    cli.run(&["job", "run", "bad.nomad"]).expect_code(1).expect_text("bad.nomad:2");
    cli.run(&["job", "validate", "bad.nomad"]).expect_code(1).expect_text("bad.nomad:2");
    cli.run(&["job", "validate", "big.nomad"]).expect_code(0).expect_text("Job validation successful");
    cli.run(&["job", "plan", "none.nomad"]).expect_code(255).expect_text("none.nomad");
    cli.run(&["job", "plan"]).expect_code(255).expect_text("This command takes one argument: <path>");
    cli.run(&["job", "sideways"]).expect_code(1).expect_text("sideways");
    cli.run(&["sideways"]).expect_code(127).expect_text("sideways");
    cli.run(&["job", "run", "-sideways", "big.nomad"])
        .expect_code(1)
        .expect_text("flag provided but not defined: -sideways");
    cli.run(&["job", "run", "-h"]).expect_code(0).expect_text("-check-index");
}

#[test]
fn one_dash_and_two_are_the_same() {
    let cli = Cli::new();
    cli.write("once.nomad", &jobs::shell("once", "batch", "echo done", ""));
    cli.run(&["job", "run", "--detach", "once.nomad"])
        .expect_code(0)
        .expect_text("Job registration successful")
        .expect_text("Evaluation ID: ");
    cli.agent.wait_alloc("once", "complete");
    let json = |args: &[&str]| cli.run(args).expect_code(0).json();
    let address = format!("--address={}", cli.agent.address());
    let nowhere = [("DROVER_ADDR", "http://127.0.0.1:9")];
    let run = run_in(cli.folder.path(), &nowhere, &["job", "inspect", &address, "once"]).expect_code(0).json();
    assert_eq!(run["Job"]["ID"], "once");
    assert_eq!(json(&["node", "status", "-json"]), json(&["node", "status", "--json"]));
    let versions: Vec<String> =
        ["-version", "--version", "-v", "version"].iter().map(|flag| cli.run(&[flag]).expect_code(0).stdout).collect();
    assert!(versions[0].starts_with("Drover v"), "{versions:?}");
    assert!(versions.iter().all(|version| *version == versions[0]), "{versions:?}");
}

#[test]
fn linked_as_nomad_it_answers_as_nomad() {
    let cli = Cli::new();
    let link = cli.folder.path().join("nomad");
    std::os::unix::fs::symlink(drover(), &link).unwrap();
    let address = cli.agent.address();
    let nomad = |args: &[&str]| run_program(&link, cli.folder.path(), &[("NOMAD_ADDR", &address)], args);
    let version = nomad(&["-version"]).expect_code(0).stdout;
    assert!(version.starts_with("Nomad v2."), "{version}");
    cli.write("web.nomad", &jobs::shell("web", "service", SLEEPER, UPDATE));
    // Nomad's short forms; as drover, `plan` is about stacks.
    let plan = nomad(&["plan", "web.nomad"]).expect_code(1);
    plan.expect_row("+ Job: \"web\"").expect_row("nomad job run -check-index 0 web.nomad");
    nomad(&["run", "web.nomad"]).expect_code(0).expect_text("Deployment completed successfully");
    nomad(&["status", "web"]).expect_code(0).expect_row("ID = web");
    nomad(&["logs", "-job", "web"]).expect_code(0).expect_row("out");
    nomad(&["stop", "-purge", "web"]).expect_code(0);
    nomad(&["apply", "x"]).expect_code(127).expect_text("apply");
    // No local engine is started in Nomad's name.
    let alone = run_program(&link, cli.folder.path(), &[("NOMAD_ADDR", "http://127.0.0.1:9")], &["job", "status"]);
    alone.expect_code(1).expect_text("127.0.0.1:9");
}
