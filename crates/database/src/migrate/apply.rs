use std::{
    path::Path,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Client;

use super::{Backup, Direction, Migration, Plan, Sources, Target, Version, files, plan, record, retry, steps};
use crate::{Error, Options, failure::Source, session};

pub(super) const KEPT_NOTHING: &str = "nothing of this migration was kept";
pub(super) const KEPT_NOTHING_TOGETHER: &str = "nothing of the migrations that run together was kept";

/// What a run applied or undid.
#[derive(Debug, Clone, Serialize)]
pub struct Applied {
    pub version: Version,
    pub name: String,
    pub file: std::path::PathBuf,
    pub statements: usize,
    pub duration_ms: u64,
}

impl Applied {
    pub(super) fn new(migration: &Migration, part: &files::Part, begun: Instant) -> Self {
        Self {
            statements: part.statements.len(),
            duration_ms: milliseconds(begun.elapsed()),
            file: part.file.clone(),
            version: migration.version.clone(),
            name: migration.name.clone(),
        }
    }
}

/// What happens during a run, for whoever shows it.
#[derive(Debug)]
pub enum Event<'a> {
    /// What the run may lose is in this file.
    Saved {
        file: &'a Path,
        bytes: u64,
    },
    Applied(&'a Applied),
    Undone(&'a Applied),
    /// A lock was not to be had in time; the next try comes after the pause.
    Waiting {
        id: &'a str,
        attempt: u32,
        of: u32,
        pause: Duration,
    },
    /// An interrupted migration goes on.
    Resumed {
        id: &'a str,
        done: usize,
        of: usize,
        direction: Direction,
    },
    /// The server refused a statement inside a transaction: the file runs statement by statement.
    OneByOne {
        id: &'a str,
    },
    /// Records of migrations that were squashed into this one gave way to its own.
    Adopted {
        id: &'a str,
        replaced: usize,
    },
}

/// Changes a database by migrations: what to run, how patiently, what to save before, and whom to tell.
pub struct Runner<'a> {
    pub sources: &'a Sources,
    pub options: Options,
    /// Where to save the data before a migration that takes some away; none saves nothing.
    pub backup: Option<Backup>,
    pub events: &'a mut (dyn FnMut(&Event<'_>) + Send),
}

impl std::fmt::Debug for Runner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner").field("sources", self.sources).field("options", &self.options).finish_non_exhaustive()
    }
}

/// Applies what is pending, each migration with its record in one transaction, and calls `progress` after each.
///
/// Only one run at a time works on a database; a second waits for its turn and then finds nothing to do. Session
/// settings of `client` are put back to their defaults.
///
/// # Errors
/// The failing migration leaves nothing behind; those before it stay applied. One that cannot be a transaction keeps the
/// statements before the failing one, and the next run goes on there.
pub async fn migrate(
    client: &mut Client,
    sources: &Sources,
    target: &Target,
    options: &Options,
    progress: &mut (dyn FnMut(&Applied) + Send),
) -> Result<Vec<Applied>, Error> {
    let mut events = |event: &Event<'_>| {
        if let Event::Applied(done) = event {
            progress(done);
        }
    };
    Runner { sources, options: *options, backup: None, events: &mut events }.up(client, target).await
}

/// Gives the lock back; the first error is the one worth telling.
pub(crate) async fn finish<T>(client: &Client, result: Result<T, Error>) -> Result<T, Error> {
    let unlocked = session::unlock(client).await;
    let value = result?;
    unlocked?;
    Ok(value)
}

