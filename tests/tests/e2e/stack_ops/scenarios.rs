//! The scenarios. Each checks what must hold on any engine, and answers what is to be the same on all of them.

use super::lab::{Lab, block};
use super::proxy::{Cut, Proxy};
use super::{Scenario, resources};
use serde_json::{Value, json};
use std::process::{Command, Stdio};

/// All of them.
pub const ALL: &[(&str, Scenario)] = &[
    ("create", create),
    ("nothing_to_do", nothing_to_do),
    ("change_in_place", change_in_place),
    ("replace", replace),
    ("scale", scale),
    ("delete", delete),
    ("destroy_and_bring_back", destroy_and_bring_back),
    ("destroy_and_forget", destroy_and_forget),
    ("variables", variables),
    ("target_only", target_only),
    ("stop_in_the_middle", stop_in_the_middle),
    ("fix_after_stop", fix_after_stop),
    ("revert_update", revert_update),
    ("revert_create", revert_create),
    ("revert_delete", revert_delete),
    ("revert_variables", revert_variables),
    ("stale_plan", stale_plan),
    ("plan_is_applied_once", plan_is_applied_once),
    ("edited_plan", edited_plan),
    ("locked_by_somebody", locked_by_somebody),
    ("lock_of_the_dead", lock_of_the_dead),
    ("forced_lock", forced_lock),
    ("two_at_once", two_at_once),
    ("foreign_job", foreign_job),
    ("adopted_job", adopted_job),
    ("undo_of_update", undo_of_update),
    ("undo_of_delete", undo_of_delete),
    ("undo_to_a_release", undo_to_a_release),
    ("drift_changed", drift_changed),
    ("drift_gone", drift_gone),
    ("lost_before_each_write", lost_before_each_write),
    ("lost_after_each_write", lost_after_each_write),
    ("interrupted_and_resumed", interrupted_and_resumed),
    ("other_resources", resources::other_resources),
    ("renamed", resources::renamed),
    ("imported", resources::imported),
    ("environment", resources::environment),
    ("refused_by_policy", resources::refused_by_policy),
    ("failed_check", resources::failed_check),
    ("generated", resources::generated),
];

fn create(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1"), ("b", "1")]);
    let code = lab.apply(&[]).code;
    assert_eq!((code, lab.plan_code()), (0, 0), "after an apply there is nothing to do");
    lab.state()
}

fn nothing_to_do(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1")]);
    lab.apply(&[]).expect_code(0);
    let before = lab.live("a").unwrap()["JobModifyIndex"].clone();
    lab.apply(&[]).expect_code(0).expect_text("No changes");
    assert_eq!(lab.live("a").unwrap()["JobModifyIndex"], before);
    lab.state()
}

fn change_in_place(lab: &Lab<'_>) -> Value {
    lab.stack(&format!("{}namespace \"NAME\" {{\n  description = \"one\"\n}}\n", block("a", "")));
    lab.job("a", "1", "exec sleep 600");
    lab.apply(&[]).expect_code(0);
    lab.stack(&format!("{}namespace \"NAME\" {{\n  description = \"two\"\n}}\n", block("a", "")));
    lab.apply(&[]).expect_code(0).expect_text("0 created, 1 updated");
    let namespace = lab.agent.get(&format!("/v1/namespace/{}", lab.name));
    json!([namespace["Description"], lab.state()])
}

fn replace(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1"), ("b", "1")]);
    lab.apply(&[]).expect_code(0);
    lab.job("b", "2", "exec sleep 600");
    lab.apply(&[]).expect_code(0).expect_text("0 created, 1 updated");
    lab.state()
}

fn scale(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1")]);
    lab.apply(&[]).expect_code(0);
    let path = lab.path().join("s/a.nomad.hcl");
    drover_tests::files::edit(&path, "count = 1", "count = 3");
    lab.apply(&[]).expect_code(0);
    assert_eq!(lab.agent.allocations(&format!("{}-a", lab.name), "running").len(), 3);
    lab.state()
}

fn delete(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1"), ("b", "1")]);
    lab.apply(&[]).expect_code(0);
    lab.chain(&[("a", "1")]);
    lab.apply(&[]).expect_code(0).expect_text("1 deleted");
    gone(lab, "b");
    lab.state()
}

fn destroy_and_bring_back(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1"), ("b", "1")]);
    lab.apply(&[]).expect_code(0);
    lab.drover(&["destroy", "-auto-approve", "s"]).expect_code(0);
    gone(lab, "a");
    // Its files are not needed.
    lab.drover(&["undo", "-auto-approve", &lab.name]).expect_code(0).expect_text("2 created");
    assert_eq!(lab.plan_code(), 0, "undo brought back what the files say");
    lab.state()
}

