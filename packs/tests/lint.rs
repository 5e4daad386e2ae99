//! What `pack lint` finds, with its places.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;
use std::sync::Arc;

use drover_packs::lint::{examples, lint};
use drover_packs::nomad_pack::Choices;
use drover_packs::{Meta, Pack, RenderRequest};
use drover_secrets::{Resolver, Taint};

fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// `rule file:line:column` of each finding.
fn findings(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), files);
    let pack = Pack::load(folder.path()).unwrap();
    let request = RenderRequest {
        supplied: examples(&pack),
        secrets: Arc::new(Resolver::new(Taint::default())),
        env: Arc::default(),
        meta: Meta::default(),
        choices: Choices::default(),
        engine: None,
    };
    let rendered = pack.render(&request).map_err(|error| error.to_string()).unwrap();
    let root = format!("{}/", folder.path().display());
    lint(&pack, Some(&rendered))
        .iter()
        .map(|finding| {
            let place = finding.problem.range.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{} {}", finding.rule.name(), place.replace(&root, ""))
        })
        .collect()
}

const CLEAN: [(&str, &str); 4] = [
    (
        "metadata.hcl",
        "pack {\n  name        = \"web\"\n  description = \"A web server.\"\n  version     = \"1.0.0\"\n}\n",
    ),
    (
        "variables.hcl",
        "variable \"image\" {\n  description = \"The image.\"\n  type = string\n  default = \"nginx:1.27\"\n}\nvariable \"password\" {\n  description = \"For the admin.\"\n  type = string\n  sensitive = true\n}\n",
    ),
    (
        "templates/web.nomad.hcl.tera",
        "job \"web\" {\n  group \"g\" {\n    task \"t\" {\n      driver = \"docker\"\n      config { image = {{ image | to_hcl }} }\n      {{ <size cpu={100} /> }}\n    }\n  }\n}\n",
    ),
    ("templates/_helpers.tera", "{% component size(cpu: integer) %}resources {\n cpu = {{ cpu }}\n}{% endcomponent %}"),
];
const RESOURCES: (&str, &str) =
    ("resources.hcl.tera", "variables \"nomad/jobs/web\" {\n  items = { password = {{ password | to_hcl }} }\n}\n");

fn with(changes: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let mut files = CLEAN.to_vec();
    files.push(RESOURCES);
    for change in changes {
        files.retain(|(name, _)| name != &change.0);
        files.push(*change);
    }
    files
}

#[test]
fn a_sound_pack_is_clean() {
    assert_eq!(findings(&with(&[])), Vec::<String>::new());
}

#[test]
fn variables_are_used_declared_described_and_typed() {
    let variables = "variable \"image\" {\n  default = \"nginx\"\n}\nvariable \"password\" {\n  description = \"x\"\n  type = string\n}\nvariable \"spare\" {\n  description = \"x\"\n  type = number\n  default = 1\n}\n";
    let found = findings(&with(&[("variables.hcl", variables)]));
    assert_eq!(
        found,
        [
            "missing-description variables.hcl:1:10",
            "missing-type variables.hcl:1:10",
            "latest-tag variables.hcl:2:13",
            "secret-not-sensitive variables.hcl:4:10",
            "unused-variable variables.hcl:8:10",
        ]
    );
}

#[test]
fn jobs_have_pinned_images_and_resources_and_no_secrets() {
    let job = "job \"web\" {\n  group \"g\" {\n    task \"t\" {\n      driver = \"docker\"\n      config { image = \"nginx:latest\" }\n      env {\n        PASSWORD = {{ password | to_hcl }}\n        API_TOKEN = \"s3cr3t-value\"\n        IMAGE = {{ image | to_hcl }}\n        K = {{ unset_name | default(value=1) }}\n      }\n    }\n  }\n}\n";
    let found = findings(&with(&[("templates/web.nomad.hcl.tera", job)]));
    assert_eq!(
        found,
        [
            "unused-helper templates/_helpers.tera:1:14",
            "missing-resources templates/web.nomad.hcl.tera:3:5",
            "latest-tag templates/web.nomad.hcl.tera:5:24",
            "secret-in-job templates/web.nomad.hcl.tera:7:23",
            "secret-in-clear templates/web.nomad.hcl.tera:8:22",
            "undeclared-variable templates/web.nomad.hcl.tera:10:16",
        ]
    );
}

#[test]
fn packs_with_go_templates_are_read_too() {
    let found = findings(&[
        (
            "metadata.hcl",
            "app {\n  url = \"\"\n}\npack {\n  name = \"web\"\n  description = \"x\"\n  version = \"1\"\n}\n",
        ),
        (
            "variables.hcl",
            "variable \"a\" {\n  description = \"x\"\n  type = string\n  default = \"x\"\n}\nvariable \"b\" {\n  description = \"x\"\n  type = string\n  default = \"x\"\n}\n",
        ),
        ("templates/_h.tpl", "[[ define \"used\" ]]x[[ end ]][[ define \"spare\" ]]y[[ end ]]"),
        (
            "templates/web.nomad.tpl",
            "job [[ var \"a\" . | quote ]] {\n  meta { x = \"[[ template \"used\" . ]][[ if false ]][[ var \"c\" . ]][[ end ]]\" }\n  group \"g\" {\n    task \"t\" {\n      driver = \"raw_exec\"\n      resources {\n        cpu = 1\n      }\n    }\n  }\n}\n",
        ),
    ]);
    assert_eq!(
        found,
        [
            "missing-version metadata.hcl:4:1",
            "unused-helper templates/_h.tpl:1:41",
            "undeclared-variable templates/web.nomad.tpl:2:60",
            "unused-variable variables.hcl:6:10",
        ]
    );
}
