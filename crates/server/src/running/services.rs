//! Auth, storage and the mail catcher: built of the settings and of each other's handles, and put behind the front door.

use std::sync::{Arc, OnceLock};

use axum::Router;
use gateway::Backend;
use project::Settings;
use stack::Service;
use stack::status::State;

use super::{Running, lock};
use crate::asks::{Engine, Post};
use crate::{DRAIN, Error, auth_options, mail_options, storage_options, tracking};

/// Connections that auth, storage and the mail catcher share. GraphQL has its own, so that a flood of sign-ins cannot
/// take them all.
const CONNECTIONS: usize = 16;

/// Why the S3 API does not answer while storage is stopped.
const WITHOUT_STORAGE: &str = "storage is stopped";

impl Running {
    pub(super) async fn start_auth(&self, service: &Service) -> Result<(), Error> {
        self.board.set(&service.name, State::Starting, None);
        let settings = self.settings();
        let keys = auth_options::keys(&settings)?;
        let mailer = self.post(&settings)?;
        let mut options = auth::Options::new(self.services_pool(&service.name)?, keys, Arc::clone(&mailer));
        auth_options::apply(&settings, &self.plan, self.project.root(), &mut options)?;
        options.claims = Some(Arc::new(self.engine()));
        options.sms = auth_options::sms(&settings, &mailer)?;
        let handle = auth::Service::start(options).await?;
        self.track(tracking::AUTH).await?;
        self.put_through(service, handle.router());
        Ok(())
    }

    pub(super) async fn start_storage(&self, service: &Service) -> Result<(), Error> {
        self.board.set(&service.name, State::Starting, None);
        let settings = self.settings();
        let backend = storage_options::backend(&settings, self.project.root(), &self.placement.folder)?;
        let store = storage::Store::open(&backend)?;
        let key = storage_options::signing_key(&settings)?;
        let gate = Arc::new(self.engine());
        let mut options = storage::Options::new(self.services_pool(&service.name)?, store, gate, key);
        storage_options::apply(&settings, &self.plan, &mut options)?;
        let handle = storage::Service::start(options).await?;
        self.track(tracking::STORAGE).await?;
        let router = handle.router();
        *lock(&self.storage) = Some(handle);
        self.put_through(service, router);
        self.resume_s3()
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

    /// Ends storage, and the S3 API with it: it is of the same handle.
    pub(super) async fn end_storage(&self) {
        if let Some(s3) = self.s3()
            && self.board.state(&s3.name) == Some(State::Ready)
        {
            let backend = Backend::Unavailable(WITHOUT_STORAGE.to_owned());
            self.gateway.swap(&s3.name, backend).wait(DRAIN).await;
            self.board.set(&s3.name, State::Stopped, Some(WITHOUT_STORAGE.to_owned()));
        }
        drop(lock(&self.storage).take());
    }

    /// Starts the S3 API again where it had only ended with storage.
    fn resume_s3(&self) -> Result<(), Error> {
        let status = self.board.status();
        let ended = |s3: &&Service| {
            let detail =
                status.services.iter().find(|found| found.name == s3.name).and_then(|found| found.detail.as_deref());
            detail == Some(WITHOUT_STORAGE)
        };
        self.s3().filter(ended).map_or(Ok(()), |s3| self.start_s3(s3))
    }

    fn s3(&self) -> Option<&Service> {
        self.plan.services.iter().find(|service| service.kind == stack::Kind::S3)
    }

    pub(super) async fn start_mail(&self, service: &Service) -> Result<(), Error> {
        self.board.set(&service.name, State::Starting, None);
        let options = mail_options::catcher(&self.settings(), self.services_pool(&service.name)?)?;
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
    fn post(&self, settings: &Settings) -> Result<Arc<dyn auth::Mailer>, Error> {
        let provider = mail::send::Provider::of(settings)?;
        let from = mail::send::from_address(settings)?;
        if matches!(provider, mail::send::Provider::Mailpit) && !self.has_catcher() {
            mail_options::without_catcher(settings)?;
        }
        Ok(Arc::new(Post { provider, from, catcher: self.mail.subscribe(), sender: OnceLock::new() }))
    }

    fn has_catcher(&self) -> bool {
        self.plan.services.iter().any(|service| service.kind == stack::Kind::Mail)
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
        let make = || postgres::Pool::new(cluster.config(&self.database()), CONNECTIONS);
        let pool = self.services_pool.get_or_init(make);
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