fn destroy_and_forget(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1")]);
    lab.apply(&[]).expect_code(0);
    lab.drover(&["destroy", "-auto-approve", "-purge", "-forget", "s"]).expect_code(0);
    let left = lab.agent.get(&format!("/v1/vars?prefix=drover/stacks/{}", lab.name));
    assert_eq!(left.as_array().unwrap().len(), 0, "nothing is left: {left}");
    lab.drover(&["undo", "-auto-approve", &lab.name]).expect_code(1).expect_text("never applied");
    lab.state()
}

fn variables(lab: &Lab<'_>) -> Value {
    lab.stack(
        "variables \"NAME/x\" {\n  items = { k = \"1\" }\n}\nvariables \"NAME/y\" {\n  items = { k = \"1\" }\n}\n",
    );
    lab.apply(&[]).expect_code(0);
    lab.stack("variables \"NAME/x\" {\n  items = { k = \"2\", l = \"3\" }\n}\n");
    lab.apply(&[]).expect_code(0).expect_text("1 updated, 1 deleted");
    lab.state()
}

fn target_only(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1"), ("b", "1")]);
    lab.apply(&["-target=job.a"]).expect_code(0);
    let only_one = lab.state();
    lab.apply(&[]).expect_code(0).expect_text("1 created");
    json!([only_one, lab.state()])
}

/// The second of three fails.
fn broken(lab: &Lab<'_>) {
    lab.chain(&[("a", "2"), ("b", "2"), ("c", "2")]);
    lab.broken_job("b", "2");
}

fn stop_in_the_middle(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1"), ("b", "1"), ("c", "1")]);
    lab.apply(&[]).expect_code(0);
    broken(lab);
    lab.apply(&[]).expect_code(4).expect_text("not done  job.c");
    let states: Vec<Value> = ["a", "b", "c"].iter().map(|id| value(lab, id)).collect();
    assert_eq!(states, ["2", "2", "1"], "what was written stays, and nothing more is written");
    lab.history()
}

fn fix_after_stop(lab: &Lab<'_>) -> Value {
    broken(lab);
    lab.apply(&[]).expect_code(4);
    assert_ne!(lab.plan_code(), 0);
    lab.chain(&[("a", "2"), ("b", "2"), ("c", "2")]);
    lab.apply(&[]).expect_code(0);
    assert_eq!(lab.plan_code(), 0);
    lab.state()
}

fn revert_update(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1"), ("b", "1"), ("c", "1")]);
    lab.apply(&[]).expect_code(0);
    broken(lab);
    lab.apply(&["-on-failure=revert"]).expect_code(4).expect_text("The engine holds what it held before.");
    let states: Vec<Value> = ["a", "b", "c"].iter().map(|id| value(lab, id)).collect();
    assert_eq!(states, ["1", "1", "1"]);
    lab.chain(&[("a", "1"), ("b", "1"), ("c", "1")]);
    assert_eq!(lab.plan_code(), 0, "everything is as the first release left it");
    lab.drover(&["drift", "s"]).expect_code(0);
    lab.state()
}

fn revert_create(lab: &Lab<'_>) -> Value {
    broken(lab);
    lab.apply(&["-on-failure=revert"]).expect_code(4);
    drover_tests::eventually("what was made is gone", || lab.live("a").is_none() && lab.live("b").is_none());
    lab.history()
}

fn revert_delete(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1"), ("z", "1")]);
    lab.apply(&[]).expect_code(0);
    // `z` goes, which comes last: so a check fails after it.
    let [port] = drover_tests::free_ports();
    lab.stack(&format!("{}check \"door\" {{\n  tcp = \"127.0.0.1:{port}\"\n  retries = 0\n}}\n", block("a", "")));
    lab.apply(&["-on-failure=revert"]).expect_code(4).expect_text("put back  job.z");
    assert_eq!(lab.live("z").unwrap()["Stop"], false);
    lab.state()
}

fn revert_variables(lab: &Lab<'_>) -> Value {
    let blocks = |value: &str| {
        format!(
            "variables \"NAME/x\" {{\n  items = {{ k = \"{value}\" }}\n}}\n{}",
            block("a", "depends_on = [variables[\"NAME/x\"]]")
        )
    };
    lab.job("a", "1", "exec sleep 600");
    lab.stack(&blocks("1"));
    lab.apply(&[]).expect_code(0);
    lab.stack(&blocks("2"));
    lab.broken_job("a", "2");
    lab.apply(&["-on-failure=revert"]).expect_code(4);
    lab.state()
}

fn stale_plan(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1")]);
    lab.drover(&["plan", "-out=p.plan", "s"]).expect_code(0);
    lab.chain(&[("a", "2")]);
    lab.apply(&[]).expect_code(0);
    lab.drover(&["apply", "p.plan"]).expect_code(5).expect_text(&format!("job {}-a", lab.name));
    lab.state()
}

