//! A secret that the task gets by itself: the job holds a template, and the value arrives whole.

use drover_tests::{Agent, AgentOptions, eventually, files, peer, run_in};

/// With everything that could end a line, a quotation or a template.
const VALUE: &str = "va\"l ue#1 <b>&é $x `y` \\z";

const STACK: &str = r#"stack "late" {}
job "late" {
  file    = "late.nomad.hcl"
  vars    = { password = secret("nomadvar:nomad/jobs/late#password", { bind = "runtime" }) }
  wait    = "running"
  timeout = "60s"
}
"#;

const JOB: &str = r#"variable "password" {
  type = string
}
job "late" {
  group "g" {
    task "t" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "printf '%s\n' \"$URL\"; cat local/file; exec sleep 600"]
      }
      env {
        URL = "pg://u:${var.password}@{{h"
      }
      template {
        data        = "file ${var.password}\n"
        destination = "local/file"
      }
    }
  }
}
"#;

#[test]
fn a_value_that_is_bound_at_runtime_is_not_in_the_job_and_reaches_its_task() {
    let Some(nomad) = peer("nomad") else { return };
    let agent = Agent::start(AgentOptions { binary: Some(nomad), ..AgentOptions::default() });
    let folder = files::folder();
    files::write(folder.path(), "late/late.drover.hcl", STACK);
    files::write(folder.path(), "late/late.nomad.hcl", JOB);
    let address = agent.address();
    let drover = |arguments: &[&str]| run_in(folder.path(), &[("DROVER_ADDR", &address)], arguments);
    drover(&["var", "put", "nomad/jobs/late", &format!("password={VALUE}")]).expect_code(0);
    let refs = drover(&["secret", "refs", "late"]).expect_code(0);
    refs.expect_row("runtime nomadvar:nomad/jobs/late#password the task reads it with its own identity");
    drover(&["apply", "-auto-approve", "late"]).expect_code(0);
    assert!(!agent.get("/v1/job/late").to_string().contains("va\\\"l"), "the value is not in the job");
    let wanted = format!("pg://u:{VALUE}@{{{{h\nfile {VALUE}\n");
    eventually("the task prints what it got", || drover(&["alloc", "logs", "-job", "late"]).stdout == wanted);
    drover(&["plan", "-detailed-exitcode", "late"]).expect_code(0);
    drover(&["destroy", "-auto-approve", "-purge", "late"]).expect_code(0);

    // Where no template reaches, it is an error that says so.
    files::edit(&folder.path().join("late/late.nomad.hcl"), "exec sleep 600", "echo ${var.password}");
    let refused = drover(&["plan", "late"]).expect_code(1);
    refused.expect_text("nomadvar:nomad/jobs/late#password").expect_text("Config.args[1]");
}
