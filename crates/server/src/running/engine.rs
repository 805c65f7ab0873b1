//! The GraphQL engine: its options, and what goes on beside it.

use std::sync::Arc;

use stack::Service;
use stack::status::State;

use super::{Running, lock};
use crate::{Error, access_options, live_options, revocations, schema_watch};

impl Running {
    pub(super) async fn start_graphql(&self, service: &Service) -> Result<(), Error> {
        self.board.set(&service.name, State::Starting, None);
        let running = self.graphql.borrow().clone();
        let handle = match running {
            Some(handle) => handle,
            None => {
                let options = self.graphql_options()?;
                self.know_revocations(&options.pool).await?;
                graphql::Service::start(options).await?
            }
        };
        drop(self.gateway.swap(&service.name, gateway::Backend::InProcess(handle.router())));
        self.graphql.send_replace(Some(handle));
        if let Some(cluster) = self.cluster.get() {
            let watched = || schema_watch::Watch {
                cluster: cluster.clone(),
                database: self.database(),
                graphql: self.graphql.subscribe(),
                revocations: self.revocations.clone(),
            };
            self.schema_watch.get_or_init(|| tokio::spawn(schema_watch::watch(watched())));
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
        let settings = &*self.settings();
        let connections = settings.integer("HASURA_GRAPHQL_PG_CONNECTIONS");
        let connections = connections.and_then(|count| usize::try_from(count).ok()).unwrap_or(10);
        let pool = postgres::Pool::new(cluster.config(&self.database()), connections);
        *lock(&self.pool) = Some(pool.clone());
        let mut options = graphql::Options::new(pool);
        access_options::apply(settings, &mut options)?;
        options.revocations.clone_from(&self.revocations);
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

    /// Before the engine answers anybody: a session that has ended stays ended over a restart.
    async fn know_revocations(&self, pool: &postgres::Pool) -> Result<(), Error> {
        let Some(known) = &self.revocations else { return Ok(()) };
        let client = pool.get().await?;
        let read = revocations::load(&**client, known).await;
        read.map_err(|source| Error::ServiceFailed {
            name: "hasura".to_owned(),
            why: format!("it cannot be read which sessions have ended: {source}"),
            log: Vec::new(),
        })
    }

    pub async fn reload_schema(&self) -> Result<(), Error> {
        let handle = self.graphql.borrow().clone();
        if let Some(handle) = handle {
            handle.reload().await?;
        }
        Ok(())
    }

    /// Sockets never end by themselves either.
    pub(super) async fn close_graphql(&self) {
        if let Some(handle) = self.graphql.send_replace(None) {
            handle.shutdown().await;
        }
    }

    /// Lets go of the connections, so that PostgreSQL has nobody to disconnect; the next engine has its own.
    pub(super) fn end_connections(&self) {
        let pool = lock(&self.pool).take();
        if let Some(pool) = pool {
            pool.close();
        }
    }
}
