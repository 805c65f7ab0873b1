//! Some tables only, replaced in place: one transaction empties them, copies their rows and puts their foreign keys back,
//! which checks them. Until it commits, everybody sees the old rows.

use std::collections::BTreeSet;
use std::time::Instant;

use postgres::Ident;
use postgres::catalog::{Catalog, Enabled, Name, Table, TableKind};
use postgres_protocol::escape::escape_literal;
use tokio_postgres::Client;

use super::{Options, Report, plan, rows, unreadable};
use crate::{
    Error,
    copy::{Copied, Snapshot, stream},
    place::{Place, PlaceError},
};

/// Copies the rows of `names` (`orders`, `shop.orders`) from `from` over those that `to` has in the same tables. A name
/// without a schema is found in `public`, else in the one schema that has it.
///
/// # Errors
/// [`PlaceError::Lacks`]: a table or column is not on both sides. [`PlaceError::Copy`]: a value does not fit, or a foreign
/// key leads nowhere. The target is then as it was.
pub async fn run(from: &Place, to: &Place, names: &[String], options: &Options) -> Result<Report, Error> {
    let began = Instant::now();
    let snapshot = Snapshot::open(from, 0).await?;
    super::distinct(snapshot.leader(), from, to).await?;
    let target = to.connect().await?;
    crate::copy::settle(&target).await?;
    let source_catalog = Catalog::read(snapshot.leader(), &[]).await.map_err(|error| unreadable(from, &error))?;
    let target_catalog = Catalog::read(&target, &[]).await.map_err(|error| unreadable(to, &error))?;
    let mut pairs = Vec::new();
    for name in names {
        let here = find(&source_catalog, name).ok_or_else(|| lacks(from, format!("there is no table {name}")))?;
        let there = target_catalog.table(&here.schema, &here.name);
        let there = there.ok_or_else(|| lacks(to, format!("there is no table {}.{}", here.schema, here.name)))?;
        fits(here, there, to)?;
        pairs.push(Pair { source: here, target: there });
    }
    let exchange = Exchange { from: snapshot.leader(), to: &target, options, pairs, source_catalog: &source_catalog };
    let mut report = exchange.run().await?;
    report.duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(report)
}

struct Pair<'a> {
    source: &'a Table,
    target: &'a Table,
}

impl Pair<'_> {
    fn shown(&self) -> String {
        shown(&self.target.schema, &self.target.name)
    }

    fn label(&self) -> String {
        format!("{}.{}", self.target.schema, self.target.name)
    }
}

struct Exchange<'a> {
    from: &'a Client,
    to: &'a Client,
    options: &'a Options,
    pairs: Vec<Pair<'a>>,
    source_catalog: &'a Catalog,
}

impl Exchange<'_> {
    async fn run(&self) -> Result<Report, Error> {
        self.to.batch_execute("BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '60s'").await?;
        let result = self.inside().await;
        project::fault::hit("clone.tables.before-commit");
        match result {
            Ok(report) => {
                self.to.batch_execute("COMMIT").await?;
                Ok(report)
            }
            Err(error) => {
                // A broken connection has ended the transaction already.
                let _ = self.to.batch_execute("ROLLBACK").await;
                Err(error)
            }
        }
    }

    async fn inside(&self) -> Result<Report, Error> {
        let all = self.pairs.iter().map(Pair::shown).collect::<Vec<_>>().join(", ");
        let locked = self.to.batch_execute(&format!("LOCK TABLE {all} IN ACCESS EXCLUSIVE MODE")).await;
        locked.map_err(|error| rows::about(error.into(), &all))?;
        let keys = self.keys().await?;
        self.execute(keys.iter().map(|key| key.drop.as_str())).await?;
        for pair in &self.pairs {
            self.to.batch_execute(&format!("ALTER TABLE {} DISABLE TRIGGER USER", pair.shown())).await?;
        }
        self.to.batch_execute(&format!("TRUNCATE {all}")).await?;
        let mut report = Report { tables: self.pairs.len(), ..Report::default() };
        for pair in &self.pairs {
            let Copied { rows, bytes } = self.copy(pair).await?;
            report.rows += rows;
            report.bytes += bytes;
            self.sequences(pair).await?;
        }
        for pair in &self.pairs {
            self.execute(triggers(pair).iter().map(String::as_str)).await?;
        }
        for key in &keys {
            let added = self.to.batch_execute(&key.add).await;
            added.map_err(|error| rows::about(error.into(), &key.table))?;
        }
        if let Some(rewrite) = &self.options.rewrite {
            let name = |pair: &Pair<'_>| (pair.target.schema.clone(), pair.target.name.clone());
            rewrite.check(self.to, self.pairs.iter().map(name).collect()).await?;
        }
        Ok(report)
    }

    async fn execute(&self, statements: impl Iterator<Item = &str>) -> Result<(), Error> {
        let script = statements.collect::<Vec<_>>().join(";\n");
        Ok(self.to.batch_execute(&script).await?)
    }

    /// The foreign keys from and to the tables, those of partitions with their partitioned table's.
    async fn keys(&self) -> Result<Vec<Key>, Error> {
        let oids: Vec<u32> = self.pairs.iter().map(|pair| pair.target.oid).collect();
        let sql = "WITH RECURSIVE part AS (
                     SELECT o AS oid FROM unnest($1::oid[]) o
                     UNION SELECT i.inhrelid FROM part p JOIN pg_inherits i ON i.inhparent = p.oid)
                   SELECT n.nspname::text, r.relname::text, c.conname::text, pg_get_constraintdef(c.oid),
                          obj_description(c.oid, 'pg_constraint')
                   FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
                   WHERE c.contype = 'f' AND c.conparentid = 0
                     AND (c.conrelid IN (SELECT oid FROM part) OR c.confrelid IN (SELECT oid FROM part))
                   ORDER BY 1, 2, 3";
        Ok(self.to.query(sql, &[&oids]).await?.iter().map(Key::read).collect())
    }

    /// Rows of a partitioned table come partition by partition and go where the target's own partitions want them.
    async fn copy(&self, pair: &Pair<'_>) -> Result<Copied, Error> {
        let columns = plan::columns(pair.source);
        let list = columns.iter().map(|column| Ident::new(column.as_str()).to_string()).collect::<Vec<_>>().join(", ");
        let list = if list.is_empty() { list } else { format!(" ({list})") };
        let into = format!("COPY {}{list} FROM STDIN", pair.shown());
        let mut copied = Copied::default();
        for leaf in leaves(self.source_catalog, pair.source) {
            let out = format!("COPY {}{list} TO STDOUT", shown(&leaf.schema, &leaf.name));
            let mut changes = match &self.options.rewrite {
                Some(rewrite) => rewrite.table(&leaf.schema, &leaf.name, &columns)?,
                None => None,
            };
            let changes = changes.as_deref_mut();
            let done = stream(self.from, &out, self.to, &into, changes, &self.options.progress).await;
            copied += done.map_err(|error| rows::about(error, &pair.label()))?;
            project::fault::hit("clone.tables.table");
        }
        Ok(copied)
    }

    /// `setval` would outlive a rollback; ALTER SEQUENCE does not.
    async fn sequences(&self, pair: &Pair<'_>) -> Result<(), Error> {
        for column in &pair.source.columns {
            let target = pair.target.column(&column.name).and_then(|column| column.sequence.as_ref());
            let (Some(source), Some(target)) = (&column.sequence, target) else { continue };
            let sql = format!("SELECT last_value, is_called FROM {}", shown(&source.schema, &source.name));
            let row = self.from.query_one(&sql, &[]).await?;
            let (last, called): (i64, bool) = (row.get(0), row.get(1));
            let step = self.source_catalog.sequence(&source.schema, &source.name).map_or(1, |found| found.increment);
            let next = if called { last.saturating_add(step) } else { last };
            let sql = format!("ALTER SEQUENCE {} RESTART WITH {next}", shown(&target.schema, &target.name));
            self.to.batch_execute(&sql).await?;
        }
        Ok(())
    }
}

