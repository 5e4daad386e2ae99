//! Commands about what the engine holds of a stack: they take its folder or file, or only its name.

use super::{StackArgs, engine_error, saved_secrets};
use crate::context::Context;
use crate::error::CliError;
use drover_secrets::Resolver;
use drover_stack::record::Record;
use drover_stack::{Desired, Engine, Input};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A stack that the engine may hold.
pub struct StackRef {
    /// Its name.
    pub stack: String,
    /// The namespace of its record.
    pub namespace: String,
    /// The engine.
    pub engine: Engine,
}

impl StackRef {
    /// Finds out what `path` means: a stack that is there, or the name of one whose files are not at hand.
    ///
    /// # Errors
    /// Neither, or the engine cannot be used.
    pub fn find(arguments: &StackArgs, path: Option<&str>, context: &Context) -> Result<Self, CliError> {
        let path = path.unwrap_or(".");
        if !Path::new(path).exists() && is_name(path) {
            let engine = arguments.connect(context, None)?;
            return Ok(Self { stack: path.to_owned(), namespace: namespace(arguments), engine });
        }
        let desired = arguments.evaluate(path, context)?.desired;
        let engine = arguments.connect(context, Some(&desired))?;
        let Desired { stack, namespace, .. } = desired;
        Ok(Self { stack, namespace, engine })
    }

    /// Its record.
    ///
    /// # Errors
    /// The engine does not answer, or the stack was never applied.
    pub async fn record(&self) -> Result<Record, CliError> {
        let (record, index) =
            self.engine.record(&self.stack, &self.namespace).await.map_err(|error| engine_error(&error))?;
        if index == 0 || record.release == 0 {
            return Err(CliError::new(format!(
                "stack {} was never applied to {} (namespace {})",
                self.stack,
                self.engine.address(),
                self.namespace
            ))
            .hint("drover apply; -namespace names another namespace, -address another engine"));
        }
        Ok(record)
    }
}

/// What the secrets of an earlier release are got from today.
pub struct Secrets {
    resolver: Arc<Resolver>,
    supplied: drover_packs::Supplied,
}

impl Secrets {
    /// The same providers and variables as for a saved plan. Files lie in the stack's folder where `path` is one.
    ///
    /// # Errors
    /// A variable file cannot be read, or an argument is no assignment.
    pub fn new(arguments: &StackArgs, path: Option<&str>, context: &Context) -> Result<Self, CliError> {
        let input = Input::find(Path::new(path.unwrap_or("."))).ok();
        let folder = input.map_or_else(|| PathBuf::from("."), |input| input.folder());
        let (resolver, supplied) = saved_secrets(arguments, &folder, context)?;
        Ok(Self { resolver, supplied })
    }

    /// The same, to be held for as long as its values are used.
    pub fn shared(&self) -> Arc<Resolver> {
        Arc::clone(&self.resolver)
    }

    /// Answers references.
    pub fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// The values that a sensitive variable has now.
    pub fn variable(&self, name: &str) -> Vec<String> {
        self.supplied.texts(name.rsplit('.').next().unwrap_or(name))
    }
}

fn is_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !text.is_empty() && text.chars().all(is_plain)
}

fn namespace(arguments: &StackArgs) -> String {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let given =
        arguments.engine.namespace.clone().or_else(|| set("DROVER_NAMESPACE")).or_else(|| set("NOMAD_NAMESPACE"));
    given.unwrap_or_else(|| "default".to_owned())
}
