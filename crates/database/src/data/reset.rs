//! Emptying a database: every row of the project's tables goes, the schema stays.

use postgres::catalog::{Catalog, Table};
use project::guard::{Allowed, Destructive};
use serde::Serialize;
use tokio_postgres::Client;

use super::own_schema;
use crate::{Error, Options, migrate::finish, order::data_tables, seed, session};

/// What a reset empties.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Reset {
    /// `schema.name`, by name.
    pub tables: Vec<String>,
    /// Seeds that count as new afterwards.
    pub seeds: u64,
}

fn tables<'a>(catalog: &'a Catalog, schemas: &[String]) -> Vec<&'a Table> {
    data_tables(catalog, &|schema| match schemas {
        [] => own_schema(schema),
        named => named.iter().any(|name| name == schema),
    })
}

fn names(tables: &[&Table]) -> Vec<String> {
    tables.iter().map(|table| format!("{}.{}", table.schema, table.name)).collect()
}

/// The tables of `schemas`, or of all that are the project's own. Changes nothing.
///
/// # Errors
/// The catalog cannot be read.
pub async fn plan(client: &Client, schemas: &[String]) -> Result<Reset, Error> {
    let catalog = Catalog::read(client, &[]).await?;
    Ok(Reset { tables: names(&tables(&catalog, schemas)), seeds: 0 })
}

/// Empties them in one transaction, sequences back to their start. Seeds count as new: what they filled is gone.
///
/// # Errors
/// Another session holds a lock on a table for too long, or a table of another schema points to one of these.
pub async fn reset(
    client: &mut Client,
    schemas: &[String],
    options: &Options,
    _allowed: &Allowed<Destructive>,
) -> Result<Reset, Error> {
    session::lock(client, options).await?;
    let result = locked(client, schemas, options).await;
    finish(client, result).await
}

async fn locked(client: &mut Client, schemas: &[String], options: &Options) -> Result<Reset, Error> {
    session::set_lock_timeout(client, options.lock_timeout).await?;
    let transaction = client.transaction().await?;
    let catalog = Catalog::read(transaction.client(), &[]).await?;
    let tables = tables(&catalog, schemas);
    seed::clear(transaction.client(), &tables).await?;
    let mut reset = Reset { tables: names(&tables), seeds: 0 };
    if catalog.table("nself", "seeds").is_some() {
        reset.seeds = transaction.execute("DELETE FROM nself.seeds", &[]).await?;
    }
    if catalog.table("nself", "imports").is_some() {
        // What was imported is gone: importing it again is no repetition.
        transaction.batch_execute("DELETE FROM nself.imports").await?;
    }
    project::fault::hit("reset.before-commit");
    transaction.commit().await?;
    Ok(reset)
}
