//! exec with real namespaces; needs root.

#![allow(clippy::unwrap_used, reason = "a test ends where something fails")]

mod common;

use std::time::Instant;

use common::{Fixture, SUPERVISOR, is_root, launcher, skip, state_of, wait_until};
use drover_drivers::exec::{Exec, ExecOptions};
use drover_drivers::{Driver, EventSink, ExecRequest, TaskMount};
use serde_json::json;
use tokio::io::AsyncReadExt;

fn exec() -> Option<Exec> {
    if !is_root() {
        skip("the exec driver needs root");
        return None;
    }
    let options = ExecOptions { cgroup_parent: "drover-test".into(), ..ExecOptions::default() };
    Some(Exec::new(options, launcher()))
}

/// Runs a script to its end and returns its output.
async fn output(driver: &Exec, fixture: &Fixture) -> String {
    let handle = fixture.start(driver).await;
    let exit = driver.wait(&handle).await.unwrap();
    assert!(exit.successful(), "{exit:?} {}", fixture.log("stderr"));
    driver.destroy(&handle).await.unwrap();
    fixture.stdout()
}

#[tokio::test]
async fn a_task_lives_in_its_own_root_as_nobody() {
    let Some(driver) = exec() else { return };
    let fixture = Fixture::script(
        "pwd; id -un; echo $HOME $USER; ls -d /alloc /local /secrets /usr/bin /proc/1; echo pid $$; \
         grep -E 'CapEff|CapBnd' /proc/self/status; test -e /root || echo no /root; test -e /work || echo no /work",
    );
    let expected = "/\nnobody\n/nonexistent nobody\n/alloc\n/local\n/proc/1\n/secrets\n/usr/bin\npid 1\n\
                    CapEff:\t00000000a80405fb\nCapBnd:\t00000000a80405fb\nno /root\nno /work\n";
    assert_eq!(output(&driver, &fixture).await, expected);
}

#[tokio::test]
async fn the_host_cannot_be_changed_nor_its_disks_reached() {
    let Some(driver) = exec() else { return };
    let fixture = Fixture::script(
        "touch /usr/x 2>/dev/null || echo usr; touch /etc/x 2>/dev/null || echo etc; \
         mknod /local/disk b 254 0 2>/dev/null; head -c 1 /local/disk >/dev/null 2>&1 || echo disk; \
         mount -t tmpfs none /tmp 2>/dev/null || echo mount; touch /dev/x 2>/dev/null || echo dev; \
         echo hi > /local/mine && echo hi > /alloc/mine && echo hi > /tmp/mine && echo hi > /mine && echo own; \
         echo x > /dev/null && echo null; head -c 4 /dev/urandom | wc -c",
    );
    assert_eq!(output(&driver, &fixture).await, "usr\netc\ndisk\nmount\ndev\nown\nnull\n4\n");
    assert!(fixture.config.dirs.local_dir.join("mine").exists());
    assert!(fixture.config.dirs.shared_alloc_dir.join("mine").exists());
}

#[tokio::test]
async fn links_that_a_task_planted_do_not_reach_the_host() {
    let Some(driver) = exec() else { return };
    let outside = tempfile::tempdir().unwrap();
    let fixture = Fixture::script("echo ok");
    // As a first run of the task could have left it.
    std::os::unix::fs::symlink(outside.path(), fixture.config.dirs.task_dir.join("dev")).unwrap();
    std::os::unix::fs::symlink(outside.path(), fixture.config.dirs.task_dir.join("proc")).unwrap();
    assert_eq!(output(&driver, &fixture).await, "ok\n");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn nothing_is_left_on_the_host() {
    let Some(driver) = exec() else { return };
    let fixture = Fixture::script("echo ready; sleep 1000");
    let handle = fixture.start(&driver).await;
    fixture.wait_for_output("ready").await;
    let group = format!("/sys/fs/cgroup/memory/drover-test/{}.t", fixture.config.alloc_id);
    let v1 = std::path::Path::new("/sys/fs/cgroup/memory").exists();
    assert!(!v1 || std::path::Path::new(&group).exists());
    // Even after a crash of the supervisor.
    let supervisor = nix::unistd::Pid::from_raw(state_of(&handle, "/processes/supervisor_pid"));
    nix::sys::signal::kill(supervisor, nix::sys::signal::Signal::SIGKILL).unwrap();
    driver.wait(&handle).await.unwrap();
    driver.destroy(&handle).await.unwrap();
    let root = fixture.dir.display().to_string();
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(&root), "mounts are left");
    wait_until("the control group's end", || !std::path::Path::new(&group).exists()).await;
}

