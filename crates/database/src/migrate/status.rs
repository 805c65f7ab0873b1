use std::{collections::BTreeMap, path::PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::{Direction, Migration, MigrationError, Version, files, plan::passable, record::Record};
use project::Diagnostic;

use crate::Error;

/// Where files and database stand to one another.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// In the order of their versions.
    pub migrations: Vec<Entry>,
    pub applied: usize,
    pub pending: usize,
}

/// One migration: its file, its record, or both.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    pub version: Version,
    pub name: String,
    pub state: State,
    /// Pending, although one with a higher version is applied: it came in late, from another branch.
    pub out_of_order: bool,
    pub file: Option<PathBuf>,
    pub applied_at: Option<Timestamp>,
    pub applied_by: Option<String>,
    pub duration_ms: Option<i64>,
    /// How far an interrupted one came, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// The command that mends an edited, missing or interrupted one.
    pub fix: Option<String>,
}

/// How far a migration came that runs statement by statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    pub direction: Direction,
    /// Statements, or blocks of the file's own, that took effect.
    pub done: usize,
    /// Of how many; none when the file is gone.
    pub of: Option<usize>,
    /// The line of the file where it goes on.
    pub line: Option<usize>,
}

/// What to make of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Applied,
    Pending,
    /// Applied, but its file says something else today.
    Edited,
    /// Applied, but its file is gone.
    Missing,
    /// Begun outside a transaction and interrupted.
    HalfWay,
    /// All that it replaces is applied: the next run swaps the records.
    Squashed,
    /// Some of what it replaces is applied, and some is not.
    PartlyReplaced,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Pending => "pending",
            Self::Edited => "edited",
            Self::Missing => "file missing",
            Self::HalfWay => "half-way",
            Self::Squashed => "applied, as what it replaces",
            Self::PartlyReplaced => "partly applied, as what it replaces",
        }
    }
}

impl Entry {
    pub fn id(&self) -> String {
        files::id(&self.version, &self.name)
    }
}

impl Status {
    /// Compares files with records. Pure.
    pub(crate) fn new(migrations: &[Migration], records: &[Record]) -> Self {
        let recorded: BTreeMap<&Version, &Record> = records.iter().map(|record| (&record.version, record)).collect();
        let highest = records.iter().map(|record| &record.version).max();
        let replaced: Vec<&Version> = migrations.iter().flat_map(|migration| &migration.replaces).collect();
        let with_file = migrations.iter().map(|migration| {
            let record = recorded.get(&migration.version).copied();
            let late = record.is_none() && highest.is_some_and(|highest| *highest > migration.version);
            let mut entry = entry(&migration.version, Some(migration), record, late);
            if let Some(state) = replacing(migration, &recorded) {
                entry.state = state;
                entry.out_of_order = false;
                entry.fix = (state == State::PartlyReplaced).then(|| partly(migration, &recorded).fix()).flatten();
            }
            entry
        });
        let known: Vec<&Version> = migrations.iter().map(|migration| &migration.version).collect();
        let without_file = records
            .iter()
            .filter(|record| known.binary_search(&&record.version).is_err() && !replaced.contains(&&record.version))
            .map(|record| entry(&record.version, None, Some(record), false));
        let mut entries: Vec<Entry> = with_file.chain(without_file).collect();
        entries.sort_by(|a, b| a.version.cmp(&b.version));
        let pending = entries.iter().filter(|entry| entry.state == State::Pending).count();
        Self { applied: entries.len() - pending, pending, migrations: entries }
    }

