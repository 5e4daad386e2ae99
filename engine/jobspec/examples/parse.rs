//! Reads a job as `drover job run -output` does and prints its JSON: `parse job run -output [flags] FILE`.
//! For work on the parser without building the command line.

use std::io::Read;

use drover_jobspec::{JobArgs, load};
use drover_wire::job::to_json_text;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program, not a library")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = JobArgs {
        env: std::env::vars().collect(),
        working_dir: std::env::current_dir()?,
        home_dir: std::env::var_os("HOME").map(Into::into),
        ..JobArgs::default()
    };
    let mut consul_namespace = None;
    let mut vault_namespace = None;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let (flag, value) = word.split_once('=').map_or((word.as_str(), None), |(f, v)| (f, Some(v.to_owned())));
        let mut value = || value.clone().or_else(|| words.next()).unwrap_or_default();
        match flag.trim_start_matches('-') {
            _ if !word.starts_with('-') || word == "-" => args.name = word,
            "json" => args.json = true,
            "hcl2-strict" => args.lenient = value() == "false",
            "var" => args.vars.push(value()),
            "var-file" => args.var_files.push(value()),
            "consul-namespace" => consul_namespace = Some(value()),
            "vault-namespace" => vault_namespace = Some(value()),
            "region" | "namespace" | "address" | "token" | "priority" => drop(value()),
            _ => {}
        }
    }
    if args.name == "-" {
        std::io::stdin().read_to_end(&mut args.content)?;
    } else {
        args.content = std::fs::read(&args.name)?;
    }
    match load(&args) {
        Ok(mut job) => {
            job.consul_namespace = consul_namespace.or(job.consul_namespace);
            job.vault_namespace = vault_namespace.or(job.vault_namespace);
            println!("{}", to_json_text(&std::collections::BTreeMap::from([("Job", job)])));
            Ok(())
        }
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
}
