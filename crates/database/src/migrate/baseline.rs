//! Beginning with a database that is there already: its migrations are recorded as applied without being run, or its
//! schema is written as the first one.

use std::process::Stdio;

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Client;

use super::{
    Backup, Created, Migration, MigrationError, Sources, Status, apply,
    create::{create_with, slug},
    fresh::KEPT,
    plan, record,
    status::State,
};
use crate::{Error, Options, session};

/// What [`baseline`] recorded.
#[derive(Debug, Clone, Serialize)]
pub struct Baselined {
    /// As in `003_add_coupons`; recorded as applied and not run.
    pub recorded: Vec<String>,
}

/// The pending migrations up to `last` and including it, or all of them. Changes nothing.
///
/// # Errors
/// [`Error::UnknownMigration`], or a file that cannot be read.
pub async fn plan_baseline(client: &Client, sources: &Sources, last: Option<&str>) -> Result<Vec<Migration>, Error> {
    let migrations = sources.load()?;
    let last = last.map(|wanted| plan::find(&migrations, wanted).map(|found| found.version.clone())).transpose()?;
    let status = Status::new(&migrations, &record::read(client).await?);
    let pending = |migration: &Migration| {
        let entry = status.migrations.iter().find(|entry| entry.version == migration.version);
        entry.is_some_and(|entry| entry.state == State::Pending)
    };
    let chosen = migrations
        .iter()
        .filter(|migration| pending(migration) && last.as_ref().is_none_or(|last| migration.version <= *last));
    Ok(chosen.cloned().collect())
}

/// Records pending migrations as applied without running them, all or none.
///
/// # Errors
/// As [`plan_baseline`].
pub async fn baseline(
    client: &mut Client,
    sources: &Sources,
    last: Option<&str>,
    options: &Options,
) -> Result<Baselined, Error> {
    session::lock(client, options).await?;
    let result = locked(client, sources, last).await;
    apply::finish(client, result).await
}

async fn locked(client: &mut Client, sources: &Sources, last: Option<&str>) -> Result<Baselined, Error> {
    record::prepare(client).await?;
    let chosen = plan_baseline(client, sources, last).await?;
    let transaction = client.transaction().await?;
    for migration in &chosen {
        record::adopt(transaction.client(), migration).await?;
    }
    project::fault::hit("baseline.before-commit");
    transaction.commit().await?;
    Ok(Baselined { recorded: chosen.iter().map(Migration::id).collect() })
}

/// Writes the database's schema as a new migration, by `pg_dump`, and records it as applied here. Schemas of nself's
/// services are left out: they make them by themselves.
///
/// # Errors
/// [`MigrationError::Baseline`] when migrations are there already, or with what `pg_dump` said.
pub async fn baseline_from_schema(
    client: &mut Client,
    sources: &Sources,
    name: &str,
    tools: &Backup,
    options: &Options,
    now: Timestamp,
) -> Result<Created, Error> {
    slug(name)?;
    if !sources.load()?.is_empty() {
        let problem = "there are migrations already; without --from-schema they are recorded as applied".to_owned();
        return Err(MigrationError::Baseline { problem }.into());
    }
    let schema = schema(client, tools).await?;
    let created = create_with(sources, name, now, |title| {
        format!("-- {title}: the schema as it was on {}.\n\n-- UP\n{schema}", now.strftime("%Y-%m-%d"))
    })?;
    project::fault::hit("baseline.written");
    baseline(client, sources, None, options).await?;
    Ok(created)
}

async fn schema(client: &Client, tools: &Backup) -> Result<String, Error> {
    let failed = |problem: String| -> Error { MigrationError::Baseline { problem }.into() };
    let program = tools.pg_dump(client).await?;
    let mut command = tools.place.command(&program);
    command.args(["--schema-only", "--no-owner", "--no-password"]).stdin(Stdio::null());
    command.args(KEPT.iter().map(|schema| format!("--exclude-schema={schema}")));
    let output = tokio::process::Command::from(command).kill_on_drop(true).output().await;
    let output = output.map_err(|source| failed(format!("{}: {source}", program.display())))?;
    if !output.status.success() {
        return Err(failed(format!("pg_dump: {}", String::from_utf8_lossy(&output.stderr).trim())));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| failed("the schema is not UTF-8".to_owned()))?;
    // Newer releases put psql's `\restrict` around the script; a migration is no psql script.
    let lines = text.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    Ok(lines.fold(String::new(), |text, line| text + line + "\n").trim().to_owned() + "\n")
}
