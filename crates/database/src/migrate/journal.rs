//! The table `nself.migration_steps`: how far a migration has come that runs statement by statement.

use std::collections::BTreeMap;

use serde::Serialize;
use tokio_postgres::{Client, types::Type};

use super::{Version, record};
use crate::Error;

/// Which half of a migration runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Up,
    Down,
}

impl Direction {
    fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }

    /// `migration x was interrupted while it was …`
    pub(super) fn doing(self) -> &'static str {
        match self {
            Self::Up => "applied",
            Self::Down => "undone",
        }
    }

    /// `some of its statements are …`
    pub(super) fn done(self) -> &'static str {
        match self {
            Self::Up => "applied already",
            Self::Down => "undone already",
        }
    }
}

/// What is noted of one migration's run.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    pub direction: Direction,
    /// By number, from 1.
    pub steps: BTreeMap<i32, Noted>,
}

/// What is noted of one step.
#[derive(Debug, Clone)]
pub(crate) struct Noted {
    pub checksum: String,
    pub done: bool,
    /// The indexes of the table before `CREATE INDEX CONCURRENTLY`, by oid.
    pub known: Vec<u32>,
}

impl Journal {
    pub(crate) fn done(&self) -> usize {
        self.steps.values().filter(|step| step.done).count()
    }
}

/// One step of one run, as the table's key names it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'a> {
    pub version: &'a Version,
    pub direction: Direction,
    pub step: i32,
}

/// Every run that has begun and not ended, by version as recorded.
pub(super) async fn read(client: &Client) -> Result<BTreeMap<String, Journal>, Error> {
    let mut journals = BTreeMap::new();
    if !record::exists(client, "nself.migration_steps").await? {
        return Ok(journals);
    }
    let rows = client
        .query(
            "SELECT version, direction = 'up', step, checksum, state = 'done', known FROM nself.migration_steps",
            &[],
        )
        .await?;
    for row in rows {
        let direction = if row.get(1) { Direction::Up } else { Direction::Down };
        let journal = journals.entry(row.get(0)).or_insert_with(|| Journal { direction, steps: BTreeMap::new() });
        let step: i32 = row.get(2);
        if step > 0 {
            journal.steps.insert(step, Noted { checksum: row.get(3), done: row.get(4), known: row.get(5) });
        }
    }
    Ok(journals)
}

pub(super) async fn step(client: &Client, key: Key<'_>) -> Result<Option<Noted>, Error> {
    let row = client
        .query_opt(
            "SELECT checksum, state = 'done', known FROM nself.migration_steps
             WHERE version = $1 AND direction = $2 AND step = $3",
            &[&key.version.as_str(), &key.direction.as_str(), &key.step],
        )
        .await?;
    Ok(row.map(|row| Noted { checksum: row.get(0), done: row.get(1), known: row.get(2) }))
}

/// Notes a step, in the caller's transaction where it has one.
pub(super) async fn note(
    client: &Client,
    key: Key<'_>,
    checksum: &str,
    done: bool,
    known: &[u32],
) -> Result<(), Error> {
    let state = if done { "done" } else { "started" };
    client
        .execute_typed(
            "INSERT INTO nself.migration_steps (version, direction, step, checksum, state, known)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (version, direction, step) DO UPDATE
                 SET checksum = excluded.checksum, state = excluded.state, at = excluded.at",
            &[
                (&key.version.as_str(), Type::TEXT),
                (&key.direction.as_str(), Type::TEXT),
                (&key.step, Type::INT4),
                (&checksum, Type::TEXT),
                (&state, Type::TEXT),
                (&known, Type::OID_ARRAY),
            ],
        )
        .await?;
    Ok(())
}

/// Forgets that a step was begun.
pub(super) async fn forget(client: &Client, key: Key<'_>) -> Result<(), Error> {
    client
        .execute(
            "DELETE FROM nself.migration_steps WHERE version = $1 AND direction = $2 AND step = $3",
            &[&key.version.as_str(), &key.direction.as_str(), &key.step],
        )
        .await?;
    Ok(())
}

pub(super) async fn clear(client: &Client, version: &Version) -> Result<(), Error> {
    client.execute("DELETE FROM nself.migration_steps WHERE version = $1", &[&version.as_str()]).await?;
    Ok(())
}
