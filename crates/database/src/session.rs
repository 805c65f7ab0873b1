//! What migrations and seeds share: the lock that keeps two of them apart, and running one statement of a script.

use std::time::Duration;

use bytes::Bytes;
use futures::SinkExt;
use tokio_postgres::{Client, error::SqlState};

use crate::{Error, StatementFailure, failure::Source, sql::Statement};

/// The advisory lock's key: the letters `nself`. Advisory locks belong to one database, so every database has its own.
const LOCK: i64 = 0x6e_7365_6c66;

/// How long to wait.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// For a lock on a table that another session uses. A waiting `ALTER TABLE` holds up everybody behind it.
    pub lock_timeout: Duration,
    /// For another run of migrations or seeds on this database to end.
    pub turn_timeout: Duration,
    /// How long one statement of a migration may run; zero is without end.
    pub statement_timeout: Duration,
    /// How often a migration is tried again when a lock was not to be had in time.
    pub lock_retries: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lock_timeout: Duration::from_secs(10),
            turn_timeout: Duration::from_secs(60),
            statement_timeout: Duration::ZERO,
            lock_retries: 3,
        }
    }
}

/// Takes this database's lock for changes. It is the session's: it ends with [`unlock`] or with the connection, so a
/// killed process leaves none behind.
pub(crate) async fn lock(client: &Client, options: &Options) -> Result<(), Error> {
    set_lock_timeout(client, options.turn_timeout).await?;
    match client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
            Err(Error::Locked { holder: holder(client).await? })
        }
        Err(error) => Err(error.into()),
    }
}

/// Gives the lock back and puts the session's settings back to their defaults.
pub(crate) async fn unlock(client: &Client) -> Result<(), Error> {
    reset(client).await?;
    client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await?;
    Ok(())
}

/// The server's process that runs migrations or seeds on this database now, for which the next run will have to wait.
///
/// # Errors
/// [`Error::Database`].
pub async fn holder(client: &Client) -> Result<Option<i32>, Error> {
    let row = client
        .query_opt(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
               AND classid::bigint = $1::bigint >> 32 AND objid::bigint = $1::bigint & 4294967295 LIMIT 1",
            &[&LOCK],
        )
        .await?;
    Ok(row.map(|row| row.get(0)))
}

pub(crate) async fn set_lock_timeout(client: &Client, timeout: Duration) -> Result<(), Error> {
    let milliseconds = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX).to_string();
    client.execute("SELECT set_config('lock_timeout', $1, false)", &[&milliseconds]).await?;
    Ok(())
}

/// What a migration's statements may take, for the session until [`reset`].
pub(crate) async fn set_timeouts(client: &Client, options: &Options) -> Result<(), Error> {
    let milliseconds = |time: Duration| i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
    let (lock, statement) = (milliseconds(options.lock_timeout), milliseconds(options.statement_timeout));
    Ok(client.batch_execute(&format!("SET lock_timeout = {lock}; SET statement_timeout = {statement}")).await?)
}

/// Undoes what a script set for its session (`SET search_path`, `SET ROLE`), as dumps do.
pub(crate) async fn reset(client: &Client) -> Result<(), Error> {
    Ok(client.batch_execute("RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL").await?)
}

/// Runs one statement; `outcome` tells in case of failure what became of the ones before it.
pub(crate) async fn run(
    client: &Client,
    source: Source<'_>,
    statement: &Statement,
    outcome: &'static str,
) -> Result<(), Error> {
    let sql = &source.text[statement.range.clone()];
    let done = match &statement.data {
        None => client.batch_execute(sql).await,
        Some(data) => {
            copy(client, sql, Bytes::copy_from_slice(&source.text.as_bytes()[data.clone()])).await.map(|_| ())
        }
    };
    done.map_err(|error| failed(client, source, statement, error, outcome))
}

/// A refusal by the server belongs to the statement; a broken connection does not.
pub(crate) fn failed(
    client: &Client,
    source: Source<'_>,
    statement: &Statement,
    error: tokio_postgres::Error,
    outcome: &'static str,
) -> Error {
    if client.is_closed() && error.as_db_error().is_none() {
        return Error::Database(error);
    }
    Error::Statement(Box::new(StatementFailure::new(source, statement, &error, outcome)))
}

pub(crate) async fn copy(client: &Client, sql: &str, data: Bytes) -> Result<u64, tokio_postgres::Error> {
    let sink = client.copy_in(sql).await?;
    futures::pin_mut!(sink);
    sink.send(data).await?;
    sink.finish().await
}

/// Who changes the database, for the records: the operating system's user.
pub(crate) fn author() -> String {
    let name = |variable| std::env::var(variable).ok().filter(|value| !value.is_empty());
    name("SUDO_USER").or_else(|| name("USER")).or_else(|| name("LOGNAME")).unwrap_or_else(|| "nself".to_owned())
}
