//! docker with a real daemon and the image `busybox:local`; skipped where either is missing.

#![allow(clippy::unwrap_used, reason = "a test ends where something fails")]

mod common;

use std::time::Duration;

use common::{Fixture, WAIT, is_process, launcher, skip, wait_until};
use drover_drivers::docker::{Docker, DockerOptions};
use drover_drivers::{Driver, EventSink, ExecRequest, PortMapping, TerminalSize};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn docker() -> Option<Docker> {
    let driver = Docker::new(DockerOptions::default(), launcher());
    if !driver.fingerprint().await.detected {
        skip("no Docker daemon is reachable");
        return None;
    }
    let image = tokio::process::Command::new("docker").args(["image", "inspect", "busybox:local"]).output().await;
    if !image.is_ok_and(|output| output.status.success()) {
        skip("the image busybox:local is missing");
        return None;
    }
    Some(driver)
}

fn script(script: &str, more: &Value) -> Fixture {
    let mut config = json!({"image": "busybox:local", "command": "/bin/sh", "args": ["-c", script]});
    let more = more.as_object().unwrap().clone();
    config.as_object_mut().unwrap().extend(more);
    Fixture::new(config)
}

#[tokio::test]
async fn an_absent_daemon_is_said_clearly() {
    let options = DockerOptions { endpoint: "/nowhere/docker.sock".into(), ..DockerOptions::default() };
    let driver = Docker::new(options, launcher());
    let fingerprint = driver.fingerprint().await;
    assert!(!fingerprint.detected && !fingerprint.healthy);
    assert_eq!(fingerprint.health_description, "Failed to connect to docker daemon");
    let fixture = script("true", &json!({}));
    let error = driver.start(&fixture.config, &EventSink::none()).await.unwrap_err();
    assert!(error.to_string().contains("cannot reach the Docker daemon at /nowhere/docker.sock"), "{error}");
    assert!(error.is_recoverable());
}

#[tokio::test]
async fn the_daemon_is_described() {
    let Some(driver) = docker().await else { return };
    let fingerprint = driver.fingerprint().await;
    for key in ["driver.docker", "driver.docker.version", "driver.docker.os_type", "driver.docker.runtimes"] {
        assert!(fingerprint.attributes.contains_key(key), "{fingerprint:?}");
    }
}

#[tokio::test]
async fn output_exit_code_directories_and_labels() {
    let Some(driver) = docker().await else { return };
    let fixture = script(
        "echo out; echo err >&2; echo $NOMAD_TASK_NAME; ls -d /alloc /local /secrets; echo x > /local/x; \
         touch /alloc/logs/x 2>/dev/null || echo ro; exit 3",
        &json!({"labels": {"mine": "yes"}}),
    );
    let handle = fixture.start(&driver).await;
    let inspected = tokio::process::Command::new("docker")
        .args(["inspect", "-f", "{{.Name}} {{.Config.Labels}} {{.HostConfig.Memory}} {{.HostConfig.CpuShares}}"])
        .arg(handle.state["container_id"].as_str().unwrap())
        .output()
        .await
        .unwrap();
    let id = &fixture.config.alloc_id;
    assert_eq!(
        String::from_utf8(inspected.stdout).unwrap(),
        format!("/t-{id} map[com.hashicorp.nomad.alloc_id:{id} mine:yes] 67108864 100\n")
    );
    let exit = driver.wait(&handle).await.unwrap();
    assert_eq!((exit.exit_code, exit.signal, exit.oom_killed), (3, 0, false));
    assert!(exit.finished_at_ns > 1_700_000_000_000_000_000);
    assert_eq!(fixture.stdout(), "out\nt\n/alloc\n/local\n/secrets\nro\n");
    assert_eq!(fixture.log("stderr"), "err\n");
    assert!(fixture.config.dirs.local_dir.join("x").exists());
    driver.destroy(&handle).await.unwrap();
    assert!(driver.wait(&handle).await.is_err());
}

