//! Runs statements: a query in one round trip, a mutation's statements in one transaction; results are the bytes that
//! PostgreSQL sent.

mod connection;
mod transaction;

use std::error::Error as StdError;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use postgres::{Pool, PooledClient};
use postgres_types::{Format, FromSql, IsNull, ToSql, Type, to_sql_checked};
use serde_json::json;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::{GenericClient, Row, Statement as Prepared};

use crate::failure::{Code, Failure};
use crate::sql::Statement;

pub use transaction::{Settings, program, transaction};

use connection::Running;

/// Prepared statements one connection keeps; some 100 kB of the server's memory each. When there are more, all go:
/// what is in use is back at once.
const STATEMENTS: usize = 500;

/// What the fields of a request that need the database give.
#[derive(Debug)]
pub enum Answer {
    /// A query's: a column for each field.
    Columns(Row),
    /// A mutation's: a row for each field, with one column.
    Rows(Vec<Row>),
}

impl Answer {
    /// The JSON text of the field at a position; none for SQL's null.
    pub fn json(&self, position: usize) -> Option<&[u8]> {
        let (row, column) = match self {
            Self::Columns(row) => (row, position),
            Self::Rows(rows) => (rows.get(position)?, 0),
        };
        row.get::<_, Option<Raw<'_>>>(column).map(|raw| raw.0)
    }
}

/// A value in PostgreSQL's text format, for a parameter of any type.
#[derive(Debug)]
struct Text<'a>(&'a str);

impl ToSql for Text<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// `json` and `text` as they come: their binary format is their text.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(found: &Type) -> bool {
        *found == Type::JSON || *found == Type::TEXT
    }
}

/// # Errors
/// No connection, a mistake in a value that only PostgreSQL can see, or time ran out.
pub async fn run(
    pool: &Pool,
    statement: &Statement,
    parameters: &[String],
    limit: Option<Duration>,
) -> Result<Answer, Failure> {
    let running = Running::new(pool).await?;
    let texts: Vec<&str> = parameters.iter().map(String::as_str).collect();
    let work = async {
        let prepared = prepare(running.client(), &statement.text).await?;
        query(&***running.client(), &prepared, &texts).await
    };
    let result = in_time(limit, work).await?;
    running.finished();
    result.map(Answer::Columns).map_err(|error| failure(&error, "$", &statement.text, &texts))
}

/// Runs a query in the transaction that `client` is in.
///
/// # Errors
/// As [`run`]; paths begin with `$.args`.
pub async fn statement(client: &impl GenericClient, text: &str, parameters: &[String]) -> Result<Bytes, Failure> {
    let texts: Vec<&str> = parameters.iter().map(String::as_str).collect();
    let work = async {
        let prepared = client.prepare(text).await?;
        query(client, &prepared, &texts).await
    };
    let row = work.await.map_err(|error| failure(&error, "$.args", text, &texts))?;
    Ok(json_of(&row))
}

fn json_of(row: &Row) -> Bytes {
    row.get::<_, Option<Raw<'_>>>(0).map_or_else(|| Bytes::from_static(b"null"), |raw| Bytes::copy_from_slice(raw.0))
}

/// # Errors
/// Time ran out. The caller drops its [`Running`], which cancels the statement.
async fn in_time<T>(limit: Option<Duration>, work: impl Future<Output = T>) -> Result<T, Failure> {
    let Some(limit) = limit else { return Ok(work.await) };
    let late = |_| Failure::new(Code::Timeout, "$", "the query took too long and was cancelled");
    tokio::time::timeout(limit, work).await.map_err(late)
}

async fn prepare(client: &PooledClient, text: &str) -> Result<Prepared, tokio_postgres::Error> {
    if client.statement_cache.size() >= STATEMENTS {
        client.statement_cache.clear();
    }
    client.prepare_cached(text).await
}

async fn query(
    client: &impl GenericClient,
    prepared: &Prepared,
    values: &[&str],
) -> Result<Row, tokio_postgres::Error> {
    let texts: Vec<Text<'_>> = values.iter().map(|text| Text(text)).collect();
    let parameters: Vec<&(dyn ToSql + Sync)> = texts.iter().map(|text| text as &(dyn ToSql + Sync)).collect();
    client.query_one(prepared, &parameters).await
}

