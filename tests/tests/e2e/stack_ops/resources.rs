//! Scenarios of the language: other resources than jobs, environments, renames, imports, policies, checks, generated stacks.

use super::lab::{Lab, block};
use serde_json::{Value, json};

/// Resources that are one object in the engine: made, changed in place, made anew, removed.
pub fn other_resources(lab: &Lab<'_>) -> Value {
    let stack = |algorithm: &str, team: &str, mode: &str| {
        format!(
            r#"
namespace "NAME-space" {{
  description = "of {team}"
}}
node_pool "NAME-pool" {{
  meta = {{ team = "{team}" }}
}}
host_volume "NAME-volume" {{
  namespace = namespace.NAME-space.name
  capability {{
    access_mode     = "{mode}"
    attachment_mode = "file-system"
  }}
}}
scheduler_config "main" {{
  scheduler_algorithm = "{algorithm}"
}}
variables "NAME/settings" {{
  items     = {{ team = "{team}" }}
}}
"#
        )
    };
    lab.stack(&stack("spread", "red", "single-node-writer"));
    lab.apply(&[]).expect_code(0);
    assert_eq!(lab.plan_code(), 0, "after an apply there is nothing to do");
    lab.stack(&stack("binpack", "blue", "single-node-reader-only"));
    lab.drover(&["plan", "s"]).expect_code(0).expect_text("makes it anew").expect_text("0 to create, 5 to update");
    lab.apply(&[]).expect_code(0);
    assert_eq!(lab.plan_code(), 0, "after a change there is nothing to do");
    let name = &lab.name;
    let pool = lab.agent.get(&format!("/v1/node/pool/{name}-pool"));
    let space = lab.agent.get(&format!("/v1/namespace/{name}-space"));
    let settings = lab.agent.get("/v1/operator/scheduler/configuration");
    let seen = json!([pool["Meta"], space["Description"], settings["SchedulerConfig"]["SchedulerAlgorithm"]]);
    lab.stack("");
    lab.apply(&[]).expect_code(0);
    assert!(lab.agent.try_get(&format!("/v1/node/pool/{name}-pool")).is_none(), "what the stack does not name goes");
    json!([seen, lab.state()])
}

/// A rename leaves what runs alone.
pub fn renamed(lab: &Lab<'_>) -> Value {
    lab.chain(&[("a", "1")]);
    lab.apply(&[]).expect_code(0);
    let before = lab.live("a").unwrap()["JobModifyIndex"].clone();
    let moved = "moved {\n  from = job.a\n  to = job.b\n}\n";
    lab.stack(&format!("{}{moved}", block("a", "").replace("job \"a\"", "job \"b\"")));
    lab.drover(&["plan", "s"]).expect_code(0).expect_text("1 to rename");
    lab.apply(&[]).expect_code(0);
    assert_eq!(lab.live("a").unwrap()["JobModifyIndex"], before, "the job was not written");
    assert_eq!(lab.plan_code(), 0);
    lab.stack("");
    lab.apply(&[]).expect_code(0);
    lab.state()
}

/// Something that runs already becomes the stack's own without a restart.
pub fn imported(lab: &Lab<'_>) -> Value {
    lab.job("a", "1", "exec sleep 600");
    let run = lab.drover(&["job", "run", "-detach", "s/a.nomad.hcl"]);
    run.expect_code(0);
    lab.agent.wait_alloc(&format!("{}-a", lab.name), "running");
    let before = lab.live("a").unwrap()["JobModifyIndex"].clone();
    lab.stack(&block("a", ""));
    assert_eq!(lab.apply(&[]).code, 1, "it belongs to nobody, and is not touched");
    lab.stack(&format!("{}import {{\n  to = job.a\n  id = \"NAME-a\"\n}}\n", block("a", "")));
    lab.apply(&[]).expect_code(0);
    assert_eq!(lab.live("a").unwrap()["JobModifyIndex"], before, "the job was not written");
    assert_eq!(lab.plan_code(), 0);
    lab.state()
}

