use std::time::Instant;

use project::guard::{Allowed, Destructive};
use tokio_postgres::Client;

use super::{
    Applied, Migration, Sources, Version,
    apply::{self, milliseconds},
    record::{self, Record},
};
use crate::{Error, Options, session};

/// One migration to take back.
#[derive(Debug, Clone)]
pub struct Undo {
    pub migration: Migration,
    /// As recorded; the file may write it with other leading zeros.
    recorded: Version,
}

/// The last `steps` migrations, latest first, with their down parts. Changes nothing.
///
/// # Errors
/// When one of them has no file, or a file that does not say how to undo it: then none is undone.
pub async fn plan(client: &Client, sources: &Sources, steps: usize) -> Result<Vec<Undo>, Error> {
    let migrations = sources.load()?;
    let mut records = record::read(client).await?;
    records.sort_by(|a, b| (b.applied_at, &b.version).cmp(&(a.applied_at, &a.version)));
    records.into_iter().take(steps).map(|record| undo(&migrations, record)).collect()
}

fn undo(migrations: &[Migration], record: Record) -> Result<Undo, Error> {
    let id = super::files::id(&record.version, &record.name);
    if !record.finished {
        return Err(Error::HalfWay { id });
    }
    let migration = migrations.iter().find(|migration| migration.version == record.version);
    let migration = migration.ok_or(Error::FileMissing { id })?.clone();
    match &migration.down {
        Some(down) if !down.statements.is_empty() => down.check(migration.transactional)?,
        _ => return Err(Error::NoDown { id: migration.id(), file: migration.up.file }),
    }
    Ok(Undo { migration, recorded: record.version })
}

/// Undoes the last `steps` migrations, latest first, each with its record in one transaction.
///
/// # Errors
/// The failing one stays applied; those undone before it stay undone.
pub async fn rollback(
    client: &mut Client,
    sources: &Sources,
    steps: usize,
    options: &Options,
    _allowed: &Allowed<Destructive>,
    progress: &mut (dyn FnMut(&Applied) + Send),
) -> Result<Vec<Applied>, Error> {
    session::lock(client, options).await?;
    let result = locked(client, sources, steps, options, progress).await;
    apply::finish(client, result).await
}

async fn locked(
    client: &mut Client,
    sources: &Sources,
    steps: usize,
    options: &Options,
    progress: &mut (dyn FnMut(&Applied) + Send),
) -> Result<Vec<Applied>, Error> {
    record::prepare(client).await?;
    let mut undone = Vec::new();
    for undo in plan(client, sources, steps).await? {
        let begun = Instant::now();
        session::set_lock_timeout(client, options.lock_timeout).await?;
        let Undo { migration, recorded } = undo;
        let Some(down) = migration.down else { continue };
        if migration.transactional {
            let transaction = client.transaction().await?;
            apply::statements(transaction.client(), &down, apply::KEPT_NOTHING).await?;
            session::reset(transaction.client()).await?;
            record::delete(transaction.client(), &recorded).await?;
            project::fault::hit("rollback.before-commit");
            transaction.commit().await?;
        } else {
            record::reopen(client, &recorded).await?;
            apply::outside_transaction(client, &down).await?;
            session::reset(client).await?;
            record::delete(client, &recorded).await?;
        }
        let done = Applied {
            version: migration.version,
            name: migration.name,
            file: down.file,
            statements: down.statements.len(),
            duration_ms: milliseconds(begun.elapsed()),
        };
        progress(&done);
        undone.push(done);
    }
    Ok(undone)
}
