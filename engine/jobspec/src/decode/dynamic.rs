//! `dynamic` blocks: one block for each element of a collection.

use std::borrow::Cow;
use std::sync::Arc;

use drover_hcl::convert::to_text;
use drover_hcl::schema::Schema;
use drover_hcl::syntax::Label;
use drover_hcl::{Block, Body, Diagnostic, Value, did_you_mean};

use super::{Decoder, Item, Scope};

/// Most blocks that the `dynamic` blocks of one job become.
const MAX_EXPANDED_BLOCKS: usize = 100_000;

const DYNAMIC: Schema =
    Schema::attributes(&["iterator", "labels"]).with_required(&["for_each"]).with_blocks(&[("content", &[])]);

impl Decoder<'_> {
    /// The blocks that a `dynamic` block stands for.
    pub(super) fn expand<'b>(&mut self, block: &'b Block, scope: &Scope, schema: &Schema) -> Vec<Item<'b>> {
        let kind: Arc<str> = block.label(0).unwrap_or_default().into();
        let Some((_, labels)) = schema.blocks.iter().find(|(name, _)| *name == &*kind) else {
            let error =
                Diagnostic::error("Unsupported block type", format!("blocks of type {kind:?} are not expected here"));
            let hint = did_you_mean(&kind, schema.blocks.iter().map(|(name, _)| *name));
            let span = block.labels.first().map_or(block.kind_span, |label| label.span);
            self.report(error.at(&block.body.source, span).maybe_hint(hint));
            return Vec::new();
        };
        let content = block.body.content(&DYNAMIC, &mut self.problems);
        let (Some(elements), Some(body)) = (self.elements(&content, scope), self.content_body(&content, &block.body))
        else {
            return Vec::new();
        };
        let iterator = self.iterator(&content, &kind);
        let mut items = Vec::with_capacity(elements.len());
        for (key, value) in elements {
            self.expanded += 1;
            if self.expanded > MAX_EXPANDED_BLOCKS {
                let detail = format!("dynamic blocks become more than {MAX_EXPANDED_BLOCKS} blocks");
                self.report(Diagnostic::error("Too many blocks", detail).at(&block.body.source, block.kind_span));
                break;
            }
            let element = Value::object([("key", key), ("value", value)]);
            let inner = scope.within(Arc::clone(&iterator), element);
            let Some(labels) = self.labels(&content, &block.body, &inner, labels, &kind) else { break };
            items.push(Item {
                kind: Arc::clone(&kind),
                kind_span: block.header_span(),
                labels: Cow::Owned(labels),
                body: Cow::Owned(body.clone()),
                scope: inner,
            });
        }
        items
    }

    fn elements(&mut self, content: &Body, scope: &Scope) -> Option<Vec<(Value, Value)>> {
        let for_each = &content.attribute("for_each")?.value;
        let detail = match self.evaluate(for_each, scope)? {
            Value::List(items) | Value::Tuple(items) => {
                let pairs = items.iter().enumerate().map(|(at, item)| (Value::from(at as i64), item.clone()));
                return Some(pairs.collect());
            }
            Value::Set(items) => return Some(items.iter().map(|item| (item.clone(), item.clone())).collect()),
            Value::Map(entries) | Value::Object(entries) => {
                return Some(
                    entries.iter().map(|(key, item)| (Value::String(Arc::clone(key)), item.clone())).collect(),
                );
            }
            Value::Null => "for_each is null; it must be a list, set, map or object".to_owned(),
            other => format!("for_each is a {}; it must be a list, set, map or object", other.kind()),
        };
        self.report(for_each.error("Invalid dynamic for_each value", detail));
        None
    }

    fn content_body(&mut self, content: &Body, written: &Body) -> Option<Body> {
        let mut blocks = content.blocks_of("content");
        let Some(found) = blocks.next() else {
            let detail = "a dynamic block must have a content block with the body of the blocks that it makes";
            self.report(
                Diagnostic::error("Missing dynamic content block", detail).at(&written.source, written.opening()),
            );
            return None;
        };
        if let Some(second) = blocks.next() {
            let error = Diagnostic::error("Extraneous dynamic content block", "only one content block is allowed");
            self.report(error.at(&written.source, second.kind_span));
        }
        Some(found.body.clone())
    }

    fn iterator(&mut self, content: &Body, kind: &Arc<str>) -> Arc<str> {
        let Some(attribute) = content.attribute("iterator") else { return Arc::clone(kind) };
        match &attribute.value.expr.kind {
            drover_hcl::syntax::ExprKind::Traversal(name, steps) if steps.is_empty() => Arc::clone(name),
            drover_hcl::syntax::ExprKind::Literal(Value::String(name)) if content.is_json() => Arc::clone(name),
            _ => {
                let error =
                    attribute.value.error("Invalid expression", "iterator must be a plain name, without quotes");
                self.report(error);
                Arc::clone(kind)
            }
        }
    }

    fn labels(
        &mut self,
        content: &Body,
        written: &Body,
        scope: &Scope,
        names: &[&str],
        kind: &str,
    ) -> Option<Vec<Label>> {
        let Some(attribute) = content.attribute("labels") else {
            if names.is_empty() {
                return Some(Vec::new());
            }
            let detail = format!("{kind} blocks have {} label(s), so the argument \"labels\" is required", names.len());
            self.report(Diagnostic::error("Missing required argument", detail).at(&written.source, written.opening()));
            return None;
        };
        let value = self.evaluate(&attribute.value, scope)?;
        let Some(items) = value.as_items() else {
            self.report(attribute.value.error("Invalid dynamic block labels", "labels must be a list of texts"));
            return None;
        };
        if items.len() != names.len() {
            let detail = format!("{kind} blocks have {} label(s), but {} are given", names.len(), items.len());
            self.report(attribute.value.error("Wrong number of dynamic block labels", detail));
            return None;
        }
        let mut labels = Vec::with_capacity(items.len());
        for item in items {
            match to_text(item) {
                Ok(text) => labels.push(Label { text, span: attribute.value.span() }),
                Err(error) => {
                    self.report(
                        attribute
                            .value
                            .error("Invalid dynamic block label", format!("a label must be a text: {error}")),
                    );
                    return None;
                }
            }
        }
        Some(labels)
    }
}
