//! SQL. Every statement is a constant and prepared once for each connection; values are parameters.
//!
//! E-mail addresses are compared as `citext` compares, so a parameter is written `$1::text::citext`.

pub mod migrate;
pub mod roles;
pub mod tokens;
pub mod users;

use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

pub use deadpool_postgres::GenericClient;

/// A statement's values.
pub type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// All rows.
pub async fn rows<C: GenericClient>(
    client: &C,
    sql: &'static str,
    params: Params<'_>,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let statement = client.prepare_cached(sql).await?;
    client.query(&statement, params).await
}

/// The row, when there is one.
pub async fn row<C: GenericClient>(
    client: &C,
    sql: &'static str,
    params: Params<'_>,
) -> Result<Option<Row>, tokio_postgres::Error> {
    let statement = client.prepare_cached(sql).await?;
    client.query_opt(&statement, params).await
}

/// The row, which is always there.
pub async fn one<C: GenericClient>(
    client: &C,
    sql: &'static str,
    params: Params<'_>,
) -> Result<Row, tokio_postgres::Error> {
    let statement = client.prepare_cached(sql).await?;
    client.query_one(&statement, params).await
}

/// How many rows it changed.
pub async fn run<C: GenericClient>(
    client: &C,
    sql: &'static str,
    params: Params<'_>,
) -> Result<u64, tokio_postgres::Error> {
    let statement = client.prepare_cached(sql).await?;
    client.execute(&statement, params).await
}

/// The constraint that a value breaks by being there twice.
pub fn duplicate(error: &tokio_postgres::Error) -> Option<&str> {
    let found = error.as_db_error()?;
    if *found.code() == SqlState::UNIQUE_VIOLATION { found.constraint() } else { None }
}

/// SHA-256 as the tables keep it: `\x` and hexadecimal digits, upstream's form of refresh tokens' hashes.
pub fn hash(secret: &str) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write;

    let mut text = String::with_capacity(66);
    text.push_str("\\x");
    for byte in Sha256::digest(secret.as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
