//! Runs a statement: one round trip, the result's bytes as PostgreSQL sent them.

use std::error::Error as StdError;
use std::time::Duration;

use bytes::BytesMut;
use postgres::{Pool, PooledClient};
use postgres_types::{Format, FromSql, IsNull, ToSql, Type, to_sql_checked};
use serde_json::json;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::{CancelToken, NoTls, Row};

use crate::failure::{Code, Failure};
use crate::sql::Statement;

/// Prepared statements one connection keeps; some 100 kB of the server's memory each. When there are more, all go:
/// what is in use is back at once.
const STATEMENTS: usize = 500;

/// The row of a statement's results.
#[derive(Debug)]
pub struct Answer(Row);

impl Answer {
    /// A column's JSON text; none for SQL's null.
    pub fn json(&self, column: usize) -> Option<&[u8]> {
        self.0.get::<_, Option<Raw<'_>>>(column).map(|raw| raw.0)
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

/// `json` as it comes: its binary format is its text.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(found: &Type) -> bool {
        *found == Type::JSON
    }
}

/// Holds a connection while a statement runs on it. When the request is given up (the client went away, time ran out)
/// the statement is cancelled, and the connection goes back only once it is idle: a late cancellation must not hit
/// the next request's statement.
struct Running {
    client: Option<PooledClient>,
    token: CancelToken,
}

impl Running {
    fn client(&self) -> &PooledClient {
        self.client.as_ref().expect("taken only at the end")
    }

    fn finished(mut self) {
        self.client = None;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        let token = self.token.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = token.cancel_query(NoTls).await {
                    tracing::debug!(%error, "an abandoned statement could not be cancelled");
                }
                // Answered when the statement has ended.
                let _ = client.simple_query("").await;
            });
        }
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
    let client = pool.get().await.map_err(|error| {
        tracing::warn!(error = %error, "no database connection for a GraphQL request");
        let mut failure = Failure::new(Code::Unexpected, "$", "connection error");
        failure.internal = Some(Box::new(json!({ "error": error.to_string() })));
        failure
    })?;
    let running = Running { token: client.cancel_token(), client: Some(client) };
    let result = match limit {
        Some(limit) => tokio::time::timeout(limit, query(running.client(), statement, parameters)).await,
        None => Ok(query(running.client(), statement, parameters).await),
    };
    match result {
        // Dropping `running` cancels the statement.
        Err(_) => Err(Failure::new(Code::Timeout, "$", "the query took too long and was cancelled")),
        Ok(result) => {
            running.finished();
            result.map(Answer).map_err(|error| failure(&error, statement, parameters))
        }
    }
}

async fn query(
    client: &PooledClient,
    statement: &Statement,
    parameters: &[String],
) -> Result<Row, tokio_postgres::Error> {
    if client.statement_cache.size() >= STATEMENTS {
        client.statement_cache.clear();
    }
    let prepared = client.prepare_cached(&statement.text).await?;
    let texts: Vec<Text<'_>> = parameters.iter().map(|text| Text(text)).collect();
    let parameters: Vec<&(dyn ToSql + Sync)> = texts.iter().map(|text| text as &(dyn ToSql + Sync)).collect();
    client.query_one(&prepared, &parameters).await
}

fn failure(error: &tokio_postgres::Error, statement: &Statement, parameters: &[String]) -> Failure {
    let Some(found) = error.as_db_error() else {
        tracing::warn!(%error, "a GraphQL request lost its database connection");
        let mut failure = Failure::new(Code::Unexpected, "$", "connection error");
        failure.internal = Some(Box::new(json!({ "error": error.to_string() })));
        return failure;
    };
    let (code, message) = classify(found);
    if code == Code::Unexpected {
        tracing::warn!(%error, sqlstate = found.code().code(), "PostgreSQL refused a GraphQL request's statement");
    }
    let mut failure = Failure::new(code, "$", message);
    failure.internal = Some(Box::new(json!({
        "statement": statement.text,
        "arguments": parameters,
        "prepared": true,
        "error": {
            "exec_status": "FatalError",
            "status_code": found.code().code(),
            "message": found.message(),
            "description": found.detail(),
            "hint": found.hint(),
        },
    })));
    failure
}

/// What Hasura calls PostgreSQL's errors. Others could tell of things a client may not know, and stay unnamed.
pub(crate) fn classify(error: &DbError) -> (Code, String) {
    let state = error.code();
    match state.code().get(..2) {
        _ if *state == SqlState::QUERY_CANCELED => (Code::Timeout, error.message().to_owned()),
        Some("22") => (Code::DataException, error.message().to_owned()),
        Some("23") => (Code::ConstraintViolation, error.message().to_owned()),
        _ => (Code::Unexpected, "database query error".to_owned()),
    }
}
