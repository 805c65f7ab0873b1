//! Auth, storage and the mail catcher: built of the settings and of each other's handles, and put behind the front door.

use std::sync::{Arc, OnceLock};

use axum::Router;
use gateway::Backend;
use stack::Service;
use stack::status::State;

use super::{Running, lock};
use crate::asks::{Engine, Post};
use crate::{Error, auth_options, mail_options, storage_options, tracking};

/// Connections that auth, storage and the mail catcher share. GraphQL has its own, so that a flood of sign-ins cannot
/// take them all.
const CONNECTIONS: usize = 16;

impl Running {
    pub(super) async fn start_auth(&self, service: &Service) -> Result<(), Error> {
        self.board.set(&service.name, State::Starting, None);
        let keys = auth_options::keys(&self.settings)?;
        let mailer = self.post()?;
        let mut options = auth::Options::new(self.services_pool(&service.name)?, keys, Arc::clone(&mailer));
        auth_options::apply(&self.settings, &self.plan, self.project.root(), &mut options)?;
        options.claims = Some(Arc::new(self.engine()));
        options.sms = auth_options::sms(&self.settings, &mailer)?;
        let handle = auth::Service::start(options).await?;
        self.track(tracking::AUTH).await?;
        self.put_through(service, handle.router());
        Ok(())
    }

    pub(super) async fn start_storage(&self, service: &Service) -> Result<(), Error> {
        self.board.set(&service.name, State::Starting, None);
        let backend = storage_options::backend(&self.settings, self.project.root(), &self.placement.folder)?;
        let store = storage::Store::open(&backend)?;
        let key = storage_options::signing_key(&self.settings)?;
        let gate = Arc::new(self.engine());
        let mut options = storage::Options::new(self.services_pool(&service.name)?, store, gate, key);
        storage_options::apply(&self.settings, &self.plan, &mut options)?;
        let handle = storage::Service::start(options).await?;
        self.track(tracking::STORAGE).await?;
        let router = handle.router();
        *lock(&self.storage) = Some(handle);
        self.put_through(service, router);
        Ok(())
    }

    pub(super) fn start_s3(&self, service: &Service) -> Result<(), Error> {
        let router = lock(&self.storage).as_ref().and_then(storage::Handle::s3_router);
        let router = router.ok_or_else(|| Error::ServiceFailed {
            name: service.name.clone(),
            why: "S3_ACCESS_KEY or S3_SECRET_KEY is not set".to_owned(),
            log: Vec::new(),
        })?;
        self.put_through(service, router);
        Ok(())
    }

    pub(super) async fn start_mail(&self, service: &Service) -> Result<(), Error> {
        self.board.set(&service.name, State::Starting, None);
        let options = mail_options::catcher(&self.settings, self.services_pool(&service.name)?)?;
        let handle = mail::Service::start(options).await?;
        let router = handle.router();
        self.mail.send_replace(Some(handle));
        self.put_through(service, router);
        Ok(())
    }

    /// Ends the mail catcher's own listeners.
    pub(super) async fn end_mail(&self) {
        if let Some(handle) = self.mail.send_replace(None) {
            handle.shutdown().await;
        }
    }

    /// How the mail of auth leaves.
    fn post(&self) -> Result<Arc<dyn auth::Mailer>, Error> {
        let provider = mail::send::Provider::of(&self.settings)?;
        let from = mail::send::from_address(&self.settings)?;
        Ok(Arc::new(Post { provider, from, catcher: self.mail.subscribe(), sender: OnceLock::new() }))
    }

    fn engine(&self) -> Engine {
        Engine(self.graphql.subscribe())
    }

    /// Adds tables to GraphQL, where it runs.
    async fn track(&self, tables: &[tracking::Table]) -> Result<(), Error> {
        let engine = self.graphql.borrow().clone();
        match engine {
            Some(engine) => tracking::track(&engine, tables).await,
            None => Ok(()),
        }
    }

    fn put_through(&self, service: &Service, router: Router) {
        drop(self.gateway.swap(&service.name, Backend::InProcess(router)));
        self.board.set(&service.name, State::Ready, None);
    }

    fn services_pool(&self, name: &str) -> Result<postgres::Pool, Error> {
        let cluster = self.cluster.get().ok_or_else(|| Error::ServiceFailed {
            name: name.to_owned(),
            why: "it needs the postgres service, which is not part of this server".to_owned(),
            log: Vec::new(),
        })?;
        let database = self.settings.text("POSTGRES_DB").unwrap_or("nhost");
        let pool = self.services_pool.get_or_init(|| postgres::Pool::new(cluster.config(database), CONNECTIONS));
        Ok(pool.clone())
    }

    /// Takes the services of this process off the front door, and lets go of their connections.
    pub(super) async fn end_services(&self) {
        for service in &self.plan.services {
            if matches!(service.kind, stack::Kind::Auth | stack::Kind::Storage | stack::Kind::S3 | stack::Kind::Mail) {
                let why = format!("{} is stopped", service.name);
                drop(self.gateway.swap(&service.name, Backend::Unavailable(why)));
            }
        }
        drop(lock(&self.storage).take());
        self.end_mail().await;
        if let Some(pool) = self.services_pool.get() {
            pool.close();
        }
    }
}
