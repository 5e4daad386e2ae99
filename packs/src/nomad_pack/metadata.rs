//! `metadata.hcl` by nomad-pack's rules.

use super::load::LoadFault;
use drover_gotemplate::{Element, Map, Text, Value};
use drover_hcl::schema::Schema;
use drover_hcl::{Block, Body, Diagnostics, EvalContext, convert};

/// Who a pack is.
#[derive(Debug, Clone, Default)]
pub(super) struct Metadata {
    pub name: String,
    pub alias: String,
    pub description: String,
    pub version: String,
    pub url: String,
    pub author: String,
    pub dependencies: Vec<Dependency>,
    integration: Option<Integration>,
}

/// A pack below `deps/`.
#[derive(Debug, Clone)]
pub(super) struct Dependency {
    /// Its folder's name.
    pub name: String,
    pub alias: String,
    pub source: String,
    pub enabled: bool,
}

#[derive(Debug, Clone, Default)]
struct Integration {
    identifier: String,
    name: String,
    flags: Vec<String>,
}

const TOP: Schema = Schema::attributes(&[]).with_blocks(&[
    ("app", &[]),
    ("pack", &[]),
    ("integration", &[]),
    ("dependency", &["name"]),
]);
const APP: Schema = Schema::attributes(&["author"]).with_required(&["url"]);
const PACK: Schema = Schema::attributes(&["alias", "description", "url"]).with_required(&["name", "version"]);
const INTEGRATION: Schema = Schema::attributes(&["identifier", "flags", "name"]);
const DEPENDENCY: Schema = Schema::attributes(&["alias", "source", "ref", "enabled"]);

impl Metadata {
    pub(super) fn read(body: &Body) -> Result<Self, LoadFault> {
        let mut problems = Diagnostics::new();
        let body = body.content(&TOP, &mut problems);
        let mut metadata = Self::default();
        if let Some(block) = body.blocks_of("app").next() {
            let fields = Fields::new(block, &APP, &mut problems);
            metadata.url = fields.text("url");
            metadata.author = fields.text("author");
        }
        if let Some(block) = body.blocks_of("pack").next() {
            let fields = Fields::new(block, &PACK, &mut problems);
            metadata.name = fields.text("name");
            metadata.alias = fields.text("alias");
            metadata.description = fields.text("description");
            metadata.version = fields.text("version");
        }
        if let Some(block) = body.blocks_of("integration").next() {
            let fields = Fields::new(block, &INTEGRATION, &mut problems);
            metadata.integration = Some(Integration {
                identifier: fields.text("identifier"),
                name: fields.text("name"),
                flags: fields.texts("flags"),
            });
        }
        for block in body.blocks_of("dependency") {
            let fields = Fields::new(block, &DEPENDENCY, &mut problems);
            let name = block.label(0).unwrap_or_default().to_owned();
            let alias = Some(fields.text("alias")).filter(|alias| !alias.is_empty()).unwrap_or_else(|| name.clone());
            let enabled = fields.text("enabled") != "false";
            metadata.dependencies.push(Dependency { name, alias, source: fields.text("source"), enabled });
        }
        if problems.has_errors() {
            return Err(LoadFault::Metadata(super::wording::reword(problems)));
        }
        match (body.blocks_of("app").next(), body.blocks_of("pack").next()) {
            (None, _) => Err(LoadFault::Missing("app is uninitialized".to_owned())),
            (_, None) => Err(LoadFault::Missing("Pack metadata is uninitialized".to_owned())),
            _ => Ok(metadata),
        }
    }

    /// The name that output and variables carry.
    pub(super) fn shown_name(&self) -> &str {
        if self.alias.is_empty() { &self.name } else { &self.alias }
    }

    /// As templates see it.
    pub(super) fn as_map(&self, folder: &str) -> Map {
        let text = |text: &str| Value::text(text);
        let object = |entries: &[(&str, Value)]| {
            Value::map(entries.iter().map(|(name, value)| (Text::from(*name), value.clone())).collect())
        };
        let pack = object(&[
            ("name", text(&self.name)),
            ("description", text(&self.description)),
            ("version", text(&self.version)),
            ("path", text(folder)),
        ]);
        let dependencies = self.dependencies.iter().map(|dependency| {
            let inner = object(&[
                ("id", text(&dependency.alias)),
                ("name", text(&dependency.name)),
                ("source", text(&dependency.source)),
                ("enabled", Value::Bool(dependency.enabled)),
            ]);
            object(&[(dependency.alias.as_str(), inner)])
        });
        let map = Map::new();
        map.set(Text::from("app"), object(&[("url", text(&self.url))]));
        map.set(Text::from("pack"), pack);
        map.set(Text::from("dependencies"), Value::list_of(Element::Map, dependencies.collect()));
        if let Some(integration) = &self.integration {
            map.set(
                Text::from("integration"),
                object(&[
                    ("identifier", text(&integration.identifier)),
                    ("name", text(&integration.name)),
                    ("flags", Value::texts(integration.flags.iter().map(String::as_str))),
                ]),
            );
        }
        map
    }
}

/// The attributes of a block as texts.
struct Fields<'b>(std::borrow::Cow<'b, Body>);

impl<'b> Fields<'b> {
    fn new(block: &'b Block, schema: &Schema, problems: &mut Diagnostics) -> Self {
        Self(block.body.content(schema, problems))
    }
    fn value(&self, name: &str, kind: &drover_hcl::Type) -> Option<drover_hcl::Value> {
        let value = self.0.attribute(name)?.value.evaluate(&EvalContext::new()).ok()?;
        convert(&value, kind).ok()
    }
    fn text(&self, name: &str) -> String {
        let value = self.value(name, &drover_hcl::Type::String);
        value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    }
    fn texts(&self, name: &str) -> Vec<String> {
        let value = self.value(name, &drover_hcl::Type::List(Box::new(drover_hcl::Type::String)));
        let items = value.as_ref().and_then(drover_hcl::Value::as_items).unwrap_or_default();
        items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    }
}
