//! The table `nself.migrations`: what this database knows about the migrations it has.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio_postgres::{Client, Row, types::Type};

use super::{
    Migration, Version,
    journal::{self, Journal},
};
use crate::{Error, session};

/// One row.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub version: Version,
    pub name: String,
    /// None when another tool applied it: its file cannot be compared.
    pub checksum: Option<String>,
    pub finished: bool,
    /// How far an unfinished one came; none when it was begun by another tool, or before there was a journal.
    pub journal: Option<Journal>,
    pub applied_at: Option<Timestamp>,
    pub duration_ms: Option<i64>,
    pub applied_by: String,
}

/// Reads without changing anything: before the first `migrate` the table of the Bash nself counts.
pub(crate) async fn read(client: &Client) -> Result<Vec<Record>, Error> {
    if !exists(client, "nself.migrations").await? {
        return inherited(client).await;
    }
    let rows = client
        .query(
            "SELECT version, name, checksum, state = 'applied', applied_at, duration_ms, applied_by FROM nself.migrations",
            &[],
        )
        .await?;
    let mut records: Vec<Record> = rows.iter().filter_map(record).collect();
    if records.iter().any(|record| !record.finished) {
        let mut journals = journal::read(client).await?;
        for record in &mut records {
            record.journal = journals.remove(record.version.as_str());
        }
    }
    records.sort_by(|a, b| a.version.cmp(&b.version));
    Ok(records)
}

fn record(row: &Row) -> Option<Record> {
    Some(Record {
        version: Version::parse(row.get(0))?,
        name: row.get(1),
        checksum: row.get(2),
        finished: row.get(3),
        journal: None,
        applied_at: timestamp(row.get(4)),
        duration_ms: row.get(5),
        applied_by: row.get(6),
    })
}

pub(crate) fn timestamp(time: Option<SystemTime>) -> Option<Timestamp> {
    Timestamp::try_from(time?).ok()
}

pub(crate) async fn exists(client: &Client, table: &str) -> Result<bool, Error> {
    Ok(client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&table]).await?.get(0))
}

/// `public.schema_migrations (version, name, applied_at)` of the Bash nself. Tables of that name by other tools
/// (Rails, golang-migrate) lack `applied_at` and are left alone.
async fn legacy(client: &Client) -> Result<Vec<Record>, Error> {
    let columns = client
        .query(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass('public.schema_migrations')
               AND attnum > 0 AND NOT attisdropped",
            &[],
        )
        .await?;
    let has = |name: &str| columns.iter().any(|row| row.get::<_, &str>(0) == name);
    if !has("version") || !has("applied_at") {
        return Ok(Vec::new());
    }
    let name = if has("name") { "coalesce(name::text, '')" } else { "''" };
    let rows = client
        .query(
            &format!(
                "SELECT version::text, {name}, NULL::text, true, applied_at::timestamptz, NULL::bigint, 'earlier nself'
                 FROM public.schema_migrations"
            ),
            &[],
        )
        .await?;
    let mut records: Vec<Record> = rows.iter().filter_map(record).collect();
    records.sort_by(|a, b| a.version.cmp(&b.version));
    Ok(records)
}

/// What other tools have applied, before nself keeps a record of its own.
async fn inherited(client: &Client) -> Result<Vec<Record>, Error> {
    let mut records = legacy(client).await?;
    for record in hasura(client).await? {
        if !records.iter().any(|other| other.version == record.version) {
            records.push(record);
        }
    }
    records.sort_by(|a, b| a.version.cmp(&b.version));
    Ok(records)
}

/// What Hasura's command line applied to the source `default`: it keeps that in `hdb_version.cli_state`, as
/// `{"migrations": {"default": {"<version>": <half-way>}}}`.
async fn hasura(client: &Client) -> Result<Vec<Record>, Error> {
    if !exists(client, "hdb_catalog.hdb_version").await? {
        return Ok(Vec::new());
    }
    let rows = client
        .query(
            "SELECT key, '', NULL::text, value = 'false', upgraded_on, NULL::bigint, 'hasura'
             FROM hdb_catalog.hdb_version, jsonb_each(cli_state->'migrations'->'default')
             WHERE jsonb_typeof(cli_state->'migrations'->'default') = 'object'",
            &[],
        )
        .await?;
    Ok(rows.iter().filter_map(record).collect())
}

