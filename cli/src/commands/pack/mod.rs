//! `pack …`: packs by themselves. `pack plan`, `run` and `destroy` are `plan`, `apply` and `destroy` of a stack of one pack.

pub mod go;
pub mod info;
pub mod list;
pub mod new;
pub mod render;
pub mod status;
pub mod validate;
pub mod var_source;

use crate::context::Context;
use crate::error::CliError;
use crate::stacks::{VariableArgs, explained, resolver};
use drover_packs::nomad_pack::Choices;
use drover_packs::{Meta, Pack, RenderRequest, Rendered};
use drover_secrets::Masker;
use std::path::Path;
use std::sync::Arc;

/// A rendered pack, and what hides its secrets.
struct Render {
    rendered: Rendered,
    masker: Masker,
}

fn load(path: &str) -> Result<Pack, CliError> {
    Pack::load(Path::new(path)).map_err(|error| explained(&error))
}

/// Renders a pack without an engine.
fn render(
    pack: &Pack,
    variables: &VariableArgs,
    name: Option<&str>,
    namespace: Option<&str>,
) -> Result<Render, CliError> {
    let secrets = resolver(&pack.folder);
    let deployment = name.unwrap_or(&pack.metadata.name).to_owned();
    let request = RenderRequest {
        supplied: match &pack.go {
            Some(_) => go::given(variables)?,
            None => variables.supplied(&secrets)?,
        },
        secrets: Arc::clone(&secrets),
        env: variables.allowed_environment(),
        meta: Meta { stack: deployment.clone(), deployment, namespace: namespace.unwrap_or("default").to_owned() },
        choices: Choices::default(),
        engine: None,
    };
    let rendered = pack.render(&request).map_err(|error| explained(&error))?;
    Ok(Render { rendered, masker: secrets.taint().masker() })
}

/// The folder that a command is given, or the current one.
fn one_path<'p>(context: &Context, paths: &'p [String]) -> Result<&'p str, CliError> {
    match paths {
        [] => Ok("."),
        [path] => Ok(path),
        paths => Err(context
            .usage(format!("this command requires exactly 1 args(s), received {}: the path of a pack", paths.len()))),
    }
}
