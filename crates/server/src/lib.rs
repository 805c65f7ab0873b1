//! The composition root of `nself serve`: builds the services that the plan asks for, wires their handles together,
//! supervises the child processes, and owns the order of starting and stopping.
//!
//! It is not: the command line (it prints nothing), or any service's logic.
//!
//! Key types: [`Options`] → [`run`]; inside, the [`board`] (what everything is doing), the [`supervisor`] (children), and
//! the [`control`] socket.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let project = project::Project::at("/srv/shop");
//! let settings = project.settings(None)?;
//! let plan = stack::Plan::new(&settings)?;
//! let (announce, mut heard) = tokio::sync::mpsc::unbounded_channel();
//! let options = server::Options { project, settings, plan, only: Vec::new(), echo: None };
//! let serving = tokio::spawn(server::run(options, announce));
//! while let Some(announcement) = heard.recv().await {
//!     // Up, or what is still starting.
//!     println!("{announcement:?}");
//! }
//! serving.await??;
//! # Ok(()) }
//! ```

mod access_options;
mod asks;
mod auth_options;
mod board;
mod control;
mod error;
mod front_door;
mod live_options;
mod logs;
mod mail_options;
mod postmaster;
mod probe;
mod revocations;
mod running;
mod schema_watch;
mod storage_options;
mod supervisor;
mod sweep;
mod tracking;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use project::{Project, Settings};
use stack::control::Announcement;
use stack::log::Line;
use stack::status::{StackStatus, State};
use stack::{Group, Plan};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

pub use auth_options::{accounts, passwords};
use board::Board;
use control::{Control, StopOrder};
pub use error::{CODES, Error};
use running::Running;

/// What to serve.
#[derive(Debug)]
pub struct Options {
    pub project: Project,
    pub settings: Settings,
    pub plan: Plan,
    /// Only these services and what they depend on; all when empty.
    pub only: Vec<String>,
    /// Gets every log line as well, for a server in the foreground.
    pub echo: Option<Sender<Line>>,
}

/// How often a service may fall over at the start before the start goes on without it.
const CHANCES: u32 = 3;
/// How long requests may take to end when the stack stops.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves until a stop order or a signal; `announce` hears how the start goes and is dropped when it is over.
///
/// # Errors
/// When the stack is already running, a port is taken, or a required service cannot start. By then everything that had
/// been started is stopped again.
pub async fn run(options: Options, announce: mpsc::UnboundedSender<Announcement>) -> Result<(), Error> {
    let _lock = options.project.lock("server").map_err(Error::AlreadyRunning)?;
    let mut interrupts = Interrupts::listen()?;
    let selected = options.selected();
    let running = Arc::new(Running::assemble(&options).await?);
    let (stops, mut stop_orders) = mpsc::channel(4);
    let control = Control::bind(&options.project.run_dir())?;
    let control = tokio::spawn(control.serve(running.clone(), stops));
    let starting = tokio::spawn(running.clone().start(selected));
    let started = tokio::select! {
        result = settle(&running.board, &announce) => result,
        () = interrupts.next() => Err(None),
        Some(order) = stop_orders.recv() => Err(Some(order)),
    };
    let mut failure = None;
    match started {
        Ok(status) => match required_failure(&running, &status) {
            Some(error) => failure = Some(error),
            None => {
                let _ = announce.send(Announcement::Up { status });
                drop(announce);
                tokio::select! {
                    () = interrupts.next() => {}
                    _order = stop_orders.recv() => {}
                }
            }
        },
        Err(_order) => drop(announce),
    }
    starting.abort();
    running.shut_down(DRAIN).await;
    control.abort();
    let _ = control.await;
    failure.map_or(Ok(()), Err)
}

/// Waits until every service has had its chance, announcing each change.
async fn settle(
    board: &Board,
    announce: &mpsc::UnboundedSender<Announcement>,
) -> Result<StackStatus, Option<StopOrder>> {
    let mut changes = board.changes();
    let mut known: Vec<State> = Vec::new();
    loop {
        let status = board.status();
        for (index, service) in status.services.iter().enumerate() {
            if known.get(index) != Some(&service.state) {
                let _ = announce.send(Announcement::Service {
                    name: service.name.clone(),
                    state: service.state,
                    detail: service.detail.clone(),
                });
            }
        }
        known = status.services.iter().map(|service| service.state).collect();
        let failed =
            |service: &stack::status::ServiceStatus| service.group == Group::Required && service.state == State::Failed;
        let waiting = |service: &stack::status::ServiceStatus| match service.state {
            State::Pending | State::Starting => true,
            State::Restarting => service.restarts < CHANCES,
            _ => false,
        };
        if status.services.iter().any(failed) || !status.services.iter().any(waiting) {
            return Ok(status);
        }
        if changes.changed().await.is_err() {
            return Ok(status);
        }
    }
}

/// The error of the first required service that failed, with the end of its log.
fn required_failure(running: &Running, status: &StackStatus) -> Option<Error> {
    let failed =
        |service: &&stack::status::ServiceStatus| service.group == Group::Required && service.state == State::Failed;
    let service = status.services.iter().find(failed)?;
    Some(running.failure(&service.name).unwrap_or_else(|| Error::ServiceFailed {
        name: service.name.clone(),
        why: service.detail.clone().unwrap_or_else(|| "it ended".to_owned()),
        log: running.logs.tail(Some(&service.name), 8).into_iter().map(|line| line.message).collect(),
    }))
}

impl Options {
    /// The services to start: those asked for and, transitively, what they depend on.
    fn selected(&self) -> BTreeSet<String> {
        let mut selected: BTreeSet<String> = if self.only.is_empty() {
            self.plan.services.iter().map(|service| service.name.clone()).collect()
        } else {
            self.only.iter().cloned().collect()
        };
        // Services stand in start order, so one pass from the back sees every dependant before what it needs.
        for service in self.plan.services.iter().rev() {
            if selected.contains(&service.name) {
                selected.extend(service.depends_on.iter().cloned());
            }
        }
        selected
    }
}

/// The signals that end a server.
struct Interrupts {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    /// Heard and ignored: a closed terminal is no reason to stop.
    _hangup: tokio::signal::unix::Signal,
}

impl Interrupts {
    fn listen() -> Result<Self, Error> {
        let listen =
            |kind| signal(kind).map_err(|source| Error::Io { action: "listen to", path: "signals".to_owned(), source });
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            _hangup: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
