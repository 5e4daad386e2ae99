//! raw_exec with real supervisors.

#![allow(clippy::unwrap_used, reason = "a test ends where something fails")]

mod common;

use std::time::{Duration, Instant};

use common::{Fixture, WAIT, is_process, is_root, raw_exec, skip, state_of, wait_until};
use drover_drivers::{Driver, EventSink, ExecRequest, TerminalSize};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn output_and_exit_code_are_kept() {
    let driver = raw_exec();
    let fixture = Fixture::script("echo out; echo err >&2; pwd; exit 7");
    let handle = fixture.start(&driver).await;
    let exit = driver.wait(&handle).await.unwrap();
    assert_eq!((exit.exit_code, exit.signal, exit.oom_killed), (7, 0, false));
    assert!(exit.finished_at_ns > 0);
    assert_eq!(fixture.stdout(), format!("out\n{}\n", fixture.config.dirs.task_dir.display()));
    assert_eq!(fixture.log("stderr"), "err\n");
    driver.destroy(&handle).await.unwrap();
    assert!(!fixture.config.dirs.state_dir.exists());
}

#[tokio::test]
async fn a_fatal_signal_is_reported_as_shells_do() {
    let driver = raw_exec();
    let fixture = Fixture::script("kill -9 $$");
    let handle = fixture.start(&driver).await;
    let exit = driver.wait(&handle).await.unwrap();
    assert_eq!((exit.exit_code, exit.signal), (137, 9));
}

