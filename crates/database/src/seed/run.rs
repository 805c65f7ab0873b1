use std::{io, path::Path, time::Instant};

use bytes::Bytes;
use futures::SinkExt;
use postgres::catalog::Catalog;
use serde::Serialize;
use tokio_postgres::Client;

use super::{Seed, Seeds, entry, files::Content, record};
use crate::{
    Error, Options,
    data::{DataError, Format, import},
    failure::{Source, copied_line},
    migrate::{finish, milliseconds},
    session,
    sql::{Position, Statement, Stream},
};

/// Which seeds to run.
#[derive(Debug, Clone, Default)]
pub enum Selection {
    #[default]
    All,
    /// By name, file name or path; every seed of that name.
    Named(String),
}

/// What a run did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    pub ran: Vec<Ran>,
    /// How many were left alone because they have run and have not changed.
    pub unchanged: usize,
}

/// One seed that ran.
#[derive(Debug, Clone, Serialize)]
pub struct Ran {
    pub path: String,
    pub statements: usize,
    /// Rows that were copied: those of `COPY … FROM STDIN` and of files of rows.
    pub rows: u64,
    pub duration_ms: u64,
}

const KEPT_NOTHING: &str = "nothing of this seed was kept";

/// Runs the environment's seeds that are new or have changed, all of the selected ones with `force`; each with its record
/// in one transaction. Calls `progress` after each.
///
/// # Errors
/// The failing seed leaves nothing behind; those before it stay.
pub async fn run(
    client: &mut Client,
    seeds: &Seeds,
    selection: &Selection,
    force: bool,
    options: &Options,
    progress: &mut (dyn FnMut(&Ran) + Send),
) -> Result<Report, Error> {
    let files = super::load(client, seeds).await?;
    let chosen = select(&files, selection)?;
    for seed in &chosen {
        seed.check()?;
    }
    session::lock(client, options).await?;
    let result = locked(client, seeds, &files, &chosen, force, options, progress).await;
    finish(client, result).await
}

pub(super) fn select<'a>(files: &'a [Seed], selection: &Selection) -> Result<Vec<&'a Seed>, Error> {
    let Selection::Named(wanted) = selection else { return Ok(files.iter().collect()) };
    let chosen: Vec<&Seed> = files.iter().filter(|seed| seed.is_called(wanted)).collect();
    if chosen.is_empty() {
        let known = files.iter().map(|seed| seed.name.clone()).collect();
        return Err(Error::UnknownSeed { wanted: wanted.clone(), known });
    }
    Ok(chosen)
}

async fn locked(
    client: &mut Client,
    seeds: &Seeds,
    files: &[Seed],
    chosen: &[&Seed],
    force: bool,
    options: &Options,
    progress: &mut (dyn FnMut(&Ran) + Send),
) -> Result<Report, Error> {
    record::prepare(client, files, seeds.environment()).await?;
    let records = record::read(client, files).await?;
    let mut report = Report::default();
    for seed in chosen {
        if seed.is_empty() || !(force || entry(seed, &records).state.is_due()) {
            report.unchanged += 1;
            continue;
        }
        session::set_lock_timeout(client, options.lock_timeout).await?;
        let transaction = client.transaction().await?;
        let ran = one(transaction.client(), seed, seeds, KEPT_NOTHING).await?;
        project::fault::hit("seed.before-commit");
        transaction.commit().await?;
        progress(&ran);
        report.ran.push(ran);
    }
    Ok(report)
}

/// Runs a seed and writes its record, in the caller's transaction.
pub(super) async fn one(client: &Client, seed: &Seed, seeds: &Seeds, outcome: &'static str) -> Result<Ran, Error> {
    let begun = Instant::now();
    let (statements, rows, checksum) = match seed.content {
        Content::Sql { statements, wrapped, .. } => {
            let (rows, checksum) = script(client, seed, statements, wrapped, outcome).await?;
            (statements, rows, checksum)
        }
        Content::Rows(format) => (1, table_rows(client, seed, format).await?, seed.checksum.clone()),
    };
    session::reset(client).await?;
    record::write(client, seed, &checksum, seeds.environment(), begun.elapsed()).await?;
    Ok(Ran { path: seed.path.clone(), statements, rows, duration_ms: milliseconds(begun.elapsed()) })
}

