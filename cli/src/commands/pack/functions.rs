//! `pack functions`: what templates can use.

use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, Table, bold};
use crate::registry::{Invoke, Outcome};
use drover_hcl::diagnostic::nearest;
use drover_packs::gotemplate::{GoFunction, go_functions};
use drover_packs::template::reference::{ENTRIES, Entry, Kind};
use serde_json::json;

/// Describes functions.
#[derive(clap::Args)]
#[command(next_help_heading = "Functions Options")]
pub struct Functions {
    /// Those of Go templates (files that end in .tpl) only.
    #[arg(long)]
    go: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[arg(hide = true)]
    names: Vec<String>,
}

impl Invoke for Functions {
    fn invoke(self, context: &Context) -> Outcome {
        let wanted = match self.names.as_slice() {
            [] => None,
            [name] => Some(name.as_str()),
            _ => return Err(context.usage("This command takes at most one argument: [name]")),
        };
        let fits = |name: &str| wanted.is_none_or(|wanted| wanted == name);
        let tera: Vec<&Entry> = ENTRIES.iter().filter(|entry| !self.go && fits(entry.name)).collect();
        let go: Vec<GoFunction> = go_functions().into_iter().filter(|function| fits(function.name)).collect();
        // All of Go's are too many to show beside the others unasked.
        let show_go = self.go || wanted.is_some() || self.json;
        if let (Some(wanted), true, true) = (wanted, tera.is_empty(), go.is_empty()) {
            let all = go_functions();
            let known = ENTRIES.iter().map(|entry| entry.name).chain(all.iter().map(|function| function.name));
            let error = CliError::new(format!("there is no function, filter or test {wanted:?}"));
            return Err(match nearest(wanted, known) {
                Some(meant) => error.hint(format!("did you mean {meant:?}?")),
                None => error.hint("`drover pack functions` lists those of Tera, with -go those of Go templates"),
            });
        }
        if self.json {
            output::line(&output::json(&document(&tera, &go)));
        } else if wanted.is_some() {
            tera.iter().for_each(|entry| describe(entry));
            go.iter().for_each(|function| {
                output::line(&format!(
                    "{} {}  (Go template function)\n  {}",
                    bold(function.name),
                    function.signature,
                    function.about
                ));
            });
        } else {
            list(&tera);
            if show_go {
                list_go(&go);
            } else {
                output::line("\nThose of Go templates: drover pack functions -go");
            }
        }
        Ok(0)
    }
}

fn kind(entry: &Entry) -> &'static str {
    match entry.kind {
        Kind::Function => "function",
        Kind::Filter => "filter",
        Kind::Test => "test",
    }
}

fn describe(entry: &Entry) {
    output::line(&format!("{}  (Tera {})\n  {}\n  {}", bold(entry.name), kind(entry), entry.usage, entry.about));
    if let Some((template, result)) = entry.example {
        output::line(&format!("  example: {template}  gives  {}", result.replace('\n', "\\n")));
    }
}

fn list(entries: &[&Entry]) {
    for (wanted, title) in [(Kind::Function, "Functions"), (Kind::Filter, "Filters"), (Kind::Test, "Tests")] {
        let mut table = Table::with_blanks(&[title, "What it does"]);
        for entry in entries.iter().filter(|entry| entry.kind == wanted) {
            table.row([entry.usage.to_owned(), entry.about.to_owned()]);
        }
        if table.len() > 0 {
            output::line(&format!("{}\n", table.render()));
        }
    }
}

fn list_go(functions: &[GoFunction]) {
    let mut table = Table::with_blanks(&["Go template functions", "What it does"]);
    for function in functions {
        table.row([format!("{} {}", function.name, function.signature), function.about.clone()]);
    }
    output::line(&table.render());
}

fn document(tera: &[&Entry], go: &[GoFunction]) -> serde_json::Value {
    let tera = tera.iter().map(|entry| {
        let example = entry.example.map(|(template, result)| json!({"template": template, "result": result}));
        json!({"name": entry.name, "kind": kind(entry), "usage": entry.usage, "about": entry.about, "example": example})
    });
    let go = go
        .iter()
        .map(|function| json!({"name": function.name, "signature": function.signature, "about": function.about}));
    json!({"version": 1, "tera": tera.collect::<Vec<_>>(), "go": go.collect::<Vec<_>>()})
}
