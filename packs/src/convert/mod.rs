//! `pack convert`: a pack in nomad-pack's format as a pack with Tera templates.
//!
//! Expressions are translated one by one; what has no translation is named with its place, and nothing is written then.
//! The caller renders both and compares: that, not this code, says whether a conversion is right.

mod actions;
mod expression;

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_hcl::{Diagnostic, Diagnostics, Source, Span, parse_body};

use crate::Pack;
use crate::files::METADATA_FILE;

/// The files of the converted pack by their path in it. Dependencies are packs of their own below `deps/`, and converted
/// one by one.
///
/// # Errors
/// All that cannot be translated, with its places.
pub fn convert(pack: &Pack) -> Result<BTreeMap<String, Vec<u8>>, Diagnostics> {
    let mut problems = Diagnostics::new();
    let mut files = BTreeMap::new();
    if pack.go.is_none() {
        let message = format!("{} is no pack of Go templates", pack.folder.display());
        return Err(Diagnostic::error(message, "").hint("its templates are in Tera already").into());
    }
    for (name, content) in pack.files.iter() {
        let is_template = name == "outputs.tpl"
            || name.starts_with("templates/") && (name.ends_with(".tpl") || crate::nomad_pack::is_helper(name));
        if !is_template {
            files.insert(name.clone(), content.clone());
            continue;
        }
        match pack.source(name) {
            Some(Ok(source)) => template(name, &source, &mut files, &mut problems),
            Some(Err(found)) => problems.extend(found),
            None => {}
        }
    }
    if let Some(Ok(source)) = pack.source(METADATA_FILE) {
        match metadata(&source) {
            Ok(text) => {
                files.insert(METADATA_FILE.to_owned(), text.into_bytes());
            }
            Err(found) => problems.extend(found),
        }
    }
    if let Some(Ok(source)) = pack.source("variables.hcl")
        && let Some(at) = source.text().find("nomad_variable")
    {
        let problem =
            Diagnostic::error("`nomad_variable` blocks have no place in variables.hcl of the other format", "");
        problems.push(
            problem
                .at(&source, Span::new(at, at + 14))
                .hint("move them to resources.hcl.tera: variables \"PATH\" { items = … }"),
        );
    }
    problems.into_result(files)
}

fn template(name: &str, source: &Arc<Source>, files: &mut BTreeMap<String, Vec<u8>>, problems: &mut Diagnostics) {
    let translated = actions::translate(source, problems);
    for (definition, text) in translated.definitions {
        files.insert(format!("templates/_{}.tera", actions::part_name(&definition)), text.into_bytes());
    }
    let is_helper = crate::nomad_pack::is_helper(name);
    // A helper that is definitions alone leaves nothing.
    if is_helper && translated.text.trim().is_empty() {
        return;
    }
    let stem = name.strip_suffix(".tpl").unwrap_or(name);
    let target = match stem.strip_suffix(".nomad") {
        Some(stem) if !is_helper => format!("{stem}.nomad.hcl.tera"),
        _ => format!("{stem}.tera"),
    };
    files.insert(target, translated.text.into_bytes());
}

/// Says of each dependency that it is in `deps/`, as nomad-pack's rules have it.
fn metadata(source: &Arc<Source>) -> Result<String, Diagnostics> {
    let body = parse_body(source)?;
    let mut text = source.text().to_owned();
    let blocks: Vec<_> = body.blocks_of("dependency").collect();
    // From the end, so that places before it stay right.
    for block in blocks.into_iter().rev() {
        let folder = format!("\"./deps/{}\"", block.label(0).unwrap_or_default());
        match block.body.attribute("source") {
            Some(attribute) => {
                let span = attribute.value.expr.span;
                text.replace_range(span.start as usize..span.end as usize, &folder);
            }
            None => text.insert_str(block.body.span.start as usize + 1, &format!("\n  source = {folder}\n")),
        }
    }
    Ok(drover_hcl::format_lexically(&text))
}
