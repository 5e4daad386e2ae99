//! The declarations of `variables.hcl` with their places, in either format.

use std::sync::Arc;

use drover_hcl::{Attribute, Source, Span, parse_body};

use crate::Pack;

/// A variable as it is written.
pub(crate) struct Written {
    pub name: String,
    pub span: Span,
    pub has_type: bool,
    pub has_description: bool,
    pub sensitive: bool,
    /// The default's text, when it is one, and where it is.
    pub default: Option<(String, Span)>,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Declared {
    pub variables: Vec<Written>,
    pub source: Option<Arc<Source>>,
}

impl Declared {
    pub(crate) fn read(pack: &Pack) -> Self {
        let Some(source) = super::source(pack, "variables.hcl") else { return Self::default() };
        let Ok(body) = parse_body(&source) else { return Self::default() };
        let variables = body.blocks_of("variable").filter_map(|block| {
            let label = block.labels.first()?;
            let constant = |attribute: &Attribute| attribute.value.expr.constant();
            let text = |name: &str| block.body.attribute(name).and_then(constant);
            let default = block.body.attribute("default").map(|attribute| {
                let value = constant(attribute).and_then(|value| value.as_str().map(str::to_owned));
                (value.unwrap_or_default(), attribute.value.expr.span)
            });
            Some(Written {
                name: label.text.to_string(),
                span: label.span,
                has_type: block.body.attribute("type").is_some(),
                has_description: text("description")
                    .and_then(|text| text.as_str().map(|text| !text.trim().is_empty()))
                    .unwrap_or(false),
                sensitive: text("sensitive").and_then(|value| value.as_bool()).unwrap_or(false),
                default,
            })
        });
        Self { variables: variables.collect(), source: Some(Arc::clone(&source)) }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.variables.iter().any(|variable| variable.name == name)
    }
}
