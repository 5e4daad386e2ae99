//! `to_hcl` writes any value so that HCL reads the same value back: nothing in it ends a text or starts an interpolation.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_hcl::{EvalContext, Source, parse_body};
use drover_packs::template::{Reach, Templates};
use drover_secrets::{Resolver, Taint};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use unicode_normalization::UnicodeNormalization;

/// Texts of everything that could break out of one.
fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => any::<char>().prop_map(String::from),
        1 => prop::sample::select(vec![
            "${", "%{", "$${", "%%{", "}", "\"", "\\", "\\\"", "\n", "\r\n", "\t", "<<EOF\n", "{{", "}}", "{%", "%}", "{#", "\u{0}", "\u{2028}",
            "\u{feff}", "e\u{301}", "💥", "$", "%", "${attr.x}", "#", "//", "/*",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

fn value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        (-1.0e15..1.0e15_f64).prop_map(Json::from),
        text().prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::btree_map(text(), inner, 0..6)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

fn rendered(template: &str, value: &Json) -> String {
    let reach =
        Reach { secrets: Arc::new(Resolver::new(Taint::default())), env: Arc::default(), files: Arc::default() };
    let source = Source::new("t.tera", template);
    let templates = Templates::parse(BTreeMap::from([("t.tera".to_owned(), source)]), &reach).unwrap();
    let mut context = Map::new();
    context.insert("v".to_owned(), value.clone());
    templates.render("t.tera", &context).unwrap()
}

/// Numbers are compared by value; the language composes texts, as it does with those that are written by hand.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Json::String(a), Json::String(b)) => composed(a) == composed(b),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            let composed_keys = |members: &Map<String, Json>| -> BTreeMap<String, Json> {
                members.iter().map(|(key, value)| (composed(key), value.clone())).collect()
            };
            let (a, b) = (composed_keys(a), composed_keys(b));
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        (a, b) => a == b,
    }
}

fn composed(text: &str) -> String {
    text.nfc().collect()
}

fn read_back(text: &str) -> Json {
    let body = parse_body(&Source::new("t.hcl", text)).map_err(|problems| problems.to_string()).unwrap();
    assert_eq!(body.attributes.len(), 1, "the value has become more than a value:\n{text}");
    assert!(body.blocks.is_empty(), "{text}");
    body.attributes[0]
        .value
        .evaluate(&EvalContext::new())
        .map_err(|problems| problems.to_string())
        .unwrap()
        .to_json()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_value_reads_back(value in value()) {
        let text = rendered("x = {{ v | to_hcl }}\n", &value);
        let read = read_back(&text);
        prop_assert!(same(&value, &read), "{value} became {read} by\n{text}");
    }

    #[test]
    fn any_text_reads_back_through_quote(text in text()) {
        let written = rendered("x = {{ v | quote }}\n", &json!(text));
        prop_assert!(same(&json!(text), &read_back(&written)), "{written}");
    }

    #[test]
    fn a_job_keeps_its_structure(text in text()) {
        let template = "job \"j\" {\n  group \"g\" {\n    task \"t\" {\n      driver = \"raw_exec\"\n      env {\n        A = {{ v | to_hcl }}\n      }\n    }\n  }\n}\n";
        let written = rendered(template, &json!(text));
        let job = drover_jobspec::parse(&Source::new("j.nomad.hcl", written.clone()), &drover_jobspec::Options::default());
        let job = serde_json::to_value(job.map_err(|problems| problems.to_string()).unwrap()).unwrap();
        let tasks = job["TaskGroups"].as_array().unwrap();
        prop_assert_eq!(tasks.len(), 1);
        prop_assert_eq!(tasks[0]["Tasks"].as_array().unwrap().len(), 1);
        let read = &tasks[0]["Tasks"][0]["Env"]["A"];
        prop_assert!(same(&json!(text), read), "{read} from\n{written}");
    }
}
