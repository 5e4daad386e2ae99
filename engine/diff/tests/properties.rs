//! What holds for the difference of any two jobs.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod support;

use drover_diff::{DiffType, FieldDiff, JobDiff, ObjectDiff, job_diff};
use drover_model::Job;
use serde_json::Value;
use support::{fixtures, mutations};

/// Every field of a tree that is not as it was, with the names above it.
fn changes(diff: &JobDiff) -> Vec<(String, FieldDiff)> {
    let mut out = Vec::new();
    fields("", &diff.fields, &mut out);
    objects("", &diff.objects, &mut out);
    for group in &diff.task_groups {
        fields(&group.name, &group.fields, &mut out);
        objects(&group.name, &group.objects, &mut out);
        for task in &group.tasks {
            let path = format!("{}/{}", group.name, task.name);
            fields(&path, &task.fields, &mut out);
            objects(&path, &task.objects, &mut out);
        }
    }
    out
}

fn fields(path: &str, fields: &[FieldDiff], out: &mut Vec<(String, FieldDiff)>) {
    let changed = fields.iter().filter(|field| field.kind != DiffType::None);
    out.extend(changed.map(|field| (format!("{path}/{}", field.name), field.clone())));
}

fn objects(path: &str, list: &[ObjectDiff], out: &mut Vec<(String, FieldDiff)>) {
    for object in list {
        let path = format!("{path}/{}", object.name);
        fields(&path, &object.fields, out);
        objects(&path, &object.objects, out);
    }
}

fn job(value: &Value) -> Job {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn a_job_does_not_differ_from_itself() {
    for (name, fixture) in fixtures() {
        let job = job(&fixture);
        for contextual in [false, true] {
            let diff = job_diff(Some(&job), Some(&job), contextual);
            assert_eq!(diff.kind, DiffType::None, "{name}");
            assert!(changes(&diff).is_empty(), "{name}");
        }
    }
}

/// One change in, one change out: an edited value once, or what it was and what it is in a set. Forwards and
/// backwards it is the same change.
#[test]
fn every_change_of_one_value_is_exactly_one_change() {
    let mut seen = 0;
    let mut wrong = std::collections::BTreeSet::new();
    for (name, fixture) in fixtures() {
        let old = job(&fixture);
        for (path, value) in mutations(&fixture) {
            let Ok(new) = serde_json::from_value::<Job>(value) else { continue };
            if new == old {
                continue;
            }
            seen += 1;
            let diff = job_diff(Some(&old), Some(&new), true);
            let found = changes(&diff);
            if support::is_left_out(&path) {
                assert!(found.is_empty(), "{name} {path}: is shown: {found:?}");
                continue;
            }
            assert_eq!(diff.kind, DiffType::Edited, "{name} {path}");
            let edits = found.iter().filter(|(_, field)| field.kind == DiffType::Edited).count();
            if !(found.len() == 1 || (edits == 0 && blocks_replaced(&found))) {
                wrong.insert(format!("{path}: {found:?}"));
            }
            let back = changes(&job_diff(Some(&new), Some(&old), true));
            let mut turned: Vec<_> =
                found.iter().map(|(at, field)| (at.clone(), field.new.clone(), field.old.clone())).collect();
            let mut back: Vec<_> =
                back.iter().map(|(at, field)| (at.clone(), field.old.clone(), field.new.clone())).collect();
            turned.sort();
            back.sort();
            assert_eq!(turned, back, "{name} {path}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));
    assert!(seen > 300, "only {seen} changes were tried");
}

/// Whether these are the change of a set: something went and something came.
fn blocks_replaced(found: &[(String, FieldDiff)]) -> bool {
    let any = |kind| found.iter().any(|(_, field)| field.kind == kind);
    any(DiffType::Added) && any(DiffType::Deleted)
}

/// The new values of a tree put in the place of the old ones give the new job: nothing more differs.
#[test]
fn applying_the_new_values_gives_the_new_job() {
    for (name, fixture) in fixtures() {
        let old = job(&fixture);
        for (path, value) in mutations(&fixture) {
            let Ok(new) = serde_json::from_value::<Job>(value.clone()) else { continue };
            let found = changes(&job_diff(Some(&old), Some(&new), true));
            let [(_, change)] = found.as_slice() else { continue };
            let mut applied = fixture.clone();
            let at = applied.pointer_mut(&path).unwrap();
            let before = at.clone();
            *at = match &before {
                Value::Bool(_) => Value::Bool(change.new == "true"),
                Value::Number(_) => match change.new.parse::<i64>() {
                    Ok(number) => Value::from(number),
                    Err(_) => Value::from(change.new.parse::<f64>().unwrap()),
                },
                // Lists of texts that show as one value.
                Value::String(_) if change.new.contains(',') && !before.as_str().unwrap().contains(',') => continue,
                _ => Value::from(change.new.clone()),
            };
            assert_eq!(job(&applied), new, "{name} {path}: {change:?}");
        }
    }
}

/// A job that is new, or gone, is told with all of its values, once each way.
#[test]
fn a_job_that_comes_or_goes_shows_all_of_it() {
    for (name, fixture) in fixtures() {
        let job = job(&fixture);
        let came = changes(&job_diff(None, Some(&job), false));
        let went = changes(&job_diff(Some(&job), None, false));
        assert_eq!(came.len(), went.len(), "{name}");
        assert!(came.iter().all(|(_, field)| field.old.is_empty()), "{name}");
        assert!(went.iter().all(|(_, field)| field.new.is_empty()), "{name}");
    }
}
