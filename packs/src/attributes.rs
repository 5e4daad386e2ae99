//! Reading blocks of HCL whose attributes are few and known.

use drover_hcl::{Attribute, Block, Body, Diagnostic, Diagnostics, EvalContext, Value, convert, did_you_mean};
use drover_hcl::{Expression, Type};

/// Collects the problems of one body.
pub(crate) struct Reader<'a> {
    body: &'a Body,
    /// All problems so far.
    pub(crate) problems: Diagnostics,
}

impl<'a> Reader<'a> {
    /// Reads `body`, in which only these attributes and blocks may stand.
    pub(crate) fn new(body: &'a Body, what: &str, attributes: &[&str], blocks: &[&str]) -> Self {
        let mut problems = Diagnostics::new();
        for attribute in &body.attributes {
            if !attributes.contains(&&*attribute.name) {
                let hint = did_you_mean(&attribute.name, attributes.iter().copied());
                problems.push(
                    Diagnostic::error(format!("{what} has no attribute `{}`", attribute.name), "")
                        .at(&body.source, attribute.name_span)
                        .maybe_hint(hint),
                );
            }
        }
        for block in &body.blocks {
            if !blocks.contains(&&*block.kind) {
                let hint = did_you_mean(&block.kind, blocks.iter().copied());
                problems.push(
                    Diagnostic::error(format!("{what} has no block `{}`", block.kind), "")
                        .at(&body.source, block.kind_span)
                        .maybe_hint(hint),
                );
            }
        }
        Self { body, problems }
    }

    /// The expression of an attribute.
    pub(crate) fn expression(&self, name: &str) -> Option<&'a Expression> {
        self.body.attribute(name).map(|attribute| &attribute.value)
    }

    /// The value of an attribute, converted; none when it is absent or wrong, which is noted.
    pub(crate) fn value(&mut self, name: &str, kind: &Type, context: &EvalContext<'_>) -> Option<Value> {
        let attribute = self.body.attribute(name)?;
        match evaluate(attribute, kind, context) {
            Ok(value) if value.is_null() => None,
            Ok(value) => Some(value),
            Err(problems) => {
                self.problems.extend(problems);
                None
            }
        }
    }

    /// The text of an attribute.
    pub(crate) fn text(&mut self, name: &str, context: &EvalContext<'_>) -> Option<String> {
        self.value(name, &Type::String, context).and_then(|value| value.as_str().map(str::to_owned))
    }

    /// The text of an attribute that has to be there.
    pub(crate) fn required_text(&mut self, name: &str, what: &str, context: &EvalContext<'_>) -> Option<String> {
        if self.body.attribute(name).is_none() {
            self.problems.push(
                Diagnostic::error(format!("{what} needs the attribute `{name}`"), "")
                    .at(&self.body.source, self.body.span.start_point()),
            );
        }
        self.text(name, context)
    }
}

/// The value of an attribute, converted to `kind`.
pub(crate) fn evaluate(attribute: &Attribute, kind: &Type, context: &EvalContext<'_>) -> Result<Value, Diagnostics> {
    let value = attribute.value.evaluate(context)?;
    convert(&value, kind).map_err(|error| {
        Diagnostic::error(format!("`{}` has the wrong type", attribute.name), error.to_string())
            .at(&attribute.value.source, attribute.value.expr.span)
            .into()
    })
}

/// The label of a block that needs one.
pub(crate) fn label(block: &Block, source: &Body, problems: &mut Diagnostics) -> Option<String> {
    match block.label(0) {
        Some(label) if !label.is_empty() => Some(label.to_owned()),
        _ => {
            let message = format!("a `{}` block needs a name: {} \"name\" {{ … }}", block.kind, block.kind);
            problems.push(Diagnostic::error(message, "").at(&source.source, block.header_span()));
            None
        }
    }
}