/// An overlay changes what it names, in its environment only.
pub fn environment(lab: &Lab<'_>) -> Value {
    let base = "variables \"NAME/a\" {\n  items = { x = \"1\", y = \"1\" }\n}\n";
    let overlay = "overlay \"prod\" {\n  variables \"NAME/a\" {\n    items = { y = stack.env }\n  }\n}\n";
    lab.stack(&format!("{base}{overlay}"));
    lab.apply(&["-env=prod"]).expect_code(0);
    assert_eq!(lab.drover(&["plan", "-detailed-exitcode", "-env=prod", "s"]).code, 0);
    assert_eq!(lab.plan_code(), 2, "without it the stack is another one");
    assert_eq!(lab.drover(&["plan", "-env=test", "s"]).code, 1);
    lab.state()
}

/// A mandatory policy ends plan and apply with 6, and nothing is written.
pub fn refused_by_policy(lab: &Lab<'_>) -> Value {
    let policy =
        |level: &str| format!("policy \"none\" {{\n  level = \"{level}\"\n  rule = \"job.Type == 'batch'\"\n}}\n");
    lab.job("a", "1", "exec sleep 600");
    lab.stack(&format!("{}{}", block("a", ""), policy("mandatory")));
    let codes = [lab.drover(&["plan", "s"]).code, lab.apply(&[]).code];
    assert_eq!(codes, [6, 6]);
    assert!(lab.live("a").is_none(), "nothing was written");
    lab.stack(&format!("{}{}", block("a", ""), policy("advisory")));
    lab.apply(&[]).expect_code(0);
    lab.state()
}

/// A check that fails ends the apply with 4.
pub fn failed_check(lab: &Lab<'_>) -> Value {
    let well = format!("check \"c\" {{\n  http = \"{}/v1/status/leader\"\n}}\n", lab.agent.address());
    let variables = "variables \"NAME/a\" {\n  items = { x = \"1\" }\n}\n";
    lab.stack(&format!("{variables}{well}"));
    lab.apply(&[]).expect_code(0);
    let ill = well.replace("/v1/status/leader\"", "/v1/job/none\"\n  retries = 1\n  interval = \"10ms\"");
    lab.stack(&format!("{}{ill}", variables.replace("\"1\"", "\"2\"")));
    assert_eq!(lab.apply(&[]).code, 4);
    json!(lab.agent.get(&format!("/v1/var/{}/a", lab.name))["Items"])
}

/// Generated stacks: whatever is in them, a plan after an apply is empty, and so is one of the same blocks in another order.
pub fn generated(lab: &Lab<'_>) -> Value {
    let mut seed = 7_u64;
    let mut next = |limit: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % limit
    };
    lab.job("g", "1", "exec sleep 600");
    for round in 0..4 {
        let mut blocks: Vec<String> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for number in 0..3 + next(5) {
            let after = match names.len() as u64 {
                0 => String::new(),
                count => format!("  depends_on = [{}]\n", names[next(count) as usize]),
            };
            let (name, body) = match next(4) {
                0 => (format!("namespace.NAME-n{number}"), format!("  description = \"round {round}\"\n")),
                1 => (format!("node_pool.NAME-p{number}"), "  meta = { a = \"b\" }\n".to_owned()),
                2 if number == 0 => ("job.g".to_owned(), "  file = \"g.nomad.hcl\"\n  wait = \"running\"\n".to_owned()),
                _ => (
                    format!("variables.v{number}"),
                    format!("  for_each = {{ a = \"{round}\", b = \"x\" }}\n  items = {{ k = \"${{each.value}}\" }}\n"),
                ),
            };
            let (kind, label) = name.split_once('.').unwrap();
            let label = if kind == "variables" { format!("NAME/{label}") } else { label.to_owned() };
            if kind == "variables" {
                names.push(format!("variables[\"{label}\"]"));
            } else {
                names.push(name.clone());
            }
            blocks.push(format!("{kind} \"{label}\" {{\n{body}{after}}}\n"));
        }
        lab.stack(&blocks.concat());
        lab.apply(&["-max-deletes=50"]).expect_code(0);
        blocks.reverse();
        lab.stack(&blocks.concat());
        assert_eq!(lab.plan_code(), 0, "round {round}:\n{}", blocks.concat());
    }
    lab.state()
}
