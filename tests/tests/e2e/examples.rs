//! The examples do what their pages say.

use drover_tests::{Agent, Run, docker_available, drover, files, free_ports, is_root, run_in, run_program, wait_for};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the programs that an example needs are there; `false` with a message.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn has_programs(patterns: &[&str]) -> bool {
    let script = |pattern: &&&str| format!("ls {pattern} >/dev/null 2>&1 || command -v {pattern} >/dev/null 2>&1");
    let is_there = |pattern: &&&str| {
        Command::new("sh").args(["-c", &script(pattern)]).status().is_ok_and(|status| status.success())
    };
    let missing: Vec<_> = patterns.iter().filter(|pattern| !is_there(pattern)).collect();
    if !missing.is_empty() {
        eprintln!("skipped: not installed: {missing:?}");
    }
    missing.is_empty()
}

/// The first of `count` free ports in a row.
fn free_row(count: u16) -> u16 {
    wait_for("free ports in a row", || {
        let [first] = free_ports();
        (1..count).all(|next| TcpListener::bind(("127.0.0.1", first.saturating_add(next))).is_ok()).then_some(first)
    })
}

fn fetch(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}

#[test]
fn the_shop_sells_while_it_is_renewed() {
    if !is_root() || !has_programs(&["/usr/lib/postgresql/*/bin/postgres", "psql", "/usr/sbin/haproxy", "busybox"]) {
        return;
    }
    let agent = Agent::dev();
    let folder = files::folder();
    let shop = files::copy_example("shop", folder.path());
    let (port, database, web) = (free_row(1), free_row(1), free_row(2));
    files::edit(&shop.join("packs/postgres/variables.hcl"), "15432", &database.to_string());
    let data = folder.path().join("data").display().to_string();
    files::edit(&shop.join("packs/postgres/variables.hcl"), "/var/tmp/drover-shop/postgres", &data);
    files::edit(&shop.join("packs/web/variables.hcl"), "18081", &web.to_string());
    files::edit(&shop.join("shop.drover.hcl"), "18080", &port.to_string());
    let address = agent.address();
    let drover = |password: &str, args: &[&str]| -> Run {
        run_in(folder.path(), &[("DROVER_ADDR", &address), ("SHOP_DB_PASSWORD", password)], args)
    };
    let missing =
        run_in(folder.path(), &[("DROVER_ADDR", &address)], &["apply", "-auto-approve", "shop"]).expect_code(1);
    missing.expect_text("shop.drover.hcl:").expect_text("SHOP_DB_PASSWORD");
    let applied =
        drover("correct-horse", &["apply", "-auto-approve", "shop"]).expect_code(0).expect_no("correct-horse");
    applied.expect_text("3 created").expect_text(&format!("http://127.0.0.1:{port}"));
    let page = fetch(port).expect("the shop answers");
    assert!(
        page.starts_with("HTTP/1.") && page.contains(" 200 ") && page.contains("welcome to the shop (instance"),
        "{page}"
    );

    let stop = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&stop);
    let customer = std::thread::spawn(move || {
        let mut visits = Vec::new();
        while !ended.load(Ordering::Relaxed) {
            visits.push(fetch(port).unwrap_or_else(|| "no connection".to_owned()));
        }
        visits
    });
    let renewed = drover("correct-horse", &["apply", "-auto-approve", "-var", "greeting=half price today", "shop"]);
    stop.store(true, Ordering::Relaxed);
    let visits = customer.join().unwrap();
    renewed.expect_code(0).expect_text("1 updated");
    let refused: Vec<&String> = visits.iter().filter(|page| !page.contains(" 200 ")).collect();
    assert!(
        refused.is_empty() && visits.len() > 20,
        "{} of {} customers were sent away: {refused:?}",
        refused.len(),
        visits.len()
    );
    assert!(
        visits.iter().any(|page| page.contains("welcome")) && visits.iter().any(|page| page.contains("half price")),
        "it was renewed under way"
    );

    let secret = drover("battery-staple", &["plan", "-var", "greeting=half price today", "shop"]).expect_code(0);
    secret.expect_text("(sensitive, changed)").expect_no("battery-staple").expect_no("correct-horse");
    assert!(!agent.log().contains("correct-horse"), "the agent does not log the secret");
    drover("correct-horse", &["destroy", "-auto-approve", "shop"]).expect_code(0).expect_text("3 deleted");
    drover_tests::eventually("the shop is shut", || fetch(port).is_none());
}

#[test]
fn the_tutorial_of_the_seed_works_as_nomad() {
    let has_image = || {
        Command::new("docker").args(["image", "inspect", "postgres:15"]).output().is_ok_and(|out| out.status.success())
    };
    if !docker_available() || !has_programs(&["psql"]) || !has_image() {
        return;
    }
    let agent = Agent::dev();
    let folder = files::folder();
    let seed = files::copy_example("seed", folder.path());
    let [port] = free_ports();
    // Another port than the guide's, so that tests can run side by side.
    files::edit(&seed.join("postgres.nomad"), "static = 5432", &format!("static = {port}\n        to     = 5432"));
    let link = folder.path().join("nomad");
    std::os::unix::fs::symlink(drover(), &link).unwrap();
    let address = agent.address();
    let nomad = |args: &[&str]| run_program(&link, Path::new(&seed), &[("NOMAD_ADDR", &address)], args);
    nomad(&["job", "run", "postgres.nomad"]).expect_code(0).expect_text("Deployment completed successfully");
    nomad(&["job", "status", "postgres"]).expect_code(0).expect_row("database 0 0 1 0 0 0 0");
    let id = agent.wait_alloc("postgres", "running");
    let status = nomad(&["alloc", "status", &id[..8]]).expect_code(0).expect_row("Task \"postgres\" is \"running\"");
    status.expect_text(&format!(":{port}"));
    let query = || {
        let mut psql = Command::new("psql");
        psql.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-U", "postgres", "-tAc", "select 6 * 7", "mydb"]);
        let out = psql.env("PGPASSWORD", "password").output().ok()?;
        out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
    };
    assert_eq!(wait_for("an answer of the database", query), "42");
    nomad(&["alloc", "logs", "-stderr", &id[..8]]).expect_code(0).expect_text("ready to accept connections");
    nomad(&["job", "stop", "postgres"]).expect_code(0);
    drover_tests::eventually("its container is gone", || {
        agent.get(&format!("/v1/allocation/{id}"))["ClientStatus"] == "complete"
    });
}
