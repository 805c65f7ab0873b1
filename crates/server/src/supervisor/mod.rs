//! Supervision of child processes: start, probe, restart with back-off, stop. One task a child.

pub mod backoff;
pub mod process;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use stack::status::State;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot};

use crate::board::Board;
use crate::logs::{Logs, Parse};
use backoff::Backoff;
use process::Launch;

/// One try at a probe: `Ok` is green.
pub type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), Red>> + Send + Sync>;

/// Why a probe is red.
#[derive(Debug)]
pub enum Red {
    /// It may be green at the next try.
    Now(String),
    /// No further try can help: the child is stopped and has failed.
    ForGood(String),
}

/// What the supervisor needs to know about a child.
#[derive(Clone)]
pub struct Spec {
    pub name: String,
    pub launch: Launch,
    pub check: Check,
    /// Pause between tries while it starts.
    pub retry: Duration,
    /// Pause between tries once it is ready.
    pub watch: Duration,
    /// How long it may take to stop before it is killed.
    pub grace: Duration,
    /// True: a child that ends before it was ever ready has failed, and nobody tries again.
    pub fail_fast: bool,
    pub parse: Parse,
}

/// A supervised child. Dropping the handle leaves the child running; [`Supervised::stop`] ends it.
#[derive(Debug, Clone)]
pub struct Supervised {
    orders: mpsc::Sender<Order>,
}

#[derive(Debug)]
enum Order {
    Stop(oneshot::Sender<()>),
    Start,
}

/// What ended a phase of a child's life.
enum Turn {
    Ended(String),
    Failed(String),
    Stop(oneshot::Sender<()>),
    Abandoned,
}

impl Supervised {
    /// Starts the child and keeps it running until told otherwise.
    pub fn start(spec: Spec, board: Arc<Board>, logs: Logs) -> Self {
        let (orders, inbox) = mpsc::channel(8);
        tokio::spawn(Keeper { spec, board, logs, inbox, was_ready: false }.keep());
        Self { orders }
    }

    /// Returns when the child and all its descendants are gone. Stopping a stopped child is fine.
    pub async fn stop(&self) {
        let (done, wait) = oneshot::channel();
        if self.orders.send(Order::Stop(done)).await.is_ok() {
            let _ = wait.await;
        }
    }

    /// Starts a stopped or failed child again.
    pub async fn resume(&self) {
        let _ = self.orders.send(Order::Start).await;
    }
}

struct Keeper {
    spec: Spec,
    board: Arc<Board>,
    logs: Logs,
    inbox: mpsc::Receiver<Order>,
    was_ready: bool,
}