/// Creates the table where it is missing and takes over, once, what the Bash nself or Hasura applied. One transaction: a crash
/// leaves either no table or a complete one.
pub(crate) async fn prepare(client: &mut Client) -> Result<(), Error> {
    let present = exists(client, "nself.migrations").await?;
    if present && exists(client, "nself.migration_steps").await? {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    let inherited = if present { Vec::new() } else { inherited(transaction.client()).await? };
    if !present {
        transaction.batch_execute(include_str!("record.sql")).await?;
    }
    transaction.batch_execute(include_str!("journal.sql")).await?;
    for record in inherited {
        let applied_at = record.applied_at.map(SystemTime::from);
        transaction
            .execute(
                "INSERT INTO nself.migrations (version, name, applied_at, applied_by, state)
                 VALUES ($1, $2, coalesce($3, clock_timestamp()), $4, CASE WHEN $5 THEN 'applied' ELSE 'started' END)
                 ON CONFLICT (version) DO NOTHING",
                &[&record.version.as_str(), &record.name, &applied_at, &record.applied_by, &record.finished],
            )
            .await?;
    }
    project::fault::hit("migrate.before-table");
    Ok(transaction.commit().await?)
}

/// Records a migration as applied, in the caller's transaction where it has one. `version` as it was recorded when it began.
pub(crate) async fn insert(
    client: &Client,
    migration: &Migration,
    version: &Version,
    duration: Duration,
) -> Result<(), Error> {
    let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    client
        .execute_typed(
            "INSERT INTO nself.migrations (version, name, checksum, duration_ms, applied_by) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (version) DO UPDATE SET state = 'applied', checksum = excluded.checksum,
                 applied_at = excluded.applied_at, duration_ms = excluded.duration_ms",
            &[
                (&version.as_str(), Type::TEXT),
                (&migration.name, Type::TEXT),
                (&migration.checksum, Type::TEXT),
                (&milliseconds, Type::INT8),
                (&session::author(), Type::TEXT),
            ],
        )
        .await?;
    Ok(())
}

/// Records that a migration outside a transaction has begun.
pub(crate) async fn start(client: &Client, migration: &Migration) -> Result<(), Error> {
    client
        .execute(
            "INSERT INTO nself.migrations (version, name, checksum, state, applied_by) VALUES ($1, $2, $3, 'started', $4)",
            &[&migration.version.as_str(), &migration.name, &migration.checksum, &session::author()],
        )
        .await?;
    Ok(())
}

/// `version` as it was recorded.
pub(crate) async fn delete(client: &Client, version: &Version) -> Result<(), Error> {
    client.execute("DELETE FROM nself.migrations WHERE version = $1", &[&version.as_str()]).await?;
    Ok(())
}

/// Forgets a migration by its number, however many zeros it was recorded with.
pub(crate) async fn delete_number(client: &Client, version: &Version) -> Result<(), Error> {
    let recorded = client.query("SELECT version FROM nself.migrations", &[]).await?;
    for row in recorded {
        if Version::parse(row.get(0)).is_some_and(|recorded| recorded == *version) {
            client.execute("DELETE FROM nself.migrations WHERE version = $1", &[&row.get::<_, &str>(0)]).await?;
        }
    }
    Ok(())
}

/// Says that a rollback outside a transaction has begun: until it ends, the migration is neither here nor gone.
pub(crate) async fn reopen(client: &Client, version: &Version) -> Result<(), Error> {
    client.execute("UPDATE nself.migrations SET state = 'started' WHERE version = $1", &[&version.as_str()]).await?;
    Ok(())
}

/// Records a migration as applied without running it: its effect is there already.
pub(crate) async fn adopt(client: &Client, migration: &Migration) -> Result<(), Error> {
    client
        .execute(
            "INSERT INTO nself.migrations (version, name, checksum, applied_by) VALUES ($1, $2, $3, $4)
             ON CONFLICT (version) DO UPDATE SET state = 'applied', name = excluded.name, checksum = excluded.checksum",
            &[&migration.version.as_str(), &migration.name, &migration.checksum, &session::author()],
        )
        .await?;
    Ok(())
}

/// Takes the file as it is now for what was applied.
pub(crate) async fn accept(client: &Client, version: &Version, checksum: &str) -> Result<(), Error> {
    client
        .execute(
            "UPDATE nself.migrations SET checksum = $2, state = 'applied' WHERE version = $1",
            &[&version.as_str(), &checksum],
        )
        .await?;
    Ok(())
}