/// Runs the statements of a script as they are read, deferred constraints included, so that they fail here and not at
/// COMMIT. Returns the rows copied, and the checksum of what ran.
async fn script(
    client: &Client,
    seed: &Seed,
    statements: usize,
    wrapped: bool,
    outcome: &'static str,
) -> Result<(u64, String), Error> {
    let io = |source: io::Error| Error::Io { file: seed.path.clone().into(), source };
    let file = Path::new(&seed.path);
    let mut stream = seed.script().map_err(io)?;
    let (mut number, mut rows) = (0, 0);
    // Where to point when a deferred constraint fails: at the last statement.
    let mut last: Option<(Statement, String, usize)> = None;
    while let Some(statement) = stream.next().map_err(io)? {
        number += 1;
        if wrapped && (number == 1 || number == statements + 2) {
            continue;
        }
        let sql = stream.text()[statement.range.clone()].to_owned();
        if statement.data.is_some() {
            rows += copy(client, &mut stream, &statement, &sql, file, outcome).await?;
        } else if let Err(error) = client.batch_execute(&sql).await {
            return Err(failed(client, file, &stream, &statement, error, outcome));
        }
        project::fault::hit("seed.inside");
        last = Some((statement, sql, stream.line()));
    }
    let checked = client.batch_execute("SET CONSTRAINTS ALL IMMEDIATE").await;
    match (checked, last) {
        (Err(error), Some((mut statement, sql, line))) => {
            statement.range = 0..sql.len();
            let source = Source { file: Some(file), text: &sql };
            Err(moved(session::failed(client, source, &statement, error, outcome), line - 1))
        }
        (checked, _) => {
            checked?;
            Ok((rows, stream.checksum()))
        }
    }
}

/// Streams the rows that follow a `COPY … FROM STDIN`.
async fn copy<R: io::BufRead>(
    client: &Client,
    stream: &mut Stream<R>,
    statement: &Statement,
    sql: &str,
    file: &Path,
    outcome: &'static str,
) -> Result<u64, Error> {
    let first = stream.lines() + stream.text().matches('\n').count() + 1;
    let copied = async {
        let sink = client.copy_in(sql).await?;
        futures::pin_mut!(sink);
        loop {
            let rows = stream.rows().map_err(Copying::File)?;
            if rows.is_empty() {
                return Ok(sink.finish().await?);
            }
            sink.send(Bytes::from(rows)).await?;
        }
    };
    let result: Result<u64, Copying> = copied.await;
    result.map_err(|error| match error {
        Copying::File(source) => Error::Io { file: file.to_owned(), source },
        Copying::Database(error) => {
            let line = error.as_db_error().and_then(|refusal| copied_line(refusal.where_()?));
            match (failed(client, file, stream, statement, error, outcome), line) {
                (Error::Statement(mut failure), Some((line, text))) => {
                    failure.position = Position { line: first + line - 1, column: 1 };
                    failure.source_line = text.unwrap_or_default();
                    Error::Statement(failure)
                }
                (error, _) => error,
            }
        }
    })
}

enum Copying {
    File(io::Error),
    Database(tokio_postgres::Error),
}

impl From<tokio_postgres::Error> for Copying {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

fn failed<R: io::BufRead>(
    client: &Client,
    file: &Path,
    stream: &Stream<R>,
    statement: &Statement,
    error: tokio_postgres::Error,
    outcome: &'static str,
) -> Error {
    let source = Source { file: Some(file), text: stream.text() };
    moved(session::failed(client, source, statement, error, outcome), stream.lines())
}

/// The place in the file of what was found in a piece of it.
fn moved(error: Error, lines: usize) -> Error {
    match error {
        Error::Statement(mut failure) => {
            failure.position.line += lines;
            Error::Statement(failure)
        }
        other => other,
    }
}

/// Rows of one table: those with a key that is there replace the row.
async fn table_rows(client: &Client, seed: &Seed, format: Format) -> Result<u64, Error> {
    let catalog = Catalog::read(client, &[]).await?;
    let named = seed.tables.first().and_then(|name| name.find(&catalog));
    let table = named.ok_or_else(|| DataError::unknown_table(&seed.name, &catalog))?;
    let source = import::Source { file: seed.file.clone(), shown: seed.path.clone().into(), format, array: None };
    let options = import::Options { upsert: table.primary_key.is_some(), ..import::Options::default() };
    import::table(client, &catalog, table, &source, &options).await
}