#[tokio::test]
async fn memory_limits_are_enforced_and_reported() {
    let Some(driver) = exec() else { return };
    let fixture = Fixture::script("x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo ${#x}");
    let handle = fixture.start(&driver).await;
    let exit = driver.wait(&handle).await.unwrap();
    assert!(exit.oom_killed, "{exit:?}");
    driver.destroy(&handle).await.unwrap();
}

#[tokio::test]
async fn host_namespaces_and_volumes_can_be_asked_for() {
    let Some(driver) = exec() else { return };
    let volume = tempfile::tempdir().unwrap();
    std::fs::write(volume.path().join("file"), "volume\n").unwrap();
    let mut fixture = Fixture::new(json!({
        "command": "sh",
        "args": ["-c", "readlink /proc/self/ns/pid /proc/self/ns/ipc; cat /data/deep/file; touch /data/deep/x 2>/dev/null || echo ro"],
        "pid_mode": "host",
        "ipc_mode": "host",
    }));
    fixture.config.mounts.push(TaskMount {
        host_path: volume.path().into(),
        task_path: "/data/deep".into(),
        read_only: true,
        propagation_mode: String::new(),
    });
    let link = |name: &str| std::fs::read_link(format!("/proc/self/ns/{name}")).unwrap().display().to_string();
    let expected = format!("{}\n{}\nvolume\nro\n", link("pid"), link("ipc"));
    assert_eq!(output(&driver, &fixture).await, expected);
}

#[tokio::test]
async fn commands_run_inside_the_same_root() {
    let Some(driver) = exec() else { return };
    let fixture = Fixture::script("echo ready; sleep 1000");
    let handle = fixture.start(&driver).await;
    fixture.wait_for_output("ready").await;
    let command = ["sh", "-c", "id -un; pwd; cat /proc/1/comm; ls -d /root"].map(String::from).to_vec();
    let mut session = driver.exec(&handle, ExecRequest { command, tty: None }).await.unwrap();
    let mut seen = String::new();
    session.stdout.read_to_string(&mut seen).await.unwrap();
    assert_eq!(seen, "nobody\n/\nsh\n");
    assert_ne!(session.exit.await.unwrap(), 0);
    driver.destroy(&handle).await.unwrap();
}

#[tokio::test]
async fn wrong_settings_are_refused_with_the_reason() {
    let Some(driver) = exec() else { return };
    for (config, expected) in [
        (json!({"command": "/no/such"}), "failed to launch command: binary \"/no/such\" could not be found"),
        (
            json!({"command": "sh", "cap_add": ["sys_admin"]}),
            "driver does not allow the following capabilities: sys_admin",
        ),
        (
            json!({"command": "sh", "pid_mode": "foo"}),
            "failed driver config validation: pid_mode must be \"private\" or \"host\", got \"foo\"",
        ),
        (
            json!({"command": "sh", "work_dir": "rel"}),
            "failed driver config validation: work_dir must be absolute but got relative path \"rel\"",
        ),
    ] {
        let fixture = Fixture::new(config);
        let error = driver.start(&fixture.config, &EventSink::none()).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let mut fixture = Fixture::script("true");
    fixture.config.user = "root".into();
    let error = driver.start(&fixture.config, &EventSink::none()).await.unwrap_err();
    assert_eq!(error.to_string(), "running as user \"root\" is disallowed");
}

#[tokio::test]
async fn starting_is_fast() {
    let Some(driver) = exec() else { return };
    assert!(std::path::Path::new(SUPERVISOR).exists());
    let fixture = Fixture::script("true");
    output(&driver, &fixture).await;
    let fixture = Fixture::script("exec sleep 1000");
    let begin = Instant::now();
    let handle = fixture.start(&driver).await;
    let elapsed = begin.elapsed();
    println!("exec start: {elapsed:?}");
    driver.destroy(&handle).await.unwrap();
}
