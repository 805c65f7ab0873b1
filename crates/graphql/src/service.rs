//! The running engine: a schema, its compiled requests, and a way in.

mod run;
mod state;

use std::sync::{Arc, OnceLock, PoisonError, RwLock, Weak};

use postgres::catalog::Catalog;

use crate::access::{self, Authenticator};
use crate::action::worker::Worker;
use crate::events::{self, Events};
use crate::foreign::revive::Reviver;
use crate::http::{Front, Surface};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::schema::Schema;
use crate::store;
use crate::value::Provided;
use crate::{Error, Options, foreign, outbound};
pub(crate) use state::{Basis, State};

/// A GraphQL request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    pub query: String,
    pub operation_name: Option<String>,
    pub variables: Provided,
    /// Asks Relay's API, which shows the same tables otherwise.
    pub relay: bool,
}

impl Request {
    pub fn new(query: impl Into<String>) -> Self {
        Self { query: query.into(), ..Self::default() }
    }
}

/// Starts the engine.
#[derive(Debug)]
pub struct Service;

/// The running engine; clones share it.
#[derive(Debug, Clone)]
pub struct Handle(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    /// Of this run, as other engines on the database know it: a UUID.
    instance: String,
    live: Arc<Live>,
    client: outbound::Client,
    /// Set once the metadata is known.
    events: OnceLock<Events>,
    authenticator: Authenticator,
    metrics: Arc<Metrics>,
    front: Front,
    /// Calls asynchronous actions.
    worker: OnceLock<Worker>,
    /// Asks remote schemas that are down.
    reviver: OnceLock<Reviver>,
    state: RwLock<Arc<State>>,
    /// Held by whoever changes metadata or reads the catalog anew.
    writer: tokio::sync::Mutex<()>,
}

/// A look at the engine that does not keep it running.
#[derive(Debug, Clone)]
pub(crate) struct Watch(Weak<Inner>);

impl Watch {
    /// None once the engine has ended.
    pub fn handle(&self) -> Option<Handle> {
        self.0.upgrade().map(Handle)
    }
}

impl Service {
    /// Reads the catalog and builds the schema.
    ///
    /// # Errors
    /// PostgreSQL cannot be reached, or its catalog cannot be read.
    pub async fn start(options: Options) -> Result<Handle, Error> {
        let live = Live::new(&options);
        let client = outbound::Client::new().map_err(Error::Certificates)?;
        let rules = access::Rules {
            admin_secrets: options.admin_secret.iter().chain(&options.more_admin_secrets).cloned().collect(),
            tokens: options.tokens.clone(),
            hook: options.auth_hook.clone(),
            unauthorized_role: options.unauthorized_role.clone(),
            revocations: options.revocations.clone(),
        };
        let authenticator = Authenticator::new(rules, client.clone());
        let (events, metrics, front, worker, reviver, state, writer) = Default::default();
        let handle = Handle(Arc::new(Inner {
            options,
            instance: instance(),
            live,
            client,
            events,
            authenticator,
            metrics,
            front,
            worker,
            reviver,
            state,
            writer,
        }));
        let options = handle.options();
        let mut client = options.pool.get().await.map_err(Error::Connect)?;
        store::open(&mut client, options.auto_track).await.map_err(Error::Store)?;
        drop(client);
        handle.reload().await?;
        let poll = handle.options().async_actions_poll;
        if !poll.is_zero() {
            let _ = handle.0.worker.set(Worker::start(handle.watch(), poll));
        }
        let _ = handle.0.reviver.set(Reviver::start(handle.watch(), handle.options().remote_retry));
        handle.deliver().await?;
        Ok(handle)
    }
}

impl Handle {
    /// Reads the catalog and the metadata anew. Requests that have begun keep what they began with; after an error so
    /// do all.
    ///
    /// # Errors
    /// As [`Service::start`].
    pub async fn reload(&self) -> Result<(), Error> {
        let writer = self.writer().lock().await;
        let options = self.options().clone();
        let client = options.pool.get().await.map_err(Error::Connect)?;
        let catalog = Catalog::read(&client, &[]).await.map_err(Error::Catalog)?;
        let stored = store::load(&**client).await.map_err(Error::Store)?;
        let enums = store::enums(&**client, &catalog, &stored.metadata).await.map_err(Error::Store)?;
        drop(client);
        // Who was out of reach may be there now.
        let known = Arc::clone(&self.state().introspections);
        let lost: Vec<String> =
            known.iter().filter(|(_, found)| found.document.is_err()).map(|(name, _)| name.clone()).collect();
        let (http, schemas) = (self.client(), &stored.metadata.remote_schemas);
        let introspections = foreign::fetch(http, &options.environment, schemas, &known, &lost).await;
        let basis = Basis {
            catalog: Arc::new(catalog),
            metadata: Arc::new(stored.metadata),
            auto: stored.auto,
            damage: Arc::new(stored.damage),
            enums: Arc::new(enums),
            introspections: Arc::new(introspections),
        };
        // From nothing: whatever was wrong is mended by a reload.
        let state = tokio::task::spawn_blocking(move || {
            let model = Arc::new(basis.build(None, &options));
            basis.state(model, stored.resource_version)
        });
        let state = state.await.map_err(|_| Error::Build)?;
        let (tables, inconsistent) = (state.model.tables.len(), state.model.inconsistencies.len());
        tracing::info!(tables, inconsistent, "the GraphQL schema is built");
        self.publish(state).await;
        drop(writer);
        if self.0.events.get().is_some() {
            self.install_triggers().await?;
        }
        Ok(())
    }

