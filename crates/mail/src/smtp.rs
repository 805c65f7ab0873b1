//! The listener: takes connections, not too many, and lets each talk SMTP with `session`.

mod command;
mod session;

use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::mailbox::Inbox;
use crate::options::Limits;

/// What all sessions share.
#[derive(Debug)]
pub(crate) struct Sink {
    inbox: Arc<Inbox>,
    limits: Limits,
    accept_any_auth: bool,
    connections: Arc<Semaphore>,
    /// Room for mails on their way in, in [`session::BLOCK`]s.
    room: Arc<Semaphore>,
}

impl Sink {
    pub(crate) fn new(inbox: Arc<Inbox>, limits: Limits, accept_any_auth: bool) -> Self {
        Self {
            connections: Arc::new(Semaphore::new(limits.connections)),
            room: Arc::new(Semaphore::new(limits.in_flight.div_ceil(session::BLOCK))),
            inbox,
            limits,
            accept_any_auth,
        }
    }

    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => self.take(stream, &stop),
                Err(error) => {
                    // Out of file descriptors, most likely: others have to end first.
                    tracing::warn!(%error, "an SMTP connection could not be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn take(self: &Arc<Self>, mut stream: TcpStream, stop: &CancellationToken) {
        let sink = Arc::clone(self);
        let stop = stop.clone();
        let Ok(permit) = Arc::clone(&self.connections).try_acquire_owned() else {
            tokio::spawn(async move {
                // If it cannot be told, it is gone.
                let _ = stream.write_all(b"421 4.3.2 Too many connections, try again later\r\n").await;
            });
            return;
        };
        tokio::spawn(async move {
            let _permit = permit;
            let ended = tokio::select! {
                () = stop.cancelled() => Ok(()),
                ended = session::run(&sink, stream) => ended,
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "an SMTP connection broke");
            }
        });
    }
}
