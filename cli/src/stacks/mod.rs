//! What the commands about stacks and packs share: arguments, evaluation, engine, preview, progress.

mod annotations;
mod ask;
mod carry;
mod inputs;
mod interrupt;
mod leases;
mod named;
mod preview;
mod progress;
mod reference;
pub mod saved;
mod tell;
mod var_source;
pub mod who;

pub use ask::ask_for_missing;
pub use carry::{CarryArgs, Consent, Work};
pub use inputs::{VariableArgs, resolver};
pub use preview::{print_line, print_plan};
pub use reference::{Secrets, StackRef};

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, ErrorKind};
use crate::registries::{self, RegistryPacks};
use drover_registry::{LockFile, Locking};
use drover_secrets::{Masker, Resolver};
use drover_stack::plan::{self, Options};
use drover_stack::{ChangePlan, Desired, Engine, EngineError, Input, Inputs, Live, Written};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

/// Exit code: something could not be placed.
pub const EXIT_NOT_PLACED: u8 = 3;
/// Exit code: something did not become healthy in time.
pub const EXIT_UNHEALTHY: u8 = 4;
/// Exit code: the plan is stale.
pub const EXIT_STALE: u8 = 5;

/// Exit code: a mandatory policy is not kept.
pub const EXIT_REFUSED: u8 = 6;

/// Flags of every command that evaluates a stack.
#[derive(clap::Args, Clone, Debug)]
pub struct StackArgs {
    #[command(flatten)]
    pub engine: EngineArgs,
    #[command(flatten)]
    pub variables: VariableArgs,
    /// Only this resource and what it depends on. Repeatable.
    #[arg(long, value_name = "address")]
    pub target: Vec<String>,
    /// Not this resource, nor what depends on it. Repeatable.
    #[arg(long, value_name = "address")]
    pub exclude: Vec<String>,
    /// Replaces what runs of this resource, even if nothing about it changes. Repeatable.
    #[arg(long, value_name = "address")]
    pub replace: Vec<String>,
    /// With =false, a job that is as the last release left it counts as unchanged without a dry run: quicker where there are many.
    #[arg(long, value_name = "bool", default_value_t = true, action = clap::ArgAction::Set)]
    pub refresh: bool,
    /// The environment: merges in the overlay blocks of that name.
    #[arg(long = "env", value_name = "name")]
    pub environment: Option<String>,
    /// Takes over resources that belong to another stack or to none.
    #[arg(long)]
    pub adopt: bool,
    /// Name of the stack, where no stack block gives one.
    #[arg(long, value_name = "name")]
    pub name: Option<String>,
    /// Prints one JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// An evaluated stack.
pub struct Session {
    /// What it wants.
    pub desired: Desired,
    /// Hides its secrets.
    pub masker: Masker,
    /// Answers references; leases that it holds end with it.
    pub secrets: Arc<Resolver>,
}

impl StackArgs {
    /// Evaluates what `path` names.
    ///
    /// # Errors
    /// Nothing usable is there, or it is wrong.
    pub fn evaluate(&self, path: &str, context: &Context) -> Result<Session, CliError> {
        let input = Input::find(&registries::folder(path)?).map_err(|error| explained(&error))?;
        let secrets = resolver(&input.folder(), &self.variables, &self.engine, context);
        let inputs = self.inputs(&input, registries::packs_of(&input.folder())?, &secrets, context)?;
        let desired = input.evaluate(&inputs).map_err(|error| masked(explained(&error), &secrets.taint().masker()))?;
        let masker = secrets.taint().masker();
        Ok(Session { desired, masker, secrets })
    }

    /// The references that `path` names, with the providers that answer them; nothing is read. With an error when not all of it
    /// could be evaluated.
    ///
    /// # Errors
    /// Nothing usable is there.
    pub fn references(&self, path: &str, context: &Context) -> Result<(Arc<Resolver>, Option<CliError>), CliError> {
        let input = Input::find(&registries::folder(path)?).map_err(|error| explained(&error))?;
        let secrets = crate::secrets::resolver(&input.folder(), &self.variables, &self.engine, context).listing();
        let secrets = Arc::new(secrets);
        let inputs = self.inputs(&input, registries::packs_of(&input.folder())?, &secrets, context)?;
        let problem = input.evaluate(&inputs).err().map(|error| explained(&error));
        Ok((secrets, problem))
    }

    /// Pins the registries' packs that `path` names; answers the lock file, when there are any.
    ///
    /// # Errors
    /// It cannot be evaluated, or a pack cannot be had.
    pub fn lock(&self, path: &str, context: &Context, locking: Locking) -> Result<Option<LockFile>, CliError> {
        let input = Input::find(Path::new(path)).map_err(|error| explained(&error))?;
        let secrets = resolver(&input.folder(), &self.variables, &self.engine, context);
        let packs = Arc::new(RegistryPacks::locked_in(&input.folder(), locking));
        let inputs = self.inputs(&input, Arc::clone(&packs), &secrets, context)?;
        input.evaluate(&inputs).map_err(|error| masked(explained(&error), &secrets.taint().masker()))?;
        packs.save_update()
    }

    /// What evaluating needs.
    fn inputs(
        &self,
        input: &Input,
        packs: Arc<RegistryPacks>,
        secrets: &Arc<Resolver>,
        context: &Context,
    ) -> Result<Inputs, CliError> {
        let pack = match input {
            Input::Pack(folder) => {
                let locator = drover_packs::Locator { locate: &*packs, registries: &[] };
                drover_packs::Pack::load_with(folder, locator).ok()
            }
            _ => None,
        };
        let default_name = self.name.clone().unwrap_or_else(|| match &pack {
            Some(pack) => pack.metadata.name.clone(),
            None => input.default_name(),
        });
        let supplied = match &pack {
            Some(pack) => {
                let mut supplied = self.variables.supplied_to(pack, secrets, context)?;
                ask_for_missing(pack, &mut supplied)?;
                supplied
            }
            None => self.variables.supplied(secrets, context)?,
        };
        Ok(Inputs {
            folder: input.folder(),
            supplied,
            secrets: Arc::clone(secrets),
            packs,
            env: self.variables.allowed_environment(),
            default_name,
            namespace: self.engine.namespace.clone(),
            environment: self.environment.clone(),
        })
    }

