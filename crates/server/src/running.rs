//! The stack while it runs: who is who, and how each is started and stopped.

mod services;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use nix::sys::signal::Signal;
use postgres::Cluster;
use project::{Project, Settings};
use stack::log::Line;
use stack::status::{ServerStatus, StackStatus, State};
use stack::{Plan, Run, Service};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use crate::board::Board;
use crate::logs::{LogLayer, Logs, Policy, parse_any};
use crate::supervisor::process::{Launch, STACK_MARK};
use crate::supervisor::{Spec, Supervised};
use crate::{DRAIN, Error, Options};
use crate::{access_options, front_door, live_options, postmaster, probe, schema_watch};

/// Pause between tries of a starting service's probe.
const RETRY: Duration = Duration::from_millis(50);
/// Pause between probes of a ready service.
const WATCH: Duration = Duration::from_secs(5);

/// Everything that runs, and the handles to it.
pub struct Running {
    pub board: Arc<Board>,
    pub logs: Logs,
    project: Project,
    settings: Settings,
    plan: Plan,
    gateway: gateway::Handle,
    gateway_task: Mutex<Option<JoinHandle<()>>>,
    console: console::Handle,
    graphql: watch::Sender<Option<graphql::Handle>>,
    children: Mutex<HashMap<String, Supervised>>,
    failures: Arc<Mutex<HashMap<String, Error>>>,
    placement: postgres::Placement,
    cluster: OnceLock<Arc<Cluster>>,
    /// GraphQL's connections.
    pool: OnceLock<postgres::Pool>,
    services_pool: OnceLock<postgres::Pool>,
    storage: Mutex<Option<storage::Handle>>,
    /// The mail catcher, while it runs.
    mail: watch::Sender<Option<mail::Handle>>,
    schema_watch: OnceLock<JoinHandle<()>>,
}

impl Running {
    /// Opens the logs and the front door; no service runs yet.
    pub async fn assemble(options: &Options) -> Result<Self, Error> {
        let (project, plan) = (&options.project, &options.plan);
        let logs = open_logs(options)?;
        let placement = postgres::place_data(&project.state_dir(), &plan.project, project.root())?;
        let swept = crate::sweep::orphans(project.root(), &placement.data_dir);
        if swept > 0 {
            tracing::warn!("ended {swept} processes that an earlier server of this project had left behind");
        }
        front_door::check_ports(plan)?;
        let board = Arc::new(Board::new(plan, server_status(plan)));
        let graphql = watch::channel(None).0;
        let view = View {
            board: board.clone(),
            logs: logs.clone(),
            urls: urls(plan),
            graphql: graphql.subscribe(),
            admin_secret: options.settings.secret("HASURA_GRAPHQL_ADMIN_SECRET"),
        };
        let console =
            console::Service::start(console::Options { stack: Arc::new(view), base_url: board.status().server.url });
        let (service, gateway) = gateway::Service::bind(gateway::Options {
            plan: plan.gateway.clone(),
            routes: plan.routes.clone(),
            backends: plan
                .services
                .iter()
                .map(|service| (service.name.clone(), front_door::waiting(service)))
                .collect(),
            certificates: front_door::certificates(project, plan)?,
            status: board.clone(),
            access_log: Arc::new(logs.clone()),
            tier: plan.tier,
            limits: gateway::Limits::default(),
            trusted_proxies: Vec::new(),
        })
        .await?;
        Ok(Self {
            board,
            logs,
            project: project.clone(),
            settings: options.settings.clone(),
            plan: plan.clone(),
            gateway,
            gateway_task: Mutex::new(Some(tokio::spawn(service.run()))),
            console,
            graphql,
            children: Mutex::default(),
            failures: Arc::default(),
            placement,
            cluster: OnceLock::new(),
            pool: OnceLock::new(),
            services_pool: OnceLock::new(),
            storage: Mutex::default(),
            mail: watch::channel(None).0,
            schema_watch: OnceLock::new(),
        })
    }