#[tokio::test]
async fn ports_are_mapped() {
    let Some(driver) = docker().await else { return };
    let mut fixture = script("exec sleep 1000", &json!({"ports": ["http"]}));
    // Only the mapping is of interest; Docker must find the port free.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    fixture.config.ports.push(PortMapping {
        label: "http".into(),
        host_ip: "127.0.0.1".parse().unwrap(),
        host_port: free,
        to: 80,
    });
    let started = driver.start(&fixture.config, &EventSink::none()).await.unwrap();
    let network = started.network.unwrap();
    assert_eq!(network.port_map["http"], 80);
    assert!(network.ip.parse::<std::net::IpAddr>().is_ok());
    let ports = tokio::process::Command::new("docker")
        .args(["port", started.handle.state["container_id"].as_str().unwrap()])
        .output()
        .await
        .unwrap();
    let ports = String::from_utf8(ports.stdout).unwrap();
    assert!(ports.contains(&format!("80/tcp -> 127.0.0.1:{free}")), "{ports}");
    driver.destroy(&started.handle).await.unwrap();
}

#[tokio::test]
async fn a_container_and_its_output_survive_the_agent() {
    let Some(first) = docker().await else { return };
    let fixture = script("i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done; sleep 1; echo end", &json!({}));
    let handle = fixture.start(&first).await;
    fixture.wait_for_output("line 299").await;
    drop(first);
    let handle = serde_json::from_str(&serde_json::to_string(&handle).unwrap()).unwrap();
    let second = Docker::new(DockerOptions::default(), launcher());
    second.recover(&handle).await.unwrap();
    assert_eq!(second.wait(&handle).await.unwrap().exit_code, 0);
    let expected: String = (0..300).map(|n| format!("line {n}\n")).chain(["end\n".into()]).collect();
    assert_eq!(fixture.stdout(), expected);
    second.destroy(&handle).await.unwrap();
}

#[tokio::test]
async fn a_killed_log_follower_is_replaced_without_loss_or_repetition() {
    let Some(driver) = docker().await else { return };
    let fixture = script("i=0; while [ $i -lt 100 ]; do echo line $i; i=$((i+1)); sleep 0.03; done", &json!({}));
    let handle = fixture.start(&driver).await;
    fixture.wait_for_output("line 10\n").await;
    let follower = follower_of(handle.state["container_id"].as_str().unwrap());
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(follower), nix::sys::signal::Signal::SIGKILL).unwrap();
    wait_until("the follower's end", || !is_process(follower)).await;
    driver.wait(&handle).await.unwrap();
    let expected: String = (0..100).map(|n| format!("line {n}\n")).collect();
    assert_eq!(fixture.stdout(), expected);
    driver.destroy(&handle).await.unwrap();
}

/// The process that listens on the follower's socket.
fn follower_of(container: &str) -> i32 {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixStream};
    let name = drover_drivers::supervisor::follower_socket(container);
    let stream = UnixStream::connect_addr(&SocketAddr::from_abstract_name(name).unwrap()).unwrap();
    nix::sys::socket::getsockopt(&stream, nix::sys::socket::sockopt::PeerCredentials).unwrap().pid()
}

#[tokio::test]
async fn stop_asks_first_and_forces_later() {
    let Some(driver) = docker().await else { return };
    let polite = script("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.1; done", &json!({}));
    let handle = polite.start(&driver).await;
    polite.wait_for_output("ready").await;
    driver.stop(&handle, WAIT, None).await.unwrap();
    assert_eq!(driver.wait(&handle).await.unwrap().exit_code, 0);
    assert!(polite.stdout().ends_with("bye\n"));
    driver.destroy(&handle).await.unwrap();

    let stubborn = script("trap '' TERM; echo ready; while :; do sleep 0.1; done", &json!({}));
    let handle = stubborn.start(&driver).await;
    stubborn.wait_for_output("ready").await;
    driver.stop(&handle, Duration::from_millis(200), None).await.unwrap();
    assert_eq!(driver.wait(&handle).await.unwrap().exit_code, 137);
    driver.destroy(&handle).await.unwrap();
}

#[tokio::test]
async fn lack_of_memory_is_reported() {
    let Some(driver) = docker().await else { return };
    let fixture = script("exec tail -c 200000000 /dev/zero", &json!({}));
    let handle = fixture.start(&driver).await;
    let exit = driver.wait(&handle).await.unwrap();
    assert_eq!((exit.exit_code, exit.oom_killed, exit.err.as_deref()), (137, true, Some("OOM Killed")));
    driver.destroy(&handle).await.unwrap();
}