    /// The engine: flag, then environment, then the stack's own choice, then the local one.
    ///
    /// # Errors
    /// The address is none, or the local engine does not start.
    pub fn connect(&self, context: &Context, desired: Option<&Desired>) -> Result<Engine, CliError> {
        let mut arguments = self.engine.clone();
        if let Some(choice) = desired.map(|desired| &desired.engine) {
            let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
            if arguments.server.address.is_none() && !is_set("DROVER_ADDR") && !is_set("NOMAD_ADDR") {
                arguments.server.address.clone_from(&choice.address);
            }
            if arguments.server.region.is_none() {
                arguments.server.region.clone_from(&choice.region);
            }
        }
        let engine = Engine::new(arguments.connect(context)?);
        let Some(desired) = desired else { return Ok(engine) };
        Ok(engine.with_named(named::clients(&desired.engines, &arguments, context)?))
    }

    /// The engine of a saved plan, with those that it names.
    ///
    /// # Errors
    /// As there.
    pub fn connect_saved(&self, context: &Context, plan: &ChangePlan) -> Result<Engine, CliError> {
        let engine = self.connect(context, None)?;
        Ok(engine.with_named(named::clients(&plan.engines, &self.engine, context)?))
    }

    /// What the person chose for a plan that is made now.
    pub fn options(&self) -> Options {
        Options {
            adopt: self.adopt,
            targets: self.target.clone(),
            excludes: self.exclude.clone(),
            replaces: self.replace.clone(),
            trusts_record: !self.refresh,
            reads: 0,
            id: drover_base::uuid::random(),
            now: now(),
        }
    }
}

impl Session {
    /// Reads the engine and computes the plan.
    ///
    /// # Errors
    /// The engine does not answer or refuses a job, or something belongs to somebody else.
    pub async fn plan(&self, engine: &Engine, options: &Options) -> Result<(ChangePlan, Live), CliError> {
        plan::check(&self.desired, options).map_err(|error| CliError::new(error.to_string()))?;
        let live = engine
            .read(&self.desired, options, &self.masker)
            .await
            .map_err(|error| self.masked(engine_error(&error)))?;
        let plan = plan::compute(&self.desired, &live, options, &self.masker)
            .map_err(|error| CliError::new(error.to_string()))?;
        Ok((plan, live))
    }

    /// As [`Session::plan`], and makes the stack's key if there is none yet: a plan that is to be saved needs it.
    ///
    /// # Errors
    /// As there.
    pub async fn plan_to_save(&self, engine: &Engine, options: &Options) -> Result<(ChangePlan, String), CliError> {
        let key = self.key(engine).await?;
        let (plan, _) = self.plan(engine, options).await?;
        Ok((plan, key))
    }

    /// The stack's key; made if there is none yet.
    ///
    /// # Errors
    /// The engine does not answer, or somebody else writes the record at the same time.
    pub async fn key(&self, engine: &Engine) -> Result<String, CliError> {
        let Desired { stack, namespace, .. } = &self.desired;
        let (mut record, index) = engine.record(stack, namespace).await.map_err(|error| engine_error(&error))?;
        if record.key.is_empty() {
            record.key = fresh_key();
            let written =
                engine.put_record(stack, namespace, &record, index).await.map_err(|error| engine_error(&error))?;
            if written == Written::Stale {
                return Err(CliError::new(format!("somebody else wrote the record of stack {stack} at the same time"))
                    .hint("plan again"));
            }
        }
        Ok(record.key)
    }

    fn masked(&self, error: CliError) -> CliError {
        masked(error, &self.masker)
    }
}

/// A key for a stack that has none yet.
pub fn fresh_key() -> String {
    format!("{}{}", drover_base::uuid::random(), drover_base::uuid::random()).replace('-', "")
}

/// Now, RFC 3339 in UTC.
pub fn now() -> String {
    drover_base::UnixNanos::now().timestamp().to_string()
}

/// An error with its causes.
pub fn explained(error: &dyn Error) -> CliError {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        message.push_str(&format!(": {next}"));
        cause = next.source();
    }
    CliError::new(message)
}

/// An error of the engine, with what to do about it.
pub fn engine_error(error: &EngineError) -> CliError {
    match error {
        EngineError::Engine(cause) if cause.is_unreachable() => {
            CliError::of(ErrorKind::Unreachable, format!("the engine does not answer: {cause}"))
                .hint("check -address, DROVER_ADDR and NOMAD_ADDR, and that an agent runs there")
        }
        other => explained(other),
    }
}

fn masked(mut error: CliError, masker: &Masker) -> CliError {
    error.message = masker.mask(&error.message).into_owned();
    error
}

/// What a saved plan's secrets are taken from: the same providers, and the variables given now. Files lie below `folder`.
///
/// # Errors
/// A variable file cannot be read, or an argument is no assignment.
pub fn saved_secrets(
    arguments: &StackArgs,
    folder: &Path,
    context: &Context,
) -> Result<(Arc<Resolver>, drover_packs::Supplied), CliError> {
    let secrets = resolver(folder, &arguments.variables, &arguments.engine, context);
    let supplied = arguments.variables.supplied(&secrets, context)?;
    Ok((secrets, supplied))
}
