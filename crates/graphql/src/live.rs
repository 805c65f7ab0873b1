//! Subscriptions: live queries and streams over WebSocket.
//!
//! A subscription is compiled like a query. Those whose statement is the same form a cohort, whose task runs one
//! statement for a hundred of them, with a row of parameters for each ([`batch`]). It runs when a table that the
//! statement reads has changed ([`feed`] tells, [`sources`] knows which tables), and sends what differs from what was
//! sent before. Nobody asks PostgreSQL anything while nothing changes.
//!
//! It is not: exact about rows. A change of a table makes all of a cohort's groups due, whichever rows they read.
//!
//! What a result depends on is found in the statement and the catalog: tables (their partitions and children), the
//! tables behind views, and any table at all once a function is called. What changes without a word in the log is
//! polled as Hasura does: materialised views, unlogged and foreign tables, catalogs, views and functions that look at the
//! clock.

mod batch;
mod cohort;
mod connection;
mod feed;
mod outbox;
mod protocol;
mod run;
mod shape;
mod snapshot;
mod solo;
mod sources;

use std::collections::HashMap;
use std::hash::RandomState;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;
use http::HeaderMap;
use postgres::Pool;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::failure::Failure;
use crate::session::Session;
use crate::{Handle, Request};
use batch::Mentions;
use cohort::{Cohort, GroupId, Had, Parameters};
use connection::Connection;
use outbox::Sink;
use protocol::Protocol;
use shape::Shape;
use sources::{Changes, Sources};

pub use protocol::ErrorStyle;

/// How changes are noticed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Source {
    /// By logical decoding where the server allows it, else by polling.
    #[default]
    Auto,
    /// By logical decoding alone: what it does not tell is not noticed.
    Logical,
    /// By asking again and again.
    Polling,
}

impl Source {
    /// Its name in settings; any other is none.
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "auto" => Some(Self::Auto),
            "logical" => Some(Self::Logical),
            "polling" => Some(Self::Polling),
            _ => None,
        }
    }
}

/// Settings of subscriptions.
#[derive(Debug, Clone)]
pub struct Options {
    pub source: Source,
    /// Pause between two polls: `HASURA_GRAPHQL_LIVE_QUERIES_MULTIPLEXED_REFETCH_INTERVAL`.
    pub refetch: Duration,
    /// Subscriptions in one statement: `HASURA_GRAPHQL_LIVE_QUERIES_MULTIPLEXED_BATCH_SIZE`.
    pub batch: usize,
    /// The same of streams: `HASURA_GRAPHQL_STREAMING_QUERIES_MULTIPLEXED_REFETCH_INTERVAL` and `…_BATCH_SIZE`.
    pub stream_refetch: Duration,
    pub stream_batch: usize,
    /// Pause between two signs of life: `HASURA_GRAPHQL_WEBSOCKET_KEEPALIVE`.
    pub keep_alive: Duration,
    /// How long a client may take to say who it is: `HASURA_GRAPHQL_WEBSOCKET_CONNECTION_INIT_TIMEOUT`.
    pub init_timeout: Duration,
    /// How long a client may take to read a message.
    pub write_timeout: Duration,
    /// Operations that may be open on one connection.
    pub operations_limit: usize,
}

impl Default for Options {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self {
            source: Source::Auto,
            refetch: second,
            batch: 100,
            stream_refetch: second,
            stream_batch: 100,
            keep_alive: second * 5,
            init_timeout: second * 3,
            write_timeout: second * 30,
            operations_limit: 10_000,
        }
    }
}

/// What a connection's address says about it.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    pub style: ErrorStyle,
    /// The schema is the one of Relay.
    pub relay: bool,
    /// The client's address, for limits.
    pub address: Option<IpAddr>,
}

/// Whether changes are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hearing {
    Nothing,
    Log,
}

/// Why a statement gave nothing.
#[derive(Debug)]
enum Trouble {
    /// PostgreSQL is away; later may help.
    Connection,
    /// A group's parameters, or the statement.
    Statement(Failure),
    Timeout(Failure),
}

