//! The deliverer's own connection: it hears of new events, and it holds a lock for each event that is being delivered.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

use super::scheduled::Kind;

/// First half of the advisory locks' keys; the second is the event's id. The connection holds one for each event that it
/// has taken, so that everybody can tell the events whose server is gone: PostgreSQL lets go of the locks with the
/// connection.
pub(super) const TAKEN: i32 = 0x6e73_6576;

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
    /// `own`: what is under way, whose locks went with the connection before.
    pub async fn open(config: &Config, own: &InFlight) -> Result<Self, tokio_postgres::Error> {
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
        let ids: Vec<&str> =
            own.events.iter().chain(own.scheduled.iter().map(|(_, id)| id)).map(String::as_str).collect();
        let locks = "SELECT pg_advisory_lock_shared($1, hashtext(id)) FROM unnest($2::text[]) AS own (id)";
        session.client.execute(locks, &[&TAKEN, &ids]).await?;
        Ok(session)
    }

    /// Frees events that were taken and whose lock nobody holds: those of servers that are gone. `own` are left alone.
    pub async fn free_abandoned(&self, own: &InFlight) -> Result<(), tokio_postgres::Error> {
        let ids: Vec<&str> = own.events.iter().map(String::as_str).collect();
        let taken = "locked IS NOT NULL AND NOT delivered AND NOT error AND NOT archived";
        let mut freed = self.free("hdb_catalog.event_log", taken, "locked = NULL", &ids).await?;
        for kind in [Kind::Cron, Kind::OneOff] {
            let ids: Vec<&str> =
                own.scheduled.iter().filter(|(found, _)| *found == kind).map(|(_, id)| id.as_str()).collect();
            freed += self.free(kind.table(), "status = 'locked'", "status = 'scheduled'", &ids).await?;
        }
        if freed > 0 {
            tracing::info!(events = freed, "events of a server that is gone are delivered again");
        }
        Ok(())
    }

    /// An event's row must still be the version that was seen without a lock: who has taken it since, holds one.
    async fn free(
        &self,
        table: &str,
        taken: &str,
        give_back: &str,
        own: &[&str],
    ) -> Result<u64, tokio_postgres::Error> {
        let seen = format!(
            "SELECT id, xmin::text FROM {table} AS event
             WHERE {taken} AND id <> ALL($2) AND NOT EXISTS (
                 SELECT FROM pg_catalog.pg_locks AS held
                 WHERE held.locktype = 'advisory' AND held.objsubid = 2 AND held.classid::int8 = $1
                   AND held.objid::int8 = (hashtext(event.id)::int8 & 4294967295)
                   AND held.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))"
        );
        let rows = self.client.query(&seen, &[&i64::from(TAKEN), &own]).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let column = |at: usize| -> Vec<&str> { rows.iter().map(|row| row.get(at)).collect() };
        let (ids, versions) = (column(0), column(1));
        let free = format!(
            "UPDATE {table} AS event SET {give_back} FROM unnest($1::text[], $2::text[]) AS seen (seen_id, version)
             WHERE event.id = seen_id AND event.xmin::text = version AND {taken}"
        );
        self.client.execute(&free, &[&ids, &versions]).await
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
