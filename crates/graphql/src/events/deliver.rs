//! The loop that delivers: it sleeps until somebody writes an event or one falls due, takes what is free, sends many at
//! a time, and writes down what came of them in batches.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_postgres::Config;

use crate::outbound::{self, Environment};

use super::definition::Triggers;
use super::event::{self, Event};
use super::scheduled::{self, Kind, Scheduled};
use super::session::{InFlight, Session};
use super::webhook::{Invocation, Outcome};
use super::{Options, cleanup, cron};

/// Pause before the next try when PostgreSQL is away.
const AWAY: Duration = Duration::from_secs(1);
/// Shortest sleep: what is due and cannot be taken belongs to another server at this moment.
const BREATH: Duration = Duration::from_millis(20);

/// What the loop and those who steer it share.
#[derive(Debug)]
pub(super) struct Shared {
    pub options: Options,
    pub config: Config,
    pub environment: Arc<Environment>,
    pub client: outbound::Client,
    pub triggers: RwLock<Arc<Triggers>>,
    pub wake: Notify,
    /// Turns true when no more events are to be taken.
    pub stopping: watch::Sender<bool>,
}

impl Shared {
    fn triggers(&self) -> Arc<Triggers> {
        Arc::clone(&self.triggers.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Debug, Clone)]
enum Taken {
    Event(Arc<Event>),
    Scheduled(Arc<Scheduled>),
}

/// An event that was sent; no invocation: it was too old.
#[derive(Debug)]
struct Finished {
    taken: Taken,
    invocation: Option<Invocation>,
}

/// The state of the loop; outlives its connections.
struct Deliverer {
    shared: Arc<Shared>,
    sending: JoinSet<Finished>,
    taken: HashMap<Id, Taken>,
    /// Sent, but not written down yet.
    finished: Vec<Finished>,
    /// There may be something to take.
    look: bool,
    /// When something falls due, as far as known.
    due: Option<Instant>,
}

/// Runs until it is told to stop and everything that was sent is written down.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut stopping = shared.stopping.subscribe();
    let mut deliverer = Deliverer {
        shared: Arc::clone(&shared),
        sending: JoinSet::new(),
        taken: HashMap::new(),
        finished: Vec::new(),
        look: true,
        due: None,
    };
    loop {
        match deliverer.session().await {
            Ok(()) => return,
            Err(error) => tracing::warn!(%error, "event delivery waits for the database"),
        }
        tokio::select! {
            () = tokio::time::sleep(AWAY) => {}
            // What is taken stays so until a server comes that can free it.
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
    }
}

impl Deliverer {
    /// One connection, from its beginning to its end; returns when told to stop.
    async fn session(&mut self) -> Result<(), tokio_postgres::Error> {
        let mut session = Session::open(&self.shared.config, &self.in_flight()).await?;
        let mut stopping = self.shared.stopping.subscribe();
        self.look = true;
        self.housekeeping(&session).await?;
        let mut next_housekeeping = Instant::now() + self.shared.options.poll;
        loop {
            self.write_down(&session).await?;
            if *stopping.borrow() {
                return self.end(&session).await;
            }
            if self.look {
                self.take(&session).await?;
            }
            let due = self.due.map_or(next_housekeeping, |due| due.min(next_housekeeping));
            let due = due.max(Instant::now() + BREATH);
            tokio::select! {
                Some(done) = self.sending.join_next_with_id() => self.arrived(done),
                written = session.written.recv() => {
                    // The connection is gone; the next statement says why.
                    if written.is_none() {
                        session.client.batch_execute("").await?;
                        return Ok(());
                    }
                    self.look = true;
                }
                () = self.shared.wake.notified() => self.look = true,
                _ = stopping.changed() => {}
                () = tokio::time::sleep_until(due) => {
                    self.look = true;
                    if Instant::now() >= next_housekeeping {
                        self.housekeeping(&session).await?;
                        next_housekeeping = Instant::now() + self.shared.options.poll;
                    } else {
                        cleanup::run(&session.client, &self.shared.triggers()).await?;
                    }
                }
            }
        }
    }

    /// What nobody tells of.
    async fn housekeeping(&self, session: &Session) -> Result<(), tokio_postgres::Error> {
        let triggers = self.shared.triggers();
        session.free_abandoned(&self.in_flight()).await?;
        let crons: Vec<_> = triggers.crons.values().map(|cron| &cron.definition).collect();
        cron::hydrate(&session.client, &crons).await?;
        cleanup::run(&session.client, &triggers).await
    }

