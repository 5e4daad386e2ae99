//! Helpers of the tests of stacks: folders with files, evaluated.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]
#![allow(dead_code, reason = "each test program uses a part of them")]

use std::path::Path;
use std::sync::Arc;

use drover_packs::Supplied;
use drover_secrets::providers::EnvProvider;
use drover_secrets::{Masker, Resolver, Taint};
use drover_stack::{Desired, Input, Inputs};

pub const JOB: &str = "variable \"who\" {\n  type = string\n  default = \"me\"\n}\njob \"report\" {\n  type = \"batch\"\n  meta {\n    who = var.who\n  }\n  group \"g\" {\n    task \"t\" {\n      driver = \"raw_exec\"\n      config {\n        command = \"/bin/true\"\n      }\n    }\n  }\n}\n";
pub const PACK: &[(&str, &str)] = &[
    ("packs/web/metadata.hcl", "pack {\n  name = \"web\"\n  version = \"1.0.0\"\n}\n"),
    ("packs/web/variables.hcl", "variable \"name\" {\n  type = string\n}\n"),
    (
        "packs/web/templates/web.nomad.hcl.tera",
        "job {{ name | to_hcl }} {\n  group \"g\" {\n    task \"t\" {\n      driver = \"raw_exec\"\n      config {\n        command = \"/bin/true\"\n      }\n    }\n  }\n}\n",
    ),
    ("packs/web/outputs.hcl", "output \"url\" {\n  value = \"http://${var.name}\"\n}\n"),
];

pub struct Evaluated {
    pub desired: Desired,
    pub masker: Masker,
}

pub fn evaluate(stack: &str, arguments: &[&str]) -> Result<Evaluated, String> {
    let folder = tempfile::tempdir().unwrap();
    let own = [("s.drover.hcl", stack), ("jobs/report.nomad.hcl", JOB)];
    for (name, text) in own.iter().chain(PACK) {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    evaluate_path(folder.path(), arguments)
}

pub fn evaluate_path(path: &Path, arguments: &[&str]) -> Result<Evaluated, String> {
    evaluate_in(path, arguments, None)
}

pub fn evaluate_in(path: &Path, arguments: &[&str], environment: Option<&str>) -> Result<Evaluated, String> {
    let input = Input::find(path).map_err(|error| error.to_string())?;
    let env = EnvProvider::new(|name| (name == "TOKEN").then(|| "hunter2-secret".to_owned()));
    let secrets = Arc::new(Resolver::new(Taint::default()).with(env));
    let mut supplied = Supplied::default();
    arguments.iter().for_each(|argument| supplied.add_argument(argument).unwrap());
    let inputs = Inputs {
        folder: input.folder(),
        supplied,
        secrets: Arc::clone(&secrets),
        packs: Arc::new(drover_packs::Folders),
        env: Arc::default(),
        default_name: "unnamed".to_owned(),
        namespace: None,
        environment: environment.map(str::to_owned),
    };
    let desired = input.evaluate(&inputs).map_err(|error| error.to_string())?;
    Ok(Evaluated { desired, masker: secrets.taint().masker() })
}

pub fn addresses(desired: &Desired) -> Vec<&str> {
    desired.resources.iter().map(|resource| resource.address.as_str()).collect()
}

pub fn check_error(stack: &str, arguments: &[&str], parts: &[&str]) {
    let error = evaluate(stack, arguments).err().expect("an error");
    for part in parts {
        assert!(error.contains(part), "{part:?} not in:\n{error}");
    }
}

/// Writes files into a new folder.
pub fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("jobs/report.nomad.hcl", JOB)].iter().chain(PACK).chain(files) {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}
