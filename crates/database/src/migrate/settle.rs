//! A statement outside a transaction was begun, and nobody saw its end: did it take effect?

use postgres::Ident;
use tokio_postgres::Client;

use crate::{
    Error,
    grammar::{Kind, Name},
};

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It took effect.
    Done,
    /// It did not, and what it left behind is gone: run it again.
    Again,
    /// The database does not show it.
    Unknown,
}

/// Looks at the database, and clears away what an interrupted statement leaves behind: the invalid index of `CREATE INDEX
/// CONCURRENTLY` and of `REINDEX … CONCURRENTLY`, a partition that is half detached.
///
/// `known` are the indexes that the table had before.
pub(super) async fn settle(client: &Client, kind: &Kind, known: &[u32]) -> Result<Verdict, Error> {
    Ok(match kind {
        Kind::CreateIndex { index, table } => built(client, index.as_ref(), table, known).await?,
        Kind::DropIndex { index } => gone(relation_exists(client, index).await?),
        Kind::Reindex { target } => {
            drop_leftovers(client, target).await?;
            Verdict::Again
        }
        Kind::Detach { table, partition } => detached(client, table, partition).await?,
        Kind::CreateDatabase { name } => made(has(client, "pg_database", "datname", name).await?),
        Kind::DropDatabase { name } => gone(has(client, "pg_database", "datname", name).await?),
        Kind::CreateTablespace { name } => made(has(client, "pg_tablespace", "spcname", name).await?),
        Kind::DropTablespace { name } => gone(has(client, "pg_tablespace", "spcname", name).await?),
        Kind::CreateSubscription { name } => made(has(client, "pg_subscription", "subname", name).await?),
        Kind::DropSubscription { name } => gone(has(client, "pg_subscription", "subname", name).await?),
        Kind::Repeatable | Kind::Session => Verdict::Again,
        Kind::AddValue { .. } | Kind::Code | Kind::SetTransaction | Kind::Other => Verdict::Unknown,
    })
}

/// The indexes of a relation, by oid: what [`settle`] wants to know of the time before `CREATE INDEX CONCURRENTLY`.
pub(super) async fn known(client: &Client, kind: &Kind) -> Result<Vec<u32>, Error> {
    let Kind::CreateIndex { table, .. } = kind else { return Ok(Vec::new()) };
    let rows =
        client.query("SELECT indexrelid FROM pg_index WHERE indrelid = to_regclass($1)", &[&table.to_string()]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn made(exists: bool) -> Verdict {
    if exists { Verdict::Done } else { Verdict::Again }
}

fn gone(exists: bool) -> Verdict {
    if exists { Verdict::Again } else { Verdict::Done }
}

/// `catalog` and `column` are constants of this file.
async fn has(client: &Client, catalog: &str, column: &str, name: &str) -> Result<bool, Error> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM pg_catalog.{catalog} WHERE {column} = $1)");
    Ok(client.query_one(&sql, &[&name]).await?.get(0))
}

async fn relation_exists(client: &Client, name: &Name) -> Result<bool, Error> {
    Ok(client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&name.to_string()]).await?.get(0))
}

async fn built(client: &Client, index: Option<&Name>, table: &Name, known: &[u32]) -> Result<Verdict, Error> {
    let rows = client
        .query(
            "SELECT n.nspname::text, c.relname::text, i.indisvalid
             FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE i.indrelid = to_regclass($1) AND NOT c.oid = ANY ($2) AND ($3::text IS NULL OR c.relname = $3)",
            &[&table.to_string(), &known, &index.map(|index| index.name.as_str())],
        )
        .await?;
    if rows.iter().any(|row| row.get(2)) {
        return Ok(Verdict::Done);
    }
    for row in rows {
        drop_index(client, row.get(0), row.get(1)).await?;
    }
    Ok(Verdict::Again)
}

async fn drop_leftovers(client: &Client, target: &Name) -> Result<(), Error> {
    let rows = client
        .query(
            "SELECT n.nspname::text, c.relname::text
             FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'
               AND i.indrelid = coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = to_regclass($1)), to_regclass($1))",
            &[&target.to_string()],
        )
        .await?;
    for row in rows {
        drop_index(client, row.get(0), row.get(1)).await?;
    }
    Ok(())
}

async fn drop_index(client: &Client, schema: String, name: String) -> Result<(), Error> {
    let name = Ident::new(schema).dot(name);
    Ok(client.batch_execute(&format!("DROP INDEX CONCURRENTLY IF EXISTS {name}")).await?)
}

async fn detached(client: &Client, table: &Name, partition: &Name) -> Result<Verdict, Error> {
    let row = client
        .query_opt(
            "SELECT inhdetachpending FROM pg_inherits WHERE inhparent = to_regclass($1) AND inhrelid = to_regclass($2)",
            &[&table.to_string(), &partition.to_string()],
        )
        .await?;
    match row.map(|row| row.get(0)) {
        None => Ok(Verdict::Done),
        Some(false) => Ok(Verdict::Again),
        Some(true) => {
            client.batch_execute(&format!("ALTER TABLE {table} DETACH PARTITION {partition} FINALIZE")).await?;
            Ok(Verdict::Done)
        }
    }
}