/// PostgreSQL's plan of a statement, line by line; it is not run.
///
/// # Errors
/// As [`run`].
pub async fn explain(pool: &Pool, statement: &Statement, parameters: &[String]) -> Result<Vec<String>, Failure> {
    let running = Running::new(pool).await?;
    let values: Vec<&str> = parameters.iter().map(String::as_str).collect();
    let texts: Vec<Text<'_>> = values.iter().map(|text| Text(text)).collect();
    let parameters: Vec<&(dyn ToSql + Sync)> = texts.iter().map(|text| text as &(dyn ToSql + Sync)).collect();
    let found = running.client().query(&format!("EXPLAIN {}", statement.text), &parameters).await;
    running.finished();
    let rows = found.map_err(|error| failure(&error, "$", &statement.text, &values))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// What a client is told of a failed statement.
fn failure(error: &tokio_postgres::Error, path: &str, text: &str, values: &[&str]) -> Failure {
    let Some(found) = error.as_db_error() else {
        tracing::warn!(%error, "a GraphQL request lost its database connection");
        return disconnected(error);
    };
    let (code, message) = classify(found);
    if code == Code::Unexpected {
        tracing::warn!(%error, sqlstate = found.code().code(), "PostgreSQL refused a GraphQL request's statement");
    }
    let mut failure = Failure::new(code, path, message);
    // An error that a client can cause says all there is to say.
    if code == Code::Unexpected {
        failure.internal = Some(Box::new(json!({
            "statement": text,
            "arguments": values,
            "prepared": true,
            "error": {
                "exec_status": "FatalError",
                "status_code": found.code().code(),
                "message": found.message(),
                "description": found.detail(),
                "hint": found.hint(),
            },
        })));
    }
    failure
}

fn disconnected(error: &dyn std::fmt::Display) -> Failure {
    let mut failure = Failure::new(Code::Unexpected, "$", crate::failure::DISCONNECTED);
    failure.internal = Some(Box::new(json!({ "error": error.to_string() })));
    failure
}

/// A row that a mutation wrote does not satisfy its permission: the statement itself says so, by reading this text
/// as JSON. See [`crate::sql::FAILED_CHECK`].
fn is_failed_check(error: &DbError) -> bool {
    *error.code() == SqlState::INVALID_TEXT_REPRESENTATION
        && error.detail().is_some_and(|detail| detail.contains(crate::sql::FAILED_CHECK))
}

/// What Hasura calls PostgreSQL's errors. Others could tell of things a client may not know, and stay unnamed.
pub(crate) fn classify(error: &DbError) -> (Code, String) {
    let state = error.code();
    let message = error.message();
    let violation = |prefix: &str| (Code::ConstraintViolation, format!("{prefix} violation. {message}"));
    match *state {
        _ if is_failed_check(error) => {
            (Code::PermissionError, "check constraint of an insert/update permission has failed".to_owned())
        }
        SqlState::QUERY_CANCELED => (Code::Timeout, message.to_owned()),
        SqlState::RESTRICT_VIOLATION => {
            let text = format!("Can not delete or update due to data being referred. {message}");
            (Code::ConstraintViolation, text)
        }
        SqlState::NOT_NULL_VIOLATION => violation("Not-NULL"),
        SqlState::FOREIGN_KEY_VIOLATION => violation("Foreign key"),
        SqlState::UNIQUE_VIOLATION => violation("Uniqueness"),
        SqlState::EXCLUSION_VIOLATION => violation("Exclusion"),
        SqlState::CHECK_VIOLATION => (Code::PermissionError, format!("Check constraint violation. {message}")),
        SqlState::INVALID_ESCAPE_SEQUENCE => (Code::BadRequest, message.to_owned()),
        SqlState::T_R_SERIALIZATION_FAILURE => {
            (Code::ConcurrentUpdate, "serialization failure due to concurrent update".to_owned())
        }
        SqlState::INVALID_COLUMN_REFERENCE => {
            let text = "there is no unique or exclusion constraint on target column(s)";
            (Code::ConstraintError, text.to_owned())
        }
        SqlState::UNDEFINED_OBJECT => (Code::ConstraintError, message.to_owned()),
        _ => match state.code().get(..2) {
            Some("22") => (Code::DataException, message.to_owned()),
            Some("23") => (Code::ConstraintViolation, message.to_owned()),
            Some("40") => (Code::ConcurrentUpdate, message.to_owned()),
            _ => (Code::Unexpected, "database query error".to_owned()),
        },
    }
}
