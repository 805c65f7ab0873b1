use std::time::Instant;

use project::guard::{Allowed, Destructive};
use tokio_postgres::Client;

use super::{
    Applied, Direction, Event, Migration, Part, Runner, Sources, Version, apply,
    journal::Journal,
    plan::{self, passable},
    record::{self, Record},
    retry, steps,
};
use crate::{Error, Options, session};

/// How far to go back.
#[derive(Debug, Clone)]
pub enum Back {
    /// The last ones, this many.
    Steps(usize),
    /// Everything that was applied after this one; a version, or version and name.
    To(String),
}

/// One migration to take back.
#[derive(Debug, Clone)]
pub struct Undo {
    pub migration: Migration,
    /// As recorded; the file may write it with other leading zeros.
    pub(super) recorded: Version,
    /// How far it came when it was begun and interrupted.
    journal: Option<Journal>,
}

impl Undo {
    /// The down part; [`plan_rollback`] has seen to it that there is one.
    pub fn down(&self) -> &Part {
        self.migration.down.as_ref().unwrap_or(&self.migration.up)
    }

    pub(super) fn transactional(&self) -> bool {
        self.journal.is_none() && self.down().transactional()
    }
}

/// The last migrations, latest first, with their down parts. Changes nothing.
///
/// # Errors
/// When one of them has no file, or a file that does not say how to undo it: then none is undone.
pub async fn plan_rollback(client: &Client, sources: &Sources, back: &Back) -> Result<Vec<Undo>, Error> {
    let migrations = sources.load()?;
    let mut records = record::read(client).await?;
    let steps = match back {
        Back::Steps(steps) => *steps,
        Back::To(wanted) => {
            let unknown = || Error::UnknownMigration { wanted: wanted.clone() };
            let last = plan::number(wanted).ok_or_else(unknown)?;
            if !records.iter().any(|record| record.version == last) {
                return Err(unknown());
            }
            records.retain(|record| record.version > last);
            records.len()
        }
    };
    // One that is half undone comes first, then by time.
    let key = |record: &Record| (record.finished, std::cmp::Reverse((record.applied_at, record.version.clone())));
    records.sort_by_key(key);
    records.into_iter().take(steps).map(|record| undo(&migrations, record)).collect()
}

fn undo(migrations: &[Migration], record: Record) -> Result<Undo, Error> {
    let id = super::files::id(&record.version, &record.name);
    passable(&record, &id, Direction::Down)?;
    let migration = migrations.iter().find(|migration| migration.version == record.version);
    let migration = migration.ok_or(Error::FileMissing { id })?.clone();
    match &migration.down {
        Some(down) if !down.statements.is_empty() => down.check_way()?,
        _ => return Err(Error::NoDown { id: migration.id(), file: migration.up.file }),
    }
    Ok(Undo { migration, recorded: record.version, journal: record.journal })
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
    allowed: &Allowed<Destructive>,
    progress: &mut (dyn FnMut(&Applied) + Send),
) -> Result<Vec<Applied>, Error> {
    let mut events = |event: &Event<'_>| {
        if let Event::Undone(done) = event {
            progress(done);
        }
    };
    let mut runner = Runner { sources, options: *options, backup: None, events: &mut events };
    runner.rollback(client, &Back::Steps(steps), allowed).await
}

impl Runner<'_> {
    /// As [`rollback`].
    ///
    /// # Errors
    /// As [`rollback`]; and when the data cannot be saved before a part that takes some away.
    pub async fn rollback(
        &mut self,
        client: &mut Client,
        back: &Back,
        _allowed: &Allowed<Destructive>,
    ) -> Result<Vec<Applied>, Error> {
        session::lock(client, &self.options).await?;
        let result = self.locked_back(client, back).await;
        apply::finish(client, result).await
    }

    async fn locked_back(&mut self, client: &mut Client, back: &Back) -> Result<Vec<Applied>, Error> {
        record::prepare(client).await?;
        let undos = plan_rollback(client, self.sources, back).await?;
        self.save_before(client, &undos).await?;
        let mut undone = Vec::new();
        for undo in &undos {
            undone.push(self.undo(client, undo).await?);
        }
        Ok(undone)
    }

    pub(super) async fn save_before(&mut self, client: &Client, undos: &[Undo]) -> Result<(), Error> {
        for undo in undos {
            if self.backup.is_some() && plan::loses(client, undo.down()).await? {
                return self.save(client, &undo.migration.id()).await;
            }
        }
        Ok(())
    }

    pub(super) async fn undo(&mut self, client: &mut Client, undo: &Undo) -> Result<Applied, Error> {
        let begun = Instant::now();
        let options = self.options;
        let id = undo.migration.id();
        let whole = undo.transactional()
            && retry::with(client, &options, &id, self.events, async |client: &mut Client| {
                in_transaction(client, undo, &options).await
            })
            .await?;
        if !whole {
            if undo.transactional() {
                (self.events)(&Event::OneByOne { id: &id });
            }
            let Undo { migration, recorded: version, journal } = undo;
            let course = steps::Course { migration, version, part: undo.down(), direction: Direction::Down };
            steps::run(client, course, journal.as_ref(), &options, self.events).await?;
        }
        let done = Applied::new(&undo.migration, undo.down(), begun);
        (self.events)(&Event::Undone(&done));
        Ok(done)
    }
}

/// False, with nothing done, when the server refuses one of the statements inside a transaction block.
async fn in_transaction(client: &mut Client, undo: &Undo, options: &Options) -> Result<bool, Error> {
    let transaction = client.transaction().await?;
    session::set_timeouts(transaction.client(), options).await?;
    if !apply::accepted(transaction.client(), undo.down(), apply::KEPT_NOTHING).await? {
        return Ok(false);
    }
    session::reset(transaction.client()).await?;
    record::delete(transaction.client(), &undo.recorded).await?;
    project::fault::hit("rollback.before-commit");
    transaction.commit().await?;
    Ok(true)
}
