//! The `drover` binary: packs, plan and apply, and a built-in orchestration engine.
//!
//! Linked as `nomad`, it answers as Nomad's command line does.

mod args;
mod browser;
mod commands;
mod context;
mod dispatch;
mod engine;
mod error;
mod help;
mod jobcheck;
mod jobfile;
mod local;
mod monitor;
mod output;
mod prompt;
mod registries;
mod registry;
mod resolve;
mod secrets;
mod specfile;
mod stacks;
mod terminal;

/// Counts what renderings of packs take, so that none takes all.
#[global_allocator]
static ALLOCATOR: drover_packs::limits::Bounded = drover_packs::limits::Bounded;

fn main() -> std::process::ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    let arguments: Vec<_> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    if arguments.first().is_some_and(|first| first == "supervise") {
        // A task's supervisor stays as small as it can: no runtime, no parsing of commands.
        return drover_drivers::supervisor::main(&arguments[1..]);
    }
    if arguments.first().is_some_and(|first| first == "render-example") {
        // A registry starts it for packs of strangers; it is no command for people.
        return commands::registry::render_example::main(&arguments[1..]);
    }
    dispatch::run(&program, &arguments)
}
