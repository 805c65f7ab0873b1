//! The running engine: a schema, its compiled requests, and a way in.

use std::sync::{Arc, OnceLock, PoisonError, RwLock, Weak};
use std::time::Instant;

use bytes::Bytes;
use metadata::Metadata;
use postgres::catalog::Catalog;

use crate::access::{self, Authenticator};
use crate::action::worker::Worker;
use crate::api::Auto;
use crate::body::Body;
use crate::cache::{Compiled, PlanCache};
use crate::events::{self, Events};
use crate::failure::{Code, Failure};
use crate::footprint::Notes;
use crate::foreign::Introspections;
use crate::foreign::revive::Reviver;
use crate::foreign::run::Asking;
use crate::http::{Front, Surface};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::model::{AutoTrack, Extras, Inconsistency, Model};
use crate::parse::{self, Operation};
use crate::plan::{Plan, RootValue};
use crate::schema::Schema;
use crate::session::Session;
use crate::store::{self, Damage, Enums};
use crate::value::Provided;
use crate::{Error, Options, checks, execute, foreign, outbound, sql, vetting};

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

/// What one catalog and one version of the metadata give. A request keeps the one it began with.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Every schema that is not the system's.
    pub catalog: Arc<Catalog>,
    pub metadata: Arc<Metadata>,
    pub resource_version: i64,
    pub auto: Auto,
    pub damage: Arc<Damage>,
    /// What the enum tables hold.
    pub enums: Arc<Enums>,
    /// What the remote schemas said of themselves.
    pub introspections: Arc<Introspections>,
    pub model: Arc<Model>,
    pub surface: Arc<Surface>,
    pub cache: PlanCache,
}

