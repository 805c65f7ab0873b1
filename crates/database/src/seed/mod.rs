//! Seeds: files that fill tables with rows every installation needs (common), or that one environment needs.
//!
//! A seed runs once, in one transaction together with its row in `nself.seeds`; it runs again when its file has changed or
//! when a person insists (`--force`). So a seed is written to be repeatable, with `ON CONFLICT`. A seed is SQL, or the rows
//! of one table (`003_countries.csv`, also JSON, NDJSON or Parquet), which replace rows with the same key.

mod create;
mod extract;
mod files;
mod fresh;
mod record;
mod run;
mod targets;

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Client;

pub use create::{Initialised, create, init, save};
pub use extract::{Extract, Extracted, ExtractedTable, extract};
pub use files::{Scope, Seed, Seeds};
pub(crate) use fresh::clear;
pub use fresh::{Fresh, fresh, plan_fresh};
pub use run::{Ran, Report, Selection, run};
pub use targets::TableName;

use postgres::catalog::Catalog;

use crate::Error;

/// Where the seeds of one environment stand.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// In the order they run.
    pub seeds: Vec<Entry>,
    /// How many the next run would apply.
    pub due: usize,
}

/// One seed and its record.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    pub path: String,
    pub name: String,
    pub scope: Scope,
    pub state: State,
    pub applied_at: Option<Timestamp>,
    pub duration_ms: Option<i64>,
}

/// What to make of a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Applied,
    /// Applied, and edited since: it will run again.
    Changed,
    New,
    /// Holds no statement.
    Empty,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Changed => "changed",
            Self::New => "new",
            Self::Empty => "empty",
        }
    }

    pub fn is_due(self) -> bool {
        matches!(self, Self::Changed | Self::New)
    }
}

/// Compares the environment's seed files with the database. Changes nothing.
///
/// The seeds are in the order they run: by folder and number. Those without a number, or with the same, go by name, except
/// that one whose tables point to another's tables comes behind it, and so does one that says `-- nself: after <name>`.
pub async fn status(client: &Client, seeds: &Seeds) -> Result<Status, Error> {
    let files = load(client, seeds).await?;
    let records = record::read(client, &files).await?;
    let seeds: Vec<Entry> = files.iter().map(|seed| entry(seed, &records)).collect();
    Ok(Status { due: seeds.iter().filter(|entry| entry.state.is_due()).count(), seeds })
}

/// The environment's seeds in the order they run.
async fn load(client: &Client, seeds: &Seeds) -> Result<Vec<Seed>, Error> {
    let files = seeds.load()?;
    if !targets::has_choice(&files) {
        return Ok(files);
    }
    let catalog = Catalog::read(client, &[]).await?;
    Ok(targets::arrange(files, &catalog))
}

fn entry(seed: &Seed, records: &[record::Record]) -> Entry {
    let record = records.iter().find(|record| record.path == seed.path);
    let state = match record {
        _ if seed.is_empty() => State::Empty,
        None => State::New,
        Some(record) if record.checksum != seed.checksum => State::Changed,
        Some(_) => State::Applied,
    };
    Entry {
        path: seed.path.clone(),
        name: seed.name.clone(),
        scope: seed.scope,
        state,
        applied_at: record.and_then(|record| record.applied_at),
        duration_ms: record.and_then(|record| record.duration_ms),
    }
}
