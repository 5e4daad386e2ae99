//! A stack that follows a repository, plans that travel from one command to the next, and the shell recipes for them.

use drover_tests::{Agent, Run, files, jobs, run_in, run_program};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// An engine, and a folder with a repository in `repo`.
struct Place {
    agent: Agent,
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { agent: Agent::dev(), folder: files::folder() };
        std::fs::create_dir(place.repo()).unwrap();
        place.git(&["init", "--quiet", "--initial-branch=main"]);
        place
    }
    fn repo(&self) -> PathBuf {
        self.folder.path().join("repo")
    }
    fn git(&self, arguments: &[&str]) -> String {
        let out = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.repo())
            .output()
            .unwrap();
        assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }
    /// Commits a stack of one job whose task has `V=value`.
    fn commit(&self, value: &str) -> String {
        let stack = "stack \"follow\" {}\njob \"web\" {\n  file = \"web.nomad.hcl\"\n  wait = \"running\"\n}\n";
        files::write(&self.repo(), "s/s.drover.hcl", stack);
        let more = "restart {\n      attempts = 0\n      mode     = \"fail\"\n    }\n    reschedule {\n      attempts  = 0\n      unlimited = false\n    }";
        let job = jobs::shell("follow-web", "service", &format!("V={value}; exec sleep 600"), more);
        files::write(&self.repo(), "s/web.nomad.hcl", &job);
        self.git(&["add", "-A"]);
        self.git(&["commit", "--quiet", "-m", &format!("value {value}")]);
        self.git(&["rev-parse", "HEAD"])
    }
    fn drover(&self, args: &[&str]) -> Run {
        run_in(self.folder.path(), &[("DROVER_ADDR", &self.agent.address())], args)
    }
    fn sync(&self, more: &[&str]) -> Run {
        let repo = format!("-repo={}", self.repo().display());
        let args = [&["sync", &repo, "-branch=main", "-path=s", "-workdir=copy", "-once"], more].concat();
        self.drover(&args)
    }
    fn value(&self) -> Option<String> {
        let job = self.agent.try_get("/v1/job/follow-web")?;
        Some(job["TaskGroups"][0]["Tasks"][0]["Config"]["args"][1].as_str()?.split(';').next()?.to_owned())
    }
    fn rounds(&self) -> Vec<Value> {
        self.drover(&["sync", "status", "-json", "follow"]).expect_code(0).json()["rounds"].as_array().unwrap().clone()
    }
}

#[test]
fn a_stack_follows_its_repository() {
    let place = Place::new();
    let first = place.commit("1");
    place.sync(&[]).expect_code(0).expect_text("Applied stack follow");
    assert_eq!(place.value().unwrap(), "V=1");
    place.sync(&[]).expect_code(0);
    assert_eq!(place.rounds().len(), 1, "what is as it should be is not told again");
    assert_eq!(
        (&place.rounds()[0]["commit"], &place.rounds()[0]["result"]),
        (&first.as_str().into(), &"synced".into())
    );

    // Only planned, with the plan given to a command.
    let second = place.commit("2");
    place.sync(&["-plan-only", "-on-plan=cat > comment.md; echo $DROVER_SYNC_COMMIT > commit"]).expect_code(2);
    assert_eq!(place.value().unwrap(), "V=1");
    let said = |name: &str| std::fs::read_to_string(place.folder.path().join(name)).unwrap();
    assert!(said("comment.md").contains("job.web"), "{}", said("comment.md"));
    assert_eq!(said("commit").trim(), second);

    place.drover(&["sync", "pause", "follow"]).expect_code(0);
    place.sync(&[]).expect_code(0).expect_text("is paused by");
    assert_eq!(place.value().unwrap(), "V=1", "nothing is applied while it is paused");
    place.drover(&["sync", "resume", "follow"]).expect_code(0);
    place.sync(&[]).expect_code(0);
    assert_eq!(place.value().unwrap(), "V=2");

    // Somebody stops the job.
    place.agent.delete("/v1/job/follow-web");
    place.sync(&[]).expect_code(2).expect_text("drifted");
    place.sync(&["-self-heal"]).expect_code(0);
    assert_eq!(place.agent.get("/v1/job/follow-web")["Stop"], false);

    // The repository goes away: what was fetched last stays in force.
    std::fs::rename(place.repo(), place.folder.path().join("away")).unwrap();
    place.agent.delete("/v1/job/follow-web");
    place.sync(&["-self-heal"]).expect_code(0).expect_text("staying at");
    assert_eq!(place.agent.get("/v1/job/follow-web")["Stop"], false);
    let history = place.drover(&["history", "-json", "follow"]).expect_code(0).json();
    assert!(history["history"][0]["cause"].as_str().unwrap().starts_with("sync "), "{history}");
}

