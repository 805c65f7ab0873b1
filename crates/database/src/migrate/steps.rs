//! Running a part statement by statement, each noted in the journal: what stands in no transaction can still be resumed.

use tokio_postgres::Client;

use super::{
    Direction, Event, Migration, MigrationError, Part, Version, checksum,
    journal::{self, Journal, Key},
    record, retry, session,
    settle::{self, Verdict},
};
use crate::{Error, Options, failure::Source, grammar::Kind, sql::Position};

const OUTCOME: &str = "this file runs statement by statement: those before this one took effect, and the same command goes \
                       on with this one";

/// One migration that runs statement by statement.
#[derive(Clone, Copy)]
pub(super) struct Course<'a> {
    pub migration: &'a Migration,
    /// As recorded; the file may write it with other leading zeros.
    pub version: &'a Version,
    pub part: &'a Part,
    pub direction: Direction,
}

/// Runs what the journal does not know as done. The record says `started` until the end; then it says `applied`, or is
/// gone on the way down.
pub(super) async fn run(
    client: &mut Client,
    course: Course<'_>,
    journal: Option<&Journal>,
    options: &Options,
    events: &mut (dyn FnMut(&Event<'_>) + Send),
) -> Result<(), Error> {
    let begun = std::time::Instant::now();
    let steps = course.part.steps()?;
    match journal {
        Some(journal) => events(&Event::Resumed {
            id: &course.migration.id(),
            done: journal.done(),
            of: steps.len(),
            direction: course.direction,
        }),
        None => begin(client, course).await?,
    }
    for range in steps {
        retry::with(client, options, &course.migration.id(), events, async |client: &mut Client| {
            session::set_timeouts(client, options).await?;
            step(client, course, range.clone()).await
        })
        .await?;
    }
    session::reset(client).await?;
    project::fault::hit("migrate.steps-done");
    let transaction = client.transaction().await?;
    match course.direction {
        Direction::Up => {
            record::insert(transaction.client(), course.migration, course.version, begun.elapsed()).await?;
            journal::clear(transaction.client(), course.version).await?;
        }
        // The journal's rows go with it.
        Direction::Down => record::delete(transaction.client(), course.version).await?,
    }
    Ok(transaction.commit().await?)
}

async fn begin(client: &mut Client, course: Course<'_>) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    match course.direction {
        Direction::Up => record::start(transaction.client(), course.migration).await?,
        Direction::Down => record::reopen(transaction.client(), course.version).await?,
    }
    let key = Key { version: course.version, direction: course.direction, step: 0 };
    journal::note(transaction.client(), key, "", true, &[]).await?;
    transaction.commit().await?;
    project::fault::hit("migrate.started");
    Ok(())
}

async fn step(client: &mut Client, course: Course<'_>, range: std::ops::Range<usize>) -> Result<(), Error> {
    let part = course.part;
    let (first, last) = (&part.statements[range.start], &part.statements[range.end - 1]);
    let source = Source { file: Some(&part.file), text: &part.text };
    let meaning = &part.grammar()[range.start];
    let sum = checksum(&part.text[first.range.start..last.range.end]);
    let number = i32::try_from(range.start + 1).unwrap_or(i32::MAX);
    let key = Key { version: course.version, direction: course.direction, step: number };
    // A new session has to be set up again.
    if range.len() == 1 && meaning.kind == Kind::Session {
        return session::run(client, source, first, OUTCOME).await;
    }
    let line = || Position::of_byte(&part.text, first.range.start).line;
    if let Some(noted) = journal::step(client, key).await? {
        if noted.done && noted.checksum == sum {
            return Ok(());
        }
        if noted.done {
            let id = course.migration.id();
            return Err(MigrationError::Rewritten { id, file: part.file.clone(), line: line() }.into());
        }
        match settle::settle(client, &meaning.kind, &noted.known).await? {
            Verdict::Done => return journal::note(client, key, &sum, true, &noted.known).await,
            Verdict::Again => {}
            Verdict::Unknown => {
                let id = course.migration.id();
                return Err(MigrationError::Unclear { id, file: part.file.clone(), line: line() }.into());
            }
        }
    }
    if range.len() > 1 {
        return block(client, course, range, key, &sum).await;
    }
    if meaning.in_transaction {
        match together(client, course, range.start, key, &sum).await {
            Err(error) if refused(&error, &meaning.kind) => {}
            result => return result,
        }
    }
    outside(client, course, range.start, key, &sum).await
}

/// Whether the server refuses the statement inside a transaction block, which the grammar did not foresee: on partitioned
/// tables, in newer syntax, in code that ends transactions.
pub(super) fn refused(error: &Error, kind: &Kind) -> bool {
    let Error::Statement(failure) = error else { return false };
    match failure.sqlstate.as_deref() {
        Some("25001") => !matches!(kind, Kind::SetTransaction | Kind::Session),
        Some("2D000") => true,
        _ => false,
    }
}

/// The statement and its note in one transaction.
async fn together(client: &mut Client, course: Course<'_>, at: usize, key: Key<'_>, sum: &str) -> Result<(), Error> {
    let part = course.part;
    let source = Source { file: Some(&part.file), text: &part.text };
    let transaction = client.transaction().await?;
    session::run(transaction.client(), source, &part.statements[at], OUTCOME).await?;
    let checked = transaction.batch_execute("SET CONSTRAINTS ALL IMMEDIATE").await;
    checked.map_err(|error| session::failed(transaction.client(), source, &part.statements[at], error, OUTCOME))?;
    journal::note(transaction.client(), key, sum, true, &[]).await?;
    project::fault::hit("migrate.inside");
    hit("ran", key);
    transaction.commit().await?;
    hit("done", key);
    Ok(())
}

async fn outside(client: &Client, course: Course<'_>, at: usize, key: Key<'_>, sum: &str) -> Result<(), Error> {
    let part = course.part;
    let source = Source { file: Some(&part.file), text: &part.text };
    let kind = &part.grammar()[at].kind;
    let known = settle::known(client, kind).await?;
    journal::note(client, key, sum, false, &known).await?;
    hit("begun", key);
    session::run(client, source, &part.statements[at], OUTCOME).await?;
    hit("ran", key);
    journal::note(client, key, sum, true, &known).await?;
    hit("done", key);
    Ok(())
}

/// From the file's own `BEGIN` to its `COMMIT`: the note is written before the last statement, inside the transaction.
async fn block(
    client: &Client,
    course: Course<'_>,
    range: std::ops::Range<usize>,
    key: Key<'_>,
    sum: &str,
) -> Result<(), Error> {
    let part = course.part;
    let source = Source { file: Some(&part.file), text: &part.text };
    let (last, before) = part.statements[range].split_last().expect("a block is two statements or more");
    let work = async {
        for statement in before {
            session::run(client, source, statement, OUTCOME).await?;
        }
        if matches!(last.words.first().map(String::as_str), Some("rollback" | "abort")) {
            session::run(client, source, last, OUTCOME).await?;
            return journal::note(client, key, sum, true, &[]).await;
        }
        journal::note(client, key, sum, true, &[]).await?;
        hit("ran", key);
        session::run(client, source, last, OUTCOME).await
    };
    let result = work.await;
    if result.is_err() && !client.is_closed() {
        client.batch_execute("ROLLBACK").await?;
    }
    hit("done", key);
    result
}

fn hit(point: &str, key: Key<'_>) {
    project::fault::hit(&format!("migrate.step-{point}.{}", key.step));
}
