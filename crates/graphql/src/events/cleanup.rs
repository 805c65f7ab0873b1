//! Removing old, processed events and their logs, by each event trigger's `cleanup_config`.

use serde::Deserialize;
use serde_json::Value;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::cron;
use super::definition::Triggers;

/// Runs written ahead, as Hasura writes them.
const AHEAD: usize = 50;
const LOW: i64 = 5;

/// `cleanup_config`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Cleanup {
    schedule: String,
    #[serde(flatten)]
    sweep: Sweep,
    #[serde(default)]
    paused: bool,
}

/// What one clean-up removes.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Sweep {
    /// Events in one statement.
    #[serde(default = "ten_thousand")]
    batch_size: i64,
    /// Hours.
    clear_older_than: i32,
    /// Seconds that one statement may take.
    #[serde(default = "sixty")]
    timeout: u32,
    #[serde(default)]
    clean_invocation_logs: bool,
}

fn ten_thousand() -> i64 {
    10_000
}

fn sixty() -> u32 {
    60
}

impl Cleanup {
    /// # Errors
    /// What is wrong with it.
    pub fn read(value: &Value) -> Result<Self, String> {
        let config = Self::deserialize(value).map_err(|error| error.to_string())?;
        cron::parse(&config.schedule)?;
        Ok(config)
    }
}

/// How much a clean-up has removed.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Swept {
    pub events: i32,
    pub logs: i32,
    /// A statement took too long; what was left then is still there.
    pub halted: bool,
}

/// What stands around each statement, so that one that takes too long undoes itself alone.
#[derive(Debug, Clone, Copy)]
pub(super) enum Within {
    /// A transaction for each.
    Nothing,
    /// The one that the caller has begun.
    Transaction,
}

impl Within {
    fn statements(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Nothing => ("BEGIN", "COMMIT", "ROLLBACK"),
            Self::Transaction => ("SAVEPOINT sweep", "RELEASE SAVEPOINT sweep", "ROLLBACK TO SAVEPOINT sweep"),
        }
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
            Some(config) if !config.paused => clean(client, &id, &name, &config.sweep).await?,
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

async fn clean(client: &Client, id: &str, name: &str, wanted: &Sweep) -> Result<(), tokio_postgres::Error> {
    let swept = sweep(client, Within::Nothing, name, wanted).await?;
    let status = if swept.halted { "dead" } else { "completed" };
    client
        .execute(
            "UPDATE hdb_catalog.hdb_event_log_cleanups
             SET status = $4, deleted_event_logs = $2, deleted_event_invocation_logs = $3 WHERE id = $1",
            &[&id, &swept.events, &swept.logs, &status],
        )
        .await?;
    Ok(())
}

/// Removes a trigger's processed events that are old enough, in batches, so that no statement holds many rows for long.
pub(super) async fn sweep(
    client: &Client,
    within: Within,
    name: &str,
    wanted: &Sweep,
) -> Result<Swept, tokio_postgres::Error> {
    let (begin, end, undo) = within.statements();
    let limit = u64::from(wanted.timeout).saturating_mul(1_000).min(i32::MAX as u64).to_string();
    let mut swept = Swept::default();
    loop {
        client.batch_execute(begin).await?;
        client.execute("SELECT set_config('statement_timeout', $1, true)", &[&limit]).await?;
        match batch(client, name, wanted).await {
            Ok((events, logs)) => {
                client.batch_execute(end).await?;
                swept.events = swept.events.saturating_add(events);
                swept.logs = swept.logs.saturating_add(logs);
                if events == 0 {
                    return Ok(swept);
                }
            }
            Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => {
                client.batch_execute(undo).await?;
                tracing::warn!(trigger = name, seconds = wanted.timeout, "a clean-up of events took too long");
                return Ok(Swept { halted: true, ..swept });
            }
            Err(error) => {
                client.batch_execute(undo).await?;
                return Err(error);
            }
        }
    }
}

/// Events and logs removed.
async fn batch(client: &Client, name: &str, wanted: &Sweep) -> Result<(i32, i32), tokio_postgres::Error> {
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
            &[&name, &wanted.clear_older_than, &wanted.batch_size.max(1), &wanted.clean_invocation_logs],
        )
        .await?;
    Ok((row.get(0), row.get(1)))
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