/// A foreign key that is taken away while rows change.
struct Key {
    table: String,
    drop: String,
    add: String,
}

impl Key {
    fn read(row: &tokio_postgres::Row) -> Self {
        let (schema, table, name): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
        let (definition, comment): (&str, Option<&str>) = (row.get(3), row.get(4));
        let (on, key) = (shown(schema, table), Ident::new(name));
        let mut add = format!("ALTER TABLE {on} ADD CONSTRAINT {key} {definition}");
        if let Some(comment) = comment {
            add.push_str(&format!("; COMMENT ON CONSTRAINT {key} ON {on} IS {}", escape_literal(comment)));
        }
        Self { table: format!("{schema}.{table}"), drop: format!("ALTER TABLE {on} DROP CONSTRAINT {key}"), add }
    }
}

/// The statements that put the triggers back to how they were.
fn triggers(pair: &Pair<'_>) -> Vec<String> {
    let one = |trigger: &postgres::catalog::Trigger| {
        let how = match trigger.enabled {
            Enabled::Origin => "ENABLE",
            Enabled::Replica => "ENABLE REPLICA",
            Enabled::Always => "ENABLE ALWAYS",
            Enabled::Disabled => return None,
        };
        Some(format!("ALTER TABLE {} {how} TRIGGER {}", pair.shown(), Ident::new(trigger.name.as_str())))
    };
    pair.target.triggers.iter().filter_map(one).collect()
}

fn shown(schema: &str, name: &str) -> String {
    Ident::new(schema).dot(name).to_string()
}

fn find<'a>(catalog: &'a Catalog, name: &str) -> Option<&'a Table> {
    let holds_rows = |table: &&Table| matches!(table.kind, TableKind::Table | TableKind::Partitioned);
    if let Some(table) = catalog.table("public", name).filter(holds_rows) {
        return Some(table);
    }
    if let Some((schema, name)) = name.split_once('.')
        && let Some(table) = catalog.table(schema, name).filter(holds_rows)
    {
        return Some(table);
    }
    let mut found = catalog.tables.iter().filter(|table| table.name == name).filter(holds_rows);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The tables that hold a table's rows: itself, or its partitions' partitions.
fn leaves<'a>(catalog: &'a Catalog, table: &'a Table) -> Vec<&'a Table> {
    if table.kind == TableKind::Table {
        return vec![table];
    }
    let name = Name { schema: table.schema.clone(), name: table.name.clone() };
    let parts = catalog.tables.iter().filter(|part| part.partition_of.as_ref().is_some_and(|of| of.parent == name));
    parts.flat_map(|part| leaves(catalog, part)).collect()
}

/// Refuses where the target has no place for a column.
fn fits(source: &Table, target: &Table, to: &Place) -> Result<(), Error> {
    let places: BTreeSet<String> = plan::columns(target).into_iter().collect();
    let missing: Vec<String> = plan::columns(source).into_iter().filter(|column| !places.contains(column)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let name = format!("{}.{}", target.schema, target.name);
    Err(lacks(to, format!("the table {name} has no column {}", missing.join(", "))))
}

fn lacks(place: &Place, why: String) -> Error {
    let fix = format!(
        "nself db query --env {} \"SELECT schemaname, tablename FROM pg_tables\", or copy the whole database: leave --tables \
         out",
        place.environment
    );
    PlaceError::Lacks { label: place.label.clone(), why, fix }.into()
}
