//! `apply` with a person at a terminal: it asks, moves bars, can be interrupted, and is taken up again.

use drover_tests::{Agent, Terminal, files, run_in};
use nix::sys::signal::Signal;
use serde_json::json;

#[test]
fn it_asks_and_shows_progress() {
    let agent = Agent::dev();
    let folder = files::folder();
    files::copy_example("hello", folder.path());
    let address = agent.address();
    let env = [("DROVER_ADDR", address.as_str())];

    let mut no = Terminal::start(folder.path(), &env, &["apply", "hello"]);
    no.expect("Only \"yes\" is taken for it");
    no.type_line("y");
    let (code, shown) = no.end();
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("Nothing was changed."), "{shown}");
    assert_eq!(agent.get("/v1/jobs"), json!([]), "nothing was written");

    let mut yes = Terminal::start(folder.path(), &env, &["apply", "hello"]);
    yes.expect("Only \"yes\" is taken for it");
    assert!(yes.shown().contains("\x1b[32m"), "what is created is green: {}", yes.shown());
    yes.type_line("yes");
    yes.expect("pack.hello.job.hello");
    let (code, shown) = yes.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("/2 ready"), "a bar shows how many are ready: {shown}");
    assert!(shown.contains("greeting = hello, world!"), "{shown}");

    let mut quiet = Terminal::start(folder.path(), &[env[0], ("NO_COLOR", "1")], &["plan", "hello"]);
    let (code, shown) = quiet.end();
    assert_eq!(code, 0);
    assert!(!shown.contains("\x1b[3"), "no colours where none are wanted: {shown}");
}

#[test]
fn an_interrupted_apply_is_taken_up_again() {
    let agent = Agent::dev();
    let folder = files::folder();
    files::copy_example("hello", folder.path());
    // Long enough to be interrupted on the way.
    let template = folder.path().join("hello/packs/hello/templates/hello.nomad.hcl.tera");
    files::edit(&template, "min_healthy_time = \"1s\"", "min_healthy_time = \"3s\"");
    let address = agent.address();
    let env = [("DROVER_ADDR", address.as_str())];
    let mut apply = Terminal::start(folder.path(), &env, &["apply", "-auto-approve", "hello"]);
    agent.wait_alloc("hello", "running");
    apply.signal(Signal::SIGINT);
    let (code, shown) = apply.end();
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("Interrupted"), "{shown}");
    assert!(shown.contains("job.report"), "it says what was not begun: {shown}");
    assert_eq!(agent.try_get("/v1/job/hello-report"), None, "nothing new is begun");

    let again = run_in(folder.path(), &env, &["apply", "-auto-approve", "hello"]).expect_code(0);
    again.expect_text("job.report").expect_text("greeting = hello, world!");
    assert_eq!(agent.allocations("hello-report", "complete").len(), 1);
    run_in(folder.path(), &env, &["plan", "-detailed-exitcode", "hello"]).expect_code(0);
}
