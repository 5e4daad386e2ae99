//! Files and functions that have outgrown their room. These are warnings: the code may win, with a reason.

use crate::{say, workspace};
use anyhow::{Context, Result};
use proc_macro2::Span;
use std::path::Path;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

const MAX_FILE_LINES: usize = 500;
const MAX_FUNCTION_LINES: usize = 70;

/// Prints what is too long; never fails for it.
pub fn check() -> Result<()> {
    for path in workspace::files(&workspace::root(), ".rs")? {
        let text = std::fs::read_to_string(&path).with_context(|| workspace::shown(&path))?;
        let lines = text.lines().count();
        if lines > MAX_FILE_LINES {
            say(&format!("warning {}: {lines} lines, aim below {MAX_FILE_LINES}", workspace::shown(&path)));
        }
        let tree = syn::parse_file(&text).with_context(|| workspace::shown(&path))?;
        Functions { path: &path }.visit_file(&tree);
    }
    Ok(())
}

struct Functions<'a> {
    path: &'a Path,
}

impl Functions<'_> {
    fn measure(&self, name: &syn::Ident, body: Span) {
        let lines = body.end().line - body.start().line + 1;
        if lines > MAX_FUNCTION_LINES {
            let (file, line) = (workspace::shown(self.path), name.span().start().line);
            say(&format!("warning {file}:{line}: {name} has {lines} lines, aim below {MAX_FUNCTION_LINES}"));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.measure(&item.sig.ident, item.block.span());
        visit::visit_item_fn(self, item);
    }
    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.measure(&item.sig.ident, item.block.span());
        visit::visit_impl_item_fn(self, item);
    }
}
