//! Packs that want to harm who renders them: they end with a clear error, in time and within memory.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use drover_packs::limits::Bounded;
use drover_packs::nomad_pack::Choices;
use drover_packs::{Meta, Pack, RenderRequest, Supplied};
use drover_secrets::{Resolver, Taint};

#[global_allocator]
static ALLOCATOR: Bounded = Bounded;

/// What is promised, with room for a machine that does other things too.
const LIMIT: Duration = Duration::from_secs(20);

#[track_caller]
fn refused(files: &[(&str, &str)], wanted: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let metadata = ("metadata.hcl", "pack {\n  name = \"evil\"\n}\n");
    for (name, text) in files.iter().chain(&[metadata]) {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let begin = Instant::now();
    let request = RenderRequest {
        supplied: Supplied::default(),
        secrets: Arc::new(Resolver::new(Taint::default())),
        env: Arc::default(),
        meta: Meta::default(),
        choices: Choices::default(),
        engine: None,
    };
    let pack = Pack::load(folder.path()).map_err(|error| error.to_string());
    let error = pack.and_then(|pack| pack.render(&request).map_err(|error| error.to_string())).map(|_| ()).unwrap_err();
    for part in wanted {
        assert!(error.contains(part), "{part:?} not in:\n{error}");
    }
    assert!(begin.elapsed() < LIMIT, "it took {:?}", begin.elapsed());
}

fn tera(text: &str, wanted: &[&str]) {
    refused(&[("templates/x.tera", text)], wanted);
}

#[test]
fn endless_loops() {
    tera(
        "{% for a in range(end=99999) %}{% for b in range(end=99999) %}{% for c in range(end=99999) %}{% endfor %}{% endfor %}{% endfor %}",
        &["stopped after 1.5 s"],
    );
}

#[test]
fn giant_ranges() {
    tera("{{ range(end=100000000000) }}", &["templates/x.tera:1:", "range"]);
}

#[test]
fn endless_recursion() {
    tera("{% component a() %}{{ <a /> }}{% endcomponent %}{{ <a /> }}", &["recursion"]);
    refused(
        &[("templates/x.tera", "{% include \"y.tera\" %}"), ("templates/y.tera", "{% include \"x.tera\" %}")],
        &["ircular"],
    );
    let nested = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
    tera(&format!("{{{{ {nested} }}}}"), &["templates/x.tera:1:"]);
}

#[test]
fn growing_texts_and_values() {
    tera(&format!("{{% set a = 'xxxxxxxxxxxxxxxx' %}}{}", "{% set a = a ~ a %}".repeat(40)), &["192 MiB"]);
    tera(
        &format!(
            "{{% set a = ['xxxxxxxxxxxxxxxx'] %}}{}{{{{ a | to_hcl }}}}",
            "{% set a = [a, a, a, a, a, a, a, a, a, a] %}".repeat(12)
        ),
        &["stopped"],
    );
    tera(
        "{% set_global s = 'xxxxxxxx' %}{% for i in range(end=60) %}{% set_global s = s | replace(from='x', to='xx') %}{% endfor %}",
        &["stopped"],
    );
    tera(
        "{% for i in range(end=99999) %}{% for j in range(end=99999) %}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{% endfor %}{% endfor %}",
        &["stopped"],
    );
}

#[test]
fn includes_that_fan_out() {
    let mut files: Vec<(String, String)> = (0..60)
        .map(|n| {
            let next = format!("{{% include \"t{}.tera\" %}}", n + 1);
            (format!("templates/t{n}.tera"), next.repeat(2))
        })
        .collect();
    files.push(("templates/t60.tera".to_owned(), "x".to_owned()));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    refused(&files, &["stopped"]);
}

#[test]
fn files_outside() {
    for path in ["../../../etc/passwd", "/etc/passwd", "files/../../x", "./../x"] {
        tera(&format!("{{{{ file(path=\"{path}\") }}}}"), &["outside the pack"]);
    }
    refused(
        &[(
            "templates/x.nomad.hcl.tera",
            "job \"x\" {\n  group \"g\" {\n    task \"t\" {\n      driver = \"raw_exec\"\n      config {\n        command = file(\"/etc/passwd\")\n      }\n    }\n  }\n}\n",
        )],
        &["x.nomad.hcl.tera (rendered):6:"],
    );
}

#[test]
fn expressions_that_explode() {
    refused(
        &[
            (
                "outputs.hcl",
                "output \"x\" {\n  value = [for a in range(1000) : [for b in range(1000) : [for c in range(1000) : c]]]\n}\n",
            ),
            ("templates/x.tera", "x"),
        ],
        // Whichever limit it meets first: the language's own or that of all renderings.
        &[""],
    );
    refused(
        &[
            ("outputs.hcl", "output \"x\" {\n  value = regex(\"(((a{1,1000}){1,1000}){1,1000})\", \"aaaa\")\n}\n"),
            ("templates/x.tera", "x"),
        ],
        &["outputs.hcl:2"],
    );
    refused(
        &[
            (
                "variables.hcl",
                "variable \"a\" {\n  default = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"\n  validation {\n    condition = regex(\"^(a+)+$\", var.a) != \"\"\n    error_message = \"No.\"\n  }\n}\n",
            ),
            ("templates/x.tera", "x"),
        ],
        &["variables.hcl:4"],
    );
}

#[test]
fn go_templates_beside_tera() {
    refused(
        &[
            ("templates/x.tera", "x"),
            ("templates/y.tpl", "[[ define \"a\" ]][[ template \"a\" . ]][[ end ]][[ template \"a\" . ]]"),
        ],
        &["y.tpl"],
    );
    refused(&[("templates/x.tera", "x"), ("templates/y.tpl", "[[ range until 100000000 ]]x[[ end ]]")], &["y.tpl"]);
    refused(
        &[("templates/x.tera", "x"), ("templates/y.tpl", "[[ fileContents \"/etc/passwd\" ]]")],
        &["outside of the pack"],
    );
}