impl Runner<'_> {
    /// As [`migrate`].
    ///
    /// # Errors
    /// As [`migrate`]; and when the data cannot be saved before a migration that takes some away.
    pub async fn up(&mut self, client: &mut Client, target: &Target) -> Result<Vec<Applied>, Error> {
        session::lock(client, &self.options).await?;
        let result = self.locked(client, target).await;
        finish(client, result).await
    }

    async fn locked(&mut self, client: &mut Client, target: &Target) -> Result<Vec<Applied>, Error> {
        let plan = self.planned(client, target).await?;
        self.each(client, &plan, &plan.migrations).await
    }

    /// The plan, when nothing stands in its way any more: records of squashed migrations are swapped, data is saved.
    async fn planned(&mut self, client: &mut Client, target: &Target) -> Result<Plan, Error> {
        record::prepare(client).await?;
        let plan = plan::plan(client, self.sources, target).await?;
        for migration in &plan.adopted {
            self.adopt(client, migration).await?;
        }
        for migration in &plan.migrations {
            if self.backup.is_some() && plan::loses(client, &migration.up).await? {
                self.save(client, &migration.id()).await?;
                break;
            }
        }
        Ok(plan)
    }

    pub(super) async fn save(&mut self, client: &Client, before: &str) -> Result<(), Error> {
        let Some(backup) = &self.backup else { return Ok(()) };
        if let Some(saved) = backup.save(client, before, Timestamp::now()).await? {
            (self.events)(&Event::Saved { file: &saved.file, bytes: saved.bytes });
        }
        project::fault::hit("migrate.saved");
        Ok(())
    }

    async fn adopt(&mut self, client: &mut Client, migration: &Migration) -> Result<(), Error> {
        let transaction = client.transaction().await?;
        for version in &migration.replaces {
            record::delete_number(transaction.client(), version).await?;
        }
        record::adopt(transaction.client(), migration).await?;
        project::fault::hit("migrate.adopting");
        transaction.commit().await?;
        (self.events)(&Event::Adopted { id: &migration.id(), replaced: migration.replaces.len() });
        Ok(())
    }

    /// Each by itself.
    pub(super) async fn each(
        &mut self,
        client: &mut Client,
        plan: &Plan,
        migrations: &[Migration],
    ) -> Result<Vec<Applied>, Error> {
        let mut applied = Vec::new();
        for migration in migrations {
            let begun = Instant::now();
            self.one(client, migration, plan.resumed(migration)).await?;
            project::fault::hit("migrate.between");
            let done = Applied::new(migration, &migration.up, begun);
            (self.events)(&Event::Applied(&done));
            applied.push(done);
        }
        Ok(applied)
    }

    async fn one(
        &mut self,
        client: &mut Client,
        migration: &Migration,
        resumed: Option<(&Version, &super::journal::Journal)>,
    ) -> Result<(), Error> {
        let id = migration.id();
        let options = self.options;
        if resumed.is_none() && migration.transactional() {
            let whole = retry::with(client, &options, &id, self.events, async |client: &mut Client| {
                in_transaction(client, migration, &options).await
            });
            if whole.await? {
                return Ok(());
            }
            (self.events)(&Event::OneByOne { id: &id });
        }
        let (version, journal) = match resumed {
            Some((version, journal)) => (version, Some(journal)),
            None => (&migration.version, None),
        };
        let course = steps::Course { migration, version, part: &migration.up, direction: Direction::Up };
        steps::run(client, course, journal, &options, self.events).await
    }

    /// As [`Runner::up`], with something that belongs to the schema: the last migrations, their records and what `along`
    /// does on the same connection are one transaction. `along` runs when nothing is pending too. Migrations that cannot
    /// be part of it, and those before them, are applied first, each by itself.
    ///
    /// # Errors
    /// As [`migrate`]; and those of `along`, after which nothing of the transaction is kept.
    pub async fn up_with<E: From<Error>>(
        &mut self,
        client: &mut Client,
        target: &Target,
        along: impl AsyncFnOnce(&tokio_postgres::Transaction<'_>) -> Result<(), E>,
    ) -> Result<Vec<Applied>, E> {
        session::lock(client, &self.options).await?;
        let result = self.locked_with(client, target, along).await;
        let unlocked = session::unlock(client).await;
        let applied = result?;
        unlocked?;
        Ok(applied)
    }

    async fn locked_with<E: From<Error>>(
        &mut self,
        client: &mut Client,
        target: &Target,
        along: impl AsyncFnOnce(&tokio_postgres::Transaction<'_>) -> Result<(), E>,
    ) -> Result<Vec<Applied>, E> {
        let plan = self.planned(client, target).await?;
        let (alone, together) = plan.migrations.split_at(alone(&plan, &plan.migrations));
        let mut applied = self.each(client, &plan, alone).await?;
        session::set_timeouts(client, &self.options).await?;
        let transaction = client.transaction().await.map_err(Error::from)?;
        let done = apply_all(transaction.client(), together, &self.options).await?;
        project::fault::hit("migrate.before-metadata");
        along(&transaction).await?;
        project::fault::hit("migrate.before-commit");
        transaction.commit().await.map_err(Error::from)?;
        project::fault::hit("migrate.after-commit");
        done.iter().for_each(|done| (self.events)(&Event::Applied(done)));
        applied.extend(done);
        Ok(applied)
    }
}

/// How many of the first migrations cannot share a transaction with those behind them.
pub(super) fn alone(plan: &Plan, migrations: &[Migration]) -> usize {
    let apart = |migration: &Migration| {
        !migration.transactional() || migration.up.adds_value() || plan.resumed(migration).is_some()
    };
    migrations.iter().rposition(apart).map_or(0, |last| last + 1)
}

/// Applies migrations with their records in the caller's transaction.
pub(super) async fn apply_all(
    client: &Client,
    migrations: &[Migration],
    options: &Options,
) -> Result<Vec<Applied>, Error> {
    let mut done = Vec::new();
    for migration in migrations {
        let begun = Instant::now();
        session::set_timeouts(client, options).await?;
        statements(client, &migration.up, KEPT_NOTHING_TOGETHER).await?;
        session::reset(client).await?;
        record::insert(client, migration, &migration.version, begun.elapsed()).await?;
        done.push(Applied::new(migration, &migration.up, begun));
    }
    Ok(done)
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// False, with nothing done, when the server refuses one of the statements inside a transaction block.
async fn in_transaction(client: &mut Client, migration: &Migration, options: &Options) -> Result<bool, Error> {
    let begun = Instant::now();
    let transaction = client.transaction().await?;
    session::set_timeouts(transaction.client(), options).await?;
    if !accepted(transaction.client(), &migration.up, KEPT_NOTHING).await? {
        return Ok(false);
    }
    session::reset(transaction.client()).await?;
    record::insert(transaction.client(), migration, &migration.version, begun.elapsed()).await?;
    project::fault::hit("migrate.before-commit");
    transaction.commit().await?;
    project::fault::hit("migrate.after-commit");
    Ok(true)
}

/// As [`statements`]; false when one of them is refused because it stands in a transaction block.
pub(super) async fn accepted(client: &Client, part: &files::Part, outcome: &'static str) -> Result<bool, Error> {
    let source = Source { file: Some(&part.file), text: &part.text };
    for (statement, meaning) in part.statements.iter().zip(part.grammar()) {
        match session::run(client, source, statement, outcome).await {
            Err(error) if steps::refused(&error, &meaning.kind) => return Ok(false),
            ran => ran?,
        }
        project::fault::hit("migrate.inside");
    }
    constraints(client, part, outcome).await?;
    Ok(true)
}

/// Runs a part inside the caller's transaction, deferred constraints included, so that they fail here and not at COMMIT.
pub(crate) async fn statements(client: &Client, part: &files::Part, outcome: &'static str) -> Result<(), Error> {
    let source = Source { file: Some(&part.file), text: &part.text };
    for statement in &part.statements {
        session::run(client, source, statement, outcome).await?;
        project::fault::hit("migrate.inside");
    }
    constraints(client, part, outcome).await
}

async fn constraints(client: &Client, part: &files::Part, outcome: &'static str) -> Result<(), Error> {
    let source = Source { file: Some(&part.file), text: &part.text };
    let checked = client.batch_execute("SET CONSTRAINTS ALL IMMEDIATE").await;
    match (checked, part.statements.last()) {
        (Err(error), Some(last)) => Err(session::failed(client, source, last, error, outcome)),
        (checked, _) => Ok(checked?),
    }
}
