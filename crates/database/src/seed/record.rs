//! The table `nself.seeds`.

use std::time::Duration;

use jiff::Timestamp;
use project::EnvName;
use tokio_postgres::Client;

use super::Seed;
use crate::{
    Error,
    migrate::{exists, milliseconds, timestamp},
    session,
};

/// One row.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub path: String,
    pub checksum: String,
    pub applied_at: Option<Timestamp>,
    pub duration_ms: Option<i64>,
}

/// Reads without changing anything: before the first run the table of the Bash nself counts.
pub(super) async fn read(client: &Client, seeds: &[Seed]) -> Result<Vec<Record>, Error> {
    if !exists(client, "nself.seeds").await? {
        return legacy(client, seeds).await;
    }
    let rows = client.query("SELECT path, checksum, applied_at, duration_ms FROM nself.seeds", &[]).await?;
    Ok(rows
        .iter()
        .map(|row| Record {
            path: row.get(0),
            checksum: row.get(1),
            applied_at: timestamp(row.get(2)),
            duration_ms: row.get(3),
        })
        .collect())
}

/// `nself_seeds (filename, applied_at, environment)` of the Bash nself, which knew seeds by file name alone: a name that
/// stands in two folders says nothing. What it applied is taken to be what the files say today.
async fn legacy(client: &Client, seeds: &[Seed]) -> Result<Vec<Record>, Error> {
    if !exists(client, "public.nself_seeds").await? {
        return Ok(Vec::new());
    }
    let rows = client.query("SELECT filename::text, applied_at::timestamptz FROM public.nself_seeds", &[]).await?;
    let mut records = Vec::new();
    for row in rows {
        let name: &str = row.get(0);
        let base = name.rsplit('/').next().unwrap_or(name);
        let mut called = seeds.iter().filter(|seed| seed.file_name() == base);
        if let (Some(seed), None) = (called.next(), called.next()) {
            records.push(Record {
                path: seed.path.clone(),
                checksum: seed.checksum.clone(),
                applied_at: timestamp(row.get(1)),
                duration_ms: None,
            });
        }
    }
    Ok(records)
}

/// Creates the table where it is missing and takes over, once, what the Bash nself applied.
pub(super) async fn prepare(client: &mut Client, seeds: &[Seed], environment: &EnvName) -> Result<(), Error> {
    if exists(client, "nself.seeds").await? {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    let inherited = legacy(transaction.client(), seeds).await?;
    transaction.batch_execute(include_str!("record.sql")).await?;
    for record in inherited {
        let applied_at = record.applied_at.map(std::time::SystemTime::from);
        transaction
            .execute(
                "INSERT INTO nself.seeds (path, checksum, environment, applied_at, applied_by)
                 VALUES ($1, $2, $3, coalesce($4, clock_timestamp()), 'earlier nself')",
                &[&record.path, &record.checksum, &environment.as_str(), &applied_at],
            )
            .await?;
    }
    Ok(transaction.commit().await?)
}

pub(super) async fn write(
    client: &Client,
    seed: &Seed,
    checksum: &str,
    environment: &EnvName,
    duration: Duration,
) -> Result<(), Error> {
    let duration = i64::try_from(milliseconds(duration)).unwrap_or(i64::MAX);
    client
        .execute(
            "INSERT INTO nself.seeds (path, checksum, environment, duration_ms, applied_by) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (path) DO UPDATE SET checksum = excluded.checksum, environment = excluded.environment,
                 duration_ms = excluded.duration_ms, applied_by = excluded.applied_by, applied_at = excluded.applied_at",
            &[&seed.path, &checksum, &environment.as_str(), &duration, &session::author()],
        )
        .await?;
    Ok(())
}