    fn in_flight(&self) -> InFlight {
        let mut own = InFlight::default();
        let finished = self.finished.iter().map(|finished| &finished.taken);
        for taken in self.taken.values().chain(finished) {
            match taken {
                Taken::Event(event) => drop(own.events.insert(event.id.clone())),
                Taken::Scheduled(event) => drop(own.scheduled.insert((event.kind, event.id.clone()))),
            }
        }
        own
    }

    /// Takes what is free and sends it, as much as there is room for.
    async fn take(&mut self, session: &Session) -> Result<(), tokio_postgres::Error> {
        let triggers = self.shared.triggers();
        let workers = self.shared.options.workers;
        while self.taken.len() < workers {
            let room = workers.saturating_sub(self.taken.len()).min(self.shared.options.batch);
            let limit = i64::try_from(room).unwrap_or(i64::MAX);
            let events = event::claim(&session.client, &triggers, limit).await?;
            let mut most = events.len();
            events.into_iter().for_each(|event| self.send(Taken::Event(Arc::new(event))));
            let crons = scheduled::claim_cron(&session.client, &triggers, limit).await?;
            if !crons.is_empty() {
                let definitions: Vec<_> = triggers.crons.values().map(|cron| &cron.definition).collect();
                cron::hydrate(&session.client, &definitions).await?;
            }
            let one_off = scheduled::claim_one_off(&session.client, &self.shared.environment, limit).await?;
            most = most.max(crons.len()).max(one_off.len());
            crons.into_iter().chain(one_off).for_each(|event| self.send(Taken::Scheduled(Arc::new(event))));
            project::fault::hit("events.taken");
            if most < room {
                self.look = false;
                let names = triggers.events.keys().chain(triggers.crons.keys()).map(String::as_str);
                let pause = session.next_due(&names.collect::<Vec<_>>()).await?;
                self.due = pause.map(|pause| Instant::now() + pause);
                return Ok(());
            }
        }
        // No room: it is looked again when one has been sent.
        self.due = None;
        Ok(())
    }

    fn send(&mut self, taken: Taken) {
        let (client, sent) = (self.shared.client.clone(), taken.clone());
        let task = self.sending.spawn(async move {
            let invocation = match &sent {
                Taken::Event(event) => Some(event.deliver(&client).await),
                Taken::Scheduled(event) => event.deliver(&client).await,
            };
            Finished { taken: sent, invocation }
        });
        self.taken.insert(task.id(), taken);
    }

    fn arrived(&mut self, done: Result<(Id, Finished), JoinError>) {
        match done {
            Ok((id, finished)) => {
                self.taken.remove(&id);
                self.finished.push(finished);
            }
            Err(error) => {
                // It stays taken in the database, and the next housekeeping frees it.
                self.taken.remove(&error.id());
                tracing::error!(%error, "sending an event failed");
            }
        }
    }

    /// Writes down everything that has been sent by now.
    async fn write_down(&mut self, session: &Session) -> Result<(), tokio_postgres::Error> {
        while let Some(done) = self.sending.try_join_next_with_id() {
            self.arrived(done);
        }
        if self.finished.is_empty() {
            return Ok(());
        }
        project::fault::hit("events.sent");
        let sent = self.finished.iter().filter_map(|finished| match (&finished.taken, &finished.invocation) {
            (Taken::Event(event), Some(invocation)) => Some((&**event, invocation)),
            _ => None,
        });
        event::record(&session.client, &sent.collect::<Vec<_>>()).await?;
        let retries = self.finished.iter().filter_map(|finished| match finished.invocation.as_ref()?.outcome {
            Outcome::Again(pause) => Some(Instant::now() + pause),
            Outcome::Delivered | Outcome::Failed => None,
        });
        self.due = retries.chain(self.due).min();
        self.finished.retain(|finished| matches!(finished.taken, Taken::Scheduled(_)));
        while let Some(finished) = self.finished.last() {
            if let Taken::Scheduled(event) = &finished.taken {
                event.record(&session.client, finished.invocation.as_ref()).await?;
            }
            self.finished.pop();
        }
        Ok(())
    }

    async fn end(&mut self, session: &Session) -> Result<(), tokio_postgres::Error> {
        let limit = Instant::now() + self.shared.options.grace;
        while let Ok(Some(done)) = tokio::time::timeout_at(limit, self.sending.join_next_with_id()).await {
            self.arrived(done);
        }
        self.write_down(session).await?;
        let left = self.in_flight();
        self.sending.abort_all();
        let events: Vec<String> = left.events.into_iter().collect();
        event::release(&session.client, &events).await?;
        for kind in [Kind::Cron, Kind::OneOff] {
            let ids = left.scheduled.iter().filter(|(found, _)| *found == kind).map(|(_, id)| id.clone());
            scheduled::release(&session.client, kind, &ids.collect::<Vec<_>>()).await?;
        }
        Ok(())
    }
}
