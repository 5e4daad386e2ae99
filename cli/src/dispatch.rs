//! From the command line to a command to an exit code.

use crate::args;
use crate::commands::version;
use crate::context::{Context, Program};
use crate::error::{ErrorKind, exit_code};
use crate::help;
use crate::output;
use crate::registry::{Command, Found, find};
use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

/// Runs what `arguments` say, as `program` (the path the binary was called by).
pub fn run(program: &OsStr, arguments: &[String]) -> ExitCode {
    let called = Path::new(program).file_name().unwrap_or_default();
    let program = if called == "nomad" { Program::Nomad } else { Program::Drover };
    match arguments.first().map(String::as_str) {
        None => {
            output::error_line(&help::top_level(program));
            return ExitCode::from(127);
        }
        Some("-h" | "-help" | "--help" | "help") => {
            output::line(&help::top_level(program));
            return ExitCode::SUCCESS;
        }
        Some("-v" | "-version" | "--version") => {
            output::line(&version::text(program));
            return ExitCode::SUCCESS;
        }
        Some(_) => {}
    }
    match find(arguments, program) {
        Found::Command(command, taken) => execute(command, &arguments[taken..], program),
        Found::Group(path) => {
            let asked = arguments.last().is_some_and(|last| is_help(last));
            let words = path.split(' ').count();
            if asked || arguments.len() == words {
                output::line(&help::group(path, program));
                return ExitCode::from(u8::from(!asked));
            }
            unknown(&arguments[..=words].join(" "), program, &help::group(path, program));
            ExitCode::FAILURE
        }
        Found::Nothing => unknown(&arguments[0], program, &help::top_level(program)),
    }
}

/// Where people meant something else, the list of what there is comes on the standard output, as of a help flag.
fn unknown(words: &str, program: Program, help: &str) -> ExitCode {
    output::line(&format!("{} has no command \"{words}\"\n\n{help}", program.title()));
    ExitCode::from(exit_code(ErrorKind::UnknownCommand, 1))
}

/// The commands of packs have nomad-pack's words for an unknown flag.
fn in_words_of(command: &Command, message: String) -> String {
    match message.strip_prefix("flag provided but not defined: -") {
        Some(flag) if command.path.starts_with("pack ") => format!("unknown flag: --{flag}"),
        _ => message,
    }
}

fn is_help(argument: &str) -> bool {
    matches!(argument, "-h" | "-help" | "--help")
}

fn execute(command: &'static Command, arguments: &[String], program: Program) -> ExitCode {
    let definition = (command.define)();
    let own = arguments.iter().take_while(|argument| *argument != "--").enumerate();
    let mut candidates = own.filter(|(place, _)| command.raw_after.is_none_or(|limit| *place < limit.max(1)));
    if candidates.any(|(_, argument)| is_help(argument)) {
        output::line(&help::command(command, &definition, program));
        return ExitCode::SUCCESS;
    }
    let context = Context { program, command };
    let outcome = args::rewrite(arguments, &args::flags(&definition), command.raw_after)
        .and_then(|arguments| {
            definition.try_get_matches_from(arguments).map_err(|error| first_line(&error.to_string()))
        })
        .map_err(|message| context.usage(in_words_of(command, message)))
        .and_then(|matches| {
            output::choose_colour(flag(&matches, "no-color"), flag(&matches, "force-color"));
            (command.run)(&matches, &context)
        });
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            error.print(program);
            ExitCode::from(exit_code(error.kind, command.failure))
        }
    }
}

fn flag(matches: &clap::ArgMatches, name: &str) -> bool {
    matches.try_get_one::<bool>(name).ok().flatten().copied().unwrap_or(false)
}

fn first_line(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    text.split("\n\nUsage").next().unwrap_or(text).trim_end().to_owned()
}
