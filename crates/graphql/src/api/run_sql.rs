//! `run_sql`: statements of an administrator, and the metadata that follows what they change.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::DbError;

use super::arguments::{default_source, parse};
use super::change::Change;
use super::draft::refuse;
use super::refusal::Refusal;
use super::work::Work;
use crate::failure::{Code, Failure};

#[derive(Deserialize)]
struct RunSql {
    sql: String,
    #[serde(default = "default_source")]
    source: String,
    #[serde(default)]
    cascade: Option<bool>,
    #[serde(default)]
    check_metadata_consistency: Option<bool>,
    #[serde(default)]
    read_only: Option<bool>,
    #[serde(default)]
    no_transaction: Option<bool>,
}

/// Runs statements. `{"result_type", "result"}`: the last statement's rows as texts under a row of names, or null.
///
/// # Errors
/// PostgreSQL refuses a statement; or, without `cascade`, objects of the metadata depend on what is gone.
pub async fn run(work: &mut Work<'_>, arguments: &Value, path: &str) -> Result<Value, Refusal> {
    let run: RunSql = parse(arguments)?;
    work.draft.source(&run.source).map_err(|failure| super::pathed(failure, path))?;
    work.check().await?;
    if run.no_transaction.unwrap_or(false) {
        return outside_transaction(work, &run, path).await;
    }
    let read_only = run.read_only.unwrap_or(false);
    work.soiled = true;
    let client = work.client().await?;
    if read_only {
        let begin = "SAVEPOINT nself_read_only; SET LOCAL transaction_read_only TO on";
        client.batch_execute(begin).await.map_err(|error| failed(&error, begin))?;
    }
    let messages = client.simple_query(&run.sql).await;
    let answer = messages.map(answer).map_err(|error| super::pathed(failed(&error, &run.sql), path))?;
    if read_only {
        let end = "ROLLBACK TO SAVEPOINT nself_read_only";
        client.batch_execute(end).await.map_err(|error| failed(&error, end))?;
        return Ok(answer);
    }
    // The engine's own statements must mean what they mean, and run as who they run.
    client.batch_execute(OWN_SETTINGS).await.map_err(|error| failed(&error, OWN_SETTINGS))?;
    project::fault::hit("graphql.after-sql");
    if has_written(work).await? {
        follow(work, &run, path).await?;
    }
    Ok(answer)
}

const OWN_SETTINGS: &str = "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL";

/// Whether the transaction has changed anything at all.
async fn has_written(work: &mut Work<'_>) -> Result<bool, Failure> {
    let statement = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL";
    let client = work.client().await?;
    let row = client.query_one(statement, &[]).await.map_err(|error| failed(&error, statement))?;
    row.try_get(0).map_err(|error| failed(&error, statement))
}

/// Reads the catalog again and lets the metadata follow.
async fn follow(work: &mut Work<'_>, run: &RunSql, path: &str) -> Result<(), Refusal> {
    let catalog = work.read_catalog().await?;
    if *catalog == *work.draft.catalog {
        return Ok(());
    }
    let change = Change::between(&work.draft.catalog, &catalog);
    if run.check_metadata_consistency.unwrap_or(true) {
        change.follow(&mut work.draft, run.cascade.unwrap_or(false)).map_err(|failure| super::pathed(failure, path))?;
    } else {
        work.allow_all();
    }
    work.draft.catalog = Arc::clone(&catalog);
    work.replaced();
    work.check().await.map_err(|refusal| refusal.at(path))?;
    Ok(())
}

/// Statements that no transaction may hold, such as `CREATE INDEX CONCURRENTLY`: each commits by itself.
async fn outside_transaction(work: &mut Work<'_>, run: &RunSql, path: &str) -> Result<Value, Refusal> {
    let pool = &work.handle.options().pool;
    let client = pool.get().await.map_err(|_| refuse(Code::Unexpected, "connection error"))?;
    let mut last = Ok(Vec::new());
    for statement in super::statements::split(&run.sql) {
        last = client.simple_query(statement).await;
        if last.is_err() {
            break;
        }
    }
    // Whatever was set on it goes with it.
    postgres::Pool::discard(client);
    let last = last.map_err(|error| super::pathed(failed(&error, &run.sql), path))?;
    follow(work, run, path).await?;
    Ok(answer(last))
}

/// The last statement's result.
fn answer(messages: Vec<SimpleQueryMessage>) -> Value {
    let mut rows: Option<Vec<Value>> = None;
    let mut finished = false;
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                rows = Some(vec![columns.iter().map(|column| column.name().to_owned()).collect()]);
                finished = false;
            }
            SimpleQueryMessage::Row(row) => {
                // PostgreSQL's client library shows null so, and Hasura passes it on.
                let cells = (0..row.len()).map(|index| row.get(index).unwrap_or("NULL"));
                rows.get_or_insert_default().push(cells.collect());
            }
            SimpleQueryMessage::CommandComplete(_) => {
                if finished {
                    rows = None;
                }
                finished = true;
            }
            _ => {}
        }
    }
    match rows {
        Some(rows) => json!({ "result_type": "TuplesOk", "result": rows }),
        None => json!({ "result_type": "CommandOk", "result": null }),
    }
}

/// What PostgreSQL says about a statement.
pub fn failed(error: &tokio_postgres::Error, statement: &str) -> Failure {
    let Some(found) = error.as_db_error() else {
        tracing::warn!(%error, "a metadata request lost its database connection");
        return refuse(Code::Unexpected, "connection error");
    };
    let mut failure = refuse(Code::PostgresError, "query execution failed");
    failure.internal = Some(Box::new(json!({
        "arguments": [],
        "error": described(found),
        "prepared": false,
        "statement": statement,
    })));
    failure
}

/// An error of PostgreSQL as Hasura writes it.
pub fn described(error: &DbError) -> Value {
    json!({
        "description": error.detail(),
        "exec_status": "FatalError",
        "hint": error.hint(),
        "message": error.message(),
        "status_code": error.code().code(),
    })
}
