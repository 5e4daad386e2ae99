//! The packs of `examples/packs`: clean, described, and as their tests say.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use drover_packs::lint::{examples, lint};
use drover_packs::nomad_pack::Choices;
use drover_packs::testing::{FILE_END, FOLDER, Options, TestFile, run};
use drover_packs::{Meta, Pack, RenderRequest};
use drover_secrets::{Resolver, Taint};

/// How many there are to be.
const PACKS: usize = 10;

fn packs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/packs");
    let entries = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| drover_packs::files::is_pack(path)).collect();
    folders.sort();
    folders
}

#[test]
fn all_of_them_pass_their_tests() {
    assert_eq!(packs().len(), PACKS);
    let mut failures = Vec::new();
    for folder in packs() {
        let pack = Pack::load(&folder).map_err(|error| error.to_string()).unwrap();
        let names = pack.files.keys().filter(|name| name.starts_with(FOLDER) && name.ends_with(FILE_END));
        let files: Vec<TestFile> = names
            .map(|name| TestFile::read(&folder.join(name), name).map_err(|problems| problems.to_string()).unwrap())
            .collect();
        // `UPDATE_GOLDEN=1` writes what is rendered now, as `drover pack test -update` does.
        let update = std::env::var_os("UPDATE_GOLDEN").is_some();
        let reports = run(&pack, &files, &Options { update, filter: "", parallelism: 2, planner: None });
        assert!(reports.len() >= 3, "{} has {} runs", folder.display(), reports.len());
        for report in reports.iter().filter(|report| !report.passed()) {
            for failure in &report.failures {
                failures.push(format!(
                    "{} {}: {}\n{}",
                    pack.metadata.name,
                    report.name,
                    failure.message,
                    failure.details.join("\n")
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn all_of_them_are_clean_and_described() {
    let mut found = Vec::new();
    for folder in packs() {
        let pack = Pack::load(&folder).map_err(|error| error.to_string()).unwrap();
        for file in ["README.md", "outputs.hcl", "outputs.tera"] {
            assert!(pack.files.contains_key(file), "{} has no {file}", folder.display());
        }
        let mut supplied = examples(&pack);
        if pack.metadata.name == "postgres" {
            supplied.add_argument("password=correct-horse-battery").unwrap();
        }
        if pack.metadata.name == "backup" {
            supplied.add_argument("source=/a").unwrap();
            supplied.add_argument("target=/b").unwrap();
        }
        let request = RenderRequest {
            supplied,
            secrets: Arc::new(Resolver::new(Taint::default())),
            env: Arc::default(),
            meta: Meta::default(),
            choices: Choices::default(),
            engine: None,
        };
        let rendered = pack.render(&request).map_err(|error| error.to_string()).unwrap();
        found.extend(
            lint(&pack, Some(&rendered)).iter().map(|finding| format!("{}: {}", finding.rule.name(), finding.problem)),
        );
        for (name, content) in pack.files.iter() {
            let source = drover_hcl::Source::from_bytes(name, content).unwrap();
            if let Some(laid_out) = drover_packs::layout::lay_out(&source)
                && !name.starts_with("tests/golden")
                && laid_out.as_deref() != Ok(source.text())
            {
                if std::env::var_os("UPDATE_GOLDEN").is_some() {
                    std::fs::write(folder.join(name), laid_out.unwrap()).unwrap();
                } else {
                    found.push(format!("{}/{name} is not in the canonical layout", folder.display()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}
