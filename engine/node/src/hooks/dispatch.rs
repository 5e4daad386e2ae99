//! Writes a dispatched job's payload into the task's local directory.

use super::HookContext;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Writes it, if there is one and the task wants it.
pub fn run(context: &HookContext<'_>) -> Result<(), String> {
    let (Some(wanted), Some(payload)) = (&context.task.dispatch_payload, &context.job.payload) else {
        return Ok(());
    };
    if wanted.file.is_empty() {
        return Ok(());
    }
    let payload = STANDARD.decode(payload).map_err(|error| format!("dispatch payload is not base64: {error}"))?;
    let place =
        context.destination(&format!("local/{}", wanted.file)).map_err(|error| format!("dispatch payload: {error}"))?;
    std::fs::write(&place, payload).map_err(|error| format!("dispatch payload {}: {error}", place.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hooks::testing::with_context;
    use drover_model::task::DispatchPayload;
    use drover_model::{Job, Task};

    #[tokio::test]
    async fn the_payload_is_decoded() {
        let job = Job { payload: Some("aGVsbG8=".into()), ..Job::default() };
        let dispatch_payload = Some(DispatchPayload { file: "in/p.txt".into() });
        let task = Task { name: "t".into(), dispatch_payload, ..Task::default() };
        with_context(job, task, async |context| {
            run(context).unwrap();
            let text = std::fs::read_to_string(context.dir.task("t").join("local/in/p.txt")).unwrap();
            assert_eq!(text, "hello");
        })
        .await;
    }
}
