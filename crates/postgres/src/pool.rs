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
pub struct Pool(deadpool_postgres::Pool);

impl Pool {
    /// At most `size` connections. Waiting for a free one ends after 10 s, opening one after 10 s.
    pub fn new(config: tokio_postgres::Config, size: usize) -> Self {
        let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let limit = Some(Duration::from_secs(10));
        let pool = deadpool_postgres::Pool::builder(manager)
            .max_size(size.max(1))
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts { wait: limit, create: limit, recycle: limit })
            .build()
            .expect("a pool with a runtime and time limits can be built");
        Self(pool)
    }

    /// # Errors
    /// [`Error::Pool`]: the server cannot be reached, or every connection stayed busy.
    pub async fn get(&self) -> Result<PooledClient, Error> {
        self.0.get().await.map_err(Error::Pool)
    }

    /// Ends all connections and refuses new ones; those in use end when they come back.
    pub fn close(&self) {
        self.0.close();
    }

    /// Connections open now, and those of them that are free.
    pub fn load(&self) -> (usize, usize) {
        let status = self.0.status();
        (status.size, status.available)
    }
}
