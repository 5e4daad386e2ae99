//! `pack …`: packs by themselves. `pack plan`, `run` and `destroy` are `plan`, `apply` and `destroy` of a stack of one pack.

pub mod convert;
pub mod deps;
pub mod diff;
pub mod fetch;
pub mod fmt;
pub mod functions;
pub mod go;
pub mod info;
pub mod lint;
pub mod list;
pub mod lock;
pub mod new;
pub mod publish;
pub mod render;
pub mod status;
pub mod stop;
pub mod test;
pub mod validate;
pub mod verify;
pub mod yank;

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::CliError;
use crate::registries::{self, RegistryPacks};
use crate::stacks::{VariableArgs, explained, resolver};
use drover_packs::nomad_pack::Choices;
use drover_packs::{Meta, Pack, RenderRequest, Rendered};
use drover_secrets::Masker;
use std::path::Path;

/// A rendered pack, and what hides its secrets.
struct Render {
    rendered: Rendered,
    masker: Masker,
}

fn load(path: &str) -> Result<Pack, CliError> {
    let folder = registries::folder(path)?;
    let packs = registries::packs_of(&folder)?;
    Pack::load_with(&folder, locator(&packs)).map_err(|error| explained(&error))
}

/// Where the packs are found that a pack names.
fn locator(packs: &RegistryPacks) -> drover_packs::Locator<'_> {
    drover_packs::Locator { locate: packs, registries: &[] }
}

/// What a rendering of a pack without an engine depends on.
fn request(
    pack: &Pack,
    variables: &VariableArgs,
    context: &Context,
    name: Option<&str>,
    namespace: Option<&str>,
) -> Result<RenderRequest, CliError> {
    let secrets = resolver(&pack.folder, variables, &EngineArgs::default(), context);
    let deployment = name.unwrap_or(&pack.metadata.name).to_owned();
    Ok(RenderRequest {
        supplied: variables.supplied_to(pack, &secrets, context)?,
        secrets,
        env: variables.allowed_environment(),
        meta: Meta { stack: deployment.clone(), deployment, namespace: namespace.unwrap_or("default").to_owned() },
        choices: Choices::default(),
        engine: None,
    })
}

/// Renders a pack without an engine.
fn render(
    pack: &Pack,
    variables: &VariableArgs,
    context: &Context,
    name: Option<&str>,
    namespace: Option<&str>,
) -> Result<Render, CliError> {
    let mut request = request(pack, variables, context, name, namespace)?;
    crate::stacks::ask_for_missing(pack, &mut request.supplied)?;
    let rendered = pack.render(&request).map_err(|error| explained(&error))?;
    Ok(Render { rendered, masker: request.secrets.taint().masker() })
}

/// Writes a file and the folders that it needs.
fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let written = parent.map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(path, text));
    written.map_err(|error| CliError::new(format!("cannot write {}: {error}", path.display())))
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