/// The model of a catalog and metadata.
pub(crate) fn build(
    catalog: &Catalog,
    metadata: &Metadata,
    auto: &Auto,
    damage: &Damage,
    enums: &Enums,
    introspections: &Introspections,
    options: &Options,
) -> Model {
    let extras = Extras {
        auto: auto.on.then(|| AutoTrack { schemas: options.schemas.clone(), hidden: auto.hidden.clone() }),
        enums: enums.clone(),
        stringify_numeric: options.stringify_numeric,
        infer_function_permissions: options.infer_function_permissions,
        remote_schema_permissions: options.remote_schema_permissions,
        introspections: introspections.clone(),
        naming_convention: options.naming_convention,
    };
    let model = Arc::new(Model::build(catalog, metadata, &extras));
    let found = checks::find(metadata, &model);
    let mut model = Arc::into_inner(model).expect("the schema that was checked with is gone");
    model.inconsistencies.extend(found);
    model.inconsistencies.extend(damage.parts().map(Inconsistency::of_unreadable));
    model
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
        let state = tokio::task::spawn_blocking(move || {
            let (metadata, auto, damage) = (&stored.metadata, &stored.auto, &stored.damage);
            let model = build(&catalog, metadata, auto, damage, &enums, &introspections, &options);
            State {
                damage: Arc::new(stored.damage),
                catalog: Arc::new(catalog),
                surface: Arc::new(Surface::new(&stored.metadata)),
                metadata: Arc::new(stored.metadata),
                resource_version: stored.resource_version,
                auto: stored.auto,
                enums: Arc::new(enums),
                introspections: Arc::new(introspections),
                model: Arc::new(model),
                cache: PlanCache::default(),
            }
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

    /// Runs a request for a session; the answer is the whole response body.
    ///
    /// # Errors
    /// What the client is to be told; [`Failure::to_body`] writes it.
    pub async fn execute(&self, session: &Session, request: &Request) -> Result<Bytes, Failure> {
        let (compiled, parameters) = self.compiled(session, request).await?;
        if compiled.plan.is_subscription {
            let message = "subscriptions are not supported over HTTP, use websockets instead";
            return Err(Failure::new(Code::UnexpectedPayload, "$", message));
        }
        self.run(session, request, &compiled, &parameters).await
    }

    /// Runs a request that is compiled.
    ///
    /// # Errors
    /// As [`Handle::execute`].
    pub(crate) async fn run(
        &self,
        session: &Session,
        request: &Request,
        compiled: &Compiled,
        parameters: &[String],
    ) -> Result<Bytes, Failure> {
        let options = self.options();
        let (asked, environment) = (&compiled.plan.vettings, &options.environment);
        vetting::ask(asked, &request.variables, session, self.client(), environment).await?;
        if compiled.plan.is_mutation && compiled.has_foreign_roots() {
            return Asking { handle: self, session, request }.in_order(compiled, parameters).await;
        }
        let (pool, limit, start) = (&options.pool, options.statement_timeout, Instant::now());
        let answer = match &compiled.statement {
            Some(statement) => Some(execute::run(pool, statement, parameters, limit).await),
            None if compiled.programs.is_empty() => None,
            None => {
                let trace = crate::events::trace_context(&session.headers);
                let settings = execute::Settings { user: session.to_json().to_string(), trace };
                Some(execute::transaction(pool, &compiled.programs, parameters, &settings, limit).await)
            }
        };
        if answer.is_some() {
            self.metrics().sql(start.elapsed());
        }
        let answer = answer.transpose()?;
        if compiled.is_foreign() {
            let mut column = 0;
            let json = |_: usize| {
                column += 1;
                let found = answer.as_ref().and_then(|answer| answer.json(column - 1));
                found.map(Bytes::copy_from_slice)
            };
            return Asking { handle: self, session, request }.complete(compiled, json).await;
        }
        Ok(compiled.body(|column| answer.as_ref().and_then(|answer| answer.json(column))))
    }

    /// A request compiled, with its parameters.
    ///
    /// # Errors
    /// It does not fit the role's schema.
    pub(crate) async fn compiled(
        &self,
        session: &Session,
        request: &Request,
    ) -> Result<(Arc<Compiled>, Vec<String>), Failure> {
        let state = self.state();
        let kept = state.cache.get(session, request);
        // A value that does not fit its place is told with its path, which only planning knows.
        let bound = kept.and_then(|compiled| {
            let parameters = compiled.plan.bind(&request.variables, session).ok()?;
            Some((compiled, parameters))
        });
        self.metrics().plan(bound.is_some());
        match bound {
            Some(bound) => Ok(bound),
            None => self.compile(state, session.clone(), request.clone()).await,
        }
    }

    /// Parses, plans and writes the statement, away from the threads that serve connections: the first introspection
    /// of a large schema takes a while.
    async fn compile(
        &self,
        state: Arc<State>,
        session: Session,
        request: Request,
    ) -> Result<(Arc<Compiled>, Vec<String>), Failure> {
        let compiled = tokio::task::spawn_blocking(move || {
            let notes = Notes::default();
            let schema = Schema::of_session(Arc::clone(&state.model), &session).relay(request.relay).noting(&notes);
            let mut compiled = compile(&schema, &session, &request)?;
            compiled.footprint = notes.footprint(&schema, &compiled.plan);
            let compiled = Arc::new(compiled);
            state.cache.insert(&session, &request, Arc::clone(&compiled));
            let parameters = compiled.plan.bind(&request.variables, &session);
            parameters
                .map(|parameters| (compiled, parameters))
                .map_err(|found| Failure::new(found.code, "$", found.message))
        });
        compiled.await.unwrap_or_else(|error| {
            tracing::error!(%error, "compiling a GraphQL request failed");
            Err(Failure::new(Code::Unexpected, "$", "internal error"))
        })
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

/// The stages in order.
fn compile(schema: &Schema, session: &Session, request: &Request) -> Result<Compiled, Failure> {
    let document = parse::document(&request.query)?;
    let operation = Operation::of(&document, request.operation_name.as_deref())?;
    let plan = Plan::new(schema, &operation, &request.variables, session)?;
    if plan.is_mutation {
        let programs =
            plan.roots.iter().filter_map(|root| sql::mutation::program(schema, &plan, &root.value)).collect();
        return Ok(Compiled { plan, footprint: None, statement: None, programs });
    }
    let statement = sql::statement(schema, &plan);
    Ok(Compiled { plan, footprint: None, statement, programs: Vec::new() })
}

impl Compiled {
    /// `{"data":{…}}` around the JSON that PostgreSQL sent.
    pub(crate) fn body<'a>(&self, json: impl Fn(usize) -> Option<&'a [u8]>) -> Bytes {
        let columns = self.statement.as_ref().map_or(self.programs.len(), |statement| statement.columns);
        let json = |column: usize| json(column).unwrap_or(b"null");
        let size: usize = (0..columns).map(|column| json(column).len()).sum();
        let mut body = Body::new(size + 64 * (self.plan.roots.len() + 1));
        let mut column = 0;
        for root in &self.plan.roots {
            match &root.value {
                RootValue::Ready(text) => body.field(root, text.as_bytes()),
                RootValue::Remote(_) | RootValue::Action(_) | RootValue::ActionOutcome(_) => body.field(root, b"null"),
                _ => {
                    body.field(root, json(column));
                    column += 1;
                }
            }
        }
        body.finish()
    }
}