/// All subscriptions of an engine.
#[derive(Debug)]
pub(crate) struct Live {
    options: Options,
    pool: Pool,
    statement_timeout: Option<Duration>,
    dev_mode: bool,
    registry: Mutex<Registry>,
    hearing: watch::Sender<Hearing>,
    /// How many subscriptions there are.
    count: watch::Sender<usize>,
    /// Statements that may run at once, so that requests find connections too.
    turns: Semaphore,
    stop: CancellationToken,
    connections: TaskTracker,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Registry {
    cohorts: HashMap<String, Arc<Cohort>>,
    subscriptions: HashMap<u64, Arc<Subscribed>>,
    next: u64,
    sources: HashMap<Mentions, Arc<Sources>>,
    feed: Option<JoinHandle<()>>,
}

/// One subscription.
#[derive(Debug)]
struct Subscribed {
    session: Arc<Session>,
    request: Request,
    sink: Arc<Sink>,
    place: Mutex<Option<Place>>,
    /// Held while it is put into a place.
    turn: tokio::sync::Mutex<()>,
    /// Nobody holds it any more.
    dropped: CancellationToken,
    /// It is asked for by a task of its own.
    solo: AtomicBool,
}

#[derive(Debug)]
struct Place {
    cohort: Arc<Cohort>,
    group: GroupId,
}

/// Holds a subscription; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Subscription {
    live: Arc<Live>,
    id: u64,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.live.forget(self.id);
    }
}

impl Live {
    pub(crate) fn new(options: &crate::Options) -> Arc<Self> {
        Arc::new(Self {
            options: options.live.clone(),
            pool: options.pool.clone(),
            statement_timeout: options.statement_timeout,
            dev_mode: options.dev_mode,
            registry: Mutex::default(),
            hearing: watch::channel(Hearing::Nothing).0,
            count: watch::channel(0).0,
            turns: Semaphore::new(4),
            stop: CancellationToken::new(),
            connections: TaskTracker::new(),
            hasher: RandomState::new(),
        })
    }

    /// Cancelled when the engine stops.
    fn stopped(&self) -> CancellationToken {
        self.stop.clone()
    }

    fn hearing(&self) -> watch::Receiver<Hearing> {
        self.hearing.subscribe()
    }

    /// Called by the feed: from now on changes are told, or no longer.
    fn hear(&self, hearing: Hearing) {
        self.hearing.send_replace(hearing);
    }

    /// Called by the feed when it thinks of its end: true when it may go, and then the next subscription starts another.
    fn may_rest(&self) -> bool {
        let mut registry = self.lock();
        let rests = registry.subscriptions.is_empty() || self.stop.is_cancelled();
        if rests {
            registry.feed = None;
        }
        rests
    }

    /// Until nobody has subscribed for so long.
    async fn unwanted(&self, linger: Duration) {
        let mut count = self.count.subscribe();
        loop {
            if count.wait_for(|count| *count == 0).await.is_err() {
                return;
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(linger) => return,
                _ = count.wait_for(|count| *count > 0) => {}
            }
        }
    }

    /// A transaction committed.
    fn changed(&self, changes: &Changes, commit: u32) {
        let cohorts: Vec<Arc<Cohort>> = self.lock().cohorts.values().cloned().collect();
        cohorts.iter().for_each(|cohort| cohort.changed(changes, commit));
    }

    /// Begins a subscription; its results go to `sink`.
    ///
    /// # Errors
    /// The request does not fit the schema of the session's role.
    async fn subscribe(
        self: &Arc<Self>,
        handle: &Handle,
        session: Arc<Session>,
        request: Request,
        sink: Arc<Sink>,
    ) -> Result<Subscription, Failure> {
        let subscribed = Arc::new(Subscribed::new(session, request, sink));
        let held = {
            let mut registry = self.lock();
            registry.next += 1;
            let id = registry.next;
            registry.subscriptions.insert(id, subscribed.clone());
            self.count.send_replace(registry.subscriptions.len());
            Subscription { live: self.clone(), id }
        };
        self.place(handle, &subscribed).await?;
        self.follow();
        Ok(held)
    }

    /// Compiles a subscription and puts it where it belongs, wherever it was before.
    async fn place(self: &Arc<Self>, handle: &Handle, subscribed: &Arc<Subscribed>) -> Result<(), Failure> {
        let _turn = subscribed.turn.lock().await;
        let had = subscribed.leave();
        let (compiled, parameters) = handle.compiled(&subscribed.session, &subscribed.request).await?;
        if compiled.is_foreign() {
            if !subscribed.solo.swap(true, Ordering::SeqCst) {
                tokio::spawn(solo::poll(handle.clone(), subscribed.clone()));
            }
            return Ok(());
        }
        let Some(statement) = &compiled.statement else {
            subscribed.sink.send(compiled.body(|_| None));
            return Ok(());
        };
        let shape = Shape::new(compiled.clone(), statement);
        let sources = self.sources(&shape.batch.mentions).await?;
        let mut parameters: Parameters = parameters.into_iter().map(Some).collect();
        if let Some(cursor) = had.cursor {
            parameters = shape.moved(&parameters, cursor);
        }
        let key = shape.key();
        let (cohort, group) = self.join(key, shape, &sources, &parameters, &subscribed.sink, had.last);
        *subscribed.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(Place { cohort, group });
        if subscribed.is_dropped() {
            subscribed.leave();
        }
        Ok(())
    }

