//! What the tables hold before anything is generated, and the keys of those that keep their rows.

use postgres::{
    Ident,
    catalog::{Catalog, Column, Name, Table, TableKind},
};
use tokio_postgres::Client;

use super::{
    copy_out,
    record::{self, Record},
};
use crate::{
    Error,
    mock::plan::{Draft, KeyList, Keys, Present, PresentTable, is_candidate, name_of},
};

/// Beyond this many, the rows of one's own that a foreign key can choose from are no longer looked at.
const MOST_KEYS: u64 = 100_000;
/// As many rows of its own are counted; more make no difference.
const ENOUGH: u64 = 1_000_000;

/// Looks into every table that could be filled or referred to. `records` are those whose rows stay.
pub(super) async fn read(client: &Client, catalog: &Catalog, records: &[Record]) -> Result<Present, Error> {
    let tables: Vec<&Table> = catalog.tables.iter().filter(|table| is_candidate(table)).collect();
    let mut present = Present::default();
    let mut counts = Vec::new();
    // A few hundred at a time: one statement's parts are planned together.
    for some in tables.chunks(200) {
        let count = |(index, table): (usize, &&Table)| {
            format!("SELECT {index}, (SELECT count(*) FROM (SELECT FROM {} LIMIT {ENOUGH}) rows)", only(table))
        };
        let parts: Vec<String> = some.iter().enumerate().map(count).collect();
        let sql = format!("{} ORDER BY 1", parts.join(" UNION ALL "));
        let rows = client.query(&sql, &[]).await?;
        counts.extend(rows.iter().map(|row| u64::try_from(row.get::<_, i64>(1)).unwrap_or(0)));
    }
    for (table, count) in tables.into_iter().zip(counts).filter(|(_, count)| *count > 0) {
        let name = name_of(table);
        let mock = records.iter().find(|record| record.name == name).map_or(0, |record| record.rows.min(count));
        let entry = PresentTable { own: count - mock, mock, maxima: maxima(client, table).await? };
        present.tables.insert(name, entry);
    }
    Ok(present)
}

/// The highest value of each column whose values count up.
async fn maxima(client: &Client, table: &Table) -> Result<std::collections::BTreeMap<String, i64>, Error> {
    let keys = table.primary_key.iter().chain(&table.unique_keys);
    let in_key: Vec<&str> = keys.flat_map(|key| key.columns.iter().map(String::as_str)).collect();
    let counts = |column: &&Column| {
        matches!(column.r#type.name.as_str(), "int2" | "int4" | "int8")
            && (column.sequence.is_some() || in_key.contains(&column.name.as_str()))
    };
    let columns: Vec<&Column> = table.columns.iter().filter(counts).collect();
    if columns.is_empty() {
        return Ok(Default::default());
    }
    let parts: Vec<String> =
        columns.iter().map(|column| format!("max({})::bigint", Ident::new(&column.name))).collect();
    let row = client.query_one(&format!("SELECT {} FROM {}", parts.join(", "), quoted(table)), &[]).await?;
    let highest = |(index, column): (usize, &&Column)| Some((column.name.clone(), row.get::<_, Option<i64>>(index)?));
    Ok(columns.iter().enumerate().filter_map(highest).collect())
}

/// The keys that a draft's links need: of mock rows in the order they were made, of others in their own order.
pub(super) async fn keys(client: &Client, draft: &Draft<'_>, records: &[Record]) -> Result<Keys, Error> {
    let mut keys = Keys::new();
    for (name, columns) in draft.wanted_keys() {
        let record = records.iter().find(|record| record.name == name && record.key == columns && record.rows > 0);
        let list = match record {
            Some(record) => record::keys(client, record).await?,
            None => {
                let names: Vec<String> = columns.iter().map(|column| Ident::new(column).to_string()).collect();
                let names = names.join(", ");
                let not_null: Vec<String> =
                    columns.iter().map(|column| format!("{} IS NOT NULL", Ident::new(column))).collect();
                let sql = format!(
                    "COPY (SELECT {names} FROM {} WHERE {} ORDER BY {names} LIMIT {MOST_KEYS}) TO STDOUT",
                    full(&name),
                    not_null.join(" AND ")
                );
                KeyList::new(copy_out(client, &sql).await?, columns.len())
            }
        };
        keys.insert((name, columns), list);
    }
    Ok(keys)
}

pub(super) fn quoted(table: &Table) -> String {
    Ident::new(&table.schema).dot(&table.name).to_string()
}

/// The table without those that inherit from it, whose rows are not its own; a partitioned table has no others.
pub(super) fn only(table: &Table) -> String {
    if table.kind == TableKind::Partitioned { quoted(table) } else { format!("ONLY {}", quoted(table)) }
}

pub(super) fn full(name: &Name) -> String {
    Ident::new(&name.schema).dot(&name.name).to_string()
}
