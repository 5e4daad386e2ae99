//! JSON files as blocks and arguments by shape alone, for finding the place of something that is known by name.

use std::sync::Arc;

use crate::diagnostic::Diagnostics;
use crate::source::Source;
use crate::value::Value;

use super::json::{Json, JsonKind, Properties, Property, body_of, read};
use super::{Attribute, Block, Body, Expr, ExprKind, Expression, Label};

/// Where the label of a block stands in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonLabel {
    /// There is none.
    Absent,
    /// The properties of the object are the blocks; their names are the labels.
    Key,
    /// The first of these properties of the block itself that is there.
    Field(&'static [&'static str]),
}

/// The name and label of the block or argument that a property stands for.
pub type JsonNames<'n> = dyn Fn(&str) -> (String, JsonLabel) + 'n;

/// Reads a whole file: objects and lists of objects are blocks, all else are arguments. Their values are not read.
///
/// # Errors
/// The first syntax error, or a file that is no object.
pub fn parse_json_tree(source: &Arc<Source>, names: &JsonNames<'_>) -> Result<Body, Diagnostics> {
    let value = read(source)?;
    let span = value.span;
    match value.kind {
        JsonKind::Object(properties) => Ok(body(&body_of(source, Properties::new(), span), &properties, names)),
        _ => Ok(Body { json: None, ..body_of(source, Properties::new(), span) }),
    }
}

fn body(empty: &Body, properties: &Properties, names: &JsonNames<'_>) -> Body {
    let mut body = Body { json: None, ..empty.clone() };
    for property in properties {
        let (name, label) = names(&property.name);
        match objects(&property.value) {
            Some(items) => {
                for item in items {
                    add_blocks(&mut body, (&name.as_str().into(), property), label, item, names);
                }
            }
            None => body.attributes.push(Attribute {
                name: name.into(),
                name_span: property.name_span,
                value: Expression {
                    expr: Arc::new(Expr { kind: ExprKind::Literal(Value::Null), span: property.value.span }),
                    source: Arc::clone(&empty.source),
                },
            }),
        }
    }
    body
}

fn add_blocks(
    body: &mut Body,
    (kind, property): (&Arc<str>, &Property),
    label: JsonLabel,
    item: &Json,
    names: &JsonNames<'_>,
) {
    let JsonKind::Object(properties) = &item.kind else { return };
    let empty = Body { span: item.span, ..body_of(&body.source, Properties::new(), item.span) };
    let block = |labels: Vec<Label>, properties: &Properties| Block {
        kind: Arc::clone(kind),
        kind_span: property.name_span,
        labels,
        body: self::body(&empty, properties, names),
    };
    match label {
        JsonLabel::Absent => body.blocks.push(block(Vec::new(), properties)),
        JsonLabel::Field(fields) => {
            let named = fields.iter().find_map(|field| {
                let property = properties.iter().find(|property| property.name.eq_ignore_ascii_case(field))?;
                let JsonKind::String(text) = &property.value.kind else { return None };
                Some(Label { text: text.as_str().into(), span: property.value.span })
            });
            // The name of the list says little: the place of the block is that of its name.
            let mut block = block(named.into_iter().collect(), properties);
            block.kind_span = block.labels.first().map_or(property.name_span, |label| label.span);
            body.blocks.push(block);
        }
        JsonLabel::Key => {
            for named in properties {
                let label = Label { text: named.name.as_str().into(), span: named.name_span };
                for item in objects(&named.value).unwrap_or_default() {
                    let JsonKind::Object(properties) = &item.kind else { continue };
                    let mut block = block(vec![label.clone()], properties);
                    block.kind_span = label.span;
                    body.blocks.push(block);
                }
            }
        }
    }
}

/// The objects that a value is or holds; `None` for what is no block.
fn objects(value: &Json) -> Option<Vec<&Json>> {
    let is_object = |json: &Json| matches!(json.kind, JsonKind::Object(_));
    match &value.kind {
        JsonKind::Object(_) => Some(vec![value]),
        JsonKind::Array(items) if !items.is_empty() && items.iter().all(is_object) => Some(items.iter().collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_their_labels_and_places() {
        let text =
            "{\n  \"Groups\": [\n    {\"Name\": \"a\", \"Count\": 2}\n  ],\n  \"volume\": {\"v\": {\"x\": 1}}\n}";
        let names = |name: &str| match name {
            "Groups" => ("group".to_owned(), JsonLabel::Field(&["Name"])),
            "volume" => ("volume".to_owned(), JsonLabel::Key),
            other => (other.to_lowercase(), JsonLabel::Absent),
        };
        let body = parse_json_tree(&Source::new("a.json", text), &names).unwrap();
        let found: Vec<_> = body
            .blocks
            .iter()
            .map(|block| {
                (block.kind.to_string(), block.label(0).unwrap(), body.source.range(block.header_span()).start.line)
            })
            .collect();
        assert_eq!(found, [("group".to_owned(), "a", 3), ("volume".to_owned(), "v", 5)]);
        assert!(body.blocks[0].body.attribute("count").is_some());
    }
}
