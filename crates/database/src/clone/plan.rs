//! Which rows are copied by which statements. Large tables are cut into ranges of pages, so that several connections share
//! them.

use std::collections::{HashMap, VecDeque};

use postgres::Ident;
use postgres::catalog::{Name, Table, TableKind};
use tokio_postgres::Client;

use super::{Filling, Selection};
use crate::Error;

/// Bytes of a table that one statement copies at most, roughly.
const PIECE: u64 = 128 * 1024 * 1024;

/// One `COPY` out and the `COPY` in that takes it.
#[derive(Debug)]
pub(super) struct Work {
    pub table: Name,
    pub columns: Vec<String>,
    pub copy_out: String,
    pub copy_in: String,
    /// Bytes on disk, to begin with the largest.
    weight: u64,
}

pub(super) struct Plan {
    pub tables: usize,
    pub work: VecDeque<Work>,
}

impl Plan {
    pub(super) async fn new(filling: &Filling<'_>, chosen: &Selection) -> Result<Self, Error> {
        let source = filling.snapshot.leader();
        let configured = configured(source).await?;
        let tables: Vec<&Table> = filling
            .catalog
            .tables
            .iter()
            .filter(|table| table.kind == TableKind::Table)
            .filter(|table| table.extension.is_none() || configured.contains_key(&table.oid))
            .filter(|table| {
                let rewrite = filling.options.rewrite.as_ref();
                rewrite.is_none_or(|rewrite| rewrite.copies(&table.schema, &table.name))
            })
            .collect();
        let sizes = Sizes::read(source, &tables).await?;
        let mut work = Vec::new();
        for table in &tables {
            let name = Name { schema: table.schema.clone(), name: table.name.clone() };
            let condition = configured.get(&table.oid).filter(|condition| !condition.is_empty());
            let size = sizes.bytes.get(&table.oid).copied().unwrap_or_default();
            let conditions = match (chosen.get(&name), condition) {
                (Some(conditions), _) => conditions.clone(),
                // An extension's own condition is a whole WHERE clause.
                (None, Some(condition)) => vec![condition.trim_start().trim_start_matches("WHERE ").to_owned()],
                (None, None) => sizes.ranges(table, size),
            };
            let pieces = conditions.len().max(1) as u64;
            work.extend(conditions.iter().map(|condition| Work::new(table, &name, condition, size / pieces)));
        }
        work.sort_by_key(|work| std::cmp::Reverse(work.weight));
        Ok(Self { tables: tables.len(), work: work.into() })
    }
}

impl Work {
    fn new(table: &Table, name: &Name, condition: &str, weight: u64) -> Self {
        let columns = columns(table);
        let shown = Ident::new(name.schema.as_str()).dot(name.name.as_str());
        let list = columns.iter().map(|column| Ident::new(column.as_str()).to_string()).collect::<Vec<_>>().join(", ");
        let copy_out = match (columns.is_empty(), condition.is_empty()) {
            (true, true) => format!("COPY {shown} TO STDOUT"),
            (false, true) => format!("COPY {shown} ({list}) TO STDOUT"),
            (_, false) => format!("COPY (SELECT {list} FROM ONLY {shown} WHERE {condition}) TO STDOUT"),
        };
        let copy_in = if columns.is_empty() {
            format!("COPY {shown} FROM STDIN")
        } else {
            format!("COPY {shown} ({list}) FROM STDIN")
        };
        Self { table: name.clone(), columns, copy_out, copy_in, weight }
    }
}

/// The columns that rows are copied with: all but those that the server computes.
pub(super) fn columns(table: &Table) -> Vec<String> {
    let stored = table.columns.iter().filter(|column| column.generated.is_none());
    stored.map(|column| column.name.clone()).collect()
}

/// Tables of extensions whose rows belong to the person (`pg_extension_config_dump`), with the condition for them.
async fn configured(source: &Client) -> Result<HashMap<u32, String>, Error> {
    let sql =
        "SELECT u.o, coalesce(u.c, '') FROM pg_catalog.pg_extension e, unnest(e.extconfig, e.extcondition) u(o, c)";
    Ok(source.query(sql, &[]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

struct Sizes {
    page: u64,
    bytes: HashMap<u32, u64>,
}

impl Sizes {
    async fn read(source: &Client, tables: &[&Table]) -> Result<Self, Error> {
        let oids: Vec<u32> = tables.iter().map(|table| table.oid).collect();
        let sql = "SELECT o, coalesce(pg_catalog.pg_relation_size(o), 0), current_setting('block_size')::int8
                   FROM unnest($1::oid[]) o";
        let rows = source.query(sql, &[&oids]).await?;
        let number = |value: i64| value.unsigned_abs();
        let page = rows.first().map_or(8192, |row| number(row.get(2)));
        Ok(Self { page, bytes: rows.iter().map(|row| (row.get(0), number(row.get(1)))).collect() })
    }

    /// One empty condition, or ranges of pages that together are the table, whatever is added meanwhile: the snapshot does
    /// not see that.
    fn ranges(&self, table: &Table, size: u64) -> Vec<String> {
        let heap = table.access_method.as_deref().is_none_or(|method| method == "heap");
        let pieces = size.div_ceil(PIECE);
        if pieces < 2 || !heap {
            return vec![String::new()];
        }
        let step = (size / self.page).div_ceil(pieces);
        let bound = |piece: u64| format!("'({},0)'::tid", piece * step);
        let range = |piece: u64| match piece {
            0 => format!("ctid < {}", bound(1)),
            last if last == pieces - 1 => format!("ctid >= {}", bound(last)),
            piece => format!("ctid >= {} AND ctid < {}", bound(piece), bound(piece + 1)),
        };
        (0..pieces).map(range).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        serde_json::from_str(r#"{"schema": "public", "name": "t", "kind": "table", "owner": "me"}"#)
            .expect("the catalog's own form")
    }

    #[test]
    fn pieces_cover_every_page_once() {
        let sizes = Sizes { page: 8192, bytes: HashMap::new() };
        assert_eq!(sizes.ranges(&table(), PIECE), [""]);
        let ranges = sizes.ranges(&table(), PIECE * 2 + 1);
        assert_eq!(
            ranges,
            [
                "ctid < '(10923,0)'::tid",
                "ctid >= '(10923,0)'::tid AND ctid < '(21846,0)'::tid",
                "ctid >= '(21846,0)'::tid"
            ]
        );
    }

    #[test]
    fn a_table_without_columns_still_has_rows() {
        let name = Name { schema: "public".to_owned(), name: "t".to_owned() };
        assert_eq!(Work::new(&table(), &name, "", 0).copy_out, "COPY \"public\".\"t\" TO STDOUT");
    }
}