impl Keeper {
    async fn keep(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let born = Instant::now();
            self.board.set(&self.spec.name, State::Starting, None);
            let turn = match self.spec.launch.spawn() {
                Ok(child) => self.live(child).await,
                Err(error) => Turn::Ended(format!("cannot start {}: {error}", self.spec.launch.program.display())),
            };
            match turn {
                Turn::Abandoned => return,
                Turn::Stop(done) => {
                    self.board.set(&self.spec.name, State::Stopped, None);
                    let _ = done.send(());
                    if !self.wait_for_start().await {
                        return;
                    }
                }
                Turn::Failed(why) => {
                    self.board.set(&self.spec.name, State::Failed, Some(why));
                    if !self.wait_for_start().await {
                        return;
                    }
                }
                Turn::Ended(why) => {
                    if !self.recover(&mut backoff, born.elapsed(), why).await {
                        return;
                    }
                }
            }
        }
    }

    /// The life of one process, from start to end.
    async fn live(&mut self, mut child: Child) -> Turn {
        let pid = child.id();
        self.board.set_process(&self.spec.name, pid);
        self.pump(child.stdout.take());
        self.pump(child.stderr.take());
        let mut ready = false;
        let mut pause = Duration::ZERO;
        let turn = loop {
            let check = self.spec.check.clone();
            let probe = async {
                tokio::time::sleep(pause).await;
                check().await
            };
            tokio::select! {
                ended = child.wait() => break Turn::Ended(match ended {
                    Ok(status) => format!("ended with {status}"),
                    Err(error) => format!("lost: {error}"),
                }),
                order = self.inbox.recv() => match order {
                    Some(Order::Stop(done)) => {
                        self.board.set(&self.spec.name, State::Stopping, None);
                        process::stop(&mut child, &self.spec.launch, self.spec.grace).await;
                        break Turn::Stop(done);
                    }
                    Some(Order::Start) => {}
                    None => {
                        process::stop(&mut child, &self.spec.launch, self.spec.grace).await;
                        break Turn::Abandoned;
                    }
                },
                verdict = probe => {
                    if let Err(Red::ForGood(why)) = verdict {
                        process::stop(&mut child, &self.spec.launch, self.spec.grace).await;
                        break Turn::Failed(why);
                    }
                    ready = self.judge(verdict, ready);
                    pause = if ready { self.spec.watch } else { self.spec.retry };
                }
            }
        };
        if let Some(pid) = pid {
            // What the child left behind must not hold its port when it is started again.
            process::signal_group(pid, nix::sys::signal::Signal::SIGKILL);
        }
        self.board.set_process(&self.spec.name, None);
        turn
    }

    /// Notes a probe's verdict; true when the child is ready now.
    fn judge(&mut self, verdict: Result<(), Red>, ready: bool) -> bool {
        match verdict {
            Ok(()) => {
                self.was_ready = true;
                self.board.set(&self.spec.name, State::Ready, None);
                true
            }
            Err(Red::Now(why) | Red::ForGood(why)) => {
                let state = if ready || self.board.state(&self.spec.name) == Some(State::Unhealthy) {
                    State::Unhealthy
                } else {
                    State::Starting
                };
                self.board.set(&self.spec.name, state, Some(why));
                false
            }
        }
    }

    /// After an unexpected end: waits for the next try. False when there is none.
    async fn recover(&mut self, backoff: &mut Backoff, ran: Duration, why: String) -> bool {
        if self.spec.fail_fast && !self.was_ready {
            self.board.set(&self.spec.name, State::Failed, Some(why));
            return self.wait_for_start().await;
        }
        let delay = backoff.next(ran);
        tracing::warn!(service = self.spec.name, "{why}; next start in {} ms", delay.as_millis());
        self.board.set(&self.spec.name, State::Restarting, Some(why));
        tokio::select! {
            () = tokio::time::sleep(delay) => {
                self.board.count_restart(&self.spec.name);
                true
            }
            order = self.inbox.recv() => match order {
                Some(Order::Start) => true,
                Some(Order::Stop(done)) => {
                    self.board.set(&self.spec.name, State::Stopped, None);
                    let _ = done.send(());
                    self.wait_for_start().await
                }
                None => false,
            },
        }
    }

    async fn wait_for_start(&mut self) -> bool {
        loop {
            match self.inbox.recv().await {
                Some(Order::Start) => return true,
                Some(Order::Stop(done)) => {
                    let _ = done.send(());
                }
                None => return false,
            }
        }
    }

    /// Moves a stream's lines into the log.
    fn pump(&self, stream: Option<impl AsyncRead + Unpin + Send + 'static>) {
        let Some(stream) = stream else { return };
        let (logs, name, parse) = (self.logs.clone(), self.spec.name.clone(), self.spec.parse);
        tokio::spawn(async move {
            let mut lines = BufReader::new(stream);
            let mut buffer = Vec::new();
            while let Ok(1..) = lines.read_until(b'\n', &mut buffer).await {
                let text = String::from_utf8_lossy(&buffer);
                let text = text.trim_end();
                if !text.is_empty() {
                    logs.write(parse(&name, text));
                }
                buffer.clear();
            }
        });
    }
}
