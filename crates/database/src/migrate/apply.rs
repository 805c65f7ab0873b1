use std::time::{Duration, Instant};

use serde::Serialize;
use tokio_postgres::Client;

use super::{Migration, Sources, Status, Version, files, record, status::State};
use crate::{Error, Options, failure::Source, session};

pub(super) const KEPT_NOTHING: &str = "nothing of this migration was kept";
const KEPT_NOTHING_TOGETHER: &str = "nothing of the migrations that run together was kept";

/// How far to go.
#[derive(Debug, Clone, Default)]
pub enum Target {
    #[default]
    Everything,
    /// Up to this one and including it; a version, or version and name.
    Version(String),
}

/// What a run would apply, in order.
#[derive(Debug, Clone)]
pub struct Plan {
    pub migrations: Vec<Migration>,
    /// How many stay pending behind the target.
    pub left: usize,
}

/// What a run applied.
#[derive(Debug, Clone, Serialize)]
pub struct Applied {
    pub version: Version,
    pub name: String,
    pub file: std::path::PathBuf,
    pub statements: usize,
    pub duration_ms: u64,
}

impl Applied {
    fn new(migration: Migration, begun: Instant) -> Self {
        Self {
            statements: migration.up.statements.len(),
            duration_ms: milliseconds(begun.elapsed()),
            file: migration.up.file,
            version: migration.version,
            name: migration.name,
        }
    }
}

/// Looks at files and database and says what [`migrate`] would do. Changes nothing.
///
/// # Errors
/// When a file cannot be read or understood, and when the database holds a migration that was edited or interrupted:
/// nothing is applied on top of such a state.
pub async fn plan(client: &Client, sources: &Sources, target: &Target) -> Result<Plan, Error> {
    let migrations = sources.load()?;
    let status = Status::new(&migrations, &record::read(client).await?);
    status.refuse()?;
    let last = match target {
        Target::Everything => None,
        Target::Version(wanted) => Some(find(&migrations, wanted)?.version.clone()),
    };
    let pending: Vec<&Version> =
        status.migrations.iter().filter(|entry| entry.state == State::Pending).map(|entry| &entry.version).collect();
    let mut chosen: Vec<Migration> =
        migrations.into_iter().filter(|migration| pending.contains(&&migration.version)).collect();
    let all = chosen.len();
    chosen.retain(|migration| last.as_ref().is_none_or(|last| migration.version <= *last));
    for migration in &chosen {
        migration.up.check(migration.transactional)?;
        if migration.up.statements.is_empty() {
            return Err(Error::Empty { id: migration.id(), file: migration.up.file.clone() });
        }
    }
    Ok(Plan { left: all - chosen.len(), migrations: chosen })
}

/// The migration that a person means by `004`, `4` or `004_add_coupons`.
pub(super) fn find<'a>(migrations: &'a [Migration], wanted: &str) -> Result<&'a Migration, Error> {
    let number = Version::parse(wanted.split('_').next().unwrap_or(wanted));
    migrations
        .iter()
        .find(|migration| number.as_ref() == Some(&migration.version))
        .ok_or_else(|| Error::UnknownMigration { wanted: wanted.to_owned() })
}

/// Applies what is pending, each migration with its record in one transaction, and calls `progress` after each.
///
/// Only one run at a time works on a database; a second waits for its turn and then finds nothing to do. Session
/// settings of `client` are put back to their defaults.
///
/// # Errors
/// The failing migration leaves nothing behind; those before it stay applied.
pub async fn migrate(
    client: &mut Client,
    sources: &Sources,
    target: &Target,
    options: &Options,
    progress: &mut (dyn FnMut(&Applied) + Send),
) -> Result<Vec<Applied>, Error> {
    session::lock(client, options).await?;
    let result = locked(client, sources, target, options, progress).await;
    finish(client, result).await
}

/// Gives the lock back; the first error is the one worth telling.
pub(crate) async fn finish<T>(client: &Client, result: Result<T, Error>) -> Result<T, Error> {
    let unlocked = session::unlock(client).await;
    let value = result?;
    unlocked?;
    Ok(value)
}

async fn locked(
    client: &mut Client,
    sources: &Sources,
    target: &Target,
    options: &Options,
    progress: &mut (dyn FnMut(&Applied) + Send),
) -> Result<Vec<Applied>, Error> {
    record::prepare(client).await?;
    let migrations = plan(client, sources, target).await?.migrations;
    each(client, migrations, options, progress).await
}

