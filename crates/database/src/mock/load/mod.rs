//! Mock rows into a database and out of it, in one transaction: who looks sees the rows before or the rows after.
//!
//! Rows are copied with `session_replication_role = replica`, so that neither foreign keys nor triggers cost anything for each
//! row; foreign keys are right by construction, and every one is checked before the transaction commits, with one query each.

mod clear;
mod fill;
mod present;
mod record;
mod verify;

use std::{
    collections::BTreeSet,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::{SinkExt, TryStreamExt};
use postgres::{
    Ident,
    catalog::{Catalog, Enabled, Name, Table, TriggerEvent},
};
use serde::Serialize;
use tokio_postgres::{Client, error::SqlState};

use super::{
    MockError,
    config::{Config, Preset, Triggers},
    init::{Start, render},
    plan::{Draft, Inputs, Plan, display, find, name_of},
    preview::Preview,
};
use crate::{Error, Options, session};
use record::Record;

/// What to generate.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub config: &'a Config,
    pub seed: u64,
    pub preset: Option<Preset>,
    /// Only these tables; all when empty.
    pub only: &'a [String],
    /// Finds out what would be done, and leaves everything as it is.
    pub dry_run: bool,
}

/// How far a table is.
#[derive(Debug, Clone)]
pub struct Progress {
    pub table: String,
    pub rows: u64,
    pub of: u64,
    pub bytes: u64,
    pub elapsed: Duration,
}

/// What was generated, or would be.
#[derive(Debug, Clone, Serialize)]
pub struct Generated {
    pub seed: u64,
    /// The generator's version: another one may give other rows.
    pub generator: String,
    pub dry_run: bool,
    /// Parents first.
    pub tables: Vec<GeneratedTable>,
    pub rows: u64,
    pub bytes: u64,
    pub duration_ms: u64,
    /// Mock rows of earlier runs that were removed.
    pub removed: u64,
    pub notes: Vec<String>,
}

/// One table of [`Generated`].
#[derive(Debug, Clone, Serialize)]
pub struct GeneratedTable {
    pub table: String,
    pub rows: u64,
    pub bytes: u64,
    pub duration_ms: u64,
}

/// What was removed, or would be.
#[derive(Debug, Clone, Serialize)]
pub struct Cleared {
    pub dry_run: bool,
    pub tables: Vec<ClearedTable>,
    pub rows: u64,
}

/// One table of [`Cleared`].
#[derive(Debug, Clone, Serialize)]
pub struct ClearedTable {
    pub table: String,
    pub rows: u64,
}

