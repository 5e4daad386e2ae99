//! `dev`: keeps an engine as the files say while they are being written, and shows what all tasks say.
//!
//! Each save is evaluated, planned and applied. A mistake is shown and changes nothing; the next save is looked at again.

mod logs;
mod watch;

use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, Colour, bold, paint};
use crate::registry::{Invoke, Outcome};
use crate::stacks::{CarryArgs, Consent, Session, StackArgs, Work, engine_error, print_plan};
use drover_sdk::Client;
use drover_stack::desired::Target;
use drover_stack::{ChangePlan, Engine, plan, preview};
use logs::Logs;
use std::path::{Path, PathBuf};
use watch::Watch;

/// Plans and applies at every save.
#[derive(clap::Args)]
#[command(next_help_heading = "Dev Options")]
pub struct Dev {
    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    carry: CarryArgs,
    /// Another file or folder whose changes count. Repeatable.
    #[arg(long, value_name = "path")]
    watch: Vec<PathBuf>,
    /// Removes the stack from the engine at the end.
    #[arg(long)]
    clean: bool,
    /// Shows whole plans instead of one line each.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    path: Option<String>,
}

impl Invoke for Dev {
    fn invoke(self, context: &Context) -> Outcome {
        let path = self.path.clone().unwrap_or_else(|| ".".to_owned());
        let mut watched = vec![folder(&path)];
        watched.extend(self.watch.iter().cloned());
        let mut watch = Watch::new(&watched)?;
        let mut logs = Logs::default();
        let mut last: Option<(Session, Engine)> = None;
        say(&format!(
            "watching {}; Ctrl-C ends",
            watched.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ")
        ));
        loop {
            match self.bring(context, &path) {
                Ok(found) => last = Some(found),
                Err(error) => error.print(context.program),
            }
            let client = self.client(context, last.as_ref())?;
            let jobs = last.as_ref().map(|(session, _)| jobs(session)).unwrap_or_default();
            if !context.block_on(async { Ok(logs.follow_until(&client, &jobs, &mut watch).await) })? {
                break;
            }
        }
        match last {
            Some((session, engine)) if self.clean => self.remove(context, &session, &engine),
            Some((session, _)) => {
                say(&format!("stack {} keeps running; drover destroy {path} removes it", session.desired.stack));
                Ok(0)
            }
            None => Ok(0),
        }
    }
}

impl Dev {
    /// Evaluates, plans and applies once.
    fn bring(&self, context: &Context, path: &str) -> Result<(Session, Engine), CliError> {
        let session = self.stack.evaluate(path, context)?;
        let engine = self.stack.connect(context, Some(&session.desired))?;
        context.block_on(async {
            let make = async || Ok::<ChangePlan, CliError>(session.plan(&engine, &self.stack.options()).await?.0);
            let plan = make().await?;
            if self.verbose {
                print_plan(&plan, self.stack.json);
            } else {
                say(&preview::summary(&plan));
            }
            // What did not become healthy is said, and the next save may mend it.
            self.work(context, &engine, &session, "dev").carry_out(plan, make).await?;
            Ok(())
        })?;
        Ok((session, engine))
    }

    fn remove(&self, context: &Context, session: &Session, engine: &Engine) -> Outcome {
        let (stack, namespace) = (&session.desired.stack, &session.desired.namespace);
        let make = async || -> Result<ChangePlan, CliError> {
            let live = engine.read_owned(stack, namespace).await.map_err(|error| engine_error(&error))?;
            let options = self.stack.options();
            Ok(ChangePlan {
                engines: session.desired.engines.clone(),
                ..plan::destroy(stack, namespace, &live, &options)
            })
        };
        context.block_on(async {
            let plan = make().await?;
            self.work(context, engine, session, "destroy").carry_out(plan, &make).await
        })
    }

    fn work<'a>(&'a self, context: &'a Context, engine: &'a Engine, session: &'a Session, cause: &str) -> Work<'a> {
        Work {
            context,
            engine,
            masker: &session.masker,
            secrets: &session.secrets,
            args: &self.carry,
            consent: Consent::Given,
            cause: cause.to_owned(),
            json: self.stack.json,
        }
    }

    /// For logs: of the engine that the stack was brought to, or of the one that flags and environment name.
    fn client(&self, context: &Context, last: Option<&(Session, Engine)>) -> Result<Client, CliError> {
        let mut arguments = self.stack.engine.clone();
        if let Some((_, engine)) = last {
            arguments.server.address = Some(engine.address().to_owned());
        }
        arguments.connect(context)
    }
}

/// The stack's jobs on its own engine: namespace and id.
fn jobs(session: &Session) -> Vec<(String, String)> {
    let job = |target: Target| match target {
        Target::Job { namespace, id } => Some((namespace, id)),
        _ => None,
    };
    session.desired.resources.iter().filter_map(|resource| job(resource.target())).collect()
}

fn folder(path: &str) -> PathBuf {
    let path = Path::new(path);
    if path.is_dir() {
        return path.to_owned();
    }
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

fn say(text: &str) {
    output::line(&paint(Colour::Yellow, &bold(text)));
}
