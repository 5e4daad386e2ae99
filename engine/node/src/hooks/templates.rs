//! Writes a task's templates.
//!
//! Templates with actions need the template engine, which this node does not have: they fail the task with a message
//! that says so, rather than being written half done.

use super::{HookContext, PathError};
use drover_model::{Template, TextMap};
use std::os::unix::fs::PermissionsExt;

const DEFAULT_DELIMITER: &str = "{{";
const DEFAULT_MODE: u32 = 0o644;

/// Why a template could not be written.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It needs the template engine.
    #[error("template {0:?}: this node does not support template actions ({1} … ) yet: only plain text can be written")]
    Actions(String, String),
    /// Its permissions are no octal number.
    #[error("template {0:?}: permissions {1:?} are not an octal number like \"0644\"")]
    Permissions(String, String),
    /// A line of `KEY=VALUE` was expected.
    #[error("template {0:?}: line {1} is not KEY=VALUE")]
    EnvLine(String, usize),
    /// Its path.
    #[error("template {0:?}: {1}")]
    Path(String, PathError),
}

/// Writes all templates of the task.
pub fn run(context: &HookContext<'_>) -> Result<(), TemplateError> {
    context.task.templates.iter().try_for_each(|template| write(context, template))
}

/// The variables of those that are meant as environment, as they were written.
pub fn env_vars(context: &HookContext<'_>) -> Result<TextMap, TemplateError> {
    let mut vars = TextMap::new();
    for template in context.task.templates.iter().filter(|template| template.envvars) {
        let name = &template.dest_path;
        let place = context
            .destination(&context.env.replace(name))
            .map_err(|error| TemplateError::Path(name.clone(), error))?;
        let text = std::fs::read_to_string(&place)
            .map_err(|error| TemplateError::Path(name.clone(), PathError::Io(name.clone(), error)))?;
        vars.extend(parse_env(name, &text)?);
    }
    Ok(vars)
}

fn write(context: &HookContext<'_>, template: &Template) -> Result<(), TemplateError> {
    let name = if template.dest_path.is_empty() { &template.source_path } else { &template.dest_path };
    let io = |error| TemplateError::Path(name.clone(), PathError::Io(name.clone(), error));
    let path = |error| TemplateError::Path(name.clone(), error);
    let text = if template.source_path.is_empty() {
        template.embedded_tmpl.clone()
    } else {
        let source = context.destination(&context.env.replace(&template.source_path)).map_err(path)?;
        std::fs::read_to_string(source).map_err(io)?
    };
    let delimiter = if template.left_delim.is_empty() { DEFAULT_DELIMITER } else { &template.left_delim };
    if text.contains(delimiter) {
        return Err(TemplateError::Actions(name.clone(), delimiter.to_owned()));
    }
    let mode = match template.perms.as_str() {
        "" => DEFAULT_MODE,
        perms => {
            u32::from_str_radix(perms, 8).map_err(|_| TemplateError::Permissions(name.clone(), perms.to_owned()))?
        }
    };
    if template.envvars {
        parse_env(name, &text)?;
    }
    let place = context.destination(&context.env.replace(&template.dest_path)).map_err(path)?;
    std::fs::write(&place, text).map_err(io)?;
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(mode)).map_err(io)
}

fn parse_env(name: &str, text: &str) -> Result<TextMap, TemplateError> {
    let mut vars = TextMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (key, value) = line.split_once('=').ok_or_else(|| TemplateError::EnvLine(name.to_owned(), number + 1))?;
        let value = value.trim();
        let unquoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
        vars.insert(key.trim().to_owned(), unquoted.unwrap_or(value).to_owned());
    }
    Ok(vars)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hooks::testing::with_context;
    use drover_model::{Job, Task};

    fn task(template: Template) -> Task {
        Task { name: "t".into(), templates: vec![template], ..Task::default() }
    }

    #[tokio::test]
    async fn plain_text_is_written_and_read_as_environment() {
        let template = Template {
            embedded_tmpl: "# comment\nFOO=bar\nexport B=\"x y\"\n".into(),
            dest_path: "local/x.env".into(),
            envvars: true,
            perms: "0600".into(),
            ..Template::default()
        };
        with_context(Job::default(), task(template), async |context| {
            run(context).unwrap();
            let vars = env_vars(context).unwrap();
            assert_eq!(vars["FOO"], "bar");
            assert_eq!(vars["B"], "x y");
            let meta = std::fs::metadata(context.dir.task("t").join("local/x.env")).unwrap();
            assert_eq!(meta.permissions().mode() & 0o777, 0o600);
        })
        .await;
    }

    #[tokio::test]
    async fn actions_are_refused_clearly() {
        let template =
            Template { embedded_tmpl: "{{ env \"X\" }}".into(), dest_path: "local/x".into(), ..Template::default() };
        with_context(Job::default(), task(template), async |context| {
            let error = run(context).unwrap_err().to_string();
            assert!(error.contains("does not support template actions"), "{error}");
            assert!(!context.dir.task("t").join("local/x").exists());
        })
        .await;
    }
}
