//! A pack's way through a registry as a person sees it: published, found, pinned, tampered with, refused.

use crate::registry_serve::{Registry, token};
use drover_tests::{Run, files, run_in};
use std::fs;
use std::path::Path;

const PASSPHRASE: &str = "correct horse battery";

/// Runs `drover ARGS` in `folder` with settings and a cache of its own.
fn drover(folder: &Path, more: &[(&str, &str)], args: &[&str]) -> Run {
    let (settings, cache) = (folder.join("settings"), folder.join("cache"));
    let mut env = vec![
        ("DROVER_CONFIG_DIR", settings.to_str().unwrap()),
        ("DROVER_CACHE_DIR", cache.to_str().unwrap()),
        ("DROVER_KEY_PASSPHRASE", PASSPHRASE),
    ];
    env.extend_from_slice(more);
    run_in(folder, &env, args)
}

fn write_pack(folder: &Path, version: &str, count: u32) {
    let metadata =
        format!("pack {{\n  name = \"web\"\n  version = \"{version}\"\n  description = \"A web server\"\n}}\n");
    files::write(folder, "web/metadata.hcl", &metadata);
    let job = format!(
        "job \"web\" {{\n  group \"g\" {{\n    count = {count}\n    task \"t\" {{\n      driver = \"raw_exec\"\n      config {{\n        command = \"/bin/true\"\n      }}\n    }}\n  }}\n}}\n"
    );
    files::write(folder, "web/templates/web.nomad.hcl.tera", &job);
}

#[test]
fn a_pack_is_published_pinned_and_refused_when_it_was_changed() {
    let outer = files::folder();
    let folder = outer.path();
    let server = Registry::start(&folder.join("store"));
    let host = server.url.strip_prefix("http://").unwrap();
    let tokens = format!("{host}={}", token(folder));
    let run = |args: &[&str]| drover(folder, &[("DROVER_REGISTRY_TOKENS", &tokens)], args);

    let key = run(&["registry", "keygen"]).expect_code(0).stdout.trim().to_owned();
    let source = format!("{}/shop", server.url);
    run(&["registry", "add", "team", &source, "-trusted-key", &key]).expect_code(0);
    for (version, count) in [("1.2.0", 1), ("1.3.0", 2), ("2.0.0", 3)] {
        write_pack(folder, version, count);
        run(&["pack", "publish", "web", "-to", "team"]).expect_code(0).expect_text("Published");
    }
    run(&["pack", "publish", "web", "-to", "team"]).expect_code(0).expect_text("the same");
    write_pack(folder, "2.0.0", 4);
    run(&["pack", "publish", "web", "-to", "team"]).expect_code(1).expect_text("published versions do not change");
    run(&["registry", "search", "we"]).expect_code(0).expect_row("team/web 2.0.0 A web server");
    run(&["pack", "verify", "team/web@1.3.0"]).expect_code(0).expect_text("trusted");
    run(&["pack", "render", "team/web@~> 1.2"]).expect_code(0).expect_text("count = 2");

    // A pack that needs it, pinned.
    files::write(
        folder,
        "app/metadata.hcl",
        "pack {\n  name = \"app\"\n  version = \"1.0.0\"\n}\ndependency \"web\" {\n  source = \"team/web\"\n  version = \"~> 1.2\"\n}\n",
    );
    run(&["pack", "render", "app"]).expect_code(0).expect_text("count = 2");
    let lock = fs::read_to_string(folder.join("app/drover.lock.hcl")).unwrap();
    assert!(lock.contains("version = \"1.3.0\"") && lock.contains("sha256:"), "{lock}");
    run(&["pack", "yank", "team/web@1.3.0", "-reason", "it loses data"]).expect_code(0);
    run(&["pack", "render", "app"]).expect_code(0).expect_text("count = 2");
    run(&["pack", "render", "team/web@~> 1.2"]).expect_code(0).expect_text("count = 1");
    run(&["pack", "render", "team/web@1.3.0"]).expect_code(1).expect_text("it loses data");

    // Without the registry, what was fetched serves; what somebody changed in it is made anew.
    let packs = folder.join("cache/registry/packs");
    for pack in fs::read_dir(&packs).unwrap().filter_map(Result::ok) {
        fs::write(pack.path().join("templates/web.nomad.hcl.tera"), "evil").unwrap();
    }
    let offline = drover(folder, &[("DROVER_OFFLINE", "1")], &["pack", "render", "app"]);
    offline.expect_code(0).expect_text("count = 2").expect_no("evil");

    // Somebody changes what the server holds: who has it goes on, who fetches it is told.
    for blob in fs::read_dir(folder.join("store/blobs/sha256")).unwrap().filter_map(Result::ok) {
        let mut bytes = fs::read(blob.path()).unwrap();
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        fs::write(blob.path(), bytes).unwrap();
    }
    run(&["pack", "render", "app"]).expect_code(0);
    fs::remove_dir_all(folder.join("cache")).unwrap();
    run(&["pack", "render", "app"]).expect_code(1).expect_text("damaged").expect_text("sha256:");
}
