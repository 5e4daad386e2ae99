//! Packs in folders: loading, variables, rendering, and what a person sees when something is wrong.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use drover_packs::nomad_pack::Choices;
use drover_packs::{LoadError, Meta, Pack, RenderRequest, Rendered, Supplied};
use drover_secrets::providers::EnvProvider;
use drover_secrets::{Resolver, Taint};

const JOB: &str = r#"job "web" {
  group "g" {
    count = {{ count }}
    task "t" {
      driver = "raw_exec"
      config { command = {{ command | to_hcl }} }
    }
  }
}
"#;

const VARIABLES: &str = r#"
variable "count" {
  type    = number
  default = 1
  validation {
    condition     = var.count < 10
    error_message = "At most nine."
  }
}
variable "command" {
  type    = string
  default = "/bin/true"
}
"#;

fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

fn base() -> Vec<(&'static str, &'static str)> {
    vec![
        ("metadata.hcl", "pack {\n  name = \"web\"\n}\n"),
        ("variables.hcl", VARIABLES),
        ("templates/web.nomad.hcl.tera", JOB),
    ]
}

fn render(files: &[(&str, &str)], arguments: &[&str]) -> Result<Rendered, String> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), files);
    let pack = Pack::load(folder.path()).map_err(|error| error.to_string())?;
    let env = EnvProvider::new(|name| (name == "TOKEN").then(|| "hunter2-secret".to_owned()));
    let secrets = Arc::new(Resolver::new(Taint::default()).with(env));
    let mut supplied = Supplied::default();
    arguments.iter().for_each(|argument| supplied.add_argument(argument).unwrap());
    let env = Arc::new(BTreeMap::from([("TOKEN".to_owned(), "hunter2-secret".to_owned())]));
    let choices = Choices::default();
    let request = RenderRequest { supplied, secrets, env, meta: Meta::default(), choices, engine: None };
    pack.render(&request).map_err(|error| error.to_string())
}

fn with<'a>(extra: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut files: Vec<(&str, &str)> =
        base().into_iter().filter(|(name, _)| !extra.iter().any(|(other, _)| other == name)).collect();
    files.extend(extra);
    files
}

fn check_error(files: &[(&str, &str)], arguments: &[&str], parts: &[&str]) {
    let error = render(files, arguments).err().expect("an error");
    for part in parts {
        assert!(error.contains(part), "{part:?} not in:\n{error}");
    }
}

#[test]
fn a_pack_renders_to_the_job_that_is_submitted() {
    let rendered = render(&base(), &["count=3", "command=/bin/echo \"${x}\""]).unwrap();
    let job = &rendered.jobs[0].job;
    assert_eq!((job["ID"].as_str(), job["TaskGroups"][0]["Count"].as_i64()), (Some("web"), Some(3)));
    // What a person gives cannot become a part of the job's language.
    assert_eq!(job["TaskGroups"][0]["Tasks"][0]["Config"]["command"], "/bin/echo \"${x}\"");
}

#[test]
fn the_scaffold_is_a_valid_pack() {
    let files = drover_packs::scaffold::files("web").unwrap();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let rendered = render(&files, &[]).unwrap();
    assert_eq!(rendered.jobs[0].id, "web");
    assert!(rendered.message.unwrap().contains("1 instance"));
}

#[test]
fn dependencies_render_first_with_their_own_variables_and_outputs() {
    let files = with(&[
        (
            "metadata.hcl",
            "pack {\n  name = \"web\"\n}\ndependency \"postgres\" {\n  alias = \"db\"\n  source = \"./deps/pg\"\n  vars = { count = var.count + 1 }\n}\n",
        ),
        (
            "templates/web.nomad.hcl.tera",
            "job \"web\" {\n  meta { db = {{ deps.db.outputs.url | to_hcl }} }\n  group \"g\" {\n    task \"t\" {\n      driver = \"mock\"\n    }\n  }\n}\n",
        ),
        ("deps/pg/metadata.hcl", "pack {\n  name = \"postgres\"\n}\n"),
        ("deps/pg/variables.hcl", VARIABLES),
        (
            "deps/pg/templates/pg.nomad.hcl.tera",
            "job \"pg\" {\n  group \"g\" {\n    count = {{ count }}\n    task \"t\" {\n      driver = \"mock\"\n    }\n  }\n}\n",
        ),
        ("deps/pg/outputs.hcl", "output \"url\" {\n  value = \"pg://${var.command}\"\n}\n"),
    ]);
    let rendered = render(&files, &["count=2", "db.command=host"]).unwrap();
    let jobs = rendered.all_jobs();
    assert_eq!(jobs.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), ["pg", "web"]);
    assert_eq!(jobs[0].job["TaskGroups"][0]["Count"], 3);
    assert_eq!(jobs[1].job["Meta"]["db"], "pg://host");
}

#[test]
fn a_circle_of_packs_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let pack = |name: &str, other: &str| {
        format!("pack {{\n  name = \"{name}\"\n}}\ndependency \"d\" {{\n  source = \"../{other}\"\n}}\n")
    };
    write(folder.path(), &[("a/metadata.hcl", &pack("a", "b")), ("b/metadata.hcl", &pack("b", "a"))]);
    let error = Pack::load(&folder.path().join("a")).err().unwrap();
    assert!(matches!(error, LoadError::Cycle { ref path } if path.len() == 3), "{error}");
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let template = ("templates/web.nomad.hcl.tera", "job \"web\" {\n  x = {{ coun }}\n}\n");
    check_error(
        &with(&[template]),
        &[],
        &["templates/web.nomad.hcl.tera:2:10", "x = {{ coun }}", "did you mean \"count\"?"],
    );
    check_error(
        &with(&[("templates/web.nomad.hcl.tera", "{% if count %}")]),
        &[],
        &["templates/web.nomad.hcl.tera:1:"],
    );
    check_error(
        &with(&[("templates/web.nomad.hcl.tera", "job \"web\" {\n  group {\n")]),
        &[],
        &["web.nomad.hcl.tera (rendered):"],
    );
    check_error(&base(), &["cout=1"], &["no variable `cout`", "did you mean \"count\"?"]);
    check_error(&base(), &["count=12"], &["At most nine."]);
    check_error(&base(), &["count=many"], &["count"]);
    check_error(&with(&[("variables.hcl", "variable \"count\" {\n  type = numbr\n}\n")]), &[], &["variables.hcl:2:"]);
    check_error(&with(&[("templates/old.nomad.tpl", "[[ var ]]")]), &[], &["templates/old.nomad.tpl:1:4"]);
}

#[test]
fn a_job_from_a_pack_reads_no_file_of_this_machine() {
    let template = ("templates/web.nomad.hcl.tera", "job \"web\" {\n  meta { x = file(\"/etc/passwd\") }\n}\n");
    check_error(&with(&[template]), &[], &["file"]);
}

#[test]
fn secrets_stay_out_of_errors() {
    let template = ("templates/web.nomad.hcl.tera", "job \"web\" {\n  bad {{ secret(ref=\"env:TOKEN\") }}\n}\n");
    let error = render(&with(&[template]), &[]).err().unwrap();
    assert!(!error.contains("hunter2") && error.contains("(sensitive)"), "{error}");
}

#[test]
fn rendering_is_the_same_every_time() {
    let first = render(&base(), &["count=2"]).unwrap();
    let second = render(&base(), &["count=2"]).unwrap();
    assert_eq!(first.jobs[0].job.to_string(), second.jobs[0].job.to_string());
}
