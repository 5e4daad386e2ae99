//! A pack from nothing to running, and what its author's mistakes look like.

use drover_tests::{Agent, Run, files, run_in};
use std::path::Path;

/// Where nothing listens: what needs no engine must not ask for one.
const NO_ENGINE: (&str, &str) = ("DROVER_ADDR", "http://127.0.0.1:9");

fn offline(folder: &Path, args: &[&str]) -> Run {
    run_in(folder, &[NO_ENGINE], args)
}

#[test]
fn a_new_pack_works_as_it_is() {
    let folder = files::folder();
    let agent = Agent::dev();
    let address = agent.address();
    let online = |args: &[&str]| run_in(folder.path(), &[("DROVER_ADDR", &address)], args);

    offline(folder.path(), &["pack", "new", "web"]).expect_code(0).expect_text("metadata.hcl");
    offline(folder.path(), &["pack", "new", "web"]).expect_code(1).expect_text("web");
    offline(folder.path(), &["pack", "validate", "web"]).expect_code(0).expect_text("The pack web is valid: 1 job.");
    offline(folder.path(), &["pack", "info", "web"]).expect_code(0).expect_text("web");
    let hcl = offline(folder.path(), &["pack", "render", "web"]).expect_code(0);
    assert!(hcl.stdout.contains("job \"web\""), "{}", hcl.all());
    offline(folder.path(), &["pack", "render", "-to-dir", "out", "web"]).expect_code(0);
    let written = std::fs::read_to_string(folder.path().join("out/web.nomad.hcl")).expect("the file is written");
    assert_eq!(written.trim(), hcl.stdout.trim(), "the same text in a file");
    let json = offline(folder.path(), &["pack", "render", "-format", "json", "web"]).expect_code(0).json();
    assert_eq!(json["Job"]["ID"], "web");

    online(&["pack", "plan", "web"]).expect_code(0).expect_text("+ pack.web.job.web").expect_text("1 to create");
    online(&["pack", "run", "-auto-approve", "web"]).expect_code(0).expect_text("1 created");
    assert!(!agent.allocations("web", "running").is_empty(), "it runs");
    online(&["pack", "plan", "web"]).expect_code(0).expect_text("No changes.");
    online(&["pack", "status", "web"]).expect_code(0).expect_text("running");
    // What was rendered to a file is the job that runs, but for its owner.
    online(&["job", "validate", "out/web.nomad.hcl"]).expect_code(0).expect_text("Job validation successful");
    online(&["pack", "destroy", "-auto-approve", "web"]).expect_code(0).expect_text("1 deleted");
    drover_tests::eventually("its tasks end", || agent.allocations("web", "running").is_empty());
}

#[test]
fn mistakes_are_shown_with_their_place() {
    let folder = files::folder();
    offline(folder.path(), &["pack", "new", "web"]).expect_code(0);
    let template = folder.path().join("web/templates/web.nomad.hcl.tera");
    let good = std::fs::read_to_string(&template).expect("the pack has a template");
    let check = |first_line: &str, args: &[&str], expected: &[&str]| {
        std::fs::write(&template, format!("{first_line}\n{good}")).unwrap();
        for command in ["render", "validate", "plan", "run"] {
            let args: Vec<&str> = ["pack", command].iter().chain(args).chain(&["web"]).copied().collect();
            let mut run = offline(folder.path(), &args).expect_code(1);
            for text in expected {
                run = run.expect_text(text);
            }
        }
    };
    check("# {% if %}", &[], &["web/templates/web.nomad.hcl.tera:1:"]);
    check("# {{ coutn }}", &[], &["web/templates/web.nomad.hcl.tera:1:6", "did you mean \"count\"?"]);
    check("# {{ count | uper }}", &[], &["web/templates/web.nomad.hcl.tera:1:"]);
    check("jb \"x\" {}", &[], &["web.nomad.hcl", ":1:"]);
    check("", &["-var", "coutn=3"], &["coutn", "did you mean", "count"]);
    check("", &["-var", "count=many"], &["count", "number"]);
    check("", &["-var", "count"], &["name=value"]);
    check("", &["-f", "none.hcl"], &["none.hcl"]);
    std::fs::write(folder.path().join("broken.hcl"), "count = 2\nname = \n").unwrap();
    check("", &["-f", "broken.hcl"], &["broken.hcl:2:"]);
    std::fs::write(folder.path().join("wrong.hcl"), "\ncoutn = 2\n").unwrap();
    check("", &["-f", "wrong.hcl"], &["wrong.hcl:2:1", "did you mean"]);
    std::fs::write(folder.path().join("many.hcl"), "\n\ncount = \"many\"\n").unwrap();
    check("", &["-f", "many.hcl"], &["many.hcl:3:1", "count", "number"]);
}

#[test]
fn a_pack_reaches_nothing_outside_itself() {
    let folder = files::folder();
    offline(folder.path(), &["pack", "new", "web"]).expect_code(0);
    let template = folder.path().join("web/templates/web.nomad.hcl.tera");
    let good = std::fs::read_to_string(&template).expect("the pack has a template");
    let outside = files::write(folder.path(), "outside.txt", "outside");
    for reach in [
        "file(path=\"../outside.txt\")",
        "file(path=\"/etc/passwd\")",
        "env(name=\"HOME\")",
        "secret(ref=\"env:HOME\")",
        "secret(ref=\"file:/etc/passwd\")",
    ] {
        std::fs::write(&template, format!("# {{{{ {reach} }}}}\n{good}")).unwrap();
        let run = offline(folder.path(), &["pack", "render", "web"]).expect_code(1);
        run.expect_text("web.nomad.hcl.tera:1:").expect_no("root:").expect_no(&folder.path().display().to_string());
    }
    std::fs::write(&template, good).unwrap();
    std::os::unix::fs::symlink("../outside.txt", folder.path().join("web/link.txt")).unwrap();
    let run = offline(folder.path(), &["pack", "render", "web"]).expect_code(1);
    run.expect_text("web/link.txt is a link that leads out of the pack");
    assert_eq!(std::fs::read_to_string(outside).unwrap(), "outside");
}
