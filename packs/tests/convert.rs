//! Packs of Go templates as packs of Tera templates: both render the same, and what cannot be converted is named.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;
use std::sync::Arc;

use drover_packs::convert::convert;
use drover_packs::nomad_pack::Choices;
use drover_packs::{Meta, Pack, RenderRequest, Rendered, Supplied};
use drover_secrets::{Resolver, Taint};

const METADATA: &str = "app {\n  url = \"u\"\n}\npack {\n  name = \"web\"\n  version = \"1.2.3\"\n}\n";
const VARIABLES: &str = "variable \"name\" {\n  type = string\n  default = \"x\"\n}\nvariable \"count\" {\n  type = number\n  default = 2\n}\nvariable \"dcs\" {\n  type = list(string)\n  default = [\"a\", \"b\"]\n}\nvariable \"env\" {\n  type = map(string)\n  default = { A = \"1\", B = \"2\" }\n}\nvariable \"size\" {\n  type = object({ cpu = number, memory = number })\n  default = { cpu = 10, memory = 20 }\n}\n";
const JOB: &str = r#"[[- /* A job. */ -]]
job [[ template "job_name" . ]] {
  datacenters = [[ var "dcs" . | toStringList ]]
  group "g" {
    count = [[ var "count" . ]]
    task "t" {
      driver = "raw_exec"
      env {
        [[- range $key, $value := var "env" . ]]
        [[ $key ]] = [[ $value | quote ]]
        [[- end ]]
        [[- range $i, $dc := list "p" "q" ]]
        N[[ $i ]] = [[ $dc | upper | quote ]]
        [[- end ]]
        [[- range var "dcs" . ]]
        DC_[[ . ]] = "yes"
        [[- end ]]
      }
      [[- if and (gt (var "count" .) 1) (ne (var "name" .) "") ]]
      meta { many = "[[ meta "pack.name" . ]]-[[ meta "pack.version" . ]]" }
      [[- else if eq (var "count" .) 1 ]]
      meta { many = "one" }
      [[- else ]]
      meta { many = "none" }
      [[- end ]]
      [[ template "size" . ]]
      template {
        destination = "local/x"
        data = "{{ env \"X\" }}"
      }
    }
  }
}
"#;
const HELPERS: &str = "[[- define \"job_name\" -]][[ if eq (var \"name\" .) \"\" ]][[ meta \"pack.name\" . | quote ]][[ else ]][[ var \"name\" . | quote ]][[ end ]][[- end -]]\n[[- define \"size\" -]]\n[[ with var \"size\" . ]]resources {\n cpu = [[ .cpu ]]\n memory = [[ .memory ]]\n}[[ end ]]\n[[- end -]]\n";

fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

fn render(pack: &Pack, arguments: &[&str]) -> Rendered {
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
    pack.render(&request).map_err(|error| error.to_string()).unwrap()
}

#[test]
fn a_converted_pack_renders_the_same() {
    let (go, tera) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(
        go.path(),
        &[
            ("metadata.hcl", METADATA),
            ("variables.hcl", VARIABLES),
            ("templates/web.nomad.tpl", JOB),
            ("templates/_helpers.tpl", HELPERS),
            ("templates/motd.txt.tpl", "hello [[ var \"name\" . ]] {{ x }}\n"),
            ("outputs.tpl", "[[ var \"count\" . ]] run"),
        ],
    );
    let before = Pack::load(go.path()).map_err(|error| error.to_string()).unwrap();
    let files = convert(&before).map_err(|problems| problems.to_string()).unwrap();
    for (name, content) in &files {
        write(tera.path(), &[(name, &String::from_utf8_lossy(content))]);
    }
    let after = Pack::load(tera.path()).map_err(|error| error.to_string()).unwrap();
    assert!(after.go.is_none());
    for arguments in [&[][..], &["count=1", "name="], &["count=0", "name=a \"b\" c", "dcs=[\"z\"]", "env={}"]] {
        let (old, new) = (render(&before, arguments), render(&after, arguments));
        assert_eq!(old.jobs[0].job, new.jobs[0].job, "{arguments:?}\n{}\n{}", old.jobs[0].text, new.jobs[0].text);
        assert_eq!(old.files[0].text.trim(), new.files[0].text.trim());
        assert_eq!(old.message, new.message);
    }
}

#[test]
fn what_cannot_be_converted_is_named_with_its_place() {
    let go = tempfile::tempdir().unwrap();
    write(
        go.path(),
        &[
            ("metadata.hcl", METADATA),
            ("variables.hcl", VARIABLES),
            (
                "templates/web.nomad.tpl",
                "[[ var \"name\" . ]]\n  [[ genPrivateKey \"rsa\" ]]\n[[ printf \"%05d\" 3 ]]\n",
            ),
        ],
    );
    let error = convert(&Pack::load(go.path()).map_err(|error| error.to_string()).unwrap()).err().unwrap().to_string();
    for part in
        ["web.nomad.tpl:2:3: this cannot be converted: the function `genPrivateKey`", "web.nomad.tpl:3:1", "`printf`"]
    {
        assert!(error.contains(part), "{part} not in:\n{error}");
    }
}

#[test]
fn a_job_file_becomes_a_pack_that_gives_the_same_job() {
    let job = "variable \"img\" {\n  type = string\n  default = \"nginx:1.27\"\n}\njob \"web-app\" {\n  datacenters = [\"dc1\"]\n  group \"a\" {\n    count = 2\n    task \"t\" {\n      driver = \"docker\"\n      config {\n        image = var.img\n        args = [\"${var.img}-x\", \"$${y}\"]\n      }\n      template {\n        destination = \"local/x\"\n        data = <<EOT\n{{ range nomadService \"a\" }}{{ .Address }}{{ end }}\nEOT\n      }\n      resources {\n        cpu = 100\n        memory = 64\n      }\n    }\n  }\n}\n";
    let source = drover_hcl::Source::new("web.nomad.hcl", job);
    let files = drover_packs::scaffold::files_from("web", &source).map_err(|problems| problems.to_string()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in &files {
        write(folder.path(), &[(name, text)]);
    }
    let pack = Pack::load(folder.path()).map_err(|error| error.to_string()).unwrap();
    let given = drover_jobspec::parse(&source, &drover_jobspec::Options::default());
    let given = serde_json::to_value(given.map_err(|problems| problems.to_string()).unwrap()).unwrap();
    assert_eq!(render(&pack, &[]).jobs[0].job, given);
    assert_eq!(render(&pack, &["count=3", "img=a:1"]).jobs[0].job["TaskGroups"][0]["Count"], 3);
}
