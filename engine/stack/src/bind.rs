//! Secrets that tasks get by themselves: the job holds a template in place of the value.
//!
//! What `secret(…, { bind = "runtime" })` gave is an expression of a task's `template`. Within a template it stays where it is. In a
//! variable of a task's environment it would be mere text, so the variable moves to a template that sets it. Anywhere else the
//! task cannot be given it.

use std::collections::BTreeMap;

use drover_secrets::{Bound, SecretRef};
use serde_json::{Value as Json, json};

use crate::desired::{Desired, Spec};

/// Where the variables of a task go, in a folder that is kept in memory where the node can.
const ENV_FILE: &str = "${NOMAD_SECRETS_DIR}/drover-secrets.env";

/// Why a secret cannot be bound at runtime where it is used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// A place that no template reaches.
    #[error(
        "{address}: {reference} is bound at runtime and used in {place}, where a task cannot get it; use it in the `env` block of a task or in the `data` of its `template`"
    )]
    OutOfReach {
        /// The resource.
        address: String,
        /// The secret.
        reference: SecretRef,
        /// The field of the resource.
        place: String,
    },
}

/// Puts bindings where tasks get them.
///
/// # Errors
/// All uses at places that no template reaches.
pub fn apply(desired: &mut Desired, bounds: &[Bound]) -> Result<(), Vec<BindError>> {
    if bounds.is_empty() {
        return Ok(());
    }
    let mut errors = Vec::new();
    for resource in &mut desired.resources {
        if let Spec::Job(job) = &mut resource.spec {
            bind_tasks(job, bounds);
        }
        let json = serde_json::to_value(&resource.spec).unwrap_or_default();
        let json = if let Spec::Job(job) = &resource.spec { job.clone() } else { json };
        find(&json, "", bounds, &mut |place, reference| {
            errors.push(BindError::OutOfReach {
                address: resource.address.clone(),
                reference: reference.clone(),
                place: place.to_owned(),
            });
        });
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn bind_tasks(job: &mut Json, bounds: &[Bound]) {
    for group in job["TaskGroups"].as_array_mut().into_iter().flatten() {
        for task in group["Tasks"].as_array_mut().into_iter().flatten() {
            bind_task(task, bounds);
        }
    }
}

fn bind_task(task: &mut Json, bounds: &[Bound]) {
    let mut needs_vault = false;
    for template in task["Templates"].as_array_mut().into_iter().flatten() {
        let mark = |name: &str| template[name].as_str().filter(|mark| !mark.is_empty()).map(str::to_owned);
        let (left, right) = (mark("LeftDelim"), mark("RightDelim"));
        let Some(text) = template["EmbeddedTmpl"].as_str() else { continue };
        let mut text = text.to_owned();
        for bound in bounds {
            if !text.contains(&bound.binding.template) {
                continue;
            }
            needs_vault |= bound.binding.needs_vault;
            let own = bound.binding.template.replace("{{", left.as_deref().unwrap_or("{{"));
            let own = own.replace("}}", right.as_deref().unwrap_or("}}"));
            text = text.replace(&bound.binding.template, &own);
        }
        template["EmbeddedTmpl"] = Json::String(text);
    }
    needs_vault |= move_variables(task, bounds);
    if needs_vault && !task["Vault"].is_object() {
        // The templates use the task's token; the task itself needs none.
        task["Vault"] = json!({"Env": false, "DisableFile": true});
    }
}

/// Moves bound variables of the environment to a template; answers whether it needs Vault.
fn move_variables(task: &mut Json, bounds: &[Bound]) -> bool {
    let Some(env) = task["Env"].as_object_mut() else { return false };
    let is_bound = |value: &Json| {
        value.as_str().is_some_and(|text| bounds.iter().any(|bound| text.contains(&bound.binding.template)))
    };
    let moved: BTreeMap<String, String> = env
        .iter()
        .filter(|(_, value)| is_bound(value))
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    if moved.is_empty() {
        return false;
    }
    env.retain(|name, _| !moved.contains_key(name));
    let mut needs_vault = false;
    let mut data = String::new();
    for (number, (name, value)) in moved.iter().enumerate() {
        data.push_str(&line(number, name, value, bounds, &mut needs_vault));
    }
    let template = json!({"EmbeddedTmpl": data, "DestPath": ENV_FILE, "Envvars": true, "Perms": "0600"});
    match task["Templates"].as_array_mut() {
        Some(templates) => templates.push(template),
        None => task["Templates"] = json!([template]),
    }
    needs_vault
}

/// `NAME="value"`, with the values of bindings put together with the text around them. The whole is written as JSON, so that no
/// character of a value ends the line or the quotation. Nodes allow no templates within templates, so that each binding has a
/// variable.
fn line(number: usize, name: &str, value: &str, bounds: &[Bound], needs_vault: &mut bool) -> String {
    let mut actions = String::new();
    let mut arguments: Vec<String> = Vec::new();
    let push_text = |text: &str, arguments: &mut Vec<String>| {
        if !text.is_empty() {
            arguments.push(Json::from(text).to_string());
        }
    };
    let mut rest = value;
    let mut count = 0;
    loop {
        let found = bounds
            .iter()
            .filter_map(|bound| Some((rest.find(&bound.binding.template)?, bound)))
            .min_by_key(|(at, _)| *at);
        let Some((at, bound)) = found else { break };
        push_text(&rest[..at], &mut arguments);
        let variable = format!("$drover{number}x{count}");
        count += 1;
        actions.push_str(&format!("{{{{ {variable} := `` }}}}"));
        actions.push_str(&bound.binding.assignment.replace("$value", &variable));
        arguments.push(variable);
        *needs_vault |= bound.binding.needs_vault;
        rest = &rest[at + bound.binding.template.len()..];
    }
    push_text(rest, &mut arguments);
    let format = "%v".repeat(arguments.len());
    format!("{actions}{name}={{{{ printf `{format}` {} | toJSON }}}}\n", arguments.join(" "))
}

/// All places outside templates where a binding stands.
fn find(value: &Json, place: &str, bounds: &[Bound], report: &mut dyn FnMut(&str, &SecretRef)) {
    match value {
        Json::String(text) if !place.ends_with(".EmbeddedTmpl") => {
            for bound in bounds.iter().filter(|bound| text.contains(&bound.binding.template)) {
                report(place, &bound.reference);
            }
        }
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let name = item["Name"].as_str().map_or_else(|| index.to_string(), str::to_owned);
                find(item, &format!("{place}[{name}]"), bounds, report);
            }
        }
        Json::Object(members) => {
            for (name, member) in members {
                let inner = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                for bound in bounds.iter().filter(|bound| name.contains(&bound.binding.template)) {
                    report(place, &bound.reference);
                }
                find(member, &inner, bounds, report);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use drover_secrets::Binding;

    use super::*;
    use crate::desired::Resource;

    const EXPRESSION: &str = "{{ with secret `kv/db` }}{{ index .Data `p` }}{{ end }}";

    fn bound() -> Vec<Bound> {
        let binding = Binding {
            template: EXPRESSION.to_owned(),
            assignment: "{{ with secret `kv/db` }}{{ $value = index .Data `p` }}{{ end }}".to_owned(),
            needs_vault: true,
        };
        vec![Bound { reference: "vault:kv/db#p".parse().unwrap(), binding }]
    }

    fn check(task: &Json) -> Result<Json, Vec<BindError>> {
        let job = json!({"ID": "web", "TaskGroups": [{"Name": "g", "Tasks": [task]}]});
        let mut desired = Desired { resources: vec![Resource::new("job.web", Spec::Job(job))], ..Desired::default() };
        apply(&mut desired, &bound())?;
        let Spec::Job(job) = &desired.resources[0].spec else { panic!("a job") };
        Ok(job["TaskGroups"][0]["Tasks"][0].clone())
    }

    #[test]
    fn a_variable_moves_to_a_template_and_the_task_gets_an_identity() {
        let task =
            check(&json!({"Name": "t", "Env": {"A": "1", "URL": format!("pg://u:{EXPRESSION}@{{{{h")}})).unwrap();
        assert_eq!(task["Env"], json!({"A": "1"}));
        let wanted = "{{ $drover0x0 := `` }}{{ with secret `kv/db` }}{{ $drover0x0 = index .Data `p` }}{{ end }}URL={{ printf `%v%v%v` \"pg://u:\" $drover0x0 \"@{{h\" | toJSON }}\n";
        assert_eq!(task["Templates"][0]["EmbeddedTmpl"], json!(wanted));
        assert_eq!(task["Templates"][0]["Envvars"], json!(true));
        assert_eq!(task["Vault"]["Env"], json!(false));
    }

    #[test]
    fn in_a_template_it_stays_in_the_marks_of_that_template() {
        let template = json!({"EmbeddedTmpl": format!("p={EXPRESSION}"), "LeftDelim": "<<", "RightDelim": ">>"});
        let task = check(&json!({"Name": "t", "Vault": {"Role": "web"}, "Templates": [template]})).unwrap();
        assert_eq!(
            task["Templates"][0]["EmbeddedTmpl"],
            json!("p=<< with secret `kv/db` >><< index .Data `p` >><< end >>")
        );
        assert_eq!(task["Vault"], json!({"Role": "web"}), "what the job says stays");
    }

    #[test]
    fn other_places_are_errors() {
        let errors = check(&json!({"Name": "t", "Config": {"args": ["-p", EXPRESSION]}})).unwrap_err();
        assert_eq!(errors.len(), 1);
        let text = errors[0].to_string();
        assert!(text.contains("job.web: vault:kv/db#p") && text.contains("Tasks[t].Config.args[1]"), "{text}");
    }
}
