//! Rows of a table as a seed that runs anywhere: with the rows they point to, in an order that works, and sequences that
//! know which numbers are taken.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use postgres::{
    Ident,
    catalog::{Catalog, Column, ForeignKey, Identity, Key, Table},
};
use serde::Serialize;
use tokio_postgres::Client;

use super::TableName;
use crate::{
    Error,
    data::{DataError, advance_sequence},
    failure::Source,
    order::{Loose, Order, Way},
    session, sql,
};

/// What to extract.
#[derive(Debug, Clone)]
pub struct Extract {
    /// `users` or `shop.users`.
    pub table: String,
    /// A condition in SQL, as the person wrote it.
    pub filter: Option<String>,
    /// The rows that these point to as well.
    pub parents: bool,
    /// More rows than this are refused: they belong into a dump. Counted with the parents.
    pub limit: usize,
}

/// A seed that was made.
#[derive(Debug, Clone, Serialize)]
pub struct Extracted {
    #[serde(skip)]
    pub sql: String,
    /// In the order in which the seed fills them.
    pub tables: Vec<ExtractedTable>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ExtractedTable {
    pub table: String,
    pub rows: usize,
    /// Not asked for: rows that others point to.
    pub parent: bool,
}

/// How many keys are looked up in one question.
const BATCH: usize = 2000;

/// A row: the text of each column in [`columns`]' order; `None` is NULL.
type Values = Vec<Option<String>>;

/// Reads the rows, in one snapshot, and writes the seed.
///
/// # Errors
/// No such table, a condition that PostgreSQL refuses, or too many rows.
pub async fn extract(client: &mut Client, wanted: &Extract) -> Result<Extracted, Error> {
    let transaction = client
        .build_transaction()
        .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    let catalog = Catalog::read(transaction.client(), &[]).await?;
    transaction
        .batch_execute("SET LOCAL datestyle = ISO; SET LOCAL intervalstyle = postgres; SET LOCAL bytea_output = hex; SET LOCAL timezone = 'UTC'")
        .await?;
    let name = TableName::parse(&wanted.table).unwrap_or_else(|| TableName::of_file(&wanted.table));
    let table = name.find(&catalog).ok_or_else(|| DataError::unknown_table(&wanted.table, &catalog))?;
    let mut gathered =
        Gathered { client: transaction.client(), catalog: &catalog, sets: BTreeMap::new(), limit: wanted.limit };
    gathered.begin(table, wanted.filter.as_deref()).await?;
    if wanted.parents {
        gathered.follow().await?;
    }
    Ok(write(&catalog, table, wanted, &gathered.sets))
}

/// The rows of one table, each once.
#[derive(Default)]
struct Set {
    rows: Vec<Values>,
    seen: HashSet<Values>,
    /// How many of the rows have had their keys followed.
    followed: usize,
}

struct Gathered<'a> {
    client: &'a Client,
    catalog: &'a Catalog,
    sets: BTreeMap<(&'a str, &'a str), Set>,
    limit: usize,
}

/// The columns that a seed can write: all but generated ones.
fn columns(table: &Table) -> impl Iterator<Item = &Column> {
    table.columns.iter().filter(|column| column.generated.is_none())
}

fn qualified(table: &Table) -> String {
    Ident::new(&table.schema).dot(&table.name).to_string()
}

fn list(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    names.map(|name| Ident::new(name.as_ref()).to_string()).collect::<Vec<_>>().join(", ")
}

impl<'a> Gathered<'a> {
    /// The rows that were asked for.
    async fn begin(&mut self, table: &'a Table, filter: Option<&str>) -> Result<(), Error> {
        let values: Vec<String> = columns(table).map(|column| format!("{}::text", Ident::new(&column.name))).collect();
        let head = format!("SELECT {} FROM {}", values.join(", "), qualified(table));
        let text = match filter {
            Some(filter) => format!("{head}\nWHERE {filter}"),
            None => head,
        };
        // One statement and nothing behind it: the condition is a person's, and the transaction is read-only besides.
        let rows = match (sql::split(&text).as_slice(), filter) {
            ([statement], _) if statement.range.end >= text.trim_end().len() => {
                let read = self.client.query(&format!("{text}\nLIMIT {}", self.limit + 1), &[]).await;
                let source = Source { file: None, text: &text };
                read.map_err(|error| session::failed(self.client, source, statement, error, "no seed was written"))?
            }
            _ => return Err(DataError::Condition { condition: filter.unwrap_or_default().to_owned() }.into()),
        };
        self.add(table, &rows)
    }

