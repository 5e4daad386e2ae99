//! Go templates of packs: what nomad-pack's functions and contexts are to the language of `drover-gotemplate`.
//!
//! [`View`] is a pack as its templates see it; [`Session`] holds the set of all templates of a pack and its
//! dependencies and renders them one by one.

mod context;
mod files;
mod functions;
mod host;
mod reads;
mod reference;
mod spew;
mod values;

pub(crate) use context::{View, legacy_root};
pub use host::{HostRules, Lookup};
pub use reads::{EngineReads, ReadFault};
pub use reference::{GoFunction, go_functions};
pub(crate) use values::from_hcl;

use crate::PackSecrets;
use drover_gotemplate::{Error, Functions, Templates, Value};
use std::rc::Rc;
use std::sync::Arc;

/// The marks of nomad-pack's templates.
const LEFT: &str = "[[";
const RIGHT: &str = "]]";

/// The text that a missing value prints, which renders leave out.
const NO_VALUE: &str = "<no value>";

/// What templates may ask of the world.
#[derive(Clone)]
pub struct World {
    /// The environment, names and files.
    pub rules: HostRules,
    /// The engine, for the functions that read it.
    pub engine: Option<Arc<dyn EngineReads>>,
    /// Answers `secret`.
    pub secrets: Option<PackSecrets>,
}

/// The templates of a pack and of all that it depends on.
pub(crate) struct Session {
    templates: Templates,
}

impl Session {
    /// An empty set. `legacy` is the first version of the dialect, in which contexts are plain maps.
    pub(crate) fn new(root: &Rc<View>, world: &World, legacy: bool) -> Self {
        let mut functions = Functions::standard();
        functions::add(&mut functions, root, world, legacy);
        spew::add(&mut functions);
        reads::add(&mut functions, world);
        let host = Rc::new(host::PackHost::new(world.rules.clone()));
        Self { templates: Templates::new(functions, host, LEFT, RIGHT) }
    }
    pub(crate) fn add(&mut self, name: &str, text: &str) -> Result<(), Box<Error>> {
        self.templates.add(name, text)
    }
    /// Renders a template; `<no value>` is left out unless `keeps_no_value`.
    pub(crate) fn render(&self, name: &str, dot: &Value, keeps_no_value: bool) -> Result<String, Box<Error>> {
        let bytes = self.templates.render(name, dot).map_err(better)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(if keeps_no_value { text } else { text.replace(NO_VALUE, "") })
    }
}

/// Says which pack a context lacks by the whole path that was written.
fn better(mut error: Box<Error>) -> Box<Error> {
    if let (Some(pack), Some((_, part))) = (error.message.strip_prefix(context::NO_PACK), &error.context) {
        let pack = pack.to_owned();
        error.message = format!(
            "pack {pack:?} not found when accessing {part:?}; variables are read with var \"name\" . (or run with -parser-v1)"
        );
    }
    error
}
