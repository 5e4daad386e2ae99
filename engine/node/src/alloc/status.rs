//! What an allocation's tasks add up to.

use super::core::{Role, Slot};
use drover_model::{AllocClientStatus, TaskStateKind};

/// The status and its description for people.
pub fn of_tasks(slots: &[Slot]) -> (AllocClientStatus, &'static str) {
    let mut pending = false;
    let mut running = false;
    let only_poststop_left =
        slots.iter().all(|slot| slot.role == Role::Poststop || slot.core.state().state == TaskStateKind::Dead);
    for slot in slots {
        let state = slot.core.state();
        match state.state {
            TaskStateKind::Running => running = true,
            // The allocation has not gone back to its beginning while its last tasks are prepared.
            TaskStateKind::Pending if slot.role == Role::Poststop => running |= only_poststop_left,
            TaskStateKind::Pending => pending = true,
            TaskStateKind::Dead if state.failed => return (AllocClientStatus::Failed, "Failed tasks"),
            TaskStateKind::Dead => {}
        }
    }
    if running {
        (AllocClientStatus::Running, "Tasks are running")
    } else if pending {
        (AllocClientStatus::Pending, "No tasks have started")
    } else {
        (AllocClientStatus::Complete, "All tasks have completed")
    }
}
