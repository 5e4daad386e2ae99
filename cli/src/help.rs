//! Help texts, made from the commands' own definitions in the layout that users of Nomad know.

use crate::commands::{ALIASES, COMMANDS, COMMON, GROUPS};
use crate::context::Program;
use crate::registry::{Command, is_offered};

/// The list of commands.
pub fn top_level(program: Program) -> String {
    let name = program.name();
    let mut text =
        format!("Usage: {name} [-version] [-help] [-autocomplete-(un)install] <command> [args]\n\nCommon commands:\n");
    let mut entries: Vec<(&str, &str)> =
        GROUPS.iter().filter(|(path, _)| !path.contains(' ') && is_offered(path, program)).copied().collect();
    for command in COMMANDS.iter().filter(|command| is_offered(command.path, program)) {
        if !command.path.contains(' ') && !entries.iter().any(|(path, _)| *path == command.path) {
            entries.push((command.path, command.summary));
        }
    }
    for (alias, target) in ALIASES {
        if let Some(command) = COMMANDS
            .iter()
            .find(|command| command.path == *target)
            .filter(|_| !entries.iter().any(|(path, _)| path == alias))
        {
            entries.push((alias, command.summary));
        }
    }
    entries.sort_unstable();
    for wanted in COMMON {
        if let Some((path, summary)) = entries.iter().find(|(path, _)| path == wanted) {
            text.push_str(&format!("    {path:<10}  {summary}\n"));
        }
    }
    text.push_str("\nOther commands:\n");
    for (path, summary) in entries.iter().filter(|(path, _)| !COMMON.contains(path)) {
        text.push_str(&format!("    {path:<16}    {summary}\n"));
    }
    text.truncate(text.trim_end().len());
    text
}

/// The commands of a group.
pub fn group(path: &str, program: Program) -> String {
    let name = program.name();
    let summary = GROUPS.iter().find(|(known, _)| *known == path).map_or("", |(_, summary)| *summary);
    let mut text = format!("Usage: {name} {path} <subcommand> [options] [args]\n\n  {summary}.\n\nSubcommands:\n");
    let mut entries: Vec<(&str, &str)> = Vec::new();
    for (full, summary) in COMMANDS.iter().map(|command| (command.path, command.summary)).chain(GROUPS.iter().copied())
    {
        if let Some(rest) =
            full.strip_prefix(path).and_then(|rest| rest.strip_prefix(' ')).filter(|rest| !rest.contains(' '))
        {
            entries.push((rest, summary));
        }
    }
    entries.sort_unstable();
    for (word, summary) in entries {
        text.push_str(&format!("    {word:<14}    {summary}\n"));
    }
    text.truncate(text.trim_end().len());
    text
}

/// One command with its flags.
pub fn command(command: &Command, definition: &clap::Command, program: Program) -> String {
    let name = program.name();
    let mut text = format!("Usage: {name} {} {}\n", command.path, command.usage);
    for (alias, _) in ALIASES.iter().filter(|(_, target)| *target == command.path) {
        text.push_str(&format!("Alias: {name} {alias}\n"));
    }
    text.push_str(&format!("\n  {}.\n", command.summary));
    let mut flags: Vec<&clap::Arg> = definition
        .get_arguments()
        .filter(|argument| argument.get_long().is_some() && !argument.is_hide_set())
        .collect();
    flags.sort_by_key(|argument| argument.get_help_heading().map(str::to_owned));
    let mut heading = None;
    for flag in flags {
        let current = flag.get_help_heading().unwrap_or("Options");
        if heading != Some(current) {
            text.push_str(&format!("\n{current}:\n"));
            heading = Some(current);
        }
        let value =
            if flag.get_action().takes_values() && flag.get_num_args().is_none_or(|range| range.min_values() > 0) {
                let names = flag
                    .get_value_names()
                    .and_then(|names| names.first())
                    .map_or_else(|| "value".to_owned(), |name| name.to_lowercase());
                format!("=<{names}>")
            } else {
                String::new()
            };
        let help = flag.get_long_help().or(flag.get_help()).map(ToString::to_string).unwrap_or_default();
        text.push_str(&format!(
            "\n  -{}{value}\n    {}\n",
            flag.get_long().unwrap_or_default(),
            help.replace('\n', "\n    ")
        ));
    }
    text.truncate(text.trim_end().len());
    text
}