#[tokio::test]
async fn commands_that_cannot_start_say_why() {
    let driver = raw_exec();
    for (config, expected) in [
        (json!({"command": "/no/such/cmd"}), r#"failed to launch command: binary "/no/such/cmd" could not be found"#),
        (json!({"command": "nosuchcmd"}), r#"failed to launch command: binary "nosuchcmd" could not be found"#),
        (
            json!({"command": "/etc"}),
            r#"failed to launch command: failed to start command path="/etc" args=[]: Permission denied"#,
        ),
        (
            json!({"command": "/bin/true", "work_dir": "rel"}),
            "failed driver config validation: work_dir must be an absolute path",
        ),
    ] {
        let fixture = Fixture::new(config);
        let error = driver.start(&fixture.config, &EventSink::none()).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let mut fixture = Fixture::script("true");
    fixture.config.user = "no-such-user".into();
    let error = driver.start(&fixture.config, &EventSink::none()).await.unwrap_err();
    assert!(error.to_string().contains("unknown user no-such-user"), "{error}");
}

#[tokio::test]
async fn stop_asks_first_and_forces_later() {
    let driver = raw_exec();
    let polite = Fixture::script("trap 'echo bye; exit 0' INT; echo ready; while :; do sleep 0.01; done");
    let handle = polite.start(&driver).await;
    polite.wait_for_output("ready").await;
    driver.stop(&handle, WAIT, None).await.unwrap();
    assert_eq!(driver.wait(&handle).await.unwrap().exit_code, 0);
    assert!(polite.stdout().ends_with("bye\n"));

    let stubborn = Fixture::script("trap '' INT TERM; echo ready; while :; do sleep 0.01; done");
    let handle = stubborn.start(&driver).await;
    stubborn.wait_for_output("ready").await;
    let begin = Instant::now();
    driver.stop(&handle, Duration::from_millis(200), Some("SIGTERM")).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(200));
    assert_eq!(driver.wait(&handle).await.unwrap().signal, 9);
}

#[tokio::test]
async fn nothing_of_a_task_stays_behind() {
    let driver = raw_exec();
    let fixture = Fixture::script("setsid sleep 1000 & echo $! ; (setsid sleep 1000 & echo $!); echo done; exit 0");
    let handle = fixture.start(&driver).await;
    driver.wait(&handle).await.unwrap();
    for pid in fixture.stdout().lines().filter_map(|line| line.parse().ok()) {
        assert!(!is_process(pid), "{pid} outlived its task");
    }
    let supervisor = state_of(&handle, "/processes/supervisor_pid");
    wait_until("the supervisor's end", || !is_process(supervisor)).await;
}

#[tokio::test]
async fn a_task_survives_the_agent_and_is_found_again() {
    let first = raw_exec();
    let fixture = Fixture::script("i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i+1)); sleep 0.005; done; exit 3");
    let handle = fixture.start(&first).await;
    fixture.wait_for_output("line 3").await;
    // A new driver object is what a restarted agent has; the handle went through JSON on the disk.
    drop(first);
    let stored = serde_json::to_string(&handle).unwrap();
    let handle = serde_json::from_str(&stored).unwrap();
    let second = raw_exec();
    second.recover(&handle).await.unwrap();
    let exit = second.wait(&handle).await.unwrap();
    assert_eq!(exit.exit_code, 3);
    let expected: String = (0..200).map(|n| format!("line {n}\n")).collect();
    assert_eq!(fixture.stdout(), expected);
}

/// Starts a task in a process of its own and is killed with all of its process group, as `kill -9` of an agent does.
#[tokio::test]
async fn a_task_survives_the_killing_of_the_agents_process_group() {
    const HANDLE_FILE: &str = "DROVER_TEST_HANDLE_FILE";
    let name = "a_task_survives_the_killing_of_the_agents_process_group";
    let script = "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); sleep 0.005; done; exit 3";
    if let Some(file) = std::env::var_os(HANDLE_FILE) {
        let dir = std::path::Path::new(&file).parent().unwrap();
        let fixture = Fixture::at(dir, json!({"command": "/bin/sh", "args": ["-c", script]}));
        let handle = fixture.start(&raw_exec()).await;
        std::fs::write(dir.join("handle.tmp"), serde_json::to_vec(&handle).unwrap()).unwrap();
        std::fs::rename(dir.join("handle.tmp"), file).unwrap();
        return std::future::pending().await;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("handle.json");
    let mut agent = std::process::Command::new(std::env::current_exe().unwrap());
    std::os::unix::process::CommandExt::process_group(&mut agent, 0);
    let mut agent = agent.args([name, "--exact"]).env(HANDLE_FILE, &file).spawn().unwrap();
    wait_until("the agent's task", || file.exists()).await;
    let group = nix::unistd::Pid::from_raw(i32::try_from(agent.id()).unwrap());
    nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL).unwrap();
    agent.wait().unwrap();
    let handle = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let driver = raw_exec();
    driver.recover(&handle).await.unwrap();
    assert_eq!(driver.wait(&handle).await.unwrap().exit_code, 3);
    let expected: String = (0..300).map(|n| format!("line {n}\n")).collect();
    assert_eq!(std::fs::read_to_string(dir.path().join("alloc/logs/t.stdout.0")).unwrap(), expected);
}

#[tokio::test]
async fn the_end_of_a_task_is_found_when_nobody_watched() {
    let first = raw_exec();
    let fixture = Fixture::script("exit 5");
    let handle = fixture.start(&first).await;
    drop(first);
    let supervisor = state_of(&handle, "/processes/supervisor_pid");
    wait_until("the supervisor's end", || !is_process(supervisor)).await;
    let second = raw_exec();
    second.recover(&handle).await.unwrap();
    assert_eq!(second.wait(&handle).await.unwrap().exit_code, 5);
    second.destroy(&handle).await.unwrap();
    assert!(raw_exec().recover(&handle).await.is_err(), "a destroyed task is gone");
}

#[tokio::test]
async fn a_killed_supervisor_takes_its_task_along_and_is_reported() {
    let driver = raw_exec();
    let fixture = Fixture::script("echo ready; exec sleep 1000");
    let handle = fixture.start(&driver).await;
    fixture.wait_for_output("ready").await;
    let task = state_of(&handle, "/processes/pid");
    let supervisor = nix::unistd::Pid::from_raw(state_of(&handle, "/processes/supervisor_pid"));
    nix::sys::signal::kill(supervisor, nix::sys::signal::Signal::SIGKILL).unwrap();
    let exit = driver.wait(&handle).await.unwrap();
    assert_eq!(exit.signal, 9);
    assert!(exit.err.unwrap().contains("supervisor"), "the reason is said");
    wait_until("the task's end", || !is_process(task)).await;
}

#[tokio::test]
async fn starting_again_ends_what_an_agent_forgot() {
    let fixture = Fixture::script("echo ready; exec sleep 1000");
    let handle = fixture.start(&raw_exec()).await;
    let forgotten = state_of(&handle, "/processes/pid");
    let driver = raw_exec();
    let handle = fixture.start(&driver).await;
    assert!(!is_process(forgotten), "two of the same task would run");
    driver.destroy(&handle).await.unwrap();
}

#[tokio::test]
async fn logs_rotate() {
    let driver = raw_exec();
    let mut fixture = Fixture::script("head -c 5000000 /dev/zero | tr '\\0' 'x' | fold -w 99");
    fixture.config.logs.max_files = 2;
    fixture.config.logs.max_file_size_mb = 1;
    let handle = fixture.start(&driver).await;
    driver.wait(&handle).await.unwrap();
    let mut names: Vec<_> = std::fs::read_dir(&fixture.config.logs.dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("t.stdout"))
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len()))
        .collect();
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names.iter().all(|(_, size)| *size <= 1024 * 1024), "{names:?}");
}

#[tokio::test]
async fn logs_can_be_turned_off() {
    let driver = raw_exec();
    let mut fixture = Fixture::script("echo out; echo err >&2; exit 6");
    fixture.config.logs.disabled = true;
    let handle = fixture.start(&driver).await;
    assert_eq!(driver.wait(&handle).await.unwrap().exit_code, 6);
    assert_eq!(std::fs::read_dir(&fixture.config.logs.dir).unwrap().count(), 0);
}