    /// Starts the selected services, each as soon as those it depends on are ready; the others count as stopped.
    pub async fn start(self: Arc<Self>, selected: BTreeSet<String>) {
        let mut tasks = tokio::task::JoinSet::new();
        for service in &self.plan.services {
            if selected.contains(&service.name) {
                tasks.spawn(self.clone().start_service(service.clone()));
            } else if !matches!(service.run, Run::External) {
                self.board.set(&service.name, State::Stopped, None);
            }
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn start_service(self: Arc<Self>, service: Service) {
        if matches!(service.run, Run::External) || self.board.state(&service.name) == Some(State::Ready) {
            return;
        }
        for name in &service.depends_on {
            self.wait_ready(name).await;
        }
        let result = match (&service.run, service.kind) {
            (Run::External, _) => return,
            (Run::Postgres { .. }, _) => self.start_postgres(&service).await,
            (Run::Builtin { .. }, stack::Kind::Graphql) => self.start_graphql(&service).await,
            (Run::Builtin { .. }, stack::Kind::Auth) => self.start_auth(&service).await,
            (Run::Builtin { .. }, stack::Kind::Storage) => self.start_storage(&service).await,
            (Run::Builtin { .. }, stack::Kind::S3) => self.start_s3(&service),
            (Run::Builtin { .. }, stack::Kind::Mail) => self.start_mail(&service).await,
            (Run::Builtin { .. }, _) => self.start_console(&service),
            (Run::Command { argv, directory }, _) => self.start_command(&service, argv, directory),
        };
        if let Err(error) = result {
            tracing::error!(service = service.name, "{error}");
            // The reason first: whoever sees the state asks for it at once.
            let words = error.to_string();
            lock(&self.failures).insert(service.name.clone(), error);
            self.board.set(&service.name, State::Failed, Some(words));
        }
    }

    /// Why a service could not be started, once.
    pub fn failure(&self, name: &str) -> Option<Error> {
        lock(&self.failures).remove(name)
    }

    async fn wait_ready(&self, name: &str) {
        let mut changes = self.board.changes();
        while !matches!(self.board.state(name), Some(State::Ready | State::External) | None) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    async fn start_postgres(&self, service: &Service) -> Result<(), Error> {
        if self.resumed(&service.name).await {
            return Ok(());
        }
        self.board.set(&service.name, State::Starting, None);
        let (failures, name) = (self.failures.clone(), service.name.clone());
        let failed = move |error| {
            lock(&failures).insert(name.clone(), error);
        };
        let (cluster, spec) = postmaster::prepare(&self.placement, &self.settings, service, failed).await?;
        let _ = self.cluster.set(cluster);
        self.supervise(spec);
        Ok(())
    }

    async fn start_graphql(&self, service: &Service) -> Result<(), Error> {
        self.board.set(&service.name, State::Starting, None);
        let running = self.graphql.borrow().clone();
        let handle = match running {
            Some(handle) => handle,
            None => graphql::Service::start(self.graphql_options()?).await?,
        };
        drop(self.gateway.swap(&service.name, gateway::Backend::InProcess(handle.router())));
        self.graphql.send_replace(Some(handle));
        if let Some(cluster) = self.cluster.get() {
            let database = self.settings.text("POSTGRES_DB").unwrap_or("nhost").to_owned();
            let watch = || tokio::spawn(schema_watch::watch(cluster.clone(), database, self.graphql.subscribe()));
            self.schema_watch.get_or_init(watch);
        }
        self.board.set(&service.name, State::Ready, None);
        Ok(())
    }

    fn graphql_options(&self) -> Result<graphql::Options, Error> {
        let cluster = self.cluster.get().ok_or_else(|| Error::ServiceFailed {
            name: "hasura".to_owned(),
            why: "it needs the postgres service, which is not part of this server".to_owned(),
            log: Vec::new(),
        })?;
        let settings = &self.settings;
        let pool = self.pool.get_or_init(|| {
            let connections = settings.integer("HASURA_GRAPHQL_PG_CONNECTIONS");
            let connections = connections.and_then(|count| usize::try_from(count).ok()).unwrap_or(10);
            postgres::Pool::new(cluster.config(settings.text("POSTGRES_DB").unwrap_or("nhost")), connections)
        });
        let mut options = graphql::Options::new(pool.clone());
        access_options::apply(settings, &mut options)?;
        options.pg_dump = Some(cluster.installation.client_bin.join("pg_dump"));
        options.dev_mode = settings.flag("HASURA_GRAPHQL_DEV_MODE");
        options.live = live_options::of(settings);
        options.events = Some(live_options::events(settings));
        if let Some(poll) = live_options::async_actions(settings) {
            options.async_actions_poll = poll;
        }
        // What the project sets, and what the server was started with, which counts less.
        let own = settings.set_values().filter(|(_, value, _)| !value.is_empty());
        let own = own.map(|(name, value, _)| (name.to_owned(), value.to_owned()));
        options.environment = Arc::new(std::env::vars().chain(own).collect());
        Ok(options)
    }

    fn start_console(&self, service: &Service) -> Result<(), Error> {
        drop(self.gateway.swap(&service.name, gateway::Backend::InProcess(self.console.router())));
        self.board.set(&service.name, State::Ready, None);
        Ok(())
    }

    fn start_command(&self, service: &Service, argv: &[String], directory: &std::path::Path) -> Result<(), Error> {
        let Some((program, arguments)) = argv.split_first() else {
            return Err(Error::ServiceFailed {
                name: service.name.clone(),
                why: "its command is empty".to_owned(),
                log: Vec::new(),
            });
        };
        let mut environment = service.resolve_environment(&self.settings);
        environment.push((STACK_MARK.to_owned(), self.project.root().display().to_string()));
        let spec = Spec {
            name: service.name.clone(),
            launch: Launch {
                program: PathBuf::from(program),
                arguments: arguments.to_vec(),
                directory: self.project.root().join(directory),
                environment,
                owner: None,
                stop_signal: Signal::SIGTERM,
                death_signal: Signal::SIGTERM,
            },
            check: probe::of(service),
            retry: RETRY,
            watch: WATCH,
            grace: self.settings.duration("NSELF_STOP_TIMEOUT").unwrap_or(Duration::from_secs(30)),
            fail_fast: false,
            parse: parse_any,
        };
        self.supervise(spec);
        Ok(())
    }

    fn supervise(&self, spec: Spec) {
        let name = spec.name.clone();
        let child = Supervised::start(spec, self.board.clone(), self.logs.clone());
        lock(&self.children).insert(name, child);
    }

    /// Starts a child that had been stopped; false when there is none.
    async fn resumed(&self, name: &str) -> bool {
        let child = lock(&self.children).get(name).cloned();
        match child {
            Some(child) => {
                child.resume().await;
                true
            }
            None => false,
        }
    }

    /// Starts the named services again, or all of them.
    pub async fn start_services(self: &Arc<Self>, names: &[String]) -> Result<(), Error> {
        for service in self.named(names)? {
            let stopped = matches!(self.board.state(&service.name), Some(State::Stopped | State::Failed));
            if !stopped {
                continue;
            }
            // At once, so that whoever waits for it does not take it for settled.
            self.board.set(&service.name, State::Pending, None);
            if !self.resumed(&service.name).await {
                tokio::spawn(self.clone().start_service(service));
            }
        }
        Ok(())
    }

    /// Stops the named services: those that run in this process by taking them off the front door.
    pub async fn stop_services(&self, names: &[String]) -> Result<(), Error> {
        for service in self.named(names)?.into_iter().rev() {
            self.stop_service(&service).await;
        }
        Ok(())
    }

    pub async fn restart_services(self: &Arc<Self>, names: &[String]) -> Result<(), Error> {
        self.stop_services(names).await?;
        self.start_services(names).await
    }

    async fn stop_service(&self, service: &Service) {
        let child = lock(&self.children).get(&service.name).cloned();
        match child {
            Some(child) => child.stop().await,
            None if matches!(service.run, Run::Builtin { .. }) => {
                let why = format!("{} is stopped", service.name);
                self.gateway.swap(&service.name, gateway::Backend::Unavailable(why)).wait(DRAIN).await;
                match service.kind {
                    stack::Kind::Graphql => self.close_graphql().await,
                    stack::Kind::Storage => drop(lock(&self.storage).take()),
                    stack::Kind::Mail => self.end_mail().await,
                    _ => {}
                }
                self.board.set(&service.name, State::Stopped, None);
            }
            None => {}
        }
    }

    fn named(&self, names: &[String]) -> Result<Vec<Service>, Error> {
        if let Some(unknown) = names.iter().find(|name| self.plan.service(name).is_none()) {
            return Err(Error::ServiceFailed {
                name: unknown.clone(),
                why: "there is no service of that name in the plan".to_owned(),
                log: Vec::new(),
            });
        }
        let wanted = |service: &&Service| names.is_empty() || names.contains(&service.name);
        Ok(self.plan.services.iter().filter(wanted).cloned().collect())
    }

    pub async fn reload_schema(&self) -> Result<(), Error> {
        let handle = self.graphql.borrow().clone();
        if let Some(handle) = handle {
            handle.reload().await?;
        }
        Ok(())
    }

    pub fn console_link(&self) -> String {
        self.console.sign_in_link()
    }

    /// Sockets never end by themselves either.
    async fn close_graphql(&self) {
        if let Some(handle) = self.graphql.send_replace(None) {
            handle.shutdown().await;
        }
    }

    /// Drains the front door, then stops the services in the reverse of their start order: PostgreSQL last.
    pub async fn shut_down(&self, drain: Duration) {
        // Live pages never end by themselves.
        self.console.close();
        self.close_graphql().await;
        let cut_off = self.gateway.shutdown(drain).await;
        if cut_off > 0 {
            tracing::warn!("{cut_off} requests did not end in time and were cut off");
        }
        let task = lock(&self.gateway_task).take();
        if let Some(task) = task {
            let _ = task.await;
        }
        self.end_services().await;
        // Let go of the connections, so that PostgreSQL has nobody to disconnect.
        if let Some(pool) = self.pool.get() {
            pool.close();
        }
        if let Some(watch) = self.schema_watch.get() {
            watch.abort();
        }
        for service in self.plan.services.iter().rev() {
            let child = lock(&self.children).remove(&service.name);
            if let Some(child) = child {
                child.stop().await;
            }
        }
        tracing::info!("stopped");
        self.logs.flush();
    }
}

fn open_logs(options: &Options) -> Result<Logs, Error> {
    use tracing_subscriber::layer::SubscriberExt;

    let directory = options.project.logs_dir();
    let path = directory.display().to_string();
    let default = stack::Log { level: "info".to_owned(), max_bytes: 100_000_000, keep_days: 7, compress: true };
    let own = options.plan.services.first().map_or(default, |service| service.log.clone());
    let services = options.plan.services.iter().map(|service| (service.name.clone(), service.log.clone())).collect();
    let filter = tracing_subscriber::EnvFilter::new(format!(
        "warn,server={level},gateway={level},graphql={level},auth={level},storage={level},mail={level},\
         console={level},postgres={level}",
        level = own.level
    ));
    let logs = Logs::start(Policy { directory, default: own, services }).map_err(|source| Error::Io {
        action: "write logs to",
        path,
        source,
    })?;
    let subscriber = tracing_subscriber::registry().with(filter).with(LogLayer::new(logs.clone()));
    // A second server in one process (tests) keeps the first one's subscriber.
    let _ = tracing::subscriber::set_global_default(subscriber);
    if let Some(echo) = options.echo.clone() {
        let mut lines = logs.follow();
        tokio::spawn(async move {
            loop {
                match lines.recv().await {
                    Ok(line) => {
                        if echo.send(line).is_err() {
                            return;
                        }
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return,
                }
            }
        });
    }
    Ok(logs)
}

fn server_status(plan: &Plan) -> ServerStatus {
    let at = |scheme: &str, port: u16| format!("{scheme}://{}:{port}", plan.base_domain);
    ServerStatus {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: Timestamp::now(),
        url: at("http", plan.gateway.http_port),
        https_url: plan.gateway.https_port.map(|port| at("https", port)),
    }
}

fn urls(plan: &Plan) -> Vec<(String, String)> {
    plan.urls().into_iter().map(|url| (url.service, url.http)).collect()
}

/// What the console sees of the stack.
struct View {
    board: Arc<Board>,
    logs: Logs,
    urls: Vec<(String, String)>,
    graphql: watch::Receiver<Option<graphql::Handle>>,
    admin_secret: Option<project::Secret>,
}

impl console::Stack for View {
    fn status(&self) -> StackStatus {
        self.board.status()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.board.changes()
    }

    fn urls(&self) -> Vec<(String, String)> {
        self.urls.clone()
    }

    fn tail(&self, service: Option<&str>, lines: usize) -> Vec<Line> {
        self.logs.tail(service, lines)
    }

    fn follow(&self) -> broadcast::Receiver<Line> {
        self.logs.follow()
    }

    fn graphql(&self) -> Option<console::GraphqlApi> {
        let handle = self.graphql.borrow().clone()?;
        Some(console::GraphqlApi {
            roles: handle.roles(),
            router: handle.router(),
            admin_secret: self.admin_secret.clone(),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