fn plan_is_applied_once(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1")]);
    lab.drover(&["plan", "-out=p.plan", "s"]).expect_code(0);
    lab.drover(&["apply", "p.plan"]).expect_code(0);
    lab.drover(&["apply", "p.plan"]).expect_code(5);
    lab.state()
}

fn edited_plan(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1")]);
    lab.drover(&["plan", "-out=p.plan", "s"]).expect_code(0);
    let path = lab.path().join("p.plan");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("sleep 600", "sleep 601")).unwrap();
    lab.drover(&["apply", "p.plan"]).expect_code(1);
    assert_eq!(lab.live("a"), None);
    Value::Null
}

/// Somebody else, of whom nothing is known, takes the stack's lock.
fn lock(lab: &Lab<'_>) -> Value {
    let path = format!("drover/stacks/{}/lock", lab.name);
    let body = json!({"Path": path, "Items": {"holder": "x"}, "Lock": {"TTL": "60s", "LockDelay": "1s"}});
    lab.agent.put(&format!("/v1/var/{path}?lock-acquire"), &body)
}

fn locked_by_somebody(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1")]);
    lock(lab);
    lab.apply(&[]).expect_code(1).expect_text("is locked by").expect_text("-lock-timeout");
    lab.apply(&["-lock-timeout=1s"]).expect_code(1).expect_text("Waiting for");
    assert_eq!(lab.live("a"), None, "nothing was written");
    Value::Null
}

