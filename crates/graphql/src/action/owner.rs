//! A worker's own connection. It holds a lock for each call that is being made, so that whoever comes later knows the
//! calls whose maker is gone: PostgreSQL lets go of the locks with the connection.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error, NoTls};

use super::log::{self, Kept};

/// First half of the advisory locks' keys; the second is the call's id.
pub(super) const RUNNING: i32 = 0x6e73_6163;

/// Advisory lock: one server at a time looks for abandoned calls.
const FREEING: i64 = 0x6e73_656c_665f_6163;

/// How often is looked for calls of servers that are gone.
const LOOK: Duration = Duration::from_secs(60);

pub(super) struct Owner {
    client: Client,
    driver: JoinHandle<()>,
    /// When abandoned calls were looked for.
    looked: Option<Instant>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Owner {
    /// `running`: ids of calls that are under way, whose locks went with the connection before.
    pub async fn open(config: &Config, running: &[&str]) -> Result<Self, Error> {
        let mut config = config.clone();
        config.application_name("nself actions");
        let (client, connection) = config.connect(NoTls).await?;
        let driver = tokio::spawn(async move {
            // The client's next statement tells why it ended.
            let _ = connection.await;
        });
        let owner = Self { client, driver, looked: None };
        let locks = "SELECT pg_advisory_lock_shared($1, hashtext(id)) FROM unnest($2::text[]) AS running (id)";
        owner.client.execute(locks, &[&RUNNING, &running]).await?;
        Ok(owner)
    }

    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Takes up to `limit` calls, each with its lock; now and then also those of servers that are gone.
    pub async fn claim(&mut self, limit: i64) -> Result<Vec<Kept>, Error> {
        if self.looked.is_none_or(|at| at.elapsed() >= LOOK) {
            self.free_abandoned().await?;
            self.looked = Some(Instant::now());
        }
        log::claim(&self.client, RUNNING, limit).await
    }

    async fn free_abandoned(&mut self) -> Result<(), Error> {
        let transaction = self.client.transaction().await?;
        let mine: bool = transaction.query_one("SELECT pg_try_advisory_xact_lock($1)", &[&FREEING]).await?.get(0);
        if mine {
            let freed = log::release(&transaction, RUNNING).await?;
            if freed > 0 {
                tracing::info!(calls = freed, "asynchronous actions of a server that is gone are called again");
            }
        }
        transaction.commit().await
    }

    /// The call is over.
    pub async fn done(&self, id: &str) -> Result<(), Error> {
        self.client.execute("SELECT pg_advisory_unlock_shared($1, hashtext($2))", &[&RUNNING, &id]).await?;
        Ok(())
    }
}
