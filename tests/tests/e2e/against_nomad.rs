//! `drover plan`, `apply` and `destroy` against the reference's agent: the same stack, the same exit codes.

use drover_tests::{Agent, AgentOptions, files, peer, run_in};

#[test]
fn a_stack_lives_on_the_reference_too() {
    let Some(nomad) = peer("nomad") else { return };
    let agent = Agent::start(AgentOptions { binary: Some(nomad), ..AgentOptions::default() });
    let folder = files::folder();
    let hello = files::copy_example("hello", folder.path());
    let address = agent.address();
    let drover = |args: &[&str]| run_in(folder.path(), &[("NOMAD_ADDR", &address)], args);

    drover(&["plan", "-detailed-exitcode", "hello"]).expect_code(2).expect_text("2 to create");
    let applied = drover(&["apply", "-auto-approve", "hello"]).expect_code(0);
    applied.expect_text("2 created, 0 updated, 0 deleted.").expect_row("greeting = hello, world!");
    assert_eq!(agent.allocations("hello", "running").len(), 2);
    assert_eq!(agent.allocations("hello-report", "complete").len(), 1);
    drover(&["plan", "-detailed-exitcode", "hello"]).expect_code(0).expect_text("No changes.");
    drover(&["apply", "-auto-approve", "hello"]).expect_code(0).expect_text("No changes.");

    files::edit(&hello.join("packs/hello/variables.hcl"), "default     = 2", "default     = 3");
    drover(&["plan", "-detailed-exitcode", "-out=edit.plan", "hello"])
        .expect_code(2)
        .expect_text("env.EVERY = \"2\" -> \"3\"")
        .expect_text("0 to create, 1 to update");
    drover(&["apply", "-auto-approve", "-var", "greeters=3", "hello"]).expect_code(0);
    drover(&["apply", "edit.plan"]).expect_code(5).expect_text("nothing was written");

    drover(&["show", "hello"]).expect_code(0).expect_text("pack.hello.job.hello").expect_row("Release = 2");
    drover(&["destroy", "-auto-approve", "hello"]).expect_code(0).expect_text("2 deleted");
    drover_tests::eventually("all tasks end", || agent.allocations("hello", "running").is_empty());
    drover(&["plan", "-detailed-exitcode", "hello"]).expect_code(2).expect_text("2 to create");
}
