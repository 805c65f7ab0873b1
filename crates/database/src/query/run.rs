use bytes::Bytes;
use futures::TryStreamExt;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::{Column, Done, Script, Sink};
use crate::{
    Error,
    failure::Source,
    session,
    sql::{Kind, Lexer, Statement},
};

/// Runs the script and hands what comes back to `sink`, row by row.
///
/// Each statement is its own transaction unless the script says `BEGIN` or asks for a single one.
///
/// # Errors
/// At the first statement that PostgreSQL refuses, with its place in the script.
pub async fn run(client: &Client, script: &Script, sink: &mut (dyn Sink + Send)) -> Result<(), Error> {
    if script.readonly {
        client.batch_execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY").await?;
    }
    if !script.single_transaction {
        return statements(client, script, sink).await;
    }
    client.batch_execute("BEGIN").await?;
    let result = statements(client, script, sink).await;
    client.batch_execute(if result.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    result
}

async fn statements(client: &Client, script: &Script, sink: &mut (dyn Sink + Send)) -> Result<(), Error> {
    let source = Source { file: script.file.as_deref(), text: &script.text };
    for (number, statement) in script.statements.iter().enumerate() {
        let outcome = match (number, script.single_transaction) {
            (0, _) => "nothing was changed",
            (_, true) => "everything was rolled back",
            (_, false) => "the statements before it took effect",
        };
        let result = match &statement.data {
            Some(data) => copy_in(client, script, statement, data.clone(), sink).await,
            None if writes_stdout(statement, &script.text[statement.range.clone()]) => {
                copy_out(client, script, statement, sink).await
            }
            None => one(client, script, statement, sink).await,
        };
        result.map_err(|error| session::failed(client, source, statement, error, outcome))?;
    }
    Ok(())
}

fn command(statement: &Statement) -> String {
    statement.words.first().map(|word| word.to_ascii_uppercase()).unwrap_or_default()
}

async fn one(
    client: &Client,
    script: &Script,
    statement: &Statement,
    sink: &mut (dyn Sink + Send),
) -> Result<(), tokio_postgres::Error> {
    let sql = &script.text[statement.range.clone()];
    let columns = if may_return_rows(sql, statement) { describe(client, sql).await? } else { Vec::new() };
    let mut returned_rows = false;
    let messages = client.simple_query_raw(sql).await?;
    futures::pin_mut!(messages);
    while let Some(message) = messages.try_next().await? {
        match message {
            SimpleQueryMessage::RowDescription(_) => {
                returned_rows = true;
                sink.columns(&columns);
            }
            SimpleQueryMessage::Row(row) => {
                let values: Vec<Option<&str>> = (0..row.len()).map(|column| row.get(column)).collect();
                sink.row(&values);
            }
            SimpleQueryMessage::CommandComplete(rows) => {
                sink.done(Done { command: command(statement), rows, returned_rows });
            }
            _ => {}
        }
    }
    Ok(())
}

/// The simple protocol that runs a statement names its columns but not their types; preparing it tells both.
async fn describe(client: &Client, sql: &str) -> Result<Vec<Column>, tokio_postgres::Error> {
    let prepared = client.prepare(sql).await?;
    let column =
        |column: &tokio_postgres::Column| Column { name: column.name().to_owned(), kind: column.type_().clone() };
    Ok(prepared.columns().iter().map(column).collect())
}

/// False only where it is certain: a script may hold a hundred thousand inserts.
fn may_return_rows(sql: &str, statement: &Statement) -> bool {
    let writes = matches!(statement.words.first().map(String::as_str), Some("insert" | "update" | "delete" | "merge"));
    !writes || words(sql).any(|word| word == "returning")
}

fn words(sql: &str) -> impl Iterator<Item = String> {
    Lexer::new(sql).filter(|token| token.kind == Kind::Word).map(|token| sql[token.range].to_ascii_lowercase())
}

async fn copy_in(
    client: &Client,
    script: &Script,
    statement: &Statement,
    data: std::ops::Range<usize>,
    sink: &mut (dyn Sink + Send),
) -> Result<(), tokio_postgres::Error> {
    let data = Bytes::copy_from_slice(&script.text.as_bytes()[data]);
    let rows = session::copy(client, &script.text[statement.range.clone()], data).await?;
    sink.done(Done { command: command(statement), rows, returned_rows: false });
    Ok(())
}

async fn copy_out(
    client: &Client,
    script: &Script,
    statement: &Statement,
    sink: &mut (dyn Sink + Send),
) -> Result<(), tokio_postgres::Error> {
    let stream = client.copy_out(&script.text[statement.range.clone()]).await?;
    futures::pin_mut!(stream);
    let mut rows = 0;
    while let Some(bytes) = stream.try_next().await? {
        rows += 1;
        sink.bytes(&bytes);
    }
    sink.done(Done { command: command(statement), rows, returned_rows: true });
    Ok(())
}

/// True for `COPY … TO STDOUT`.
fn writes_stdout(statement: &Statement, sql: &str) -> bool {
    let words = || words(sql);
    statement.words.first().is_some_and(|word| word == "copy")
        && words().zip(words().skip(1)).any(|(first, second)| first == "to" && second == "stdout")
}
