//! Functions on files and paths. What they may see is decided by the host.

use base64::Engine;

use crate::value::Value;

use super::{Function, FunctionTable, Param, text};

pub(super) fn add(table: &mut FunctionTable) {
    let path = || vec![Param::string("path")];
    table.add(Function::new("file", path(), |env, a| {
        let bytes = env.host.read_file(text(&a[0]))?;
        match String::from_utf8(bytes) {
            Ok(content) => Ok(Value::from(crate::syntax::normalized(&content).into_owned())),
            Err(_) => Err(format!("{} is not UTF-8 text; filebase64 reads any file", text(&a[0]))),
        }
    }));
    table.add(Function::new("filebase64", path(), |env, a| {
        let bytes = env.host.read_file(text(&a[0]))?;
        Ok(base64::engine::general_purpose::STANDARD.encode(bytes).into())
    }));
    table.add(Function::new("fileexists", path(), |env, a| env.host.file_exists(text(&a[0])).map(Value::Bool)));
    table.add(Function::new("fileset", vec![Param::string("path"), Param::string("pattern")], |env, a| {
        let found = env.host.file_set(text(&a[0]), text(&a[1]))?;
        Ok(Value::set(found.into_iter().map(Value::from)))
    }));
    table.add(Function::new("abspath", path(), |env, a| env.host.absolute_path(text(&a[0])).map(Value::from)));
    table.add(Function::new("pathexpand", path(), |env, a| match text(&a[0]).strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            Ok(format!("{}{rest}", env.host.home_directory()?).into())
        }
        Some(_) => Err("cannot expand the home directory of another user".to_owned()),
        None => Ok(a[0].clone()),
    }));
    table.add(Function::new("basename", path(), |_, a| Ok(base_name(text(&a[0])).into())));
    table.add(Function::new("dirname", path(), |_, a| Ok(dir_name(text(&a[0])).into())));
}

fn base_name(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { "/".to_owned() } else { trimmed.rsplit('/').next().unwrap_or(trimmed).to_owned() }
}

fn dir_name(path: &str) -> String {
    let directory = path.rfind('/').map_or("", |at| &path[..=at]);
    crate::host::normalize(std::path::Path::new(directory)).to_string_lossy().into_owned()
}
