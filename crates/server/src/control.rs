//! The control socket: answers status, stop, restart and the rest to whoever may open a file of mode 0600.

use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use project::Diagnostic;
use stack::control::{Reply, Request};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use crate::Error;
use crate::running::Running;

/// A whole-stack stop asked for over the socket; dropping it tells the asker that it is done.
#[derive(Debug)]
pub struct StopOrder {
    _asker: tokio::sync::oneshot::Sender<()>,
}

/// The bound socket; removes its file when dropped.
#[derive(Debug)]
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Binds `control.sock` in `folder` under a temporary name and renames, so that the socket exists only with its
    /// final mode and answering.
    pub fn bind(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("control.sock");
        let partial = folder.join("control.partial");
        let _ = std::fs::remove_file(&partial);
        let bound = std::fs::File::open(folder).and_then(|open| {
            // Through the open folder, because a socket's path may be 107 bytes long and a project's path longer.
            let short = format!("/proc/self/fd/{}/control.partial", open.as_raw_fd());
            let listener = UnixListener::bind(short)?;
            std::fs::set_permissions(&partial, std::fs::Permissions::from_mode(0o600))?;
            std::fs::rename(&partial, &path)?;
            Ok(listener)
        });
        match bound {
            Ok(listener) => Ok(Self { listener, path }),
            Err(source) => {
                Err(Error::Io { action: "open the control socket", path: path.display().to_string(), source })
            }
        }
    }

    /// Answers until the task is dropped. Stop orders of the whole stack go to `stops`.
    pub async fn serve(self, running: Arc<Running>, stops: mpsc::Sender<StopOrder>) {
        while let Ok((stream, _)) = self.listener.accept().await {
            let (running, stops) = (running.clone(), stops.clone());
            tokio::spawn(async move {
                // A client that hangs up in the middle is no event.
                let _ = talk(stream, &running, &stops).await;
            });
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn talk(stream: UnixStream, running: &Arc<Running>, stops: &mpsc::Sender<StopOrder>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await? {
        let reply = match serde_json::from_str(&line) {
            Err(error) => refuse("NS-SRV-003", format!("not a request: {error}")),
            Ok(Request::Status) => Reply::Status { status: running.board.status() },
            Ok(Request::Events) => {
                let mut changes = running.board.changes();
                loop {
                    send(&mut write, &Reply::Status { status: running.board.status() }).await?;
                    if changes.changed().await.is_err() {
                        return Ok(());
                    }
                }
            }
            Ok(Request::Stop { services }) if services.is_empty() => {
                let (asker, done) = tokio::sync::oneshot::channel();
                if stops.send(StopOrder { _asker: asker }).await.is_ok() {
                    let _ = done.await;
                }
                Reply::Done
            }
            Ok(Request::Stop { services }) => answer(running.stop_services(&services).await),
            Ok(Request::Start { services }) => answer(running.start_services(&services).await),
            Ok(Request::Restart { services }) => answer(running.restart_services(&services).await),
            Ok(Request::ReloadSchema) => answer(running.reload_schema().await),
            Ok(Request::ConsoleLink) => Reply::ConsoleLink { url: running.console_link() },
        };
        send(&mut write, &reply).await?;
    }
    Ok(())
}

async fn send(write: &mut tokio::net::unix::OwnedWriteHalf, reply: &Reply) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(reply).map_err(std::io::Error::other)?;
    text.push(b'\n');
    write.write_all(&text).await
}

fn answer(result: Result<(), Error>) -> Reply {
    match result {
        Ok(()) => Reply::Done,
        Err(error) => Reply::Error {
            code: error.code().to_owned(),
            message: error.to_string(),
            why: error.why(),
            fix: error.fix(),
        },
    }
}

fn refuse(code: &str, message: String) -> Reply {
    Reply::Error { code: code.to_owned(), message, why: None, fix: None }
}
