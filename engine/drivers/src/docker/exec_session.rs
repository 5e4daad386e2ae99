//! Commands inside a container, through the daemon.

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, ResizeExecOptions, StartExecResults};
use futures::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, oneshot};

use super::client::message;
use crate::driver::{DriverError, ExecRequest, ExecSession, TerminalSize};

/// Output that may wait for its reader, bytes.
const BUFFER_BYTES: usize = 64 * 1024;

pub(super) async fn open(
    docker: &bollard::Docker,
    container: &str,
    request: ExecRequest,
) -> Result<ExecSession, DriverError> {
    let failed = |error: &bollard::errors::Error| DriverError::fatal(format!("run command: {}", message(error)));
    let options = CreateExecOptions {
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(request.tty.is_some()),
        cmd: Some(request.command),
        ..CreateExecOptions::default()
    };
    let id = docker.create_exec(container, options).await.map_err(|error| failed(&error))?.id;
    let StartExecResults::Attached { mut output, input } =
        docker.start_exec(&id, None).await.map_err(|error| failed(&error))?
    else {
        return Err(DriverError::fatal("run command: the daemon did not attach its output"));
    };
    let (stdout, mut stdout_writer) = tokio::io::duplex(BUFFER_BYTES);
    let (stderr, mut stderr_writer) = tokio::io::duplex(BUFFER_BYTES);
    let (ended, end) = oneshot::channel();
    tokio::spawn(async move {
        while let Some(Ok(part)) = output.next().await {
            let written = match part {
                LogOutput::StdErr { message } => stderr_writer.write_all(&message).await,
                LogOutput::StdOut { message } | LogOutput::Console { message } => {
                    stdout_writer.write_all(&message).await
                }
                LogOutput::StdIn { .. } => Ok(()),
            };
            if written.is_err() {
                break;
            }
        }
        ended.send(()).ok();
    });
    let resize = follow_size(docker.clone(), id.clone(), request.tty);
    let docker = docker.clone();
    Ok(ExecSession {
        stdin: Box::pin(input),
        stdout: Box::pin(stdout),
        stderr: request.tty.is_none().then(|| Box::pin(stderr) as _),
        resize,
        exit: Box::pin(async move {
            end.await.ok();
            let answer = docker.inspect_exec(&id).await.map_err(|error| DriverError::fatal(message(&error)))?;
            Ok(answer.exit_code.and_then(|code| i32::try_from(code).ok()).unwrap_or(0))
        }),
    })
}

fn follow_size(
    docker: bollard::Docker,
    exec_id: String,
    first: Option<TerminalSize>,
) -> mpsc::UnboundedSender<TerminalSize> {
    let (sender, mut sizes) = mpsc::unbounded_channel();
    if let Some(size) = first {
        sender.send(size).ok();
    }
    tokio::spawn(async move {
        while let Some(size) = sizes.recv().await {
            let options = ResizeExecOptions { height: size.height, width: size.width };
            // The command may have ended meanwhile.
            docker.resize_exec(&exec_id, options).await.ok();
        }
    });
    sender
}
