//! Templates.

use super::{escapes, text};
use crate::job::Template;
use crate::problems::Problems;
use drover_base::Nanos;
use std::collections::BTreeMap;

pub(super) fn templates(list: &[Template], problems: &mut Problems) {
    let mut destinations: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, one) in list.iter().enumerate() {
        problems.nest(&format!("Template {} validation failed", index + 1), template(one));
        let destination = text(&one.dest_path);
        match destinations.get(destination) {
            Some(first) => problems.add(format!("Template {} has same destination as {}", index + 1, first + 1)),
            None => {
                destinations.insert(destination, index);
            }
        }
    }
}

fn template(template: &Template) -> Problems {
    let mut problems = Problems::default();
    let source = text(&template.source_path);
    problems.add_if(
        source.is_empty() && text(&template.embedded_tmpl).is_empty(),
        "Must specify a source path or have an embedded template",
    );
    let destination = text(&template.dest_path);
    problems.add_if(destination.is_empty(), "Must specify a destination for the template");
    problems.add_if(escapes(destination, 1), "destination escapes allocation directory");
    match text(&template.change_mode) {
        "noop" | "restart" => {}
        "signal" => {
            problems.add_if(
                text(&template.change_signal).is_empty(),
                "Must specify signal value when change mode is signal",
            );
            problems.add_if(template.envvars == Some(true), "cannot use signals with env var templates");
        }
        "script" => match &template.change_script {
            None => problems.add("must specify change script configuration value when change mode is script"),
            Some(script) => {
                problems.add_if(
                    text(&script.command).is_empty(),
                    "must specify script path value when change mode is script",
                );
            }
        },
        _ => problems.add("Invalid change mode. Must be one of the following: noop, signal, script, restart"),
    }
    problems.add_if(template.splay.unwrap_or_default() < 0, "Must specify positive splay value");
    let perms = text(&template.perms);
    if !perms.is_empty() && u32::from_str_radix(perms, 8).is_err() {
        let text = format!("Failed to parse {perms:?} as octal: strconv.ParseUint: parsing {perms:?}: invalid syntax");
        problems.add(text);
    }
    if let Some(wait) = &template.wait
        && let (Some(min), Some(max)) = (wait.min, wait.max)
        && min > max
    {
        problems.add(format!("wait min {} is greater than max {}", Nanos(min), Nanos(max)));
    }
    problems
}
