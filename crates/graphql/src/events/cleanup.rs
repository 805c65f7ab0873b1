//! Removing old, processed events and their logs, by each event trigger's `cleanup_config`.

use serde::Deserialize;
use serde_json::Value;
use tokio_postgres::Client;

use super::cron;
use super::definition::Triggers;

/// Runs written ahead, as Hasura writes them.
const AHEAD: usize = 50;
const LOW: i64 = 5;

/// `cleanup_config`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Cleanup {
    schedule: String,
    #[serde(default = "ten_thousand")]
    batch_size: i64,
    /// Hours.
    clear_older_than: i32,
    #[serde(default)]
    clean_invocation_logs: bool,
    #[serde(default)]
    paused: bool,
}

fn ten_thousand() -> i64 {
    10_000
}

impl Cleanup {
    /// None when it is not one.
    pub fn read(value: &Value) -> Option<Self> {
        Self::deserialize(value).ok()
    }
}

/// Removes what is due, and writes the next runs down.
pub(super) async fn run(client: &Client, triggers: &Triggers) -> Result<(), tokio_postgres::Error> {
    let configured = || triggers.events.iter().filter_map(|(name, trigger)| Some((name, trigger.cleanup.as_ref()?)));
    if configured().next().is_none() {
        return Ok(());
    }
    let due = client
        .query(
            "WITH due AS (
                 SELECT * FROM hdb_catalog.hdb_event_log_cleanups
                 WHERE status = 'scheduled' AND scheduled_at < now() AT TIME ZONE 'UTC'
             ), latest AS (
                 SELECT trigger_name, max(scheduled_at) AS scheduled_at FROM due GROUP BY trigger_name
             ), missed AS (
                 UPDATE hdb_catalog.hdb_event_log_cleanups AS late SET status = 'dead' FROM latest
                 WHERE late.trigger_name = latest.trigger_name AND late.scheduled_at < latest.scheduled_at
                   AND late.status = 'scheduled'
             )
             SELECT id, trigger_name FROM due JOIN latest USING (trigger_name, scheduled_at)",
            &[],
        )
        .await?;
    for row in due {
        let (id, name): (String, String) = (row.get(0), row.get(1));
        let config = triggers.events.get(&name).and_then(|trigger| trigger.cleanup.as_ref());
        match config {
            Some(config) if !config.paused => remove(client, &id, &name, config).await?,
            Some(_) => set_status(client, &id, "paused").await?,
            None => set_status(client, &id, "dead").await?,
        }
    }
    for (name, config) in configured() {
        schedule(client, name, config).await?;
    }
    Ok(())
}

async fn set_status(client: &Client, id: &str, status: &str) -> Result<(), tokio_postgres::Error> {
    client.execute("UPDATE hdb_catalog.hdb_event_log_cleanups SET status = $2 WHERE id = $1", &[&id, &status]).await?;
    Ok(())
}

/// In batches, so that no statement holds many rows for long.
async fn remove(client: &Client, id: &str, name: &str, config: &Cleanup) -> Result<(), tokio_postgres::Error> {
    let (mut events, mut logs) = (0_i32, 0_i32);
    loop {
        let row = client
            .query_one(
                "WITH old AS (
                     SELECT id FROM hdb_catalog.event_log
                     WHERE (delivered OR error) AND trigger_name = $1 AND locked IS NULL
                       AND created_at < now() - make_interval(hours => $2)
                     LIMIT $3 FOR UPDATE SKIP LOCKED
                 ), logs AS (
                     DELETE FROM hdb_catalog.event_invocation_logs USING old WHERE $4 AND event_id = old.id RETURNING 1
                 ), events AS (
                     DELETE FROM hdb_catalog.event_log USING old WHERE event_log.id = old.id RETURNING 1
                 )
                 SELECT (SELECT count(*) FROM events)::int, (SELECT count(*) FROM logs)::int",
                &[&name, &config.clear_older_than, &config.batch_size, &config.clean_invocation_logs],
            )
            .await?;
        let (removed, removed_logs): (i32, i32) = (row.get(0), row.get(1));
        (events, logs) = (events.saturating_add(removed), logs.saturating_add(removed_logs));
        if removed == 0 {
            break;
        }
    }
    client
        .execute(
            "UPDATE hdb_catalog.hdb_event_log_cleanups
             SET status = 'completed', deleted_event_logs = $2, deleted_event_invocation_logs = $3 WHERE id = $1",
            &[&id, &events, &logs],
        )
        .await?;
    Ok(())
}

async fn schedule(client: &Client, name: &str, config: &Cleanup) -> Result<(), tokio_postgres::Error> {
    let Ok(schedule) = cron::parse(&config.schedule) else { return Ok(()) };
    let row = client
        .query_one(
            "SELECT count(*), greatest(now(), max(scheduled_at) AT TIME ZONE 'UTC')
             FROM hdb_catalog.hdb_event_log_cleanups WHERE status = 'scheduled' AND trigger_name = $1",
            &[&name],
        )
        .await?;
    let (left, last): (i64, std::time::SystemTime) = (row.get(0), row.get(1));
    let (true, Ok(last)) = (left < LOW, jiff::Timestamp::try_from(last)) else { return Ok(()) };
    let times: Vec<String> = cron::after(&schedule, last, AHEAD).iter().map(ToString::to_string).collect();
    client
        .execute(
            "INSERT INTO hdb_catalog.hdb_event_log_cleanups (trigger_name, scheduled_at, status)
             SELECT $1, time::timestamptz AT TIME ZONE 'UTC', 'scheduled' FROM unnest($2::text[]) AS time
             ON CONFLICT DO NOTHING",
            &[&name, &times],
        )
        .await?;
    Ok(())
}
