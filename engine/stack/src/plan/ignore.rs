//! What a stack leaves to the engine: fields that somebody else looks after, such as the count of a group that is scaled.

use serde_json::Value as Json;

use crate::preview::words;

/// Whether the live job is needed to know what to write.
pub fn leaves_something(job: &Json, ignore: &[String]) -> bool {
    !ignore.is_empty() || scaled(job).next().is_some()
}

/// The job with what is ignored as it is in `live`, and a note for each value that differs for that.
///
/// The count of a group with a `scaling` block is left to the engine without being named, as long as it is within the block's
/// bounds: it is what the autoscaler, or a person with `job scale`, set. Naming `!group.NAME.count` takes it back.
pub fn left_to_the_engine(job: &Json, ignore: &[String], live: Option<&Json>) -> (Json, Vec<String>) {
    let mut job = job.clone();
    let Some(live) = live else { return (job, Vec::new()) };
    let mut notes = Vec::new();
    let scaled: Vec<(String, i64, i64)> = scaled(&job).collect();
    for (group, min, max) in scaled {
        let path = format!("group.{group}.count");
        if ignore.iter().any(|ignored| ignored.strip_prefix('!') == Some(&path)) {
            continue;
        }
        let count = group_of(live, &group).and_then(|group| group["Count"].as_i64());
        let Some(count) = count.filter(|count| (min..=max).contains(count)) else { continue };
        if let Some(own) = group_of_mut(&mut job, &group).filter(|own| own["Count"].as_i64() != Some(count)) {
            own["Count"] = count.into();
            notes.push(format!("the count of group {group:?} stays {count}: it is scaled between {min} and {max}"));
        }
    }
    for path in ignore.iter().filter(|path| !path.starts_with('!')) {
        let steps: Vec<&str> = path.split('.').collect();
        if keep(&mut job, live, &steps) {
            notes.push(format!("{path} is ignored, and stays as it is"));
        }
    }
    (job, notes)
}

/// Groups with a scaling block: the name and the bounds.
fn scaled(job: &Json) -> impl Iterator<Item = (String, i64, i64)> {
    job["TaskGroups"].as_array().into_iter().flatten().filter_map(|group| {
        let scaling = group["Scaling"].as_object().or_else(|| group["Scalings"][0].as_object())?;
        if scaling.get("Enabled") == Some(&Json::Bool(false)) {
            return None;
        }
        let bound = |key: &str| scaling.get(key).and_then(Json::as_i64);
        Some((group["Name"].as_str()?.to_owned(), bound("Min").unwrap_or(0), bound("Max").unwrap_or(i64::MAX)))
    })
}

fn group_of<'j>(job: &'j Json, name: &str) -> Option<&'j Json> {
    job["TaskGroups"].as_array()?.iter().find(|group| group["Name"] == name)
}

fn group_of_mut<'j>(job: &'j mut Json, name: &str) -> Option<&'j mut Json> {
    job["TaskGroups"].as_array_mut()?.iter_mut().find(|group| group["Name"] == name)
}

/// Copies what is at a path; answers whether that changed something.
fn keep(own: &mut Json, live: &Json, steps: &[&str]) -> bool {
    let [first, rest @ ..] = steps else { return false };
    let list = match *first {
        "group" => Some("TaskGroups"),
        "task" => Some("Tasks"),
        _ => None,
    };
    if let (Some(list), [name, rest @ ..]) = (list, rest) {
        let (Some(items), Some(found)) = (own[list].as_array_mut(), live[list].as_array()) else { return false };
        let mut changed = false;
        // `*` is every one.
        for item in items.iter_mut().filter(|item| *name == "*" || item["Name"] == *name) {
            if let Some(there) = found.iter().find(|there| there["Name"] == item["Name"]) {
                changed |= keep(item, there, rest);
            }
        }
        return changed;
    }
    let key_of = |value: &Json| {
        let keys = value.as_object()?;
        keys.keys().find(|key| *key == first || words(key) == *first).cloned()
    };
    let Some(key) = key_of(own).or_else(|| key_of(live)) else { return false };
    if rest.is_empty() {
        if own[&key] == live[&key] {
            return false;
        }
        own[&key] = live[&key].clone();
        return true;
    }
    if own[&key].is_null() && !live[&key].is_null() {
        own[&key] = Json::Object(serde_json::Map::new());
    }
    keep(&mut own[&key], &live[&key], rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_count_of_a_scaled_group_is_the_autoscalers() {
        let job = |count: i64| {
            json!({"TaskGroups": [{"Name": "web", "Count": count, "Scaling": {"Min": 1, "Max": 9, "Enabled": true}},
                {"Name": "db", "Count": 1}]})
        };
        let (kept, notes) = left_to_the_engine(&job(2), &[], Some(&job(5)));
        assert_eq!(kept["TaskGroups"][0]["Count"], 5);
        assert_eq!(notes.len(), 1);
        let (taken, _) = left_to_the_engine(&job(2), &["!group.web.count".to_owned()], Some(&job(5)));
        assert_eq!(taken["TaskGroups"][0]["Count"], 2);
        let (bound, _) = left_to_the_engine(&job(2), &[], Some(&job(50)));
        assert_eq!(bound["TaskGroups"][0]["Count"], 2, "what is out of bounds is brought back");
        assert!(leaves_something(&job(1), &[]));
        assert!(!leaves_something(&json!({"TaskGroups": [{"Name": "db"}]}), &[]));
    }

    #[test]
    fn a_path_has_the_words_of_a_job_file() {
        let own = json!({"Meta": {"a": "1"}, "TaskGroups": [{"Name": "g", "Tasks": [{"Name": "t", "Env": {"V": "1", "W": "1"}, "KillTimeout": 5}]}]});
        let live = json!({"Meta": {"a": "2"}, "TaskGroups": [{"Name": "g", "Tasks": [{"Name": "t", "Env": {"V": "2", "W": "2"}, "KillTimeout": 6}]}]});
        let paths = ["group.g.task.t.env.V", "meta.a", "group.*.task.*.kill_timeout"].map(str::to_owned);
        let (kept, notes) = left_to_the_engine(&own, &paths, Some(&live));
        let task = &kept["TaskGroups"][0]["Tasks"][0];
        assert_eq!((&task["Env"]["V"], &task["Env"]["W"]), (&json!("2"), &json!("1")));
        assert_eq!((&kept["Meta"]["a"], &task["KillTimeout"]), (&json!("2"), &json!(6)));
        assert_eq!(notes.len(), 3);
    }
}
