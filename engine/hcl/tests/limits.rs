//! Every named limit, met with hostile input: an error that says so, soon, and without much memory.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use drover_hcl::{DiskHost, EvalContext, Source, Unresolved, Value, parse_body};

/// The longest that one refusal may take, in a build without optimisation on a busy machine.
const MAX_TIME: Duration = Duration::from_secs(60);
/// The most memory that this process may have held during one refusal, in KiB.
const MAX_MEMORY_KIB: u64 = 512 << 10;

fn evaluate(expression: &str) -> Result<Value, String> {
    evaluate_in(expression, &EvalContext::new().with_unresolved(Unresolved::KeepText))
}

fn evaluate_in(expression: &str, context: &EvalContext<'_>) -> Result<Value, String> {
    let body = parse_body(&Source::new("limits.hcl", format!("a = {expression}\n"))).map_err(|e| e.to_string())?;
    body.attributes[0].value.evaluate(context).map_err(|e| e.to_string())
}

/// The expression is refused in bounded time, with words about why and a place.
fn check(expression: &str, words: &str) {
    // One at a time, so that the memory is that of this expression.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // Sets the peak back; where that is not allowed, the peak of all is looked at.
    let _best_effort = std::fs::write("/proc/self/clear_refs", "5");
    let start = Instant::now();
    let Err(error) = evaluate(expression) else { panic!("{expression:.60} is accepted") };
    let shown = &error[..error.floor_char_boundary(400)];
    assert!(error.to_lowercase().contains(words), "{expression:.60}: {shown}");
    assert!(error.contains("limits.hcl:"), "{expression:.60} has no place: {shown}");
    assert!(start.elapsed() < MAX_TIME, "{expression:.60} took {:?}", start.elapsed());
    if let Some(peak) = peak_memory_kib() {
        assert!(peak < MAX_MEMORY_KIB, "{expression:.60}: {peak} KiB");
    }
}

fn peak_memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

#[test]
fn sources_and_files() {
    let large = vec![b' '; drover_hcl::source::MAX_SOURCE_BYTES + 1];
    let error = Source::from_bytes("large.hcl", &large).unwrap_err().to_string();
    assert!(error.contains("at most"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(folder.path().join("large")).unwrap();
    file.set_len(drover_hcl::host::MAX_FILE_BYTES + 1).unwrap();
    let host = Arc::new(DiskHost::confined(folder.path()));
    for function in ["file", "filebase64"] {
        let context = EvalContext::new().with_host(Arc::clone(&host) as Arc<_>);
        let error = evaluate_in(&format!("{function}(\"large\")"), &context).unwrap_err();
        assert!(error.contains("at most") || error.contains("larger"), "{error}");
    }
}

#[test]
fn ranges_and_products() {
    check("range(1025)", "1024");
    check("range(0, 1e300)", "1024");
    check("range(1000000000000)", "1024");
    check("setproduct(range(1024), range(1024), range(1024))", "setproduct");
    check("flatten([for i in range(1000) : [for j in range(1000) : [for k in range(1000) : k]]])", "too much");
}

#[test]
fn texts_that_functions_make() {
    let mb =
        "join(\"\", [for i in range(1024) : \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"])";
    let twice = |text: &str| format!("replace({text}, \"0\", {text})");
    check(&twice(&twice(mb)), "");
    check(&format!("regex_replace({mb}, \"[0-9]\", {mb})"), "");
    check("indent(100000000, \"a\\nb\")", "");
    check("format(\"%1000000000d\", 1)", "");
    check("format(\"%.1000000000f\", 1)", "");
    check("format(\"%*d\", 1000000000, 1)", "");
    check(&format!("formatlist({mb}, range(1024), range(1024))"), "");
}

#[test]
fn numbers() {
    check("1e999999999", "");
    check("parseint(\"9\", 1000)", "");
    check(&"9".repeat(3 << 20), "number");
    check("jsondecode(\"1e999999999\")", "");
}

#[test]
fn documents_inside_of_texts() {
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    check(&format!("jsondecode({deep:?})"), "");
    check(&format!("yamldecode({deep:?})"), "");
    let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x, x]\\n");
    for (name, before) in ('b'..='i').zip('a'..='h') {
        bomb.push_str(&format!("{name}: &{name} [{}]\\n", vec![format!("*{before}"); 10].join(", ")));
    }
    check(&format!("yamldecode(\"{bomb}\")"), "");
    check("bcrypt(\"x\", 31)", "");
    check("cidrsubnets(\"10.0.0.0/8\", [for i in range(1024) : 1]...)", "");
}

#[test]
fn arguments_and_loops() {
    check("concat([for i in range(1000) : [for j in range(1000) : range(1000)]]...)", "too much");
    check("{ for i in range(1000) : i => { for j in range(1000) : j => range(1000) } }", "too much");
    check("[for i in range(1000) : join(\",\", [for j in range(1000) : sha512(join(\"\", range(1000)))])]", "too much");
}
