//! Blocks without a schema: a driver's configuration, a scaling policy, a secret's configuration.
//!
//! Blocks and literal objects become lists of maps; values that come from an expression stay what they are.

use std::collections::BTreeMap;

use drover_hcl::syntax::ExprKind;
use drover_hcl::{Body, Value};
use drover_wire::job::Settings;
use serde_json::{Map, Value as Json};

use super::{Decoder, Item, Scope};

impl Decoder<'_> {
    /// The settings of a block. Null attributes are dropped at this level only.
    pub(super) fn settings(&mut self, item: &Item<'_>) -> Settings {
        let entries = self.entries(&item.body, &item.scope);
        entries.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }

    fn entries(&mut self, body: &Body, scope: &Scope) -> BTreeMap<String, Json> {
        let mut entries = BTreeMap::new();
        let lowered =
            if body.is_json() { body.just_attributes(&mut self.problems) } else { std::borrow::Cow::Borrowed(body) };
        for attribute in &lowered.attributes {
            let Some(value) = self.evaluate(&attribute.value, scope) else { continue };
            let Some(json) = self.json(&value, attribute) else { continue };
            let literal_object = matches!(attribute.value.expr.kind, ExprKind::Object(_));
            entries.insert(attribute.name.to_string(), if literal_object { Json::Array(vec![json]) } else { json });
        }
        let mut lists: BTreeMap<String, Vec<Json>> = BTreeMap::new();
        for block in &lowered.blocks {
            let inner = self.entries(&block.body, scope).into_iter().collect::<Map<_, _>>();
            let mut value = Json::Object(inner);
            for label in block.labels.iter().rev() {
                value = Json::Object(Map::from_iter([(label.text.to_string(), Json::Array(vec![value]))]));
            }
            lists.entry(block.kind.to_string()).or_default().push(value);
        }
        entries.extend(lists.into_iter().map(|(kind, list)| (kind, Json::Array(list))));
        entries
    }

    fn json(&mut self, value: &Value, attribute: &drover_hcl::Attribute) -> Option<Json> {
        match value.to_json() {
            Ok(json) => Some(json),
            Err(error) => {
                self.report(attribute.value.error("Unsuitable value", error.to_string()));
                None
            }
        }
    }
}