/// Each by itself.
async fn each(
    client: &mut Client,
    migrations: Vec<Migration>,
    options: &Options,
    progress: &mut (dyn FnMut(&Applied) + Send),
) -> Result<Vec<Applied>, Error> {
    let mut applied = Vec::new();
    for migration in migrations {
        let begun = Instant::now();
        session::set_lock_timeout(client, options.lock_timeout).await?;
        if migration.transactional {
            in_transaction(client, &migration, begun).await?;
        } else {
            one_by_one(client, &migration, begun).await?;
        }
        project::fault::hit("migrate.between");
        let done = Applied::new(migration, begun);
        progress(&done);
        applied.push(done);
    }
    Ok(applied)
}

/// As [`migrate`], with something that belongs to the schema: the last migrations, their records and what `along` does on
/// the same connection are one transaction. `along` runs when nothing is pending too. Migrations that run outside a
/// transaction cannot be part of it: they, and those before them, are applied first, each by itself.
///
/// # Errors
/// As [`migrate`]; and those of `along`, after which nothing of the transaction is kept.
pub async fn migrate_with<E: From<Error>>(
    client: &mut Client,
    sources: &Sources,
    target: &Target,
    options: &Options,
    progress: &mut (dyn FnMut(&Applied) + Send),
    along: impl AsyncFnOnce(&tokio_postgres::Transaction<'_>) -> Result<(), E>,
) -> Result<Vec<Applied>, E> {
    session::lock(client, options).await?;
    let result = locked_with(client, sources, target, options, progress, along).await;
    let unlocked = session::unlock(client).await;
    let applied = result?;
    unlocked?;
    Ok(applied)
}

async fn locked_with<E: From<Error>>(
    client: &mut Client,
    sources: &Sources,
    target: &Target,
    options: &Options,
    progress: &mut (dyn FnMut(&Applied) + Send),
    along: impl AsyncFnOnce(&tokio_postgres::Transaction<'_>) -> Result<(), E>,
) -> Result<Vec<Applied>, E> {
    record::prepare(client).await?;
    let mut migrations = plan(client, sources, target).await?.migrations;
    let alone = migrations.iter().rposition(|migration| !migration.transactional).map_or(0, |last| last + 1);
    let together = migrations.split_off(alone);
    let mut applied = each(client, migrations, options, progress).await?;
    session::set_lock_timeout(client, options.lock_timeout).await?;
    let transaction = client.transaction().await.map_err(Error::from)?;
    let mut done = Vec::new();
    for migration in together {
        let begun = Instant::now();
        statements(transaction.client(), &migration.up, KEPT_NOTHING_TOGETHER).await?;
        session::reset(transaction.client()).await?;
        record::insert(transaction.client(), &migration, begun.elapsed()).await?;
        done.push(Applied::new(migration, begun));
    }
    project::fault::hit("migrate.before-metadata");
    along(&transaction).await?;
    project::fault::hit("migrate.before-commit");
    transaction.commit().await.map_err(Error::from)?;
    project::fault::hit("migrate.after-commit");
    done.iter().for_each(progress);
    applied.extend(done);
    Ok(applied)
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

async fn in_transaction(client: &mut Client, migration: &Migration, begun: Instant) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    statements(transaction.client(), &migration.up, KEPT_NOTHING).await?;
    session::reset(transaction.client()).await?;
    record::insert(transaction.client(), migration, begun.elapsed()).await?;
    project::fault::hit("migrate.before-commit");
    transaction.commit().await?;
    project::fault::hit("migrate.after-commit");
    Ok(())
}

/// Runs a part inside the caller's transaction, deferred constraints included, so that they fail here and not at COMMIT.
pub(crate) async fn statements(client: &Client, part: &files::Part, outcome: &'static str) -> Result<(), Error> {
    let source = Source { file: Some(&part.file), text: &part.text };
    for statement in &part.statements {
        session::run(client, source, statement, outcome).await?;
        project::fault::hit("migrate.inside");
    }
    let checked = client.batch_execute("SET CONSTRAINTS ALL IMMEDIATE").await;
    match (checked, part.statements.last()) {
        (Err(error), Some(last)) => Err(session::failed(client, source, last, error, outcome)),
        (checked, _) => Ok(checked?),
    }
}

async fn one_by_one(client: &Client, migration: &Migration, begun: Instant) -> Result<(), Error> {
    record::start(client, migration).await?;
    project::fault::hit("migrate.started");
    outside_transaction(client, &migration.up).await?;
    session::reset(client).await?;
    record::insert(client, migration, begun.elapsed()).await
}

pub(super) async fn outside_transaction(client: &Client, part: &files::Part) -> Result<(), Error> {
    const OUTCOME: &str = "this file runs outside a transaction: the statements before this one took effect";
    let source = Source { file: Some(&part.file), text: &part.text };
    for statement in &part.statements {
        session::run(client, source, statement, OUTCOME).await?;
        project::fault::hit("migrate.inside");
    }
    Ok(())
}
