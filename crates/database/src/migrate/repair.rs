use serde::Serialize;
use tokio_postgres::Client;

use super::{
    Sources, State, Status, apply,
    journal::{self, Key},
    plan,
    record::{self, Record},
};
use crate::{Error, Options, session};

/// What a person knows about a migration that nself cannot know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// The edited file is right: take its checksum.
    Accept,
    /// The database has everything the interrupted migration does.
    Applied,
    /// The database has nothing of it: forget that it was begun, or that it was ever applied.
    Pending,
    /// The statement at which it was interrupted took effect: go on behind it.
    StepDone,
    /// The statement at which it was interrupted did not take effect: run it again.
    StepAgain,
}

/// Puts the record of one migration right. Changes no table but `nself.migrations`.
pub async fn repair(
    client: &mut Client,
    sources: &Sources,
    wanted: &str,
    repair: Repair,
    options: &Options,
) -> Result<Status, Error> {
    session::lock(client, options).await?;
    let result = locked(client, sources, wanted, repair).await;
    apply::finish(client, result).await
}

async fn locked(client: &mut Client, sources: &Sources, wanted: &str, repair: Repair) -> Result<Status, Error> {
    record::prepare(client).await?;
    let migrations = sources.load()?;
    let records = record::read(client).await?;
    let status = Status::new(&migrations, &records);
    let unknown = || Error::UnknownMigration { wanted: wanted.to_owned() };
    let version = plan::number(wanted).ok_or_else(unknown)?;
    let entry = status.migrations.iter().find(|entry| entry.version == version).ok_or_else(unknown)?;
    let migration = migrations.iter().find(|migration| migration.version == version);
    let recorded: Option<&Record> = records.iter().find(|record| record.version == version);
    match (repair, entry.state, migration, recorded) {
        (Repair::Accept, State::Edited, Some(migration), Some(record))
        | (Repair::Applied, State::HalfWay, Some(migration), Some(record)) => {
            let transaction = client.transaction().await?;
            record::accept(transaction.client(), &record.version, &migration.checksum).await?;
            journal::clear(transaction.client(), &record.version).await?;
            transaction.commit().await?;
        }
        (Repair::StepDone | Repair::StepAgain, State::HalfWay, _, Some(record)) => {
            step(client, record, repair == Repair::StepDone, &entry.id()).await?;
        }
        (Repair::Pending, State::HalfWay | State::Missing, _, Some(record)) => {
            record::delete(client, &record.version).await?;
        }
        _ => return Err(Error::NoRepair { id: entry.id(), state: entry.state.as_str() }),
    }
    Ok(Status::new(&migrations, &record::read(client).await?))
}

/// Says of the statement that was begun whether it took effect.
async fn step(client: &Client, record: &Record, done: bool, id: &str) -> Result<(), Error> {
    let clear = || Error::NoRepair { id: id.to_owned(), state: "half-way, and the next run knows where to go on" };
    let journal = record.journal.as_ref().ok_or_else(clear)?;
    let (step, noted) = journal.steps.iter().find(|(_, noted)| !noted.done).ok_or_else(clear)?;
    let key = Key { version: &record.version, direction: journal.direction, step: *step };
    if done {
        journal::note(client, key, &noted.checksum, true, &noted.known).await
    } else {
        journal::forget(client, key).await
    }
}
