//! Fifty secrets of all shapes go through every command, output, file and error; none is found anywhere.

use drover_tests::{Agent, Run, files, run_in};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// Shapes; `@` is a number that makes each value one of its own.
const SHAPES: [&str; 25] = [
    "plain@canary",
    "with space @ canary",
    "qu\"ote's @canary",
    "back\\slash\\n@canary",
    "üñí©ødé@känäry",
    "日本語の秘密@カナリア",
    "emoji🔑@canary🐤",
    "line one @ canary\nline two @ canary\n",
    "\ttab@\tcanary",
    "${interpolated@canary}",
    "%{ if @canary }",
    "<b>html&@canary</b>",
    "pg://user:p@ss@word@canary/db?x=1&y=2",
    "-----BEGIN KEY-----\nMIIE@canaryAAAABBBBCCCC\nZZZZ@canaryyyyyyyyyyyyy\n-----END KEY-----",
    "{\"json\":\"@canary\",\"n\":[1,2]}",
    "c2VjcmV0@Y2FuYXJ5==",
    "`backticks@canary`",
    "{{ template @canary }}",
    "[[ go @canary ]]",
    "#comment@canary;--",
    "xK@q",
    "Zq@#",
    "  padded @ canary  ",
    "%41percent@%20canary",
    "long@canary-0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789-the-end-of-a-long-value",
];

fn values() -> BTreeMap<String, String> {
    let shape = |number: usize| SHAPES[number % SHAPES.len()].replace('@', &format!("{}", 7101 + number * 13));
    (0..50).map(|number| (format!("s{number:02}"), shape(number))).collect()
}

const STACK: &str = r#"stack "canary" {}
variable "direct" {
  type      = string
  sensitive = true
}
locals {
  all = { for i in range(50) : format("s%02d", i) => secret("file:secrets.json#${format("s%02d", i)}") }
}
pack "canary" {
  source = "./pack"
  vars   = { secrets = local.all, direct = var.direct }
  wait   = "running"
  timeout = "10s"
}
variables "canary/items" { items = local.all }
output "all" { value = local.all }
output "direct" { value = var.direct }
"#;

const TEMPLATE: &str = r#"job "canary" {
  type = "service"
  meta {
    direct = {{ direct | to_hcl }}
  }
  group "g" {
    task "t" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["600"]
      }
      env {
{% for name, value in secrets %}        {{ name }} = {{ value | to_hcl }}
{% endfor %}        BASE64 = {{ secrets["s00"] | b64encode | to_hcl }}
        EXTRA = "1"
      }
    }
  }
}
"#;

struct Lab {
    agent: Agent,
    folder: TempDir,
    seen: Vec<(String, String)>,
}

impl Lab {
    fn new() -> Self {
        let folder = files::folder();
        let document: Map<String, Value> = values().into_iter().map(|(name, value)| (name, value.into())).collect();
        files::write(folder.path(), "stack/stack.drover.hcl", STACK);
        files::write(folder.path(), "stack/pack/templates/canary.nomad.hcl.tera", TEMPLATE);
        files::write(
            folder.path(),
            "stack/pack/metadata.hcl",
            "pack {\n  name = \"canary\"\n  version = \"1.0.0\"\n}\n",
        );
        let variables = "variable \"secrets\" {\n  type = map(string)\n  sensitive = true\n}\nvariable \"direct\" {\n  type = string\n  sensitive = true\n}\n";
        files::write(folder.path(), "stack/pack/variables.hcl", variables);
        let lab = Self { agent: Agent::dev(), folder, seen: Vec::new() };
        lab.secrets(&Value::Object(document));
        lab
    }

    fn secrets(&self, document: &Value) {
        let path = files::write(self.folder.path(), "stack/secrets.json", &document.to_string());
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
    }

    fn drover(&mut self, arguments: &[&str]) -> Run {
        let address = self.agent.address();
        // The sensitive variable has one of the values too.
        let direct = values()["s02"].clone();
        let env = [("DROVER_ADDR", address.as_str()), ("DROVER_VAR_direct", &direct), ("RUST_LOG", "trace")];
        let run = run_in(self.folder.path(), &env, arguments);
        self.seen.push((format!("drover {}", arguments.join(" ")), format!("{}{}", run.stdout, run.stderr)));
        run
    }

    fn edit(&self, name: &str, old: &str, new: &str) {
        files::edit(&self.folder.path().join("stack").join(name), old, new);
    }
}

