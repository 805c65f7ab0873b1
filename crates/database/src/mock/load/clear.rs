//! Removing mock rows: those whose keys are recorded, and no others.

use postgres::{
    Ident,
    catalog::{Catalog, Table},
};
use tokio_postgres::Client;

use super::{
    present::{only, quoted},
    record::{self, Record},
    send,
};
use crate::Error;

/// Where the keys of one table stand while its rows are removed.
const KEYS: &str = "pg_temp.nself_mock_keys";

/// Removes the rows of a record, and the record; how many rows there were. The caller checks foreign keys afterwards.
pub(super) async fn remove(client: &Client, catalog: &Catalog, record: &Record) -> Result<u64, Error> {
    let table = catalog.table(&record.name.schema, &record.name.name);
    let known = |table: &&Table| record.key.iter().all(|column| table.column(column).is_some());
    let removed = match table.filter(known) {
        // The table, or its key, is gone, and the rows with it.
        None => 0,
        Some(table) => {
            let name = only(table);
            client.batch_execute(&empty_keys(table, &record.key)).await?;
            for first in record::chunks(client, &record.name).await? {
                let keys = record::chunk(client, &record.name, first).await?;
                send(client, &format!("COPY {KEYS} FROM STDIN"), keys).await?;
            }
            client.batch_execute(&format!("ANALYZE {KEYS}")).await?;
            let removed = client.execute(&delete(&name, &record.key), &[]).await?;
            client.batch_execute(&format!("DROP TABLE {KEYS}")).await?;
            removed
        }
    };
    record::forget(client, &record.name).await?;
    Ok(removed)
}

fn empty_keys(table: &Table, key: &[String]) -> String {
    if key.is_empty() {
        return "CREATE TEMP TABLE nself_mock_keys (key text NOT NULL) ON COMMIT DROP".to_owned();
    }
    let columns: Vec<String> = key.iter().map(|column| Ident::new(column).to_string()).collect();
    format!(
        "CREATE TEMP TABLE nself_mock_keys ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA",
        columns.join(", "),
        quoted(table)
    )
}

fn delete(table: &str, key: &[String]) -> String {
    if key.is_empty() {
        // Equal rows are told apart by counting them: three of five go when three were made.
        return format!(
            "DELETE FROM {table} row WHERE (row.tableoid, row.ctid) IN (SELECT here.tableoid, here.ctid
               FROM (SELECT tableoid, ctid, md5(row::text) AS key, row_number() OVER (PARTITION BY md5(row::text)) AS number
                     FROM {table} row) here
               JOIN (SELECT key, row_number() OVER (PARTITION BY key) AS number FROM {KEYS}) made USING (key, number))"
        );
    }
    let same: Vec<String> = key
        .iter()
        .map(|column| {
            let column = Ident::new(column);
            format!("row.{column} = made.{column}")
        })
        .collect();
    format!("DELETE FROM {table} row USING {KEYS} made WHERE {}", same.join(" AND "))
}