fn lock_of_the_dead(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1"), ("b", "1")]);
    let mut child = spawn(lab, &["apply", "-auto-approve", "s"]);
    drover_tests::eventually("it has begun", || lab.live("a").is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    // Its lock lasts for many seconds yet, but this machine knows that it is dead.
    let begin = std::time::Instant::now();
    lab.apply(&[]).expect_code(0);
    assert!(begin.elapsed().as_secs() < 12, "{:?}", begin.elapsed());
    lab.state()["jobs"].clone()
}

fn forced_lock(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1")]);
    lock(lab);
    lab.drover(&["unlock", "s"]).expect_code(1).expect_text("-force");
    lab.drover(&["unlock", "-force", "s"]).expect_code(0).expect_text("Unlocked");
    lab.drover(&["unlock", "-force", "s"]).expect_code(0).expect_text("not locked");
    // The engine keeps it from others for a second.
    lab.apply(&["-lock-timeout=20s"]).expect_code(0);
    lab.state()
}

fn two_at_once(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1"), ("b", "1")]);
    let args = ["apply", "-auto-approve", "-lock-timeout=30s", "s"];
    let mut other = spawn(lab, &args);
    let code = lab.drover(&args).code;
    let other = other.wait().unwrap().code().unwrap();
    assert_eq!((code, other), (0, 0), "one applies, the other waits and finds nothing to do");
    assert_eq!(lab.history().as_array().unwrap().len(), 1, "there is one release");
    lab.state()
}

fn foreign_job(lab: &Lab<'_>) -> Value {
    lab.agent.register(&drover_tests::jobs::script(&format!("{}-a", lab.name), "service", "exec sleep 600"));
    lab.chain(&[("a", "1")]);
    lab.apply(&[]).expect_code(1).expect_text("-adopt");
    value(lab, "a")
}

fn adopted_job(lab: &Lab<'_>) -> Value {
    lab.agent.register(&drover_tests::jobs::script(&format!("{}-a", lab.name), "service", "exec sleep 600"));
    lab.chain(&[("a", "1")]);
    lab.apply(&["-adopt"]).expect_code(0);
    assert_eq!(lab.plan_code(), 0);
    lab.state()
}

fn undo_of_update(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1"), ("b", "1")]);
    lab.apply(&[]).expect_code(0);
    let before = lab.state()["jobs"].clone();
    lab.chain(&[("a", "2"), ("b", "2")]);
    lab.apply(&[]).expect_code(0);
    lab.drover(&["undo", "-auto-approve", "s"]).expect_code(0);
    let after = lab.state()["jobs"].clone();
    assert_eq!(after, before, "undo restores what the engine reports");
    lab.drover(&["drift", &lab.name]).expect_code(0);
    lab.state()
}

fn undo_of_delete(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1"), ("b", "1")]);
    lab.apply(&[]).expect_code(0);
    lab.chain(&[("a", "1")]);
    lab.apply(&[]).expect_code(0);
    lab.drover(&["undo", "-auto-approve", "s"]).expect_code(0).expect_text("1 created");
    lab.state()
}

fn undo_to_a_release(lab: &Lab<'_>) -> Value {
    for value in ["1", "2", "3"] {
        lab.chain(&[("a", value)]);
        lab.apply(&[]).expect_code(0);
    }
    lab.drover(&["undo", "-plan", "-to=1", "s"]).expect_code(0).expect_text("\"3\" -> \"1\"");
    lab.drover(&["undo", "-auto-approve", "-to=1", "s"]).expect_code(0);
    lab.drover(&["undo", "-auto-approve", "-to=99", "s"]).expect_code(1).expect_text("drover history");
    lab.state()
}

fn drift_changed(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1"), ("b", "1")]);
    lab.apply(&[]).expect_code(0);
    let mut job = lab.live("b").unwrap();
    job["TaskGroups"][0]["Tasks"][0]["Env"]["V"] = json!("other");
    lab.agent.put("/v1/jobs", &json!({"Job": job}));
    let drift = lab.drover(&["drift", "-json", "s"]).expect_code(2).json_lines();
    assert_eq!((&drift[0]["address"], &drift[0]["kind"]), (&json!("job.b"), &json!("changed")));
    lab.drover(&["plan", "s"]).expect_code(0).expect_text("changed outside");
    lab.apply(&[]).expect_code(0);
    lab.drover(&["drift", "s"]).expect_code(0).expect_text("No drift");
    lab.state()
}

fn drift_gone(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1"), ("b", "1")]);
    lab.apply(&[]).expect_code(0);
    lab.agent.delete(&format!("/v1/job/{}-b", lab.name));
    let drift = lab.drover(&["drift", "-json", "s"]).expect_code(2).json_lines();
    assert_eq!((&drift[0]["address"], &drift[0]["kind"]), (&json!("job.b"), &json!("gone")));
    lab.apply(&[]).expect_code(0);
    lab.state()
}

fn lost_before_each_write(lab: &Lab<'_>) -> Value {
    lost_at_each_write(lab, Cut::Before)
}

fn lost_after_each_write(lab: &Lab<'_>) -> Value {
    lost_at_each_write(lab, Cut::After)
}

/// Whatever write is cut off, one apply is enough, and nothing is done twice.
fn lost_at_each_write(lab: &Lab<'_>, cut: Cut) -> Value {
    let stack = |value: &str| {
        lab.job("a", value, "exec sleep 600");
        lab.stack(&format!("variables \"NAME/x\" {{\n  items = {{ k = \"{value}\" }}\n}}\n{}", block("a", "")));
    };
    stack("0");
    let whole = Proxy::start(&lab.agent.address(), 0, cut);
    lab.drover_at(&whole.address, &["apply", "-auto-approve", "s"]).expect_code(0);
    let writes = whole.writes();
    assert!(writes >= 6, "a lock, the record, two resources, the release and the record again: {writes}");
    for at in 1..=writes {
        stack(&at.to_string());
        let before = lab.live("a").unwrap()["Version"].as_u64().unwrap();
        let proxy = Proxy::start(&lab.agent.address(), at, cut);
        lab.drover_at(&proxy.address, &["apply", "-auto-approve", "-lock-timeout=20s", "s"]).expect_code(0);
        assert_eq!(value(lab, "a"), at.to_string(), "the write was made ({cut:?} write {at})");
        let after = lab.live("a").unwrap()["Version"].as_u64().unwrap();
        assert_eq!(after, before + 1, "the job was written once ({cut:?} write {at})");
        assert_eq!(lab.plan_code(), 0, "nothing is left to do ({cut:?} write {at})");
        lab.drover(&["unlock", "-force", "s"]);
    }
    lab.state()["jobs"].clone()
}

fn interrupted_and_resumed(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")]);
    let child = spawn(lab, &["apply", "-auto-approve", "s"]);
    drover_tests::eventually("it has begun", || lab.live("a").is_some());
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("interrupted before it was begun"), "{said}");
    assert_eq!(lab.live("d"), None);
    assert_ne!(lab.plan_code(), 0);
    lab.apply(&[]).expect_code(0);
    assert_eq!(lab.plan_code(), 0);
    lab.state()["jobs"].clone()
}

fn value(lab: &Lab<'_>, id: &str) -> Value {
    lab.live(id).map(|job| job["TaskGroups"][0]["Tasks"][0]["Env"]["V"].clone()).unwrap_or_default()
}

fn gone(lab: &Lab<'_>, id: &str) {
    let job = format!("{}-{id}", lab.name);
    drover_tests::eventually("its tasks end", || lab.agent.allocations(&job, "running").is_empty());
}

pub fn spawn(lab: &Lab<'_>, args: &[&str]) -> std::process::Child {
    Command::new(drover_tests::drover())
        .args(args)
        .current_dir(lab.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", lab.path())
        .env("DROVER_ADDR", lab.agent.address())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("drover can be started")
}
