//! Changes of objects: the difference of two JSON objects in one form.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{Action, Change, Context, Write};
use crate::objects::ObjectSpec;
use crate::objects::schema::Shown;
use crate::owner::{META_RESOURCE, META_STACK};
use crate::preview::{self, Field, Kind, Node, Sensitive};

impl Context<'_> {
    pub(super) fn object_change(&self, change: &mut Change, wanted: &ObjectSpec) -> Option<()> {
        let kind = wanted.of.kind();
        let schema = kind.schema();
        let mut body = schema.normal(&wanted.body);
        let found = self.live.objects.get(&change.target);
        if kind.carries_owner() {
            body["Meta"][META_STACK] = Json::String(self.live.stack.clone());
            body["Meta"][META_RESOURCE] = Json::String(change.address.clone());
            body = schema.normal(&body);
        }
        let live = found.map(|found| schema.comparable(&found.body, &body));
        let is_asked_for = found.is_some() && self.options.replaces(&change.address);
        if live.as_ref() == Some(&body) && !is_asked_for {
            return None;
        }
        let (old, new) = (live.map(|live| schema.flat(&live)).unwrap_or_default(), schema.flat(&body));
        let is_edited =
            |name: &String| old.get(name).map(|shown| &shown.text) != new.get(name).map(|shown| &shown.text);
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).filter(|name| is_edited(name)).collect();
        let recreates = names.iter().any(|name| old.get(*name).or(new.get(*name)).is_some_and(|shown| shown.recreates));
        change.lines = self.object_lines(&names, &old, &new, found.is_none());
        (change.action, change.write) = match (found.is_some(), recreates || is_asked_for) {
            (false, _) => (Action::Create, Write::Object(body)),
            (true, false) => (Action::Update, Write::Object(body)),
            (true, true) => (Action::Replace, Write::Recreate(body)),
        };
        Some(())
    }

    fn object_lines(
        &self,
        names: &BTreeSet<&String>,
        old: &BTreeMap<String, Shown>,
        new: &BTreeMap<String, Shown>,
        is_new: bool,
    ) -> Vec<preview::Line> {
        let is_own = |name: &str| name == format!("meta[{META_STACK}]") || name == format!("meta[{META_RESOURCE}]");
        let text = |side: &BTreeMap<String, Shown>, name: &String| {
            side.get(name).map(|shown| shown.text.clone()).unwrap_or_default()
        };
        let mut hidden = BTreeSet::new();
        let mut fields = Vec::new();
        for name in names.iter().filter(|name| !is_own(name)) {
            let shown = old.get(*name).or(new.get(*name));
            if shown.is_some_and(|shown| shown.is_secret) {
                // As the lines of a job name the fields outside of groups and tasks.
                hidden.insert(format!("//{name}"));
            }
            let (before, after) = (text(old, name), text(new, name));
            let kind = match (before.is_empty(), after.is_empty()) {
                (true, true) => continue,
                (true, false) => Kind::Added,
                (false, true) => Kind::Deleted,
                (false, false) => Kind::Edited,
            };
            let notes = match shown {
                Some(shown) if shown.recreates && !is_new => vec!["makes it anew".to_owned()],
                _ => Vec::new(),
            };
            fields.push(Field { kind, name: (*name).clone(), old: before, new: after, notes });
        }
        let root = Node {
            kind: if is_new { Kind::Added } else { Kind::Edited },
            // Names are shown as they are.
            class: "Config".to_owned(),
            name: None,
            fields,
            children: Vec::new(),
            notes: Vec::new(),
        };
        preview::lines(&root, &Sensitive { masker: self.masker, fields: &hidden })
    }
}
