//! The tables `nself.mock_tables` and `nself.mock_keys`: which rows are mock data.

use postgres::catalog::Name;
use tokio_postgres::Client;

use crate::{Error, migrate::exists, mock::plan::KeyList};

/// One table's entry.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub name: Name,
    /// Empty where rows are known by their MD5.
    pub key: Vec<String>,
    pub rows: u64,
}

/// Creates the tables where they are missing.
pub(super) async fn prepare(client: &Client) -> Result<(), Error> {
    if !exists(client, "nself.mock_keys").await? {
        client.batch_execute(include_str!("../record.sql")).await?;
    }
    Ok(())
}

/// Every entry, by name; none before the first run.
pub(super) async fn read(client: &Client) -> Result<Vec<Record>, Error> {
    if !exists(client, "nself.mock_keys").await? {
        return Ok(Vec::new());
    }
    let rows = client
        .query("SELECT schema_name, table_name, key_columns, rows FROM nself.mock_tables ORDER BY 1, 2", &[])
        .await?;
    let record = |row: &tokio_postgres::Row| Record {
        name: Name { schema: row.get(0), name: row.get(1) },
        key: row.get(2),
        rows: u64::try_from(row.get::<_, i64>(3)).unwrap_or(0),
    };
    Ok(rows.iter().map(record).collect())
}

/// Writes a table's entry and its rows' keys.
pub(super) async fn write(
    client: &Client,
    record: &Record,
    seed: u64,
    generator: &str,
    chunks: &[(u64, Vec<u8>)],
) -> Result<(), Error> {
    let Name { schema, name } = &record.name;
    let rows = i64::try_from(record.rows).unwrap_or(i64::MAX);
    client
        .execute(
            "INSERT INTO nself.mock_tables (schema_name, table_name, key_columns, rows, seed, generator)
             VALUES ($1, $2, $3, $4, $5, $6)",
            &[schema, name, &record.key, &rows, &seed.to_string(), &generator],
        )
        .await?;
    let statement = client.prepare("INSERT INTO nself.mock_keys VALUES ($1, $2, $3, $4)").await?;
    for (first, keys) in chunks {
        let first = i64::try_from(*first).unwrap_or(i64::MAX);
        client.execute(&statement, &[schema, name, &first, keys]).await?;
    }
    Ok(())
}

/// The numbers of the chunks that hold a table's keys.
pub(super) async fn chunks(client: &Client, name: &Name) -> Result<Vec<i64>, Error> {
    let rows = client
        .query(
            "SELECT first_row FROM nself.mock_keys WHERE schema_name = $1 AND table_name = $2 ORDER BY 1",
            &[&name.schema, &name.name],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// One chunk of keys, as COPY's text.
pub(super) async fn chunk(client: &Client, name: &Name, first: i64) -> Result<Vec<u8>, Error> {
    let row = client
        .query_one(
            "SELECT keys FROM nself.mock_keys WHERE schema_name = $1 AND table_name = $2 AND first_row = $3",
            &[&name.schema, &name.name, &first],
        )
        .await?;
    unpacked(row.get(0))
}

/// All keys of a table, in the order of its rows.
pub(super) async fn keys(client: &Client, record: &Record) -> Result<KeyList, Error> {
    let mut bytes = Vec::new();
    for first in chunks(client, &record.name).await? {
        bytes.extend(chunk(client, &record.name, first).await?);
    }
    Ok(KeyList::new(bytes, record.key.len()))
}

/// Forgets a table.
pub(super) async fn forget(client: &Client, name: &Name) -> Result<(), Error> {
    // Foreign keys do not cascade here: their triggers are off.
    for table in ["mock_keys", "mock_tables"] {
        client
            .execute(
                &format!("DELETE FROM nself.{table} WHERE schema_name = $1 AND table_name = $2"),
                &[&name.schema, &name.name],
            )
            .await?;
    }
    Ok(())
}

/// Keys as they are stored.
pub(super) fn packed(keys: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(keys, 1).expect("memory takes what is written to it")
}

fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    zstd::stream::decode_all(bytes).map_err(|source| Error::Io { file: "nself.mock_keys".into(), source })
}
