//! What a run would do: which migrations, in which order, and what they can lose.

use serde::Serialize;
use tokio_postgres::Client;

use super::{
    Migration, MigrationError, Part, Sources, Status, Version,
    journal::{Direction, Journal},
    record::{self, Record},
    status::State,
};
use crate::{
    Error,
    grammar::{self, LockMode, Loss, Name},
};

/// How far to go.
#[derive(Debug, Clone, Default)]
pub enum Target {
    #[default]
    Everything,
    /// Up to this one and including it; a version, or version and name.
    Version(String),
    /// This many.
    Steps(usize),
}

/// What a run would apply, in order.
#[derive(Debug, Clone)]
pub struct Plan {
    pub migrations: Vec<Migration>,
    /// Those that take the place of migrations which are applied: only records change.
    pub adopted: Vec<Migration>,
    /// How many stay pending behind the target.
    pub left: usize,
    records: Vec<Record>,
}

impl Plan {
    /// Migrations of which the database has nothing.
    pub(super) fn fresh(migrations: Vec<Migration>) -> Self {
        Self { migrations, adopted: Vec::new(), left: 0, records: Vec::new() }
    }

    /// The record of a migration that was interrupted and goes on.
    pub(super) fn resumed(&self, migration: &Migration) -> Option<(&Version, &Journal)> {
        let record = self.records.iter().find(|record| record.version == migration.version)?;
        Some((&record.version, record.journal.as_ref()?))
    }
}

/// Looks at files and database and says what [`super::migrate`] would do. Changes nothing.
///
/// # Errors
/// When a file cannot be read or understood, and when the database holds a migration that was edited, or interrupted
/// where nobody can tell how far it came: nothing is applied on top of such a state.
pub async fn plan(client: &Client, sources: &Sources, target: &Target) -> Result<Plan, Error> {
    let migrations = sources.load()?;
    let records = record::read(client).await?;
    let status = Status::new(&migrations, &records);
    status.refuse(&migrations, &records)?;
    let last = match target {
        Target::Version(wanted) => Some(find(&migrations, wanted)?.version.clone()),
        Target::Everything | Target::Steps(_) => None,
    };
    let (mut begun, mut chosen, mut adopted) = (Vec::new(), Vec::new(), Vec::new());
    for migration in migrations {
        let state = status.migrations.iter().find(|entry| entry.version == migration.version).map(|entry| entry.state);
        match state {
            Some(State::Pending) => chosen.push(migration),
            Some(State::Squashed) => adopted.push(migration),
            Some(State::HalfWay) => begun.push(migration),
            _ => {}
        }
    }
    let all = begun.len() + chosen.len();
    chosen.retain(|migration| last.as_ref().is_none_or(|last| migration.version <= *last));
    // What was begun is ended first.
    begun.extend(chosen);
    if let Target::Steps(steps) = target {
        begun.truncate(*steps);
    }
    for migration in &begun {
        migration.up.check_way()?;
        if migration.up.statements.is_empty() {
            return Err(Error::Empty { id: migration.id(), file: migration.up.file.clone() });
        }
    }
    Ok(Plan { left: all - begun.len(), migrations: begun, adopted, records })
}

/// The migration that a person means by `004`, `4` or `004_add_coupons`.
pub(super) fn find<'a>(migrations: &'a [Migration], wanted: &str) -> Result<&'a Migration, Error> {
    let number = number(wanted);
    migrations
        .iter()
        .find(|migration| number.as_ref() == Some(&migration.version))
        .ok_or_else(|| Error::UnknownMigration { wanted: wanted.to_owned() })
}

/// The version in `004`, `4` or `004_add_coupons`.
pub(super) fn number(wanted: &str) -> Option<Version> {
    Version::parse(wanted.split('_').next().unwrap_or(wanted))
}

/// Refuses when a migration stands half-way in the direction opposite to `wanted`, or where its journal does not say.
pub(super) fn passable(record: &Record, id: &str, wanted: Direction) -> Result<(), Error> {
    match &record.journal {
        _ if record.finished => Ok(()),
        None => Err(Error::HalfWay { id: id.to_owned() }),
        Some(journal) if journal.direction == wanted => Ok(()),
        Some(journal) => Err(MigrationError::OtherWay { id: id.to_owned(), direction: journal.direction }.into()),
    }
}

/// One statement of a plan, with what it does on this database.
#[derive(Debug, Clone, Serialize)]
pub struct Explained {
    /// In the file, from 1.
    pub line: usize,
    pub sql: String,
    /// Bytes of data behind `COPY … FROM STDIN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<usize>,
    pub in_transaction: bool,
    /// Relation and mode.
    pub locks: Vec<(Name, LockMode)>,
    pub losses: Vec<Loss>,
    /// False when nself cannot read it: locks are then unknown, and PostgreSQL decides whether it can stand in a
    /// transaction.
    pub read: bool,
}

/// What each statement of a part does. Changes nothing.
///
/// # Errors
/// [`Error::Database`].
pub async fn explain(client: &Client, part: &Part) -> Result<Vec<Explained>, Error> {
    let mut explained = Vec::new();
    for (statement, meaning) in part.statements.iter().zip(part.grammar()) {
        let found = grammar::look(client, meaning).await?;
        explained.push(Explained {
            line: part.line(statement),
            sql: part.text[statement.range.clone()].to_owned(),
            data: statement.data.as_ref().map(ExactSizeIterator::len),
            in_transaction: meaning.in_transaction,
            locks: found.locks,
            losses: found.losses,
            read: meaning.read,
        });
    }
    Ok(explained)
}

/// Whether running a part takes away data of this database.
pub(super) async fn loses(client: &Client, part: &Part) -> Result<bool, Error> {
    for meaning in part.grammar().iter().filter(|meaning| !meaning.destructive.is_empty()) {
        if !grammar::look(client, meaning).await?.losses.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}