    /// The first reason why nothing may be applied now.
    pub(crate) fn refuse(&self, migrations: &[Migration], records: &[Record]) -> Result<(), Error> {
        for entry in &self.migrations {
            let record = records.iter().find(|record| record.version == entry.version);
            let migration = migrations.iter().find(|migration| migration.version == entry.version);
            match (entry.state, &entry.file) {
                (State::Edited, Some(file)) => return Err(Error::Edited { id: entry.id(), file: file.clone() }),
                (State::HalfWay, None) => return Err(Error::FileMissing { id: entry.id() }),
                (State::HalfWay, _) => record.map_or(Ok(()), |record| passable(record, &entry.id(), Direction::Up))?,
                (State::PartlyReplaced, _) => {
                    let recorded = records.iter().map(|record| (&record.version, record)).collect();
                    return migration.map_or(Ok(()), |migration| Err(partly(migration, &recorded).into()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// What a squashed migration is to a database that has some of what it replaces; none when its own record says enough.
fn replacing(migration: &Migration, recorded: &BTreeMap<&Version, &Record>) -> Option<State> {
    let own = recorded.get(&migration.version);
    let has = migration.replaces.iter().filter(|version| has(migration, version, recorded)).count();
    match has {
        0 => None,
        // Swapped already, and edited or not since then.
        1 if own.is_some_and(|record| record.name == migration.name) => None,
        all if all == migration.replaces.len() => Some(State::Squashed),
        _ => Some(State::PartlyReplaced),
    }
}

/// Whether a database has a version that was replaced, by itself or as a part of an earlier squashed one.
fn has(migration: &Migration, version: &Version, recorded: &BTreeMap<&Version, &Record>) -> bool {
    recorded.contains_key(version)
        || migration.stood_for.iter().any(|(squashed, name, stood_for)| {
            stood_for.contains(version) && recorded.get(squashed).is_some_and(|record| record.name == *name)
        })
}

fn partly(migration: &Migration, recorded: &BTreeMap<&Version, &Record>) -> MigrationError {
    let (has, lacks): (Vec<&Version>, Vec<&Version>) =
        migration.replaces.iter().partition(|version| has(migration, version, recorded));
    let texts = |versions: Vec<&Version>| versions.iter().map(|version| version.as_str().to_owned()).collect();
    MigrationError::PartlyReplaced {
        id: migration.id(),
        file: migration.up.file.clone(),
        has: texts(has),
        lacks: texts(lacks),
    }
}

fn entry(version: &Version, migration: Option<&Migration>, record: Option<&Record>, late: bool) -> Entry {
    let state = match (migration, record) {
        (_, None) => State::Pending,
        (_, Some(record)) if !record.finished => State::HalfWay,
        (None, Some(_)) => State::Missing,
        (Some(migration), Some(record)) => match &record.checksum {
            Some(checksum) if *checksum != migration.checksum => State::Edited,
            _ => State::Applied,
        },
    };
    let named = migration.map(|migration| &migration.name).or(record.map(|record| &record.name));
    let name = named.cloned().unwrap_or_default();
    let id = files::id(version, &name);
    let fix = match state {
        State::Applied | State::Pending | State::Squashed | State::PartlyReplaced => None,
        State::Edited => Error::Edited { id, file: PathBuf::new() }.fix(),
        State::Missing => Error::FileMissing { id }.fix(),
        State::HalfWay => match record.and_then(|record| record.journal.as_ref()) {
            None => Error::HalfWay { id }.fix(),
            Some(journal) if journal.direction == Direction::Up => Some("nself db migrate".to_owned()),
            Some(_) => Some("nself db migrate:rollback".to_owned()),
        },
    };
    Entry {
        version: version.clone(),
        name,
        state,
        out_of_order: late,
        file: migration.map(|migration| migration.up.file.clone()),
        applied_at: record.and_then(|record| record.applied_at),
        applied_by: record.map(|record| record.applied_by.clone()),
        duration_ms: record.and_then(|record| record.duration_ms),
        progress: record.and_then(|record| progress(migration, record)),
        fix,
    }
}

fn progress(migration: Option<&Migration>, record: &Record) -> Option<Progress> {
    let journal = record.journal.as_ref()?;
    let part = migration.and_then(|migration| match journal.direction {
        Direction::Up => Some(&migration.up),
        Direction::Down => migration.down.as_ref(),
    });
    let steps = part.and_then(|part| part.steps().ok());
    let done = journal.done();
    // Statements that set up the session are not noted; the next is the first behind the last noted one.
    let last = journal.steps.iter().filter(|(_, noted)| noted.done).map(|(step, _)| *step).max().unwrap_or(0);
    let line = part.zip(steps.as_ref()).and_then(|(part, steps)| {
        let next = steps.iter().find(|range| i32::try_from(range.start + 1).is_ok_and(|number| number > last))?;
        Some(part.line(&part.statements[next.start]))
    });
    Some(Progress { direction: journal.direction, done, of: steps.map(|steps| steps.len()), line })
}