    /// Starts to deliver events.
    async fn deliver(&self) -> Result<(), Error> {
        let options = self.options();
        let Some(events) = options.events.clone() else { return Ok(()) };
        self.install_triggers().await?;
        let (config, environment) = (options.pool.config().clone(), Arc::clone(&options.environment));
        let (client, metadata) = (self.0.client.clone(), Arc::clone(&self.state().metadata));
        // There is none yet: this runs once, at the start.
        let _ = self.0.events.set(Events::start(events, config, environment, client, &metadata));
        Ok(())
    }

    /// Brings the database's triggers and schedules in step with the metadata, which another engine may have left, and
    /// with tables that somebody has altered.
    async fn install_triggers(&self) -> Result<(), Error> {
        let metadata = Arc::clone(&self.state().metadata);
        let mut tables = metadata.sources.iter().flat_map(|source| &source.tables);
        if metadata.cron_triggers.is_empty() && tables.all(|table| table.event_triggers.is_empty()) {
            return Ok(());
        }
        let mut client = self.options().pool.get().await.map_err(Error::Connect)?;
        let installed = async {
            let transaction = client.build_transaction().start().await?;
            events::install(&*transaction, None, &metadata, self.options().stringify_numeric).await?;
            transaction.commit().await
        };
        // A table of somebody else's must not keep the engine from serving.
        if let Err(error) = installed.await {
            tracing::warn!(error = &error as &dyn std::error::Error, "event triggers could not be made");
        }
        Ok(())
    }

    /// Later requests get this, with the plans that still fit.
    pub(crate) async fn publish(&self, mut state: State) {
        let before = self.state();
        state.cache = before.cache.carried(&before.model, &state.model);
        let known: Vec<_> = before.renamed().map(|table| table.qualified()).collect();
        for table in state.renamed().filter(|table| !known.contains(&table.qualified())) {
            tracing::warn!(
                table = %table.qualified(),
                called = table.name,
                "another table has this one's name in the API; it is offered under its schema's and its own"
            );
        }
        drop(before);
        if let Some(events) = self.0.events.get() {
            events.configure(&state.metadata);
        }
        *self.0.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
        self.options().pool.forget_statements();
        if let Some(reviver) = self.0.reviver.get() {
            reviver.wake();
        }
        self.0.live.reloaded(self).await;
    }

    /// A look at this engine.
    fn watch(&self) -> Watch {
        Watch(Arc::downgrade(&self.0))
    }

    /// Whoever changes metadata holds it from reading to publishing.
    pub(crate) fn writer(&self) -> &tokio::sync::Mutex<()> {
        &self.0.writer
    }

    /// The admin's schema in GraphQL's schema definition language.
    pub fn schema_sdl(&self) -> String {
        Schema::admin(Arc::clone(&self.state().model)).sdl()
    }

    /// Every role that a permission names, and every inherited role: in order of name, without the administrator.
    pub fn roles(&self) -> Vec<String> {
        self.state().model.roles().map(str::to_owned).collect()
    }

    /// Ends all subscriptions and closes their sockets, and the delivery of events. Requests are served as before.
    pub async fn shutdown(&self) {
        self.0.live.shutdown().await;
        if let Some(events) = self.0.events.get() {
            events.stop().await;
        }
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    /// Which engine this is among those of the database: a UUID that is made at its start.
    pub fn instance(&self) -> &str {
        &self.0.instance
    }

    pub(crate) fn live(&self) -> &Arc<Live> {
        &self.0.live
    }

    /// For requests to others.
    pub(crate) fn client(&self) -> &outbound::Client {
        &self.0.client
    }

    pub(crate) fn authenticator(&self) -> &Authenticator {
        &self.0.authenticator
    }

    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// Endpoints, allow list and limits of the metadata.
    pub(crate) fn surface(&self) -> Arc<Surface> {
        Arc::clone(&self.state().surface)
    }

    /// Whether the metadata names what is not there.
    pub(crate) fn is_inconsistent(&self) -> bool {
        !self.state().model.inconsistencies.is_empty()
    }

    /// An asynchronous action was called.
    pub(crate) fn action_kept(&self) {
        if let Some(worker) = self.0.worker.get() {
            worker.wake();
        }
    }

    pub(crate) fn action(&self, name: &str) -> Option<Arc<foreign::registry::Action>> {
        let state = self.state();
        let actions = &state.model.foreign.actions;
        actions.iter().find(|action| action.name == name).cloned()
    }

    pub(crate) fn has_async_actions(&self) -> bool {
        self.state().model.foreign.actions.iter().any(|action| action.is_async)
    }

    /// What the endpoints keep between requests.
    pub(crate) fn front(&self) -> &Front {
        &self.0.front
    }

    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.0.state.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A random UUID.
fn instance() -> String {
    let mut bytes = [0; 16];
    // Without randomness engines take each other's changes for their own, which a reload mends.
    let _ = getrandom::fill(&mut bytes);
    (bytes[6], bytes[8]) = ((bytes[6] & 0x0f) | 0x40, (bytes[8] & 0x3f) | 0x80);
    let hex = |part: &[u8]| part.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    [&bytes[..4], &bytes[4..6], &bytes[6..8], &bytes[8..10], &bytes[10..]].map(hex).join("-")
}
