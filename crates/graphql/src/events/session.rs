//! The deliverer's own connection: it hears of new events, and it holds a lock that says which servers are there.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

use super::scheduled::Kind;

/// Advisory lock: every delivering server holds it shared. Who can have it alone knows that all events that are taken
/// are its own, or those of a server that is gone.
const PRESENCE: i64 = 0x6e73_656c_665f_6576;

/// An open connection.
pub(super) struct Session {
    pub client: Client,
    /// A message each time that somebody wrote an event; ends with the connection.
    pub written: mpsc::Receiver<()>,
    driver: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Session {
    pub async fn open(config: &Config) -> Result<Self, tokio_postgres::Error> {
        let mut config = config.clone();
        config.application_name("nself events");
        let (client, mut connection) = config.connect(NoTls).await?;
        let (sender, written) = mpsc::channel(1);
        let driver = tokio::spawn(async move {
            while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
                if matches!(message, AsyncMessage::Notification(_)) {
                    // A full channel holds a wake-up that has not been taken yet, and that covers this one.
                    let _ = sender.try_send(());
                }
            }
        });
        let session = Self { client, written, driver };
        session.client.batch_execute("LISTEN nself_events").await?;
        session.client.execute("SELECT pg_advisory_lock_shared($1)", &[&PRESENCE]).await?;
        Ok(session)
    }

    /// Frees events that were taken by servers that are gone: all but `own`, when nobody else is there.
    pub async fn free_abandoned(&self, own: &InFlight) -> Result<(), tokio_postgres::Error> {
        let alone: bool = self.client.query_one("SELECT pg_try_advisory_lock($1)", &[&PRESENCE]).await?.get(0);
        if !alone {
            return Ok(());
        }
        let freed = self.free(own).await;
        self.client.execute("SELECT pg_advisory_unlock($1)", &[&PRESENCE]).await?;
        let freed = freed?;
        if freed > 0 {
            tracing::info!(events = freed, "events of a server that is gone are delivered again");
        }
        Ok(())
    }

    async fn free(&self, own: &InFlight) -> Result<u64, tokio_postgres::Error> {
        let events: Vec<&str> = own.events.iter().map(String::as_str).collect();
        let mut freed = self
            .client
            .execute(
                "UPDATE hdb_catalog.event_log SET locked = NULL
                 WHERE locked IS NOT NULL AND NOT delivered AND NOT error AND NOT archived AND id <> ALL($1)",
                &[&events],
            )
            .await?;
        for kind in [Kind::Cron, Kind::OneOff] {
            let ids: Vec<&str> =
                own.scheduled.iter().filter(|(found, _)| *found == kind).map(|(_, id)| id.as_str()).collect();
            let statement =
                format!("UPDATE {} SET status = 'scheduled' WHERE status = 'locked' AND id <> ALL($1)", kind.table());
            freed += self.client.execute(&statement, &[&ids]).await?;
        }
        Ok(freed)
    }

    /// How long until something is due that nobody will tell of: a retry, a scheduled event, a clean-up.
    pub async fn next_due(&self, names: &[&str]) -> Result<Option<Duration>, tokio_postgres::Error> {
        let row = self
            .client
            .query_one(
                // greatest() leaves nulls out: alone it would take nothing due for due now.
                "SELECT CASE WHEN min(at) IS NOT NULL THEN greatest(0, extract(epoch FROM min(at) - now())) END::float8 FROM (
                     SELECT min(next_retry_at)::timestamptz AS at FROM hdb_catalog.event_log
                     WHERE NOT delivered AND NOT error AND NOT archived AND locked IS NULL AND trigger_name = ANY($1)
                     UNION ALL
                     SELECT min(coalesce(next_retry_at, scheduled_time)) FROM hdb_catalog.hdb_cron_events
                     WHERE status = 'scheduled' AND trigger_name = ANY($1)
                     UNION ALL
                     SELECT min(coalesce(next_retry_at, scheduled_time)) FROM hdb_catalog.hdb_scheduled_events
                     WHERE status = 'scheduled'
                     UNION ALL
                     SELECT min(scheduled_at) AT TIME ZONE 'UTC' FROM hdb_catalog.hdb_event_log_cleanups
                     WHERE status = 'scheduled' AND trigger_name = ANY($1)
                 ) AS due",
                &[&names],
            )
            .await?;
        let seconds: Option<f64> = row.get(0);
        Ok(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
    }
}

/// What this server has taken and not yet put back.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    pub events: BTreeSet<String>,
    pub scheduled: BTreeSet<(Kind, String)>,
}
