//! Texts with interpolations and directives.

use std::sync::Arc;

use crate::context::EvalContext;
use crate::convert::to_text;
use crate::source::Span;
use crate::syntax::{Expr, TemplateFor, TemplatePart};
use crate::value::Value;

use super::Evaluator;

impl Evaluator<'_> {
    pub(super) fn template(&mut self, parts: &[TemplatePart], span: Span, context: &EvalContext<'_>) -> Option<Value> {
        let mut text = String::new();
        let known = self.write(parts, &mut text, context)?;
        self.spend(text.len() as u64, span, context)?;
        Some(if known { Value::String(text.into()) } else { Value::Unknown })
    }

    /// Appends the parts, and says whether all of them are known.
    fn write(&mut self, parts: &[TemplatePart], text: &mut String, context: &EvalContext<'_>) -> Option<bool> {
        let mut known = true;
        let mut complete = true;
        for part in parts {
            let written = match part {
                TemplatePart::Literal(literal) => {
                    text.push_str(literal);
                    Some(true)
                }
                TemplatePart::Interpolation(expr) => self.interpolation(expr, text, context),
                TemplatePart::If(condition, yes, no) => match self.condition(condition, context) {
                    Some(Some(chosen)) => self.write(if chosen { yes } else { no }, text, context),
                    Some(None) => Some(false),
                    None => None,
                },
                TemplatePart::For(parts) => self.template_for(parts, text, context),
            };
            complete &= written.is_some();
            known &= written != Some(false);
        }
        complete.then_some(known)
    }

    fn interpolation(&mut self, expr: &Expr, text: &mut String, context: &EvalContext<'_>) -> Option<bool> {
        match self.value(expr, context)? {
            Value::Unknown => Some(false),
            Value::Null => {
                let detail = "the value is null, and null has no text";
                self.report(expr.span, "Invalid template interpolation value", detail)
            }
            value => match to_text(&value) {
                Ok(piece) => {
                    self.spend(piece.len() as u64, expr.span, context)?;
                    text.push_str(&piece);
                    Some(true)
                }
                Err(error) => {
                    let detail = format!(
                        "cannot include the value in a text: {error}; jsonencode and join make texts of collections"
                    );
                    self.report(expr.span, "Invalid template interpolation value", detail)
                }
            },
        }
    }

    fn template_for(&mut self, parts: &TemplateFor, text: &mut String, context: &EvalContext<'_>) -> Option<bool> {
        let collection = self.value(&parts.collection, context)?;
        let Some(items) = self.iterate(&collection, parts.collection.span)? else { return Some(false) };
        let mut known = true;
        for (key, value) in items {
            let mut inner = context.inner();
            if let Some(name) = &parts.key_name {
                inner.set(Arc::clone(name), key);
            }
            inner.set(Arc::clone(&parts.value_name), value);
            let before = text.len();
            known &= self.write(&parts.body, text, &inner)?;
            self.spend((text.len() - before) as u64, parts.collection.span, context)?;
        }
        Some(known)
    }
}
