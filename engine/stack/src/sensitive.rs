//! Which fields of a job hold a secret, in the names of the engine's diff.

use std::collections::BTreeSet;

use drover_secrets::Masker;
use serde_json::Value as Json;

/// `group/task/Env[X]` for every value in which the masker finds a secret.
pub fn fields(job: &Json, masker: &Masker) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    walk(job, &Place::default(), "", masker, &mut found);
    found
}

#[derive(Clone, Default)]
struct Place {
    group: String,
    task: String,
}

/// Maps whose entries the diff names `Map[key]`.
const MAPS: [&str; 4] = ["Env", "Meta", "Options", "Headers"];

fn walk(value: &Json, place: &Place, name: &str, masker: &Masker, found: &mut BTreeSet<String>) {
    match value {
        Json::String(text) => {
            if masker.contains(text) {
                found.insert(format!("{}/{}/{name}", place.group, place.task));
            }
        }
        Json::Number(number) => {
            if masker.contains(&number.to_string()) {
                found.insert(format!("{}/{}/{name}", place.group, place.task));
            }
        }
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let mut place = place.clone();
                let inner = item["Name"].as_str().unwrap_or_default().to_owned();
                match name {
                    "TaskGroups" => place.group = inner,
                    "Tasks" => place.task = inner,
                    _ => {}
                }
                // Objects in lists are named by their fields; texts by their position.
                let indexed = if item.is_object() { name.to_owned() } else { format!("{name}[{index}]") };
                walk(item, &place, &indexed, masker, found);
            }
        }
        Json::Object(members) => {
            for (key, member) in members {
                let inner = if MAPS.contains(&name) { format!("{name}[{key}]") } else { key.clone() };
                walk(member, place, &inner, masker, found);
            }
        }
        Json::Null | Json::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use drover_secrets::{Origin, Taint};
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_have_the_names_of_the_diff() {
        let taint = Taint::default();
        taint.add(Origin::Variable("v".into()), "hunter2");
        let job = json!({"Meta": {"m": "x"}, "TaskGroups": [{"Name": "g", "Tasks": [{"Name": "t",
            "Env": {"P": "hunter2"}, "Config": {"args": ["-p", "hunter2"]}, "Templates": [{"EmbeddedTmpl": "p=hunter2"}]}]}]});
        let found: Vec<String> = fields(&job, &taint.masker()).into_iter().collect();
        assert_eq!(found, ["g/t/EmbeddedTmpl", "g/t/Env[P]", "g/t/args[1]"]);
    }
}
