use std::{collections::BTreeMap, path::PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::{Migration, Version, files, record::Record};
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
    /// The command that mends an edited, missing or interrupted one.
    pub fix: Option<String>,
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
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Pending => "pending",
            Self::Edited => "edited",
            Self::Missing => "file missing",
            Self::HalfWay => "half-way",
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
        let with_file = migrations.iter().map(|migration| {
            let record = recorded.get(&migration.version).copied();
            let late = record.is_none() && highest.is_some_and(|highest| *highest > migration.version);
            entry(&migration.version, Some(migration), record, late)
        });
        let known: Vec<&Version> = migrations.iter().map(|migration| &migration.version).collect();
        let without_file = records
            .iter()
            .filter(|record| known.binary_search(&&record.version).is_err())
            .map(|record| entry(&record.version, None, Some(record), false));
        let mut entries: Vec<Entry> = with_file.chain(without_file).collect();
        entries.sort_by(|a, b| a.version.cmp(&b.version));
        let pending = entries.iter().filter(|entry| entry.state == State::Pending).count();
        Self { applied: entries.len() - pending, pending, migrations: entries }
    }

    /// The first reason why nothing may be applied now.
    pub(crate) fn refuse(&self) -> Result<(), Error> {
        for entry in &self.migrations {
            match (entry.state, &entry.file) {
                (State::Edited, Some(file)) => return Err(Error::Edited { id: entry.id(), file: file.clone() }),
                (State::HalfWay, _) => return Err(Error::HalfWay { id: entry.id() }),
                _ => {}
            }
        }
        Ok(())
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
        State::Applied | State::Pending => None,
        State::Edited => Error::Edited { id, file: PathBuf::new() }.fix(),
        State::Missing => Error::FileMissing { id }.fix(),
        State::HalfWay => Error::HalfWay { id }.fix(),
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
        fix,
    }
}
