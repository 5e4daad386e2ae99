//! `secret()`, in each language that stacks and packs are written in.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::Arc;

use drover_hcl::{CallEnv, Function, FunctionTable, Param, Value};
use drover_secrets::{Asker, Resolver, SecretRef};

use crate::limits;

/// The one way of binding there is: `secret(ref, { bind = "runtime" })`.
const RUNTIME: &str = "runtime";

/// Answers `secret()` for a pack. A pack comes from somebody else: it may name what the person opened to packs, and the
/// environment variables that they allowed.
#[derive(Clone)]
pub struct PackSecrets {
    /// Knows the providers, and what is open to packs.
    pub secrets: Arc<Resolver>,
    /// The environment variables that the person allowed.
    pub env: Arc<BTreeMap<String, String>>,
}

impl PackSecrets {
    /// The value of a reference, or with `bind` as `runtime` the expression by which the task gets it.
    ///
    /// # Errors
    /// It is no reference, may not be asked for, or cannot be answered.
    pub fn get(&self, reference: &str, bind: Option<&str>) -> Result<String, String> {
        let parsed: SecretRef = parse(reference)?;
        let is_allowed = parsed.provider() == "env" && self.env.contains_key(parsed.path());
        // By allowing a variable the person asks for it themselves.
        ask(&self.secrets, &parsed, if is_allowed { Asker::Person } else { Asker::Pack }, bind)
    }
}

/// The standard functions and `secret("provider:path#field")`, for what the person wrote.
pub fn secret_function(secrets: &Arc<Resolver>) -> Arc<FunctionTable> {
    let secrets = Arc::clone(secrets);
    table(move |reference, bind| ask(&secrets, &parse(reference)?, Asker::Person, bind))
}

/// The same for what a pack says.
pub(crate) fn pack_secret_function(secrets: PackSecrets) -> Arc<FunctionTable> {
    table(move |reference, bind| secrets.get(reference, bind))
}

fn table(answer: impl Fn(&str, Option<&str>) -> Result<String, String> + Send + Sync + 'static) -> Arc<FunctionTable> {
    let mut table = crate::functions::table();
    let function = Function::new("secret", vec![Param::string("reference")], move |_: &CallEnv, given: &[Value]| {
        let reference = given.first().and_then(Value::as_str).unwrap_or_default();
        let bind = given.get(1).map(binding).transpose()?;
        Ok(Value::string(answer(reference, bind.as_deref())?))
    });
    table.add(function.variadic_with(Param::any("options")));
    Arc::new(table)
}

/// `{ bind = "runtime" }`.
fn binding(options: &Value) -> Result<String, String> {
    let entries = options.as_entries();
    let bind = entries.filter(|entries| entries.len() == 1).and_then(|entries| entries.get("bind")?.as_str());
    bind.map(str::to_owned).ok_or_else(|| format!("the options of secret() are {{ bind = {RUNTIME:?} }}"))
}

fn parse(reference: &str) -> Result<SecretRef, String> {
    reference.parse().map_err(|error: drover_secrets::ParseReferenceError| error.to_string())
}

fn ask(secrets: &Resolver, reference: &SecretRef, asker: Asker, bind: Option<&str>) -> Result<String, String> {
    let answered = match bind {
        None => limits::outside(|| secrets.resolve_for(reference, asker)).map(|value| value.expose().clone()),
        Some(RUNTIME) => secrets.bind(reference, asker),
        Some(_) => return Err(format!("`bind` of secret() is {RUNTIME:?}; without it the value is read now")),
    };
    answered.map_err(|error| match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use drover_hcl::{EvalContext, Source, parse_expression};
    use drover_secrets::Taint;
    use drover_secrets::providers::{EnvProvider, NomadVarProvider};

    use super::*;

    fn secrets() -> Arc<Resolver> {
        let env = EnvProvider::new(|name| (name == "TOKEN").then(|| "hunter2".to_owned()));
        let nothing = || Box::new(|_: &str| Ok(None));
        Arc::new(Resolver::new(Taint::default()).with(env).with(NomadVarProvider::new(nothing(), nothing())))
    }

    fn evaluate(text: &str, functions: Arc<FunctionTable>) -> Result<String, String> {
        let context = EvalContext::new().with_functions(functions);
        let expression = parse_expression(&Source::new("t", text)).map_err(|error| error.to_string())?;
        let value = expression.evaluate(&context).map_err(|error| error.to_string())?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_person_reaches_all_and_a_pack_what_was_allowed() {
        let person = || secret_function(&secrets());
        let pack = |allowed: &[&str]| {
            let env = allowed.iter().map(|name| (name.to_string(), "hunter2".to_owned())).collect();
            pack_secret_function(PackSecrets { secrets: secrets(), env: Arc::new(env) })
        };
        assert_eq!(evaluate(r#"secret("env:TOKEN")"#, person()).unwrap(), "hunter2");
        assert_eq!(evaluate(r#"secret("env:TOKEN")"#, pack(&["TOKEN"])).unwrap(), "hunter2");
        let error = evaluate(r#"secret("env:TOKEN")"#, pack(&[])).unwrap_err();
        assert!(error.contains("-allow-env=TOKEN"), "{error}");
        let error = evaluate(r#"secret("nomadvar:x#y")"#, pack(&[])).unwrap_err();
        assert!(error.contains("-allow-secret='nomadvar:x'"), "{error}");
    }

    #[test]
    fn binding_gives_an_expression_and_reads_nothing() {
        let bound =
            evaluate(r#"secret("nomadvar:shop/db#password", { bind = "runtime" })"#, secret_function(&secrets()));
        assert_eq!(bound.unwrap(), "{{ with nomadVar `shop/db` }}{{ (index . `password`).Value }}{{ end }}");
        let error = |text: &str| evaluate(text, secret_function(&secrets())).unwrap_err();
        assert!(error(r#"secret("env:TOKEN", { bind = "runtime" })"#).contains("vault and nomadvar"));
        assert!(error(r#"secret("env:TOKEN", { bind = "later" })"#).contains("\"runtime\""));
        assert!(error(r#"secret("env:TOKEN", { bnd = "runtime" })"#).contains("bind"));
    }
}
