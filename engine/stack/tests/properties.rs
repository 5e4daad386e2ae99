//! What holds for every stack: the order of its blocks means nothing, and a plan right after an apply is empty.

mod support;

use std::collections::BTreeSet;

use drover_stack::desired::{Spec, Target};
use drover_stack::live::{LiveJob, LiveNamespace, LiveObject, LiveVariables};
use drover_stack::owner::Owner;
use drover_stack::plan::{Action, ChangePlan, Options, Write, compute, stamp};
use drover_stack::record::Recorded;
use drover_stack::{Desired, Live};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use support::{Evaluated, evaluate_in, folder};

/// One block of a generated stack; `on` is the number of an earlier one that it refers to.
#[derive(Clone, Debug)]
struct Piece {
    kind: usize,
    on: usize,
    several: usize,
    word: String,
}

fn piece() -> impl Strategy<Value = Piece> {
    (0..9_usize, 0..50_usize, 0..4_usize, "[a-z]{1,6}").prop_map(|(kind, on, several, word)| Piece {
        kind,
        on,
        several,
        word,
    })
}

/// The text of the blocks, each a resource or a local.
fn blocks(pieces: &[Piece]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut texts = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        let word = &piece.word;
        let after = if names.is_empty() {
            String::new()
        } else {
            format!("  depends_on = [{}]\n", names[piece.on % names.len()])
        };
        let (several, index) = match piece.several {
            1 => ("  count = 2\n".to_owned(), "-${count.index}"),
            2 => (format!("  for_each = {{ a = \"{word}\", b = \"x\" }}\n"), "-${each.key}"),
            _ => (String::new(), ""),
        };
        let (name, body) = match piece.kind {
            0 => (format!("namespace.n{number}"), format!("  description = \"{word}{index}\"\n")),
            1 => (
                format!("variables.v{number}"),
                format!("  items = {{ key = \"{word}{index}\", other = local.word }}\n"),
            ),
            2 => (
                format!("job.j{number}"),
                format!("  file = \"jobs/named.nomad.hcl\"\n  vars = {{ id = \"j{number}{index}\", word = \"{word}\" }}\n"),
            ),
            3 => (format!("node_pool.p{number}"), format!("  meta = {{ word = \"{word}\" }}\n")),
            4 => (format!("acl_policy.a{number}"), format!("  rules = \"{word}{index}\"\n")),
            5 => (format!("acl_role.r{number}"), format!("  policies = [\"z\", \"{word}\", stack.name]\n")),
            6 => (
                format!("acl_binding_rule.b{number}"),
                format!("  auth_method = \"m\"\n  bind_type = \"role\"\n  bind_name = \"{number}{index}\"\n  description = \"{word}\"\n"),
            ),
            7 => (
                format!("host_volume.h{number}"),
                "  capacity_max = \"1GiB\"\n  capability {\n    access_mode = \"single-node-writer\"\n    attachment_mode = \"file-system\"\n  }\n".to_owned(),
            ),
            _ => (
                format!("acl_auth_method.m{number}"),
                "  type = \"JWT\"\n  token_locality = \"local\"\n  max_token_ttl = \"90m\"\n  config {\n    jwks_url = \"http://x\"\n    oidc_client_secret = \"s3cret-value\"\n  }\n".to_owned(),
            ),
        };
        let (kind, label) = name.split_once('.').expect("every name has a kind");
        texts.push(format!("{kind} \"{label}\" {{\n{body}{several}{after}}}\n"));
        names.push(name);
    }
    texts.push("locals {\n  word = \"w\"\n}\n".to_owned());
    texts.push("stack \"s\" {}\n".to_owned());
    texts
}

const NAMED: &str = "variable \"id\" {}\nvariable \"word\" {}\njob \"x\" {\n  id = var.id\n  name = var.id\n  type = \"batch\"\n  meta {\n    word = var.word\n  }\n  group \"g\" {\n    task \"t\" {\n      driver = \"raw_exec\"\n      config {\n        command = \"/bin/true\"\n      }\n    }\n  }\n}\n";

/// The stack from blocks that lie in several files.
fn desired(texts: &[String], order: &[usize]) -> Evaluated {
    let mut files = [String::new(), String::new(), String::new()];
    for (place, number) in order.iter().enumerate() {
        files[place % 3].push_str(&texts[*number]);
    }
    let [a, b, c] = &files;
    let files =
        [("a.drover.hcl", a.as_str()), ("b.drover.hcl", b), ("c.drover.hcl", c), ("jobs/named.nomad.hcl", NAMED)];
    evaluate_in(folder(&files).path(), &[], None).unwrap_or_else(|problem| panic!("{problem}\n{texts:?}"))
}

