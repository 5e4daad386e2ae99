//! Tables of allocations.

use super::{Table, ago, id, stamp};
use drover_base::UnixNanos;
use drover_sdk::types::AllocStub;

/// The table of a job's allocations.
pub fn of_job(allocs: &[AllocStub], verbose: bool, now: UnixNanos) -> String {
    if allocs.is_empty() {
        return "No allocations placed".to_owned();
    }
    if !verbose {
        return short(allocs, false, now);
    }
    let mut table = Table::new(&[
        "ID",
        "Eval ID",
        "Node ID",
        "Node Name",
        "Task Group",
        "Version",
        "Desired",
        "Status",
        "Created",
        "Modified",
    ]);
    for alloc in allocs {
        table.row([
            alloc.id.clone(),
            alloc.eval_id.clone(),
            alloc.node_id.clone(),
            alloc.node_name.clone(),
            alloc.task_group.clone(),
            alloc.job_version.to_string(),
            alloc.desired_status.clone(),
            alloc.client_status.clone(),
            stamp(alloc.create_time),
            stamp(alloc.modify_time),
        ]);
    }
    table.render()
}

/// The table of a node's allocations in full.
pub fn of_node(allocs: &[AllocStub], verbose: bool, now: UnixNanos) -> String {
    if allocs.is_empty() {
        return "No allocations placed".to_owned();
    }
    if !verbose {
        return short(allocs, false, now);
    }
    let mut table =
        Table::new(&["ID", "Eval ID", "Node ID", "Task Group", "Version", "Desired", "Status", "Created", "Modified"]);
    for alloc in allocs {
        table.row([
            alloc.id.clone(),
            alloc.eval_id.clone(),
            alloc.node_id.clone(),
            alloc.task_group.clone(),
            alloc.job_version.to_string(),
            alloc.desired_status.clone(),
            alloc.client_status.clone(),
            stamp(alloc.create_time),
            stamp(alloc.modify_time),
        ]);
    }
    table.render()
}

/// The short table, with whole ids when `verbose`.
pub fn short(allocs: &[AllocStub], verbose: bool, now: UnixNanos) -> String {
    let mut table = Table::new(&["ID", "Node ID", "Task Group", "Version", "Desired", "Status", "Created", "Modified"]);
    for alloc in allocs {
        table.row([
            id(&alloc.id, verbose).to_owned(),
            id(&alloc.node_id, verbose).to_owned(),
            alloc.task_group.clone(),
            alloc.job_version.to_string(),
            alloc.desired_status.clone(),
            alloc.client_status.clone(),
            ago(alloc.create_time, now),
            ago(alloc.modify_time, now),
        ]);
    }
    table.render()
}