#[tokio::test]
async fn memory_is_limited() {
    if !is_root() {
        return skip("control groups need root");
    }
    let driver = raw_exec();
    let fixture = Fixture::script("x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo ${#x}");
    let handle = fixture.start(&driver).await;
    let exit = driver.wait(&handle).await.unwrap();
    assert_eq!((exit.signal, exit.oom_killed), (9, true));
}

#[tokio::test]
async fn another_user_can_be_chosen() {
    if !is_root() {
        return skip("changing the user needs root");
    }
    let driver = raw_exec();
    let mut fixture = Fixture::script("id -un; touch local/mine");
    fixture.config.user = "nobody".into();
    let handle = fixture.start(&driver).await;
    assert_eq!(driver.wait(&handle).await.unwrap().exit_code, 0);
    assert_eq!(fixture.stdout(), "nobody\n");
}

#[tokio::test]
async fn commands_run_inside_with_pipes() {
    let driver = raw_exec();
    let fixture = Fixture::script("exec sleep 1000");
    let handle = fixture.start(&driver).await;
    let request =
        ExecRequest { command: vec!["sh".into(), "-c".into(), "cat; echo bad >&2; exit 4".into()], tty: None };
    let mut session = driver.exec(&handle, request).await.unwrap();
    session.stdin.write_all(b"hello").await.unwrap();
    drop(session.stdin);
    let (mut out, mut err) = (String::new(), String::new());
    session.stdout.read_to_string(&mut out).await.unwrap();
    session.stderr.unwrap().read_to_string(&mut err).await.unwrap();
    assert_eq!((out.as_str(), err.as_str()), ("hello", "bad\n"));
    assert_eq!(session.exit.await.unwrap(), 4);
    let missing = ExecRequest { command: vec!["no-such-command".into()], tty: None };
    let error = driver.exec(&handle, missing).await.unwrap_err();
    assert!(error.to_string().contains("could not be found"), "{error}");
    driver.destroy(&handle).await.unwrap();
}

#[tokio::test]
async fn commands_run_inside_with_a_terminal() {
    let driver = raw_exec();
    let fixture = Fixture::script("exec sleep 1000");
    let handle = fixture.start(&driver).await;
    let size = TerminalSize { height: 40, width: 100 };
    let request = ExecRequest {
        command: vec!["sh".into(), "-c".into(), "tty; stty size; read x; stty size".into()],
        tty: Some(size),
    };
    let mut session = driver.exec(&handle, request).await.unwrap();
    let mut seen = String::new();
    let mut buffer = [0; 256];
    while !seen.contains("40 100") {
        let length = session.stdout.read(&mut buffer).await.unwrap();
        assert!(length > 0, "ended early: {seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    session.resize.send(TerminalSize { height: 50, width: 120 }).unwrap();
    // The size is set by another task; the answer must come after it.
    tokio::time::sleep(Duration::from_millis(50)).await;
    session.stdin.write_all(b"\n").await.unwrap();
    session.stdout.read_to_string(&mut seen).await.unwrap();
    assert!(seen.contains("/dev/pts/") && seen.contains("50 120"), "{seen}");
    assert_eq!(session.exit.await.unwrap(), 0);
    driver.destroy(&handle).await.unwrap();
}

#[tokio::test]
async fn use_of_memory_and_processor_is_measured() {
    let driver = raw_exec();
    let fixture = Fixture::script("echo ready; while :; do :; done");
    let handle = fixture.start(&driver).await;
    fixture.wait_for_output("ready").await;
    driver.stats(&handle).await.unwrap();
    let mut busy = false;
    let deadline = Instant::now() + WAIT;
    while !busy && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let stats = driver.stats(&handle).await.unwrap();
        assert!(stats.total.memory.rss > 0);
        busy = stats.total.cpu.percent > 1.0;
    }
    assert!(busy);
    driver.destroy(&handle).await.unwrap();
}

#[tokio::test]
async fn hundred_tasks_start_quickly_and_supervisors_are_small() {
    let driver = raw_exec();
    let fixtures: Vec<_> = (0..100).map(|_| Fixture::script("exec sleep 1000")).collect();
    let begin = Instant::now();
    let handles = futures::future::join_all(fixtures.iter().map(|fixture| fixture.start(&driver))).await;
    let elapsed = begin.elapsed();
    let pid = state_of(&handles[50], "/processes/supervisor_pid");
    let smaps = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let kib = |key: &str| -> u64 {
        let line = smaps.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let private = kib("Private_Dirty:") + kib("Private_Clean:");
    println!("100 tasks in {elapsed:?}; supervisor: private {private} KiB, proportional {} KiB", kib("Pss:"));
    assert!(private < 1024, "private memory of a supervisor: {private} KiB");
    assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
    futures::future::join_all(handles.iter().map(|handle| driver.destroy(handle))).await;
}
