//! Packs in nomad-pack's format: what a rendering of one needs from the command line and the machine.

use crate::context::{Context, Program};
use crate::engine::ServerArgs;
use crate::error::CliError;
use crate::registry::Command;
use crate::stacks::{VariableArgs, explained};
use drover_packs::gotemplate::{EngineReads, HostRules, ReadFault, World};
use drover_packs::nomad_pack::{Choices, GoPack};
use drover_packs::value_files::ENDINGS;
use drover_packs::{PackSecrets, Supplied};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Flags for packs in nomad-pack's format.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Go Template Options")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct GoArgs {
    /// Renders with the first version of nomad-pack's syntax: [[ .my.x ]].
    #[arg(long = "parser-v1")]
    pub parser_v1: bool,
    /// Does not lay HCL out.
    #[arg(long = "no-format")]
    pub no_format: bool,
    /// Only jobs.
    #[arg(long = "skip-aux-files")]
    pub skip_aux_files: bool,
    /// Variables without a value print nothing. Also NOMAD_PACK_ALLOW_UNSET_VARS=true.
    #[arg(long = "allow-unset-vars")]
    pub allow_unset_vars: bool,
    /// Passes over values for variables that do not exist.
    #[arg(long = "ignore-missing-vars")]
    pub ignore_missing_vars: bool,
    /// Lets templates read files outside of the pack and look up host names.
    #[arg(long = "allow-host-functions")]
    pub allow_host_functions: bool,
}

impl GoArgs {
    /// How to render.
    pub fn choices(&self, outputs: bool) -> Choices {
        let allowed = std::env::var("NOMAD_PACK_ALLOW_UNSET_VARS").is_ok_and(|value| value == "true" || value == "1");
        Choices {
            legacy: self.parser_v1,
            format: !self.no_format,
            auxiliary: !self.skip_aux_files,
            outputs,
            allow_unset: self.allow_unset_vars || allowed,
            ignore_unknown: self.ignore_missing_vars,
        }
    }

    /// What templates may see. Those of a pack in a folder of the person's own may read the environment, others not.
    pub fn world(&self, context: &Context, pack: &Path, secrets: PackSecrets) -> World {
        World {
            rules: HostRules {
                environment: match crate::registries::is_fetched(pack) {
                    true => None,
                    false => Some(Arc::new(|name| std::env::var(name).ok())),
                },
                unbounded: self.allow_host_functions,
                folders: vec![pack.canonicalize().unwrap_or_else(|_| pack.to_owned())],
                current: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            },
            engine: Some(Arc::new(Reads { program: context.program, command: context.command })),
            secrets: Some(secrets),
        }
    }
}

/// Reads a pack.
pub fn load(folder: &str) -> Result<GoPack, CliError> {
    GoPack::load(Path::new(folder)).map_err(|error| explained(&error))
}

/// All values, in order of precedence.
pub fn supplied(variables: &VariableArgs, context: &Context) -> Result<Supplied, CliError> {
    let mut supplied = variables.sources(context)?;
    supplied.extend(given(variables)?);
    Ok(supplied)
}

/// The values of environment, files and arguments.
fn given(variables: &VariableArgs) -> Result<Supplied, CliError> {
    let mut supplied = Supplied::default();
    supplied.add_environment(
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    );
    for path in variables.var_file.iter().flat_map(|list| list.split(',')) {
        let suffix =
            Path::new(path).extension().map_or_else(String::new, |suffix| format!(".{}", suffix.to_string_lossy()));
        if !ENDINGS.contains(&suffix.as_str()) {
            return Err(CliError::new(format!(
                "Cannot read from {path}: unrecognized file format suffix {suffix:?}. Supported formats are \".hcl\" and \".json\", and also \".yaml\", \".yml\" and \".toml\""
            )));
        }
        let content = std::fs::read(path).map_err(|error| {
            let reason = match error.kind() {
                std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
                _ => error.to_string(),
            };
            CliError::new(format!("error loading variable file {path:?}: stat {path}: {reason}"))
        })?;
        supplied.add_pack_file(path, &content).map_err(|problems| explained(&problems))?;
    }
    for argument in &variables.var {
        supplied.add_argument(argument).map_err(|_| {
            CliError::new(format!(
                "invalid argument {argument:?} for \"--var\" flag: missing = in KV pair: {argument:?}"
            ))
        })?;
    }
    Ok(supplied)
}

/// Reads of the engine that the command would use.
struct Reads {
    program: Program,
    command: &'static Command,
}

impl EngineReads for Reads {
    fn get(&self, path: &str) -> Result<serde_json::Value, ReadFault> {
        let context = Context { program: self.program, command: self.command };
        let fault = |error: CliError| ReadFault::Unreachable(error.message);
        let client = ServerArgs::default().connect(&context).map_err(fault)?;
        let answer = context.block_on(async { Ok(client.raw("GET", path, &[], None).await) }).map_err(fault)?;
        let (status, _, body) = answer.map_err(|error| ReadFault::Unreachable(error.to_string()))?;
        let body = String::from_utf8_lossy(&body).into_owned();
        if status >= 400 {
            return Err(ReadFault::Refused { status, body });
        }
        serde_json::from_str(&body).map_err(|error| ReadFault::Unreachable(format!("the answer is no JSON: {error}")))
    }
}