/// All texts that would give a value away.
fn traces(value: &str) -> Vec<String> {
    let mut traces = vec![value.to_owned()];
    if value.len() < 8 {
        return traces;
    }
    let json = Value::from(value).to_string();
    let json = json.trim_matches('"').to_owned();
    let ascii: String = json
        .chars()
        .flat_map(|c| {
            let mut units = [0; 2];
            match c {
                c if c.is_ascii() && !"<>&".contains(c) => vec![c.to_string()],
                c => c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
            }
        })
        .collect();
    let percent: String = value
        .bytes()
        .map(|b| match b {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect();
    traces.extend([json, ascii, percent.to_lowercase(), percent, format!("{value:?}").trim_matches('"').to_owned()]);
    traces.push(base64(value.as_bytes()));
    traces.extend(
        value.lines().map(str::trim).filter(|line| line.len() >= 12 && !line.starts_with("-----")).map(str::to_owned),
    );
    traces
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks_exact(3) {
        let number = u32::from(chunk[0]) << 16 | u32::from(chunk[1]) << 8 | u32::from(chunk[2]);
        for shift in [18, 12, 6, 0] {
            text.push(char::from(LETTERS[(number >> shift) as usize & 63]));
        }
    }
    text
}

fn leaks(seen: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in values() {
        for trace in traces(&value) {
            for (place, text) in seen {
                if let Some(at) = text.find(&trace) {
                    found.push(format!("{name} ({trace:?}) in {place}, line {}", text[..at].lines().count()));
                }
            }
        }
    }
    found
}

fn check(seen: &[(String, String)]) {
    let found = leaks(seen);
    assert!(found.is_empty(), "secrets were shown at {} places:\n{}", found.len(), found.join("\n"));
}

/// Everything that others on the machine can see of processes: arguments of all, and environments of all but tasks.
fn processes(agent: i32) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let path = entry.path();
        let read = |name: &str| {
            std::fs::read(path.join(name)).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()
        };
        text.push_str(&read("cmdline"));
        let environment = read("environ");
        // A task has its secrets in its environment: that is what it is for. The command's own has the variable it was given.
        if !environment.contains("NOMAD_ALLOC_ID")
            && !environment.contains("DROVER_VAR_direct")
            && path != Path::new(&format!("/proc/{agent}"))
        {
            text.push_str(&environment);
        }
    }
    text
}

fn tree(folder: &Path, seen: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            tree(&path, seen);
        } else if !path.ends_with("secrets.json") {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned();
            seen.push((path.display().to_string(), text));
        }
    }
}

#[test]
fn none_of_fifty_secrets_is_shown_anywhere() {
    let mut lab = Lab::new();
    for arguments in [
        &["secret", "refs", "stack"][..],
        &["secret", "refs", "-json", "stack"],
        &["secret", "get", "stack/secrets.json"],
        &["secret", "get", "-json", "stack/secrets.json"],
        &["plan", "stack"],
        &["plan", "-json", "stack"],
        &["plan", "-markdown", "stack"],
        &["plan", "-html", "stack"],
        &["graph", "stack"],
        &["plan", "-out=saved.plan", "stack"],
        &["show", "saved.plan"],
        &["show", "-json", "saved.plan"],
    ] {
        lab.drover(arguments).expect_code(0);
    }
    let ended = AtomicBool::new(false);
    let (agent, listing) = (lab.agent.pid(), std::sync::Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::SeqCst) {
                let seen = processes(agent);
                listing.lock().unwrap().push(("a listing of processes".to_owned(), seen));
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
        });
        let run = lab.drover(&["apply", "saved.plan"]);
        ended.store(true, Ordering::SeqCst);
        run.expect_code(0);
    });
    lab.seen.extend(listing.into_inner().unwrap());
    let job = lab.agent.get("/v1/job/canary");
    let env = &job["TaskGroups"][0]["Tasks"][0]["Env"];
    for (name, value) in values() {
        assert_eq!(env[&name], value, "the task gets {name} as it is");
    }
    assert!(leaks(&[("the job".to_owned(), job.to_string())]).len() >= 50, "what is there is found");
    for arguments in [
        &["plan", "-detailed-exitcode", "stack"][..],
        &["apply", "-auto-approve", "stack"],
        &["drift", "stack"],
        &["drift", "-json", "stack"],
        &["history", "canary"],
        &["history", "-json", "canary"],
        &["show", "stack"],
        &["show", "-json", "stack"],
        &["output", "-stack=stack"],
        &["output", "-stack=stack", "-json"],
    ] {
        lab.drover(arguments).expect_code(0);
    }
    // A change beside a secret, and of one.
    lab.edit("pack/templates/canary.nomad.hcl.tera", "EXTRA = \"1\"", "EXTRA = \"2\"");
    lab.drover(&["plan", "-detailed-exitcode", "stack"]).expect_code(2);
    lab.drover(&["apply", "-auto-approve", "-json", "stack"]).expect_code(0);
    lab.drover(&["undo", "-auto-approve", "stack"]).expect_code(0);
    let mut other: Map<String, Value> = values().into_iter().map(|(name, value)| (name, value.into())).collect();
    other["s03"] = "another value".into();
    lab.secrets(&Value::Object(other));
    for arguments in [&["plan", "-detailed-exitcode", "stack"][..], &["plan", "-json", "-detailed-exitcode", "stack"]] {
        lab.drover(arguments).expect_code(2);
    }
    errors(&mut lab);
    let mut seen = std::mem::take(&mut lab.seen);
    seen.push(("the agent's log".to_owned(), lab.agent.log()));
    tree(lab.folder.path(), &mut seen);
    check(&seen);
    let direct = format!("direct={}", values()["s02"]);
    packs(&mut lab, &direct);
}