    fn add(&mut self, table: &'a Table, rows: &[tokio_postgres::Row]) -> Result<(), Error> {
        let set = self.sets.entry((&table.schema, &table.name)).or_default();
        for row in rows {
            let values: Values = (0..row.len()).map(|at| row.get(at)).collect();
            if set.seen.insert(values.clone()) {
                set.rows.push(values);
            }
        }
        let rows: usize = self.sets.values().map(|set| set.rows.len()).sum();
        if rows > self.limit { Err(DataError::TooManyRows { limit: self.limit }.into()) } else { Ok(()) }
    }

    /// Rows that others point to, and those that these point to, until there are no new ones.
    async fn follow(&mut self) -> Result<(), Error> {
        loop {
            let open: Vec<&'a Table> = self
                .sets
                .iter()
                .filter(|(_, set)| set.followed < set.rows.len())
                .filter_map(|((schema, name), _)| self.catalog.table(schema, name))
                .collect();
            if open.is_empty() {
                return Ok(());
            }
            for table in open {
                let place = (table.schema.as_str(), table.name.as_str());
                let Some((from, to)) = self.sets.get(&place).map(|set| (set.followed, set.rows.len())) else {
                    continue;
                };
                for key in table.foreign_keys.iter().filter(|key| key.enforced) {
                    self.parents(table, key, from..to).await?;
                }
                if let Some(set) = self.sets.get_mut(&place) {
                    set.followed = to;
                }
            }
        }
    }

