//! Webhooks on changes of rows and by the clock: Hasura's event triggers, cron triggers and one-off events.
//!
//! A change writes its events into the outbox `hdb_catalog.event_log` in its own transaction (the trigger functions of
//! [`install`] do), so that no event is lost and none tells of a change that was rolled back. [`Events`] delivers them
//! at least once: what a server had taken when it was killed is delivered by the next. It asks the database nothing
//! while there is nothing to do; a `NOTIFY` wakes it.

pub mod api;
mod cleanup;
mod cron;
mod definition;
mod deliver;
mod event;
mod install;
mod scheduled;
mod session;
mod trace;
mod trigger;
mod webhook;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use metadata::Metadata;
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinHandle;

use crate::outbound::{Client, Environment};

use definition::Triggers;
use deliver::Shared;

pub use install::install;
pub use trace::{onward, trace_context};

/// The tables of `hdb_catalog` that this module works on. Changes nothing when they are there.
pub const CATALOG_SQL: &str = include_str!("../../../assets/sql/hdb_catalog/events.sql");

/// How events are delivered.
#[derive(Debug, Clone)]
pub struct Options {
    /// Requests at a time: Hasura's `HASURA_GRAPHQL_EVENTS_HTTP_POOL_SIZE`.
    pub workers: usize,
    /// Events taken with one statement: Hasura's `HASURA_GRAPHQL_EVENTS_FETCH_BATCH_SIZE`.
    pub batch: usize,
    /// How often is looked for what nobody told of: events of servers that were killed, and cron events to write ahead.
    pub poll: Duration,
    /// How long requests that are under way may take when the server stops: Hasura's
    /// `HASURA_GRAPHQL_GRACEFUL_SHUTDOWN_TIMEOUT`.
    pub grace: Duration,
}

impl Default for Options {
    /// 100 requests at a time, a look around every minute, 10 s to end.
    fn default() -> Self {
        Self { workers: 100, batch: 100, poll: Duration::from_secs(60), grace: Duration::from_secs(10) }
    }
}

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Op {
    Insert,
    Update,
    Delete,
}

impl fmt::Display for Op {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        })
    }
}

/// The running deliverer. Dropped, it ends at once, and what is under way is delivered again by the next.
#[derive(Debug)]
pub struct Events {
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
    abort: tokio::task::AbortHandle,
}

impl Events {
    /// Starts delivering what the triggers of `metadata` say. The tables of [`CATALOG_SQL`] must be there.
    pub fn start(
        options: Options,
        config: tokio_postgres::Config,
        environment: Arc<Environment>,
        client: Client,
        metadata: &Metadata,
    ) -> Self {
        let triggers = RwLock::new(Arc::new(Triggers::new(metadata, &environment)));
        let (wake, stopping) = (Notify::new(), watch::Sender::new(false));
        let shared = Arc::new(Shared { options, config, environment, client, triggers, wake, stopping });
        let task = tokio::spawn(deliver::run(Arc::clone(&shared)));
        let abort = task.abort_handle();
        Self { shared, task: Mutex::new(Some(task)), abort }
    }

    /// From now on these triggers hold; what is under way ends as it began.
    pub fn configure(&self, metadata: &Metadata) {
        let triggers = Arc::new(Triggers::new(metadata, &self.shared.environment));
        *self.shared.triggers.write().unwrap_or_else(PoisonError::into_inner) = triggers;
        self.shared.wake.notify_one();
    }

    /// Takes no more events, waits for those under way and gives back what did not end in time.
    pub async fn stop(&self) {
        self.shared.stopping.send_replace(true);
        if let Some(task) = self.task.lock().await.take() {
            // An error would say that it was aborted, which is an end too.
            let _ = task.await;
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.abort.abort();
    }
}
