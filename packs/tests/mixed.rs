//! Packs that hold Tera and Go templates, and dependencies of both kinds, with versions.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;
use std::sync::Arc;

use drover_packs::nomad_pack::Choices;
use drover_packs::{Meta, Pack, RenderRequest, Rendered, Supplied};
use drover_secrets::{Resolver, Taint};

const TERA: &str =
    "job \"a-{{ name }}\" {\n  group \"g\" {\n    task \"t\" {\n      driver = \"raw_exec\"\n    }\n  }\n}\n";
const GO: &str = "job \"b-[[ var \"name\" . ]]\" {\ngroup \"g\" {\n  task \"t\" {\n driver = \"raw_exec\"\n [[ template \"size\" . ]]\n    }\n  }\n}\n";
const VARIABLES: &str = "variable \"name\" {\n  type = string\n  default = \"x\"\n}\n";

fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

fn render(files: &[(&str, &str)], arguments: &[&str]) -> Result<Rendered, String> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), files);
    let mut supplied = Supplied::default();
    arguments.iter().for_each(|argument| supplied.add_argument(argument).unwrap());
    let request = RenderRequest {
        supplied,
        secrets: Arc::new(Resolver::new(Taint::default())),
        env: Arc::default(),
        meta: Meta::default(),
        choices: Choices::default(),
        engine: None,
    };
    let pack = Pack::load(folder.path()).map_err(|error| error.to_string())?;
    let rendered = pack.render(&request).map_err(|error| error.to_string());
    rendered.map_err(|error| error.replace(&folder.path().display().to_string(), "PACK"))
}

#[test]
fn a_templates_file_name_decides_what_it_is() {
    let files = [
        ("metadata.hcl", "pack {\n  name = \"both\"\n}\n"),
        ("variables.hcl", VARIABLES),
        ("templates/a.nomad.hcl.tera", TERA),
        ("templates/b.nomad.tpl", GO),
        ("templates/_helpers.tpl", "[[ define \"size\" ]]resources {\n cpu = 10\n}[[ end ]]"),
        ("templates/c.txt.tpl", "[[ meta \"pack.name\" . ]] [[ var \"name\" . ]]"),
        ("outputs.tpl", "name [[ var \"name\" . ]]"),
    ];
    let rendered = render(&files, &["name=y"]).unwrap();
    assert_eq!(rendered.jobs.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), ["a-y", "b-y"]);
    assert_eq!(rendered.jobs[1].job["TaskGroups"][0]["Tasks"][0]["Resources"]["CPU"], 10);
    assert_eq!((rendered.files[0].path.as_str(), rendered.files[0].text.as_str()), ("templates/c.txt", "both y"));
    assert_eq!(rendered.message.as_deref(), Some("name y"));
}

#[test]
fn faults_of_both_kinds_have_their_place() {
    let files = [
        ("metadata.hcl", "pack {\n  name = \"both\"\n}\n"),
        ("variables.hcl", VARIABLES),
        ("templates/a.nomad.hcl.tera", "{{ nme }}"),
        ("templates/b.nomad.tpl", "\n[[ must_var \"nope\" . ]]"),
    ];
    let error = render(&files, &[]).err().unwrap();
    for part in ["PACK/templates/a.nomad.hcl.tera:1:4", "did you mean \"name\"", "PACK/templates/b.nomad.tpl:2:"] {
        assert!(error.contains(part), "{part} not in:\n{error}");
    }
}

fn with_dependency(version: &str, inner: &str) -> Vec<(String, String)> {
    [
        ("metadata.hcl", format!("pack {{\n  name = \"web\"\n}}\ndependency \"db\" {{\n  alias = \"store\"\n  source = \"./deps/db\"\n  version = \"{version}\"\n}}\n")),
        ("templates/a.nomad.hcl.tera", TERA.replace("{{ name }}", "{{ deps.store.name }}")),
        ("deps/db/metadata.hcl", format!("app {{\n  url = \"\"\n}}\npack {{\n  name = \"db\"\n  version = \"1.4.2\"\n}}\n{inner}")),
        ("deps/db/variables.hcl", VARIABLES.to_owned()),
        ("deps/db/templates/b.nomad.tpl", GO.replace("[[ template \"size\" . ]]", "")),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), text))
    .collect()
}

fn render_owned(files: &[(String, String)], arguments: &[&str]) -> Result<Rendered, String> {
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    render(&files, arguments)
}

#[test]
fn a_dependency_may_have_go_templates_and_its_version_has_to_fit() {
    let rendered = render_owned(&with_dependency("~> 1.2", ""), &["store.name=z"]).unwrap();
    assert_eq!(rendered.all_jobs().iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), ["b-z", "a-z"]);
    let error = render_owned(&with_dependency(">= 2.0, < 3.0", ""), &[]).err().unwrap();
    for part in ["metadata.hcl:4:1: dependency `store`", ">= 2.0, < 3.0 is wanted", "has 1.4.2"] {
        assert!(error.contains(part), "{part} not in:\n{error}");
    }
}

#[test]
fn a_circle_is_told_with_its_path() {
    let inner = "dependency \"web\" {\n  source = \"../..\"\n}\n";
    let error = render_owned(&with_dependency("", inner), &[]).err().unwrap();
    assert!(error.contains("in a circle: ") && error.matches(" -> ").count() == 2, "{error}");
}