/// What an engine holds after a plan was carried out: what was written, with what engines add to it.
fn carried_out(plan: &ChangePlan, live: &mut Live) {
    for change in &plan.changes {
        let target = change.target.clone();
        match &change.write {
            Write::Job(job) => {
                let owner = Owner::read(&job["Meta"]);
                let found = LiveJob { index: 9, owner, job: Some(job.clone()), ..LiveJob::default() };
                live.jobs.insert(target.clone(), found);
            }
            Write::Namespace(namespace) => {
                let texts = namespace["Meta"].as_object().into_iter().flatten();
                let meta =
                    texts.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect();
                let description = namespace["Description"].as_str().unwrap_or_default().to_owned();
                live.namespaces.insert(target.clone(), LiveNamespace { index: 9, description, meta });
            }
            Write::Variables(items) => {
                let texts = items.as_object().into_iter().flatten();
                let items =
                    texts.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect();
                live.variables.insert(target.clone(), LiveVariables { index: 9, items });
            }
            Write::Object(body) | Write::Recreate(body) => {
                let mut body = as_the_engine_shows_it(body);
                body["Hash"] = json!("h");
                body["ModifyIndex"] = json!(9);
                live.objects.insert(target.clone(), LiveObject { index: 9, body });
            }
            Write::Delete => {
                live.jobs.remove(&target);
                live.namespaces.remove(&target);
                live.variables.remove(&target);
                live.objects.remove(&target);
                live.record.resources.remove(&change.address);
                continue;
            }
            _ => {}
        }
        let recorded = Recorded {
            target,
            depends_on: BTreeSet::new(),
            sensitive_fields: BTreeSet::new(),
            index: 9,
            hash: String::new(),
        };
        live.record.resources.insert(change.address.clone(), recorded);
    }
    live.record.release = plan.release;
}

/// Empty collections become null, secrets are not told, and there are fields of the engine's own.
fn as_the_engine_shows_it(body: &Json) -> Json {
    let mut shown = body.clone();
    for (key, value) in shown.as_object_mut().into_iter().flatten() {
        let is_empty =
            value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(serde_json::Map::is_empty);
        if is_empty {
            *value = Json::Null;
        } else if key == "OIDCClientSecret" && value != "" {
            *value = json!("redacted");
        } else if value.is_object() {
            *value = as_the_engine_shows_it(value);
        }
    }
    shown
}

/// The dry runs of an engine that compares what it holds with what it is shown.
fn rehearsed(desired: &Desired, live: &mut Live) {
    let release = live.record.release + 1;
    for resource in &desired.resources {
        let Spec::Job(job) = &resource.spec else { continue };
        let Some(found) = live.jobs.get_mut(&resource.target()) else { continue };
        let mut wanted = job.clone();
        stamp(&mut wanted, "s", &resource.address, found, release, false);
        let kind = if found.job.as_ref() == Some(&wanted) { "None" } else { "Edited" };
        found.dry_run = Some(
            json!({"Diff": {"Type": kind, "Fields": [{"Type": kind, "Name": "Priority", "Old": "1", "New": "2"}]}}),
        );
    }
}

fn targets(desired: &Desired) -> Vec<(String, Target, BTreeSet<String>)> {
    desired.resources.iter().map(|r| (r.address.clone(), r.target(), r.depends_on.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_blocks_means_nothing(pieces in prop::collection::vec(piece(), 1..9), seed in any::<u64>()) {
        let texts = blocks(&pieces);
        let straight: Vec<usize> = (0..texts.len()).collect();
        let mut shuffled = straight.clone();
        let mut state = seed | 1;
        for at in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(at, (state >> 33) as usize % (at + 1));
        }
        let (one, other) = (desired(&texts, &straight), desired(&texts, &shuffled));
        prop_assert_eq!(targets(&one.desired), targets(&other.desired));
        let specs = |evaluated: &Evaluated| evaluated.desired.resources.iter().map(|r| r.spec.clone()).collect::<Vec<_>>();
        prop_assert_eq!(specs(&one), specs(&other));
    }

    #[test]
    fn a_plan_after_an_apply_is_empty(pieces in prop::collection::vec(piece(), 1..9), keep in 0..9_usize) {
        let texts = blocks(&pieces);
        let order: Vec<usize> = (0..texts.len()).collect();
        let Evaluated { desired: wanted, masker } = desired(&texts, &order);
        let mut live = Live { stack: "s".into(), ..Live::default() };
        let first = compute(&wanted, &live, &Options::default(), &masker).unwrap();
        prop_assert_eq!(first.count(Action::Create), wanted.resources.len());
        carried_out(&first, &mut live);
        rehearsed(&wanted, &mut live);
        let second = compute(&wanted, &live, &Options::default(), &masker).unwrap();
        prop_assert!(second.is_empty(), "{:?}", second.changes);
        // A part of the stack goes; then that is the whole plan.
        let rest = blocks(&pieces[..keep.min(pieces.len())]);
        let order: Vec<usize> = (0..rest.len()).collect();
        let fewer = desired(&rest, &order).desired;
        rehearsed(&fewer, &mut live);
        let third = compute(&fewer, &live, &Options::default(), &masker).unwrap();
        prop_assert!(third.changes.iter().all(|change| change.action == Action::Delete), "{:?}", third.changes);
        prop_assert_eq!(third.changes.len() + fewer.resources.len(), wanted.resources.len());
        carried_out(&third, &mut live);
        prop_assert!(compute(&fewer, &live, &Options::default(), &masker).unwrap().is_empty());
    }
}