/// Faults in which a value is near.
fn errors(lab: &mut Lab) {
    // The rendered job is no HCL on a line that holds a secret.
    lab.edit(
        "pack/templates/canary.nomad.hcl.tera",
        "direct = {{ direct | to_hcl }}",
        "direct = {{ direct | to_hcl }} {{ secrets[\"s08\"] | to_hcl }}",
    );
    lab.drover(&["plan", "stack"]).expect_code(1);
    lab.drover(&["plan", "-json", "stack"]).expect_code(1);
    lab.edit("pack/templates/canary.nomad.hcl.tera", " {{ secrets[\"s08\"] | to_hcl }}", "");
    // A value where another type is wanted, one in a message, one that a rule refuses, a job that the engine refuses.
    for (old, new) in [
        ("EXTRA = \"2\"", "{{ throw(message=secrets[\"s00\"]) }}"),
        (
            "command = \"/bin/sleep\"",
            "command = {{ secrets[\"s12\"] | to_hcl }}\n nonsense = {{ secrets[\"s04\"] | to_hcl }}",
        ),
        ("type = \"service\"", "type = {{ secrets[\"s11\"] | to_hcl }}"),
        ("driver = \"raw_exec\"", "driver = {{ secrets[\"s00\"] | to_hcl }}"),
    ] {
        lab.edit("pack/templates/canary.nomad.hcl.tera", old, new);
        lab.drover(&["plan", "stack"]);
        lab.drover(&["apply", "-auto-approve", "stack"]);
        lab.edit("pack/templates/canary.nomad.hcl.tera", new, old);
    }
    lab.edit("stack.drover.hcl", "wait   = \"running\"", "wait   = local.all[\"s00\"]");
    lab.drover(&["plan", "stack"]).expect_code(1);
    lab.edit("stack.drover.hcl", "wait   = local.all[\"s00\"]", "wait   = \"running\"");
    lab.edit("stack.drover.hcl", "./pack", "./${local.all[\"s00\"]}");
    lab.drover(&["plan", "stack"]).expect_code(1);
    lab.edit("stack.drover.hcl", "./${local.all[\"s00\"]}", "./pack");
    lab.drover(&["secret", "get", "stack/secrets.json", "-field=nothing"]).expect_code(1);
    lab.drover(&["plan", "-address=http://127.0.0.1:1", "stack"]).expect_code(1);
}

/// A pack by itself, with the values of a file.
fn packs(lab: &mut Lab, direct: &str) {
    let document: Map<String, Value> = values().into_iter().map(|(name, value)| (name, value.into())).collect();
    files::write(lab.folder.path(), "values.json", &serde_json::json!({"secrets": document}).to_string());
    let pack = ["-var-file=values.json", "-var", direct, "stack/pack"];
    for words in [
        &["pack", "render"][..],
        &["pack", "render", "-format=json"],
        &["pack", "plan"],
        &["pack", "validate"],
        &["pack", "info"],
    ] {
        let given = if words[1] == "info" { &pack[3..] } else { &pack[..] };
        lab.drover(&[words, given].concat());
    }
    check(&lab.seen);
}
