use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, RecyclingMethod, Runtime, Timeouts};
use tokio_postgres::NoTls;

use crate::Error;

/// A client checked out of a [`Pool`]; it goes back when dropped.
pub type PooledClient = deadpool_postgres::Client;

/// Connections to one database, opened when first needed and kept.
///
/// A connection that is closed is thrown away and replaced; one that is open is given out without asking it first,
/// because asking would cost every query a round trip. Sessions are shared: change settings with `SET LOCAL` only.
#[derive(Debug, Clone)]
pub struct Pool {
    connections: deadpool_postgres::Pool,
    config: Arc<tokio_postgres::Config>,
}

impl Pool {
    /// At most `size` connections. Waiting for a free one ends after 10 s, opening one after 10 s.
    pub fn new(config: tokio_postgres::Config, size: usize) -> Self {
        let manager =
            Manager::from_config(config.clone(), NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let limit = Some(Duration::from_secs(10));
        let connections = deadpool_postgres::Pool::builder(manager)
            .max_size(size.max(1))
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts { wait: limit, create: limit, recycle: limit })
            .build()
            .expect("a pool with a runtime and time limits can be built");
        Self { connections, config: Arc::new(config) }
    }

    /// How its connections are made, for one that must not be shared: `LISTEN`, session locks, replication.
    pub fn config(&self) -> &tokio_postgres::Config {
        &self.config
    }

    /// # Errors
    /// [`Error::Pool`]: the server cannot be reached, or every connection stayed busy.
    pub async fn get(&self) -> Result<PooledClient, Error> {
        self.connections.get().await.map_err(Error::Pool)
    }

    /// Every connection prepares its statements anew: what a statement was prepared with (types, functions) may have
    /// gone.
    pub fn forget_statements(&self) {
        self.connections.manager().statement_caches.clear();
    }

    /// Closes a connection whose state is not known, instead of giving it back.
    pub fn discard(client: PooledClient) {
        drop(deadpool_postgres::Object::take(client));
    }

    /// Ends all connections and refuses new ones; those in use end when they come back.
    pub fn close(&self) {
        self.connections.close();
    }

    /// Connections open now, and those of them that are free.
    pub fn load(&self) -> (usize, usize) {
        let status = self.connections.status();
        (status.size, status.available)
    }
}
