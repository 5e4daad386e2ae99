//! Against a running reference, where there is one: what it stores of every recorded job is what we make of it.
//! Set `DROVER_REFERENCE` to its `address:port`; without it the test passes unseen.

use crate::admission::admit;
use crate::job;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

/// What every registration sets anew.
const SET_BY_SERVERS: &[&str] =
    &["CreateIndex", "JobModifyIndex", "ModifyIndex", "Status", "StatusDescription", "SubmitTime", "Version", "Stable"];

/// Jobs where we differ on purpose (features that only the reference's other edition has, several regions, the
/// service mesh, negative ports, which we refuse) or without effect (an empty list for a null one).
const DIFFERENT: &[&str] = &[
    "check-http",
    "connect-",
    "group-all-attributes",
    "job-empty-lists",
    "multiregion-",
    "network-odd-port-values",
    "service-all-attributes",
    "service-task-level",
    "task-all-attributes",
    "task-identities",
    "task-resources",
    "task-schedule",
    "vault-levels",
];

#[test]
fn jobs_read_back_as_from_the_reference() {
    let Ok(address) = std::env::var("DROVER_REFERENCE") else { return };
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/jobspec/cases");
    let mut files: Vec<_> = std::fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut faults = Vec::new();
    let mut accepted = 0;
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".canonical.json") || DIFFERENT.iter().any(|case| name.starts_with(case)) {
            continue;
        }
        let mut job: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        if let Some(inner) = job.get_mut("Job") {
            job = inner.take();
        }
        if job["Region"].as_str().is_some_and(|region| region != "global") {
            continue;
        }
        let id = format!("read-back-{accepted}");
        job["ID"] = json!(id);
        job["Name"] = json!(id);
        let submitted: job::Job = serde_json::from_value(job.clone()).unwrap();
        let ours = admit(submitted);
        let (status, answer) = call(&address, "PUT", "/v1/jobs", Some(&json!({ "Job": job })));
        match (status, ours) {
            (200, Ok(admitted)) => {
                accepted += 1;
                let (_, text) = call(&address, "GET", &format!("/v1/job/{id}"), None);
                call(&address, "DELETE", &format!("/v1/job/{id}?purge=true"), None);
                let wanted: Value = serde_json::from_str(&text).unwrap();
                compare(&wanted, &serde_json::to_value(&admitted.job).unwrap(), &name, &mut faults);
                let answer: Value = serde_json::from_str(&answer).unwrap();
                compare(
                    &answer["Warnings"],
                    &json!(admitted.warnings.to_text()),
                    &format!("{name} warnings"),
                    &mut faults,
                );
            }
            (200, Err(problems)) => {
                call(&address, "DELETE", &format!("/v1/job/{id}?purge=true"), None);
                faults.push(format!("{name}: refused: {problems}"));
            }
            (_, Ok(_)) => faults.push(format!("{name}: accepted, but the reference says {answer:?}")),
            (_, Err(problems)) if problems.to_text() != answer => {
                faults.push(format!("{name}: says\n  {:?}, the reference\n  {answer:?}", problems.to_text()));
            }
            (_, Err(_)) => {}
        }
    }
    assert!(faults.is_empty(), "{} differences in {accepted} accepted jobs:\n{}", faults.len(), faults.join("\n"));
}

fn compare(wanted: &Value, ours: &Value, path: &str, faults: &mut Vec<String>) {
    match (wanted, ours) {
        (Value::Object(wanted), Value::Object(ours)) => {
            for (key, value) in wanted.iter().filter(|(key, _)| !SET_BY_SERVERS.contains(&key.as_str())) {
                match ours.get(key) {
                    None => faults.push(format!("{path}.{key}: missing, wanted {value}")),
                    Some(found) => compare(value, found, &format!("{path}.{key}"), faults),
                }
            }
            for (key, value) in ours.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
                faults.push(format!("{path}.{key}: not in the reference: {value}"));
            }
        }
        (Value::Array(wanted), Value::Array(ours)) if wanted.len() == ours.len() => {
            for (index, (wanted, ours)) in wanted.iter().zip(ours).enumerate() {
                compare(wanted, ours, &format!("{path}[{index}]"), faults);
            }
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
        (wanted, ours) if wanted == ours || path.ends_with("Scaling.ID") => {}
        (wanted, ours) => faults.push(format!("{path}: {ours}, wanted {wanted}")),
    }
}

fn call(address: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the reference answers");
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let body = body.map_or_else(String::new, Value::to_string);
    let length = body.len();
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: reference\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}
