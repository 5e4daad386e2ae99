//! The local engine: started by the first command that needs it, kept by its user, gone without a trace when reset.

use drover_tests::{Run, drover, files, jobs, processes, run_in, wait_for};
use serde_json::Value;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A user of their own; the engine and its tasks end with the test.
struct User {
    folder: TempDir,
}

impl User {
    fn new() -> Self {
        Self { folder: files::folder() }
    }
    fn local_dir(&self) -> String {
        self.folder.path().join("local").display().to_string()
    }
    fn drover(&self, args: &[&str]) -> Run {
        run_in(self.folder.path(), &[("DROVER_LOCAL_DIR", &self.local_dir())], args)
    }
    fn engine(&self) -> Value {
        self.drover(&["local", "status", "-json"]).expect_code(0).json()
    }
    fn pid(&self) -> i32 {
        i32::try_from(self.engine()["engine"]["pid"].as_i64().expect("an engine runs")).unwrap()
    }
    /// The allocations of a job, as the engine lists them.
    fn running(&self, job: &str) -> Vec<String> {
        let all = self.drover(&["operator", "api", &format!("/v1/job/{job}/allocations")]).expect_code(0).json();
        let all = all.as_array().cloned().unwrap_or_default();
        all.iter()
            .filter(|alloc| alloc["ClientStatus"] == "running")
            .filter_map(|alloc| alloc["ID"].as_str().map(str::to_owned))
            .collect()
    }
}

impl Drop for User {
    fn drop(&mut self) {
        // A test that failed may have left it in any state; what this does not end, the sweep does.
        let _ = self.drover(&["local", "reset", "-yes"]);
        processes::sweep(self.folder.path());
    }
}

#[test]
fn the_first_command_starts_it_and_says_so_once() {
    let user = User::new();
    user.drover(&["local", "status"]).expect_code(0).expect_row("Status = not running");
    let first = user.drover(&["node", "status"]).expect_code(0).expect_text("ready");
    let lines: Vec<&str> = first.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "one line says it: {}", first.all());
    assert!(lines[0].starts_with("Started the local engine at http://127.0.0.1:"), "{}", first.all());
    let log = user.folder.path().join("local/agent.log");
    assert!(lines[0].contains(&log.display().to_string()), "the line names the log: {}", first.all());

    let pid = user.pid();
    let second = user.drover(&["node", "status"]).expect_code(0);
    assert_eq!(second.stderr, "", "a running engine is not worth a word");
    assert_eq!(user.pid(), pid, "the second command uses the same engine");
    user.drover(&["local", "status"])
        .expect_code(0)
        .expect_row("Status = running")
        .expect_row(&format!("Process = {pid}"));
    user.drover(&["local", "logs"]).expect_code(0).expect_text("agent");

    user.drover(&["local", "stop"]).expect_code(0).expect_text(&pid.to_string());
    assert!(!processes::is_running(pid), "it has ended when the command returns");
    user.drover(&["local", "stop"]).expect_code(0).expect_text("not running");
    user.drover(&["local", "status"]).expect_code(0).expect_row("Status = not running");
}

#[test]
fn jobs_outlive_a_restart_of_the_engine() {
    let user = User::new();
    files::write(user.folder.path(), "web.nomad", &jobs::shell("web", "service", "exec sleep 600", "count = 2"));
    user.drover(&["job", "run", "-detach", "web.nomad"]).expect_code(0);
    let allocs = wait_for("two running tasks", || Some(user.running("web")).filter(|ids| ids.len() == 2));
    let pids = |allocs: &[String]| allocs.iter().map(|id| processes::of_allocation(id)).collect::<Vec<_>>();
    let before = pids(&allocs);
    assert!(before.iter().all(|of| of.len() == 1), "one process each: {before:?}");

    user.drover(&["local", "stop"]).expect_code(0);
    assert_eq!(pids(&allocs), before, "tasks go on without the engine");
    user.drover(&["job", "status", "web"]).expect_code(0).expect_text("Started the local engine");
    let again = wait_for("the same allocations", || Some(user.running("web")).filter(|ids| ids.len() == 2));
    assert_eq!(again, allocs, "the same allocations");
    assert_eq!(pids(&allocs), before, "the same processes");
    let restarts = user.drover(&["alloc", "status", &allocs[0]]).expect_code(0);
    restarts.expect_row("Total Restarts = 0");
}

#[test]
fn a_killed_engine_is_started_again() {
    let user = User::new();
    user.drover(&["node", "status"]).expect_code(0);
    let pid = user.pid();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    drover_tests::eventually("its end", || !processes::is_running(pid));
    user.drover(&["node", "status"]).expect_code(0).expect_text("Started the local engine").expect_text("ready");
    assert_ne!(user.pid(), pid);
}

#[test]
fn reset_leaves_nothing() {
    let user = User::new();
    files::write(user.folder.path(), "web.nomad", &jobs::shell("web", "service", "exec sleep 600", ""));
    user.drover(&["job", "run", "-detach", "web.nomad"]).expect_code(0);
    let alloc = wait_for("a running task", || user.running("web").pop());
    let pid = processes::of_allocation(&alloc)[0];
    let engine = user.pid();
    user.drover(&["local", "reset"]).expect_code(1).expect_text("-yes");
    assert!(processes::is_running(pid), "without a yes nothing ends");
    user.drover(&["local", "reset", "-yes"]).expect_code(0);
    assert!(!processes::is_running(pid), "its tasks have ended");
    assert!(!processes::is_running(engine), "it has ended");
    assert!(!user.folder.path().join("local/data").exists(), "its data is gone");
    let leftover = processes::with_environment(&format!("NOMAD_ALLOC_ID={alloc}"));
    assert_eq!(leftover, Vec::<i32>::new(), "no process of the allocation is left");
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(&user.local_dir()), "no mount is left:\n{mounts}");
    user.drover(&["job", "status"]).expect_code(0).expect_text("No running jobs");
}

#[test]
fn two_commands_at_once_start_one_engine() {
    let user = User::new();
    let spawn = || {
        let mut command = Command::new(drover());
        command
            .args(["node", "status"])
            .env_clear()
            .env("HOME", user.folder.path())
            .env("DROVER_LOCAL_DIR", user.local_dir());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("drover can be started")
    };
    let both = [spawn(), spawn(), spawn()];
    let outputs = both.map(|child| child.wait_with_output().expect("a child can be waited for"));
    let said = |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(outputs.iter().all(|output| output.status.success()), "{outputs:?}");
    let started: Vec<String> = outputs.iter().map(said).filter(|text| !text.is_empty()).collect();
    assert_eq!(started.len(), 1, "one of them started it: {started:?}");
    let marker = user.local_dir();
    let agents = processes::with_argument(&format!("{marker}/data"));
    assert_eq!(agents, [user.pid()], "one engine runs");
}

#[test]
fn users_at_once_have_an_engine_each() {
    let users = [User::new(), User::new(), User::new()];
    std::thread::scope(|scope| {
        for user in &users {
            scope.spawn(|| user.drover(&["node", "status"]).expect_code(0));
        }
    });
    let addresses = users.each_ref().map(|user| user.engine()["engine"]["address"].to_string());
    let mut distinct = addresses.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), users.len(), "nobody talks to another one's engine: {addresses:?}");
}