    /// The cohort of a shape, and the place in it; it is made when there is none.
    fn join(
        self: &Arc<Self>,
        key: String,
        shape: Shape,
        sources: &Arc<Sources>,
        parameters: &Parameters,
        sink: &Arc<Sink>,
        last: Option<u64>,
    ) -> (Arc<Cohort>, GroupId) {
        let mut registry = self.lock();
        let found = registry.cohorts.get(&key).filter(|cohort| cohort.sources == *sources).cloned();
        if let Some(cohort) = found
            && let Some(group) = cohort.join(parameters.clone(), sink.clone(), last)
        {
            return (cohort, group);
        }
        let cohort = Arc::new(Cohort::new(shape, sources.clone(), self.hasher.clone()));
        let group = cohort.join(parameters.clone(), sink.clone(), last).expect("a new cohort is not over");
        registry.cohorts.retain(|_, cohort| !cohort.over.is_cancelled());
        registry.cohorts.insert(key, cohort.clone());
        tokio::spawn(cohort.clone().run(self.clone()));
        (cohort, group)
    }

    async fn sources(&self, mentions: &Mentions) -> Result<Arc<Sources>, Failure> {
        if let Some(found) = self.lock().sources.get(mentions) {
            return Ok(found.clone());
        }
        let found = Arc::new(Sources::find(&self.pool, mentions).await?);
        self.lock().sources.insert(mentions.clone(), found.clone());
        Ok(found)
    }

    /// Starts the feed unless it runs.
    fn follow(self: &Arc<Self>) {
        if self.options.source == Source::Polling || self.stop.is_cancelled() {
            return;
        }
        let mut registry = self.lock();
        if registry.feed.is_none() {
            registry.feed = Some(tokio::spawn(feed::follow(self.clone())));
        }
    }

    fn forget(&self, id: u64) {
        let subscribed = {
            let mut registry = self.lock();
            let subscribed = registry.subscriptions.remove(&id);
            self.count.send_replace(registry.subscriptions.len());
            subscribed
        };
        if let Some(subscribed) = subscribed {
            subscribed.dropped.cancel();
            subscribed.leave();
            self.lock().cohorts.retain(|_, cohort| !cohort.over.is_cancelled());
        }
    }

    /// The schema, the metadata or the rights are others: every subscription is compiled again. Whose role may no
    /// longer ask is told so and ends.
    pub(crate) async fn reloaded(self: &Arc<Self>, handle: &Handle) {
        let all: Vec<Arc<Subscribed>> = {
            let mut registry = self.lock();
            registry.sources.clear();
            registry.subscriptions.values().cloned().collect()
        };
        for subscribed in all {
            if let Err(failure) = self.place(handle, &subscribed).await {
                subscribed.sink.end(failure);
            }
        }
    }

    /// Closes all connections, waiting a little for their clients to answer.
    pub(crate) async fn shutdown(&self) {
        self.stop.cancel();
        self.connections.close();
        let _ = tokio::time::timeout(Duration::from_secs(2), self.connections.wait()).await;
        let feed = self.lock().feed.take();
        if let Some(feed) = feed {
            feed.abort();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscribed {
    fn new(session: Arc<Session>, request: Request, sink: Arc<Sink>) -> Self {
        let (place, turn, dropped, solo) = Default::default();
        Self { session, request, sink, place, turn, dropped, solo }
    }

    fn is_dropped(&self) -> bool {
        self.dropped.is_cancelled()
    }

    /// Until it is dropped.
    async fn gone(&self) {
        self.dropped.cancelled().await;
    }

    /// Leaves its cohort.
    fn leave(&self) -> Had {
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner).take();
        place.map(|place| place.cohort.leave(place.group, &self.sink)).unwrap_or_default()
    }
}

/// Answers an upgrade and serves the connection.
pub(crate) fn upgrade(handle: &Handle, endpoint: Endpoint, upgrade: WebSocketUpgrade, headers: &HeaderMap) -> Response {
    let offered = headers.get_all("sec-websocket-protocol").iter().filter_map(|value| value.to_str().ok());
    let (protocol, name) = Protocol::choose(offered.flat_map(|list| list.split(',')));
    let limit = handle.options().body_limit;
    let upgrade = upgrade.max_message_size(limit).max_frame_size(limit);
    let upgrade = match name {
        Some(name) => upgrade.protocols([name]),
        None => upgrade,
    };
    let mut headers = headers.clone();
    for own in ["sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol", "upgrade", "connection"] {
        headers.remove(own);
    }
    let live = handle.live().clone();
    let connection = Connection::new(handle.clone(), endpoint, protocol, headers);
    upgrade.on_upgrade(move |socket| live.connections.track_future(connection.run(socket)))
}