#[test]
fn commits_that_are_no_good_change_nothing() {
    let place = Place::new();
    place.commit("1");
    place.sync(&["-require-signature", "-name=follow"]).expect_code(1).expect_text("signature");
    assert_eq!(place.value(), None);
    assert_eq!(place.rounds()[0]["result"], "refused");
    place.sync(&[]).expect_code(0);
    files::write(&place.repo(), "s/s.drover.hcl", "stack \"follow\" {\n");
    place.git(&["commit", "--quiet", "-am", "broken"]);
    place.sync(&["-name=follow", "-on-result=echo $DROVER_SYNC_RESULT > result"]).expect_code(1);
    assert_eq!(place.value().unwrap(), "V=1", "what runs stays");
    assert_eq!(place.rounds()[0]["result"], "failed");
    assert_eq!(std::fs::read_to_string(place.folder.path().join("result")).unwrap().trim(), "failed");
}

#[test]
fn a_webhook_wakes_it_and_a_signal_ends_it() {
    let place = Place::new();
    place.commit("1");
    let [port] = drover_tests::free_ports();
    let child = Command::new(drover_tests::drover())
        .args(["sync", "-branch=main", "-path=s", "-workdir=copy", "-interval=10m"])
        .arg(format!("-repo={}", place.repo().display()))
        .arg(format!("-listen=127.0.0.1:{port}"))
        .current_dir(place.folder.path())
        .env("DROVER_ADDR", place.agent.address())
        .env("DROVER_SYNC_WEBHOOK_SECRET", "hook-secret")
        .env("HOME", place.folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    drover_tests::eventually("the first commit is there", || place.value().as_deref() == Some("V=1"));
    place.commit("2");
    let post = |token: &str| {
        let url = format!("http://127.0.0.1:{port}/hook");
        ureq::post(&url).header("X-Gitlab-Token", token).send("{}").map(|answer| answer.status().as_u16())
    };
    assert!(post("wrong").is_err(), "whoever does not know the secret wakes nobody");
    // The first round may still be about to end, and does not listen then; a hook is kept until it does.
    assert_eq!(post("hook-secret").unwrap(), 202);
    drover_tests::eventually("the second commit is there", || place.value().as_deref() == Some("V=2"));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{:?}", ended.status);
}

#[test]
fn the_recipes_plan_apply_and_find_drift() {
    let place = Place::new();
    place.commit("1");
    let recipes = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/ci"));
    let recipient = place.drover(&["secret", "keygen", "-out=identity"]).expect_code(0).stdout.trim().to_owned();
    let run = |name: &str| {
        let env = [
            ("DROVER", drover_tests::drover().to_str().unwrap()),
            ("DROVER_ADDR", &place.agent.address()),
            ("STACK", "repo/s"),
            ("PLAN_RECIPIENT", &recipient),
            ("PLAN_IDENTITY", "identity"),
        ];
        run_program(&recipes.join(name), place.folder.path(), &env, &[])
    };
    run("plan.sh").expect_code(0).expect_text("changes=true");
    let plan = std::fs::read(place.folder.path().join("drover.plan")).unwrap();
    assert!(plan.starts_with(b"-----BEGIN AGE"), "the plan is encrypted");
    place.drover(&["apply", "drover.plan"]).expect_code(1).expect_text("-identity");
    run("apply.sh").expect_code(0).expect_text("Applied stack follow");
    run("apply.sh").expect_code(5).expect_text("::error title=stale plan::");
    run("plan.sh").expect_code(0).expect_text("changes=false");
    run("drift.sh").expect_code(0);
    place.agent.delete("/v1/job/follow-web");
    run("drift.sh").expect_code(2).expect_text("::warning title=drift::");
}

#[test]
fn the_graph_is_drawn_without_an_engine() {
    let place = Place::new();
    place.commit("1");
    let graph =
        |more: &[&str]| run_in(place.folder.path(), &[], &[&["graph"], more, &["repo/s"]].concat()).expect_code(0);
    assert_eq!(graph(&[]).stdout, "job.web\n");
    assert!(graph(&["-dot"]).stdout.starts_with("digraph \"follow\""));
    assert!(graph(&["-svg"]).stdout.starts_with("<svg"));
    assert_eq!(graph(&["-json"]).json()["resources"][0]["address"], "job.web");
}

#[test]
fn jobs_that_run_become_a_stack_without_a_restart() {
    let agent = Agent::dev();
    let folder = files::folder();
    let drover = |args: &[&str]| run_in(folder.path(), &[("DROVER_ADDR", &agent.address())], args);
    agent.register(&jobs::script("old-one", "service", "exec sleep ${NOMAD_META_x}600"));
    agent.register(&jobs::script("old/two", "service", "exec sleep 600"));
    let before = [agent.wait_alloc("old-one", "running"), agent.wait_alloc("old%2Ftwo", "running")];

    let text = drover(&["import", "-stdout", "old-one"]).expect_code(0).stdout;
    assert!(text.contains("job \"old-one\" {") && text.contains("${NOMAD_META_x}600"), "{text}");
    assert!(!text.contains("kill_signal") && !text.contains("priority"), "what every job has is left out:\n{text}");

    drover(&["import", "-dir=shop", "old-one", "old/two"]).expect_code(0).expect_text("shop/jobs/old-two.nomad.hcl");
    drover(&["plan", "shop"])
        .expect_code(0)
        .expect_text("0 to create, 0 to update, 0 to delete")
        .expect_no("scheduler:");
    drover(&["apply", "-auto-approve", "shop"]).expect_code(0);
    drover(&["plan", "-detailed-exitcode", "shop"]).expect_code(0);
    drover(&["drift", "shop"]).expect_code(0);
    let after = [agent.wait_alloc("old-one", "running"), agent.wait_alloc("old%2Ftwo", "running")];
    assert_eq!(after, before, "nothing was restarted");
    drover(&["import", "-dir=shop", "old-one"]).expect_code(1).expect_text("not written over");
    drover(&["import", "-dir=shop", "none"]).expect_code(1).expect_text("no job none");

    drover(&["import", "-dir=packed", "-pack", "old-one"]).expect_code(0);
    drover(&["pack", "validate", "packed/packs/old-one"]).expect_code(0);
}

#[test]
fn every_save_is_applied_and_the_logs_are_shown() {
    let place = Place::new();
    place.commit("1");
    let log = place.folder.path().join("dev.log");
    let child = Command::new(drover_tests::drover())
        .args(["dev", "-clean", "repo/s"])
        .current_dir(place.folder.path())
        .env("DROVER_ADDR", place.agent.address())
        .env("HOME", place.folder.path())
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&log).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let said = || std::fs::read_to_string(&log).unwrap();
    drover_tests::eventually("the first save is there", || place.value().as_deref() == Some("V=1"));
    files::write(&place.repo(), "s/web.nomad.hcl", "job \"follow-web\" {");
    drover_tests::eventually("a mistake ends nothing", || place.value().as_deref() == Some("V=1"));
    let text = jobs::shell("follow-web", "service", "V=2; echo it says $V; exec sleep 600", "");
    files::write(&place.repo(), "s/web.nomad.hcl", &text);
    drover_tests::eventually("the second save is there", || place.value().as_deref() == Some("V=2"));
    drover_tests::eventually("the logs are shown", || said().contains("| it says 2"));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{:?}\n{}", ended.status, said());
    assert_eq!(place.agent.get("/v1/job/follow-web")["Stop"], true, "-clean removes the stack");
}
