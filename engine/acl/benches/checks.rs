//! What a check costs: some stand before every request. Prints nanoseconds per check, with few and many rules.
#![expect(clippy::print_stdout, reason = "a bench prints its result")]

use drover_acl::{Acl, NamespaceCapability, Policy, VariableCapability};
use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: u32 = 100_000;

fn rules(namespaces: usize) -> String {
    let mut text = String::new();
    for n in 0..namespaces {
        let variables = format!("variables {{ path \"app-{n}/*\" {{ capabilities = [\"read\"] }} }}");
        writeln!(text, "namespace \"team-{n}-*\" {{ policy = \"write\" {variables} }}")
            .and_then(|()| writeln!(text, "namespace \"exact-{n}\" {{ policy = \"read\" }}"))
            .expect("writing to a string does not fail");
    }
    text
}

fn measure(name: &str, rounds: u32, mut work: impl FnMut() -> bool) {
    let began = Instant::now();
    for _ in 0..rounds {
        black_box(work());
    }
    println!("{name:<40} {:>12.1} ns", began.elapsed().as_secs_f64() * 1e9 / f64::from(rounds));
}

fn main() {
    for namespaces in [10, 1000] {
        let text = rules(namespaces);
        let policy = Policy::parse(&text).expect("the rules are right");
        let acl = Acl::new([&policy]);
        let last = format!("team-{}-x", namespaces - 1);
        let name = |what: &str| format!("{namespaces} namespaces: {what}");
        measure(&name("parse and compile"), 20, || {
            Policy::parse(black_box(&text)).is_ok_and(|policy| !Acl::new([&policy]).is_management())
        });
        measure(&name("exact name"), ROUNDS, || acl.allows(black_box("exact-7"), NamespaceCapability::ReadJob));
        measure(&name("pattern"), ROUNDS, || acl.allows(black_box(&last), NamespaceCapability::SubmitJob));
        measure(&name("variable"), ROUNDS, || {
            acl.allows_variable(black_box(&last), "app-1/x", VariableCapability::Read)
        });
    }
}