/// Replaces the mock rows of the requested tables by those of the seed. Rows that are not mock data stay.
///
/// # Errors
/// [`MockError`] for everything that concerns the data, [`Error::Database`], [`Error::Locked`]. Nothing has changed then.
pub async fn generate(
    client: &mut Client,
    request: &Request<'_>,
    options: &Options,
    progress: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Generated, Error> {
    session::lock(client, options).await?;
    let result = generate_locked(client, request, options, progress).await;
    let (generated, names) = finish(client, result).await?;
    if !request.dry_run {
        analyze(client, &names).await?;
    }
    Ok(generated)
}

/// Removes the mock rows of these tables, or of all when none is named.
///
/// # Errors
/// As [`generate`]; [`MockError::Referenced`] where other rows refer to them.
pub async fn clear(client: &mut Client, only: &[String], dry_run: bool, options: &Options) -> Result<Cleared, Error> {
    session::lock(client, options).await?;
    let result = clear_locked(client, only, dry_run, options).await;
    finish(client, result).await
}

/// The first rows that a table would get. Nothing is changed.
///
/// # Errors
/// As [`generate`].
pub async fn preview(
    client: &mut Client,
    request: &Request<'_>,
    table: &str,
    rows: u64,
    options: &Options,
) -> Result<Preview, Error> {
    session::lock(client, options).await?;
    let only = [table.to_owned()];
    let request = Request { only: &only, ..*request };
    let result = on_trial(client, options, async |client: &Client, catalog: &Catalog| {
        let name = name_of(find(catalog, table)?);
        let (plan, _) = planned(client, catalog, &request).await?;
        Ok(Preview::new(&plan.rows, &name, rows))
    });
    let result = result.await;
    finish(client, result).await
}

/// The text of a first configuration for the database's tables. Nothing is changed.
///
/// # Errors
/// [`Error::Database`], [`Error::Locked`], [`MockError::Config`] for a start without a day.
pub async fn init(client: &mut Client, start: &Start, options: &Options) -> Result<String, Error> {
    session::lock(client, options).await?;
    let result = on_trial(client, options, async |client: &Client, catalog: &Catalog| {
        let present = present::read(client, catalog, &record::read(client).await?).await?;
        let invalid = |problem| MockError::Config { file: "now".into(), problem, hint: None };
        Ok(render(catalog, &present, start).map_err(invalid)?)
    });
    let result = result.await;
    finish(client, result).await
}

/// Work in a transaction that is rolled back.
async fn on_trial<T>(
    client: &mut Client,
    options: &Options,
    work: impl AsyncFnOnce(&Client, &Catalog) -> Result<T, Error>,
) -> Result<T, Error> {
    let transaction = client.transaction().await?;
    begin(transaction.client(), options).await?;
    let catalog = Catalog::read(transaction.client(), &[]).await?;
    let value = work(transaction.client(), &catalog).await?;
    transaction.rollback().await?;
    Ok(value)
}

async fn finish<T>(client: &Client, result: Result<T, Error>) -> Result<T, Error> {
    let unlocked = session::unlock(client).await;
    let value = result?;
    unlocked?;
    Ok(value)
}

async fn generate_locked(
    client: &mut Client,
    request: &Request<'_>,
    options: &Options,
    progress: &mut (dyn FnMut(&Progress) + Send),
) -> Result<(Generated, BTreeSet<Name>), Error> {
    let begun = Instant::now();
    let transaction = client.transaction().await?;
    let client = transaction.client();
    begin(client, options).await?;
    record::prepare(client).await?;
    let catalog = Catalog::read(client, &[]).await?;
    let (plan, removed) = planned(client, &catalog, request).await?;
    let Plan { rows, mut notes } = plan;
    let rows = Arc::new(rows);
    let mut generated = Generated {
        seed: request.seed,
        generator: super::generator(),
        dry_run: request.dry_run,
        tables: Vec::new(),
        rows: rows.tables.iter().map(|table| table.count).sum(),
        bytes: 0,
        duration_ms: 0,
        removed: removed.iter().map(|(_, rows)| rows).sum(),
        notes: Vec::new(),
    };
    let names: BTreeSet<Name> = rows.tables.iter().map(|table| table.name.clone()).collect();
    if !request.dry_run {
        lock_tables(client, &names).await?;
    }
    for (index, shape) in rows.tables.iter().enumerate() {
        let mut table = GeneratedTable { table: display(&shape.name), rows: shape.count, bytes: 0, duration_ms: 0 };
        let described = catalog.table(&shape.name.schema, &shape.name.name);
        let triggers = described.map(insert_triggers).unwrap_or_default();
        if !triggers.is_empty() && shape.triggers == Triggers::Skip {
            notes.push(format!("{}: its triggers do not run ({})", table.table, triggers.join(", ")));
        }
        if !request.dry_run {
            let fire = if shape.triggers == Triggers::Fire { triggers.as_slice() } else { &[] };
            switch(client, &shape.name, fire, "ENABLE ALWAYS").await?;
            let filled = fill::fill(client, &rows, index, request.seed, progress).await?;
            switch(client, &shape.name, fire, "ENABLE").await?;
            project::fault::hit("mock.after-table");
            table.bytes = filled.bytes;
            table.duration_ms = milliseconds(filled.duration);
            generated.bytes += filled.bytes;
        }
        generated.tables.push(table);
    }
    generated.notes = notes;
    if request.dry_run {
        transaction.rollback().await?;
        return Ok((generated, names));
    }
    let changed = names.iter().cloned().chain(removed.into_iter().map(|(name, _)| name)).collect();
    verify::verify(client, &catalog, &changed, &names).await?;
    advance_sequences(client, &catalog, &names).await?;
    project::fault::hit("mock.before-commit");
    transaction.commit().await?;
    project::fault::hit("mock.after-commit");
    generated.duration_ms = milliseconds(begun.elapsed());
    Ok((generated, names))
}

async fn clear_locked(
    client: &mut Client,
    only: &[String],
    dry_run: bool,
    options: &Options,
) -> Result<Cleared, Error> {
    let transaction = client.transaction().await?;
    let client = transaction.client();
    begin(client, options).await?;
    let catalog = Catalog::read(client, &[]).await?;
    let records = chosen(&catalog, record::read(client).await?, only)?.0;
    let removed = remove(client, &catalog, &records).await?;
    let changed = removed.iter().map(|(name, _)| name.clone()).collect();
    verify::verify(client, &catalog, &changed, &BTreeSet::new()).await?;
    let tables: Vec<ClearedTable> =
        removed.iter().map(|(name, rows)| ClearedTable { table: display(name), rows: *rows }).collect();
    project::fault::hit("mock.before-clear");
    if dry_run {
        transaction.rollback().await?;
    } else {
        transaction.commit().await?;
    }
    Ok(Cleared { dry_run, rows: tables.iter().map(|table| table.rows).sum(), tables })
}

/// The session of a run: no triggers, no limits of time, one way to write dates.
async fn begin(client: &Client, options: &Options) -> Result<(), Error> {
    let role: String = client.query_one("SELECT current_user::text", &[]).await?.get(0);
    let privilege = client.batch_execute("SET LOCAL session_replication_role = replica").await;
    if let Err(error) = privilege {
        if error.code() != Some(&SqlState::INSUFFICIENT_PRIVILEGE) {
            return Err(error.into());
        }
        return Err(MockError::Privilege { role }.into());
    }
    let wait = options.lock_timeout.as_millis();
    client
        .batch_execute(&format!(
            "SET LOCAL lock_timeout = {wait}; SET LOCAL statement_timeout = 0; SET LOCAL TimeZone = 'UTC';
             SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres'; SET LOCAL extra_float_digits = 1;
             SET LOCAL row_security = off; SET LOCAL client_min_messages = warning"
        ))
        .await?;
    Ok(())
}

/// Removes what the run replaces and plans what takes its place; the plan, and the rows removed from each table.
async fn planned(client: &Client, catalog: &Catalog, request: &Request<'_>) -> Result<(Plan, Vec<(Name, u64)>), Error> {
    let (replaced, staying) = chosen(catalog, record::read(client).await?, request.only)?;
    let removed = remove(client, catalog, &replaced).await?;
    let present = present::read(client, catalog, &staying).await?;
    let inputs = Inputs {
        catalog,
        config: request.config,
        seed: request.seed,
        preset: request.preset,
        only: request.only,
        present: &present,
    };
    let draft = Draft::new(&inputs)?;
    let keys = present::keys(client, &draft, &staying).await?;
    Ok((draft.finish(&keys)?, removed))
}

/// The records that a run is about, and the others.
fn chosen(catalog: &Catalog, records: Vec<Record>, only: &[String]) -> Result<(Vec<Record>, Vec<Record>), Error> {
    let mut wanted = BTreeSet::new();
    for name in only {
        wanted.insert(name_of(find(catalog, name)?));
    }
    Ok(records.into_iter().partition(|record| wanted.is_empty() || wanted.contains(&record.name)))
}

async fn remove(client: &Client, catalog: &Catalog, records: &[Record]) -> Result<Vec<(Name, u64)>, Error> {
    let there = |record: &&Record| catalog.table(&record.name.schema, &record.name.name).is_some();
    lock_tables(client, &records.iter().filter(there).map(|record| record.name.clone()).collect()).await?;
    let mut removed = Vec::new();
    for record in records {
        removed.push((record.name.clone(), clear::remove(client, catalog, record).await?));
    }
    Ok(removed)
}

/// Keeps other writers away until the transaction ends; readers go on.
async fn lock_tables(client: &Client, tables: &BTreeSet<Name>) -> Result<(), Error> {
    if tables.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = tables.iter().map(present::full).collect();
    let sql = format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", names.join(", "));
    Ok(client.batch_execute(&sql).await?)
}

/// The triggers that an INSERT would run.
fn insert_triggers(table: &Table) -> Vec<String> {
    let runs = table
        .triggers
        .iter()
        .filter(|trigger| trigger.enabled == Enabled::Origin && trigger.events.contains(&TriggerEvent::Insert));
    runs.map(|trigger| trigger.name.clone()).collect()
}

/// Lets triggers run although the session is a replica's, or no longer.
async fn switch(client: &Client, table: &Name, triggers: &[String], how: &str) -> Result<(), Error> {
    for trigger in triggers {
        let sql = format!("ALTER TABLE {} {how} TRIGGER {}", present::full(table), Ident::new(trigger));
        client.batch_execute(&sql).await?;
    }
    Ok(())
}

/// Moves the sequences of the tables' columns behind the highest number, so that the next row of one's own gets a free one.
async fn advance_sequences(client: &Client, catalog: &Catalog, tables: &BTreeSet<Name>) -> Result<(), Error> {
    for name in tables {
        let columns = catalog.table(&name.schema, &name.name).into_iter().flat_map(|table| &table.columns);
        for column in columns {
            let Some(sequence) = &column.sequence else { continue };
            let sql = format!(
                "SELECT setval($1::text::regclass, highest) FROM (SELECT max({})::bigint AS highest FROM {}) rows, {} sequence
                 WHERE highest > sequence.last_value OR (highest = sequence.last_value AND NOT sequence.is_called)",
                Ident::new(&column.name),
                present::full(name),
                present::full(sequence)
            );
            client.execute(&sql, &[&present::full(sequence)]).await?;
        }
    }
    Ok(())
}

/// New numbers of rows for the planner; without them its first queries after a large run are slow.
async fn analyze(client: &Client, tables: &BTreeSet<Name>) -> Result<(), Error> {
    for table in tables {
        client.batch_execute(&format!("ANALYZE {}", present::full(table))).await?;
    }
    Ok(())
}

/// What `COPY … TO STDOUT` sends.
async fn copy_out(client: &Client, sql: &str) -> Result<Vec<u8>, Error> {
    let mut stream = pin!(client.copy_out(sql).await?);
    let mut bytes = Vec::new();
    while let Some(part) = stream.try_next().await? {
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

/// Gives `COPY … FROM STDIN` all its data.
async fn send(client: &Client, sql: &str, data: Vec<u8>) -> Result<(), Error> {
    let mut sink = pin!(client.copy_in::<_, Bytes>(sql).await?);
    sink.send(Bytes::from(data)).await?;
    sink.finish().await?;
    Ok(())
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
