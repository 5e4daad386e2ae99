//! `/v1/job/ID/action`: runs an action of a task. It is the exec route with a command that the job names.

use crate::error::ApiError;
use crate::state::ApiState;
use drover_model::{AllocClientStatus, Allocation, JobKey, Namespace};
use http::{HeaderMap, Uri};
use percent_encoding::percent_decode_str;
use serde_json::json;
use std::sync::Arc;

/// The job whose action route this path is.
fn job_of(path: &str) -> Option<String> {
    let id = path.strip_prefix("/v1/job/")?.strip_suffix("/action")?;
    Some(percent_decode_str(id).decode_utf8_lossy().into_owned())
}

/// The exec route that stands for an action's; `None` for all other paths.
pub(crate) fn as_exec(state: &ApiState, uri: &Uri, headers: &HeaderMap) -> Option<Result<Uri, ApiError>> {
    let job = job_of(uri.path())?;
    if !headers.contains_key(http::header::SEC_WEBSOCKET_KEY) {
        return Some(Err(ApiError::refused("websocket connection not found in context")));
    }
    Some(translate(state, &job, uri.query().unwrap_or("")))
}

fn translate(state: &ApiState, job: &str, query: &str) -> Result<Uri, ApiError> {
    let given: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let text = |name: &str| given.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let or_default = |name: &str| if name.is_empty() { Namespace::DEFAULT.to_owned() } else { name.to_owned() };
    let namespace = or_default(text("namespace"));
    let key = JobKey { namespace: namespace.as_str().into(), id: job.into() };
    let snapshot = state.store().snapshot();
    let (task_name, group_name, action_name) = (text("task"), text("group"), text("action"));
    let found = snapshot.job(&key).ok_or_else(|| ApiError::not_found("job not found"))?;
    if action_name.is_empty() {
        return Err(ApiError::bad_request("action name is required"));
    }
    let groups = found.task_groups.iter().filter(|group| group_name.is_empty() || group.name == group_name);
    let mut tasks = groups.flat_map(|group| group.tasks.iter().map(move |task| (group, task)));
    let action = tasks.find_map(|(group, task)| {
        let is_meant = task_name.is_empty() || task.name == task_name;
        let action = task.actions.iter().find(|action| action.name == action_name).filter(|_| is_meant)?;
        Some((group, task, action))
    });
    let (group, task, action) =
        action.ok_or_else(|| ApiError::not_found(format!("action {action_name:?} not found in job {job:?}")))?;
    let is_meant = |alloc: &&Arc<Allocation>| {
        let id = text("allocID");
        alloc.task_group == group.name
            && alloc.client_status == AllocClientStatus::Running
            && (id.is_empty() || *alloc.id == *id)
    };
    let alloc = snapshot.allocs_by_job(&key).find(is_meant);
    let alloc = alloc.ok_or_else(|| ApiError::not_found("no running allocation of that task"))?;
    let mut command = vec![action.command.clone()];
    command.extend(action.args.iter().cloned());
    let mut exec = url::form_urlencoded::Serializer::new(String::new());
    exec.append_pair("task", &task.name).append_pair("command", &json!(command).to_string());
    for name in ["tty", "ws_handshake", "namespace", "region"] {
        if !text(name).is_empty() {
            exec.append_pair(name, text(name));
        }
    }
    let uri = format!("/v1/client/allocation/{}/exec?{}", alloc.id, exec.finish());
    uri.parse().map_err(|_| ApiError::refused("the action cannot be run"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_may_hold_slashes() {
        assert_eq!(job_of("/v1/job/a%2Fb/action").as_deref(), Some("a/b"));
        assert_eq!(job_of("/v1/job/a/actions"), None);
    }
}