    /// Adds the rows that some rows of `table` point to by one key.
    async fn parents(&mut self, table: &'a Table, key: &ForeignKey, rows: std::ops::Range<usize>) -> Result<(), Error> {
        let Some(parent) = self.catalog.table(&key.references.schema, &key.references.name) else { return Ok(()) };
        let pointing =
            projected(table, &key.columns, self.sets.get(&(table.schema.as_str(), table.name.as_str())), rows);
        let everything = 0..usize::MAX;
        let there = self.sets.get(&(parent.schema.as_str(), parent.name.as_str()));
        let there = projected(parent, &key.referenced_columns, there, everything);
        let missing: Vec<Vec<String>> = pointing.difference(&there).cloned().collect();
        let types: Vec<&str> = key
            .referenced_columns
            .iter()
            .filter_map(|name| parent.column(name))
            .map(|column| column.r#type.sql.as_str())
            .collect();
        for batch in missing.chunks(BATCH) {
            let sets: Vec<Vec<&str>> =
                (0..types.len()).map(|at| batch.iter().map(|key| key[at].as_str()).collect()).collect();
            let parameters: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = sets.iter().map(|set| set as _).collect();
            let rows = self.client.query(&lookup(parent, key, &types), &parameters).await?;
            self.add(parent, &rows)?;
        }
        Ok(())
    }
}

/// The distinct values of some columns; rows where one is NULL point to nothing.
fn projected(
    table: &Table,
    names: &[String],
    set: Option<&Set>,
    rows: std::ops::Range<usize>,
) -> BTreeSet<Vec<String>> {
    let places: Vec<usize> =
        names.iter().filter_map(|name| columns(table).position(|column| column.name == *name)).collect();
    let rows = set.map_or(&[][..], |set| &set.rows[rows.start.min(set.rows.len())..rows.end.min(set.rows.len())]);
    rows.iter().filter_map(|row| places.iter().map(|&at| row[at].clone()).collect()).collect()
}

/// The statement that reads rows by a list of keys, so that an index can serve it.
fn lookup(parent: &Table, key: &ForeignKey, types: &[&str]) -> String {
    let values: Vec<String> = columns(parent).map(|column| format!("p.{}::text", Ident::new(&column.name))).collect();
    let arrays: Vec<String> = (1..=types.len()).map(|number| format!("${number}::text[]")).collect();
    let names: Vec<String> = (1..=types.len()).map(|number| format!("c{number}")).collect();
    let same: Vec<String> = key
        .referenced_columns
        .iter()
        .zip(&names)
        .zip(types)
        .map(|((column, name), sql)| format!("p.{} = k.{name}::{sql}", Ident::new(column)))
        .collect();
    format!(
        "SELECT {} FROM {} p JOIN unnest({}) AS k ({}) ON {}",
        values.join(", "),
        qualified(parent),
        arrays.join(", "),
        names.join(", "),
        same.join(" AND ")
    )
}

/// The whole seed.
fn write(catalog: &Catalog, asked: &Table, wanted: &Extract, sets: &BTreeMap<(&str, &str), Set>) -> Extracted {
    let tables: Vec<&Table> = sets.keys().filter_map(|(schema, name)| catalog.table(schema, name)).collect();
    let order = Order::new(catalog, &tables);
    let mut sql = format!("-- Rows of {}.{}", asked.schema, asked.name);
    if let Some(filter) = &wanted.filter {
        sql.push_str(&format!(" where {}", filter.replace(['\n', '\r'], " ")));
    }
    sql.push_str(", extracted by nself seed extract.\n-- A second run does no harm: rows that are there are brought up to date.\n");
    if tables.iter().any(|table| columns(table).any(|column| column.r#type.sql.contains("interval"))) {
        sql.push_str("SET LOCAL intervalstyle = postgres;\n");
    }
    // Keys of a circle hold again at the end.
    let circles: Vec<_> = order.loose.iter().filter(|loose| !loose.is_self()).collect();
    for loose in &circles {
        sql.push_str(&loose.suspend());
    }
    let mut report = Vec::new();
    for table in &order.tables {
        let Some(set) = sets.get(&(table.schema.as_str(), table.name.as_str())).filter(|set| !set.rows.is_empty())
        else {
            continue;
        };
        let parent = !std::ptr::eq(*table, asked);
        sql.push_str(&insert(table, &set.rows, parent));
        report.push(ExtractedTable { table: format!("{}.{}", table.schema, table.name), rows: set.rows.len(), parent });
    }
    if circles.iter().any(|loose| loose.way != Way::Deferred) {
        sql.push_str(&Loose::restore(circles.iter().copied()));
    }
    for table in order
        .tables
        .iter()
        .filter(|table| report.iter().any(|done| done.table == format!("{}.{}", table.schema, table.name)))
    {
        for column in table.columns.iter().filter(|column| column.sequence.is_some()) {
            sql.push_str(&advance_sequence(table, column));
        }
    }
    Extracted { sql, tables: report }
}

/// One statement for all rows of a table, so that rows may point to each other whatever their order.
fn insert(table: &Table, rows: &[Values], parent: bool) -> String {
    let names = list(columns(table).map(|column| &column.name));
    let always = columns(table).any(|column| column.identity == Some(Identity::Always));
    let overriding = if always { " OVERRIDING SYSTEM VALUE" } else { "" };
    let keyed = table.primary_key.is_some() || !table.unique_keys.is_empty();
    let note = if keyed { "" } else { "-- This table has no key: a second run adds its rows again.\n" };
    let mut sql = format!("\n{note}INSERT INTO {} ({names}){overriding} VALUES\n", qualified(table));
    for (number, row) in rows.iter().enumerate() {
        let values: Vec<String> =
            columns(table).zip(row).map(|(column, value)| literal(column, value.as_deref())).collect();
        sql.push_str(if number == 0 { "    (" } else { ",\n    (" });
        sql.push_str(&values.join(", "));
        sql.push(')');
    }
    sql.push_str(&conflict(table, parent));
    sql
}

/// What happens to a row whose key is there: it is brought up to date, or left alone when it only has to exist.
fn conflict(table: &Table, parent: bool) -> String {
    let plain = |key: &&Key| !key.deferrable && !key.period;
    let key = table.primary_key.iter().chain(&table.unique_keys).find(plain);
    let settable = |column: &&Column| {
        column.identity != Some(Identity::Always) && key.is_some_and(|key| !key.columns.contains(&column.name))
    };
    let set: Vec<String> =
        columns(table).filter(settable).map(|column| format!("{0} = excluded.{0}", Ident::new(&column.name))).collect();
    match key {
        Some(key) if !parent && !set.is_empty() => {
            format!("\nON CONFLICT ({}) DO UPDATE SET {};\n", list(key.columns.iter()), set.join(", "))
        }
        _ => "\nON CONFLICT DO NOTHING;\n".to_owned(),
    }
}

/// A value as SQL writes it.
fn literal(column: &Column, value: Option<&str>) -> String {
    let Some(text) = value else { return "NULL".to_owned() };
    let number = column.r#type.category == 'N'
        && column.r#type.name != "money"
        && text.ends_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e'));
    let boolean = column.r#type.category == 'B' && matches!(text, "true" | "false");
    if number || boolean {
        return text.to_owned();
    }
    // A carriage return would be lost where line ends are changed on their way.
    let quoted = postgres_protocol::escape::escape_literal(text);
    match text.contains('\r') {
        false => quoted.trim_start().to_owned(),
        true => {
            format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''").replace('\r', "\\r").replace('\n', "\\n"))
        }
    }
}