#[tokio::test]
async fn wrong_settings_are_refused_with_the_reason() {
    let Some(driver) = docker().await else { return };
    for (config, expected) in [
        (json!({"ports": ["nope"]}), "Port \"nope\" not found, check network block"),
        (json!({"privileged": true}), "Docker privileged mode is disabled"),
        (json!({"cap_add": ["sys_admin"]}), "driver does not allow the following capabilities: sys_admin"),
        (json!({"volumes": ["/etc:/x"]}), "volumes are not enabled; cannot mount host path: \"/etc:/x\""),
        (json!({"volumes": ["../../../etc:/x"]}), "volumes are not enabled"),
        (json!({"ulimit": {"nofile": "x"}}), "Malformed ulimit nofile"),
        (json!({"foo": 1}), "No argument or block type is named \"foo\""),
        (json!({"command": "/no/such"}), "Failed to start container"),
        (json!({"network_mode": "nosuchnet"}), "nosuchnet not found"),
        (json!({"image": "127.0.0.1:1/no/such:1"}), "Failed to pull `127.0.0.1:1/no/such:1`"),
    ] {
        let fixture = script("true", &config);
        let error = driver.start(&fixture.config, &EventSink::none()).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{config}: {error}");
    }
}

#[tokio::test]
async fn settings_reach_the_container() {
    let Some(driver) = docker().await else { return };
    let fixture = script(
        "hostname; pwd; id -u; grep example /etc/hosts; ls /mnt/local; touch /y 2>/dev/null || echo ro; ls /t",
        &json!({
            "hostname": "box", "work_dir": "/bin", "extra_hosts": ["example.test:10.1.2.3"], "readonly_rootfs": true,
            "volumes": ["local:/mnt/local"], "init": false, "ulimit": [{"nofile": "100:200"}], "shm_size": 1_000_000,
            "mount": [{"type": "tmpfs", "target": "/t", "tmpfs_options": [{"size": 100_000}]}], "pids_limit": 50,
            "dns_servers": ["10.0.0.1"], "sysctl": [{"net.core.somaxconn": "1234"}], "cap_drop": ["mknod"],
        }),
    );
    let mut fixture = fixture;
    fixture.config.user = "1234".into();
    std::fs::write(fixture.config.dirs.local_dir.join("there"), "").unwrap();
    let handle = fixture.start(&driver).await;
    driver.wait(&handle).await.unwrap();
    assert_eq!(fixture.stdout(), "box\n/bin\n1234\n10.1.2.3\texample.test\nthere\nro\n", "{}", fixture.log("stderr"));
    driver.destroy(&handle).await.unwrap();
}

#[tokio::test]
async fn commands_run_inside() {
    let Some(driver) = docker().await else { return };
    let fixture = script("exec sleep 1000", &json!({}));
    let handle = fixture.start(&driver).await;
    let command = ["/bin/sh", "-c", "cat; echo bad >&2; exit 4"].map(String::from).to_vec();
    let mut session = driver.exec(&handle, ExecRequest { command, tty: None }).await.unwrap();
    session.stdin.write_all(b"hello").await.unwrap();
    session.stdin.shutdown().await.unwrap();
    drop(session.stdin);
    let (mut out, mut err) = (String::new(), String::new());
    session.stdout.read_to_string(&mut out).await.unwrap();
    session.stderr.unwrap().read_to_string(&mut err).await.unwrap();
    assert_eq!((out.as_str(), err.as_str()), ("hello", "bad\n"));
    assert_eq!(session.exit.await.unwrap(), 4);

    let size = TerminalSize { height: 40, width: 100 };
    let request = ExecRequest { command: vec!["/bin/echo".into(), "hi".into()], tty: Some(size) };
    let mut session = driver.exec(&handle, request).await.unwrap();
    let mut out = String::new();
    session.stdout.read_to_string(&mut out).await.unwrap();
    assert_eq!(out, "hi\r\n");
    assert!(driver.stats(&handle).await.unwrap().total.memory.usage > 0);
    driver.destroy(&handle).await.unwrap();
}

#[tokio::test]
async fn a_container_with_a_terminal_is_logged() {
    let Some(driver) = docker().await else { return };
    let fixture = script("echo one; echo two", &json!({"tty": true}));
    let handle = fixture.start(&driver).await;
    driver.wait(&handle).await.unwrap();
    assert_eq!(fixture.stdout(), "one\r\ntwo\r\n");
    driver.destroy(&handle).await.unwrap();
}
