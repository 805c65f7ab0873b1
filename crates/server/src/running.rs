//! The stack while it runs: who is who, and how each is started and stopped.

mod assemble;
mod children;
mod engine;
mod services;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use graphql::access::Revocations;
use postgres::Cluster;
use project::{Project, Settings};
use stack::status::State;
use stack::{Kind, Plan, Run, Service};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::board::Board;
use crate::logs::Logs;
use crate::supervisor::Supervised;
use crate::{DRAIN, Error};

/// The settings as they were read last.
type Shared = Arc<Mutex<Arc<Settings>>>;

/// Everything that runs, and the handles to it.
pub struct Running {
    pub board: Arc<Board>,
    pub logs: Logs,
    project: Project,
    settings: Shared,
    plan: Plan,
    gateway: gateway::Handle,
    gateway_task: Mutex<Option<JoinHandle<()>>>,
    console: console::Handle,
    graphql: watch::Sender<Option<graphql::Handle>>,
    children: Mutex<HashMap<String, Supervised>>,
    failures: Arc<Mutex<HashMap<String, Error>>>,
    placement: postgres::Placement,
    cluster: OnceLock<Arc<Cluster>>,
    /// GraphQL's connections, while it runs.
    pool: Mutex<Option<postgres::Pool>>,
    services_pool: OnceLock<postgres::Pool>,
    storage: Mutex<Option<storage::Handle>>,
    /// The mail catcher, while it runs.
    mail: watch::Sender<Option<mail::Handle>>,
    schema_watch: OnceLock<JoinHandle<()>>,
    /// Access tokens that do not count any more; `None`: they count until they expire.
    revocations: Option<Arc<Revocations>>,
}

impl Running {
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
            (Run::Builtin { .. }, Kind::Graphql) => self.start_graphql(&service).await,
            (Run::Builtin { .. }, Kind::Auth) => self.start_auth(&service).await,
            (Run::Builtin { .. }, Kind::Storage) => self.start_storage(&service).await,
            (Run::Builtin { .. }, Kind::S3) => self.start_s3(&service),
            (Run::Builtin { .. }, Kind::Mail) => self.start_mail(&service).await,
            (Run::Builtin { .. }, _) => self.start_console(&service),
            (Run::Command { argv, directory }, _) => self.start_command(&service, argv, directory).await,
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

    fn start_console(&self, service: &Service) -> Result<(), Error> {
        drop(self.gateway.swap(&service.name, gateway::Backend::InProcess(self.console.router())));
        self.board.set(&service.name, State::Ready, None);
        Ok(())
    }

    fn settings(&self) -> Arc<Settings> {
        lock(&self.settings).clone()
    }

    fn database(&self) -> String {
        self.settings().text("POSTGRES_DB").unwrap_or("nhost").to_owned()
    }

    /// What is started from now on has the settings as they are written now. What the plan is made of (which services,
    /// ports and routes there are) stays as it is.
    ///
    /// # Errors
    /// A value is wrong: everything stays as it was.
    fn read_settings(&self) -> Result<(), Error> {
        let environment = self.settings().environment().to_string();
        let settings = self.project.settings(Some(&environment))?;
        if Plan::new(&settings).is_ok_and(|plan| plan != self.plan) {
            tracing::warn!("settings of services, ports or routes have changed: nself stop, then nself start");
        }
        *lock(&self.settings) = Arc::new(settings);
        Ok(())
    }

    /// Starts the named services again, or all of them.
    pub async fn start_services(self: &Arc<Self>, names: &[String]) -> Result<(), Error> {
        let services = self.named(names)?;
        self.read_settings()?;
        for service in services {
            let stopped = matches!(self.board.state(&service.name), Some(State::Stopped | State::Failed));
            if !stopped {
                continue;
            }
            // At once, so that whoever waits for it does not take it for settled.
            self.board.set(&service.name, State::Pending, None);
            if !(service.kind == Kind::Postgres && self.resumed(&service.name).await) {
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
        // First: with settings that are wrong nothing is stopped.
        self.read_settings()?;
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
                    Kind::Graphql => {
                        self.close_graphql().await;
                        self.end_connections();
                    }
                    Kind::Storage => self.end_storage().await,
                    Kind::Mail => self.end_mail().await,
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

    pub fn console_link(&self) -> String {
        self.console.sign_in_link()
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
        self.end_connections();
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
