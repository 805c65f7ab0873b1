//! Rows of files into tables: all of them in one transaction, or none.

mod journal;
mod load;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use postgres::catalog::{Catalog, Table};
use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

pub use super::sources::Source;
use super::{
    DataError, Format, RowFailure, archive,
    sources::{self, Assigned},
};
use crate::{Error, order::Order, session};
use load::Loader;

/// What to import.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// Files, folders, or archives.
    pub paths: Vec<PathBuf>,
    /// Where suffixes do not tell.
    pub format: Option<Format>,
    /// The table of a file that is not named after it, or the only one of a folder.
    pub table: Option<String>,
    pub options: Options,
}

/// How to import.
#[derive(Debug, Clone)]
pub struct Options {
    /// A row whose key is there replaces it.
    pub upsert: bool,
    /// Columns of the file that mean others, or none.
    pub map: BTreeMap<String, Option<String>>,
    /// Leave out rows that are refused instead of importing nothing.
    pub keep_going: bool,
    /// The import ends when more rows than this are refused.
    pub limit: usize,
    /// How long to wait for a lock on a table.
    pub lock_timeout: Duration,
    /// Do everything, and take it back.
    pub dry_run: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            upsert: false,
            map: BTreeMap::new(),
            keep_going: false,
            limit: 100,
            lock_timeout: Duration::from_secs(10),
            dry_run: false,
        }
    }
}

/// What an import did.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    /// In the order in which they were filled.
    pub tables: Vec<Imported>,
    /// Rows that were left out.
    pub refused: Vec<RowFailure>,
    pub dry_run: bool,
    /// True when an earlier run, killed behind its last step, had done all of it.
    pub taken_up: bool,
}

/// One file that was read into its table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Imported {
    pub table: String,
    pub file: PathBuf,
    pub rows: u64,
    pub refused: usize,
}

/// How far an import is.
#[derive(Debug, Clone)]
pub struct Progress {
    pub table: String,
    /// Of this file.
    pub rows: u64,
    /// Of COPY's text form.
    pub bytes: u64,
}

/// Imports every file, tables that others point to first.
///
/// A killed import leaves the database as it was: everything is one transaction, sequences alone move on. One that was
/// killed when the transaction had been committed and nobody had been told is recognised by the same command.
///
/// # Errors
/// [`DataError::Rows`] with the rows that PostgreSQL refused, after which nothing is imported; a file that cannot be read.
pub async fn run(
    client: &mut Client,
    import: &Import,
    progress: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Report, Error> {
    let key = journal::key(import)?;
    if let Some(done) = journal::take_up(client, &key).await? {
        return Ok(done);
    }
    let catalog = Catalog::read(client, &[]).await?;
    let mut unpacked = Vec::new();
    let mut files: Vec<Assigned<'_>> = Vec::new();
    for path in &import.paths {
        let folder = archive::unpack(path)?;
        let place = folder.as_ref().map_or(path.as_path(), |folder| folder.path());
        files.extend(sources::find(&catalog, place, import.format, import.table.as_deref())?);
        unpacked.extend(folder);
    }
    if files.is_empty() {
        let file = import.paths.first().cloned().unwrap_or_default();
        return Err(DataError::WhichTable { file }.into());
    }
    let tables: Vec<&Table> = files.iter().map(|file| file.table).collect();
    let order = Order::new(&catalog, &tables);
    files.sort_by_key(|file| order.tables.iter().position(|table| std::ptr::eq(*table, file.table)));

    let transaction = client.transaction().await?;
    begin(transaction.client(), &import.options).await?;
    for loose in &order.loose {
        transaction.batch_execute(&loose.suspend()).await?;
    }
    let mut loader = Loader::new(transaction.client(), &catalog, &import.options);
    let mut report = Report { dry_run: import.options.dry_run, ..Report::default() };
    for file in &files {
        let before = loader.refused.len();
        let rows = loader.load(file.table, &file.source, progress).await?;
        project::fault::hit("import.table");
        report.tables.push(Imported {
            table: format!("{}.{}", file.table.schema, file.table.name),
            file: file.source.shown.clone(),
            rows,
            refused: loader.refused.len() - before,
        });
    }
    loader.settle(&order).await?;
    report.refused = loader.finish()?;
    if import.options.dry_run {
        transaction.rollback().await?;
        return Ok(report);
    }
    journal::note(transaction.client(), &key, &report).await?;
    project::fault::hit("import.before-commit");
    transaction.commit().await?;
    project::fault::hit("import.after-commit");
    journal::forget(client, &key).await?;
    Ok(report)
}

async fn begin(client: &Client, options: &Options) -> Result<(), Error> {
    session::set_lock_timeout(client, options.lock_timeout).await?;
    Ok(client
        .batch_execute(
            "SET LOCAL datestyle = ISO; SET LOCAL intervalstyle = postgres; SET LOCAL xmloption = content;
             SET CONSTRAINTS ALL IMMEDIATE",
        )
        .await?)
}

/// Reads one file into a table, in the caller's transaction. Returns how many rows there were.
///
/// # Errors
/// As [`run`].
pub(crate) async fn table(
    client: &Client,
    catalog: &Catalog,
    table: &Table,
    source: &Source,
    options: &Options,
) -> Result<u64, Error> {
    let order = Order::new(catalog, &[table]);
    for loose in &order.loose {
        client.batch_execute(&loose.suspend()).await?;
    }
    let mut loader = Loader::new(client, catalog, options);
    let rows = loader.load(table, source, &mut |_| {}).await?;
    loader.settle(&order).await?;
    loader.finish()?;
    Ok(rows)
}
