//! A part of a database that stands on its own: some rows of one table, every row that hangs on them, and every row that
//! any of these needs.
//!
//! Rows are named by their place (`ctid`), which one snapshot keeps: tables without a primary key have one as well.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use postgres::Ident;
use postgres::catalog::{Catalog, ForeignKey, Table, TableKind};
use tokio_postgres::Client;

use super::classes::root;
use super::plan::{Action, Plan};
use super::{MaskError, rules};
use crate::Error;

/// Rows asked about in one statement.
const BATCH: usize = 5_000;

/// `table where condition`, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subset {
    text: String,
    table: String,
    condition: String,
}

/// The rows of a subset.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// By schema and name: conditions, each of which gives a part of the table's rows. A table that is not here is taken
    /// whole: no foreign key ties it to the subset.
    pub tables: BTreeMap<(String, String), Vec<String>>,
    /// By schema and name.
    pub rows: BTreeMap<(String, String), usize>,
}

impl Subset {
    /// # Errors
    /// [`MaskError::Subset`].
    pub fn parse(text: &str) -> Result<Self, MaskError> {
        let wrong = |problem: &str| MaskError::Subset { text: text.to_owned(), problem: problem.to_owned() };
        let at = text
            .to_ascii_lowercase()
            .find(" where ")
            .ok_or_else(|| wrong("it is a table, `where`, and a condition"))?;
        let (table, condition) = (text[..at].trim().replace('"', ""), text[at + " where ".len()..].trim().to_owned());
        if table.is_empty() || condition.is_empty() {
            return Err(wrong("it is a table, `where`, and a condition"));
        }
        Ok(Self { text: text.to_owned(), table, condition })
    }

    /// Follows the foreign keys. `client` is in the snapshot from which the rows will be copied. `plan`, where there is one,
    /// says which tables are left behind and which are taken whole.
    ///
    /// # Errors
    /// [`MaskError::Subset`] when the table or its condition is wrong; the database.
    pub async fn choose(&self, client: &Client, catalog: &Catalog, plan: Option<&Plan>) -> Result<Chosen, Error> {
        let wrong = |problem: String| MaskError::Subset { text: self.text.clone(), problem };
        let table = find(catalog, &self.table).ok_or_else(|| wrong(format!("there is no table {}", self.table)))?;
        let mut walk = Walk { client, catalog, plan, rows: HashMap::new(), open: Vec::new() };
        let sql = format!("SELECT tableoid, ctid::pg_catalog.text FROM {} WHERE ({}\n)", source(table), self.condition);
        let start = client.query(&sql, &[]).await.map_err(|error| wrong(crate::failure::describe(&error)))?;
        walk.add(start, true);
        for kept in catalog.tables.iter().filter(|table| is_kept(plan, table) && table.partition_of.is_none()) {
            let sql = format!("SELECT tableoid, ctid::pg_catalog.text FROM {}", source(kept));
            let rows = client.query(&sql, &[]).await?;
            walk.add(rows, false);
        }
        walk.run().await?;
        Ok(walk.chosen(table))
    }
}

/// The table itself, or all its partitions.
fn source(table: &Table) -> String {
    let name = Ident::new(&table.schema).dot(&table.name);
    if table.kind == TableKind::Partitioned { name.to_string() } else { format!("ONLY {name}") }
}

fn find<'a>(catalog: &'a Catalog, name: &str) -> Option<&'a Table> {
    let (schema, table) = name.split_once('.').unwrap_or(("public", name));
    let found = catalog.table(schema, table).or_else(|| catalog.table("public", name))?;
    matches!(found.kind, TableKind::Table | TableKind::Partitioned).then_some(found)
}

fn action(plan: Option<&Plan>, table: &Table) -> Action {
    plan.and_then(|plan| plan.table(&table.schema, &table.name)).map_or(Action::Rewrite, |plan| plan.action)
}

fn is_kept(plan: Option<&Plan>, table: &Table) -> bool {
    matches!(table.kind, TableKind::Table | TableKind::Partitioned) && action(plan, table) == Action::Keep
}

/// A row's place: page and line, packed.
type Place = u64;

/// What is known of a row: true when the rows that hang on it belong to the subset too.
type Rows = HashMap<Place, bool>;

struct Walk<'a> {
    client: &'a Client,
    catalog: &'a Catalog,
    plan: Option<&'a Plan>,
    /// By the oid of the table that holds them.
    rows: HashMap<u32, Rows>,
    /// Rows whose foreign keys have not been followed; true: downwards as well.
    open: Vec<(u32, Vec<Place>, bool)>,
}

impl Walk<'_> {
    /// Notes the rows that are new, or that are reached in a way that takes more with them.
    fn add(&mut self, found: Vec<tokio_postgres::Row>, down: bool) {
        let mut fresh: HashMap<u32, Vec<Place>> = HashMap::new();
        for row in found {
            let (table, Some(place)) = (row.get::<_, u32>(0), packed(row.get(1))) else { continue };
            let known = self.rows.entry(table).or_default();
            match known.get(&place) {
                Some(before) if *before || !down => {}
                _ => {
                    known.insert(place, down);
                    fresh.entry(table).or_default().push(place);
                }
            }
        }
        for (table, mut places) in fresh {
            places.sort_unstable();
            self.open.extend(places.chunks(BATCH).map(|batch| (table, batch.to_vec(), down)));
        }
    }

    async fn run(&mut self) -> Result<(), Error> {
        let catalog = self.catalog;
        while let Some((oid, places, down)) = self.open.pop() {
            let Some(leaf) = catalog.table_by_oid(oid) else { continue };
            let table = root(catalog, leaf);
            let places: Vec<String> = places.into_iter().map(shown).collect();
            for key in &table.foreign_keys {
                let Some(target) = catalog.table(&key.references.schema, &key.references.name) else { continue };
                if action(self.plan, target) != Action::Empty {
                    let sql = related(source(target), &key.referenced_columns, leaf, &key.columns);
                    let found = self.client.query(&sql, &[&places]).await?;
                    self.add(found, false);
                }
            }
            let hanging: Vec<(&Table, &ForeignKey)> = if down {
                catalog.referencing(table).filter(|(owner, _)| owner.partition_of.is_none()).collect()
            } else {
                Vec::new()
            };
            for (owner, key) in hanging {
                if action(self.plan, owner) == Action::Rewrite {
                    let sql = related(source(owner), &key.columns, leaf, &key.referenced_columns);
                    let found = self.client.query(&sql, &[&places]).await?;
                    self.add(found, true);
                }
            }
        }
        Ok(())
    }

    fn chosen(self, start: &Table) -> Chosen {
        let mut chosen = Chosen::default();
        let tied = tied(self.catalog, start);
        for table in self.catalog.tables.iter().filter(|table| table.kind == TableKind::Table) {
            let of = root(self.catalog, table);
            if !tied.contains(&(of.schema.as_str(), of.name.as_str())) {
                continue;
            }
            let mut places: Vec<Place> =
                self.rows.get(&table.oid).map(|rows| rows.keys().copied().collect()).unwrap_or_default();
            places.sort_unstable();
            let conditions = places.chunks(BATCH * 4).map(|part| {
                let list: Vec<String> = part.iter().map(|place| format!("\"{}\"", shown(*place))).collect();
                format!("ctid = ANY ('{{{}}}'::pg_catalog.tid[])", list.join(","))
            });
            let name = (table.schema.clone(), table.name.clone());
            chosen.tables.insert(name.clone(), conditions.collect());
            chosen.rows.insert(name, places.len());
        }
        chosen
    }
}

/// The rows of `source` whose `columns` have the values that `others` have in some rows of `leaf`.
fn related(source: String, columns: &[String], leaf: &Table, others: &[String]) -> String {
    let list = |names: &[String]| names.iter().map(|name| Ident::new(name).to_string()).collect::<Vec<_>>().join(", ");
    format!(
        "SELECT tableoid, ctid::pg_catalog.text FROM {source} WHERE ({}) IN (SELECT {} FROM ONLY {} WHERE ctid = ANY \
         ($1::pg_catalog.text[]::pg_catalog.tid[]))",
        list(columns),
        list(others),
        Ident::new(&leaf.schema).dot(&leaf.name)
    )
}

/// Tables that foreign keys tie to `start`, in any direction.
fn tied<'a>(catalog: &'a Catalog, start: &'a Table) -> BTreeSet<(&'a str, &'a str)> {
    let start = root(catalog, start);
    let mut seen: HashSet<(&str, &str)> = HashSet::from([(start.schema.as_str(), start.name.as_str())]);
    let mut open = vec![start];
    while let Some(table) = open.pop() {
        let up =
            table.foreign_keys.iter().filter_map(|key| catalog.table(&key.references.schema, &key.references.name));
        let down = catalog.referencing(table).map(|(owner, _)| owner);
        for next in up.chain(down).map(|next| root(catalog, next)) {
            if seen.insert((next.schema.as_str(), next.name.as_str())) {
                open.push(next);
            }
        }
    }
    seen.into_iter().collect()
}

/// `(12,3)` as one number: a page has fewer than 2^16 lines.
fn packed(text: &str) -> Option<Place> {
    let (page, line) = text.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
    Some(page.parse::<u64>().ok()? << 16 | line.parse::<u64>().ok()?)
}

fn shown(place: Place) -> String {
    format!("({},{})", place >> 16, place & 0xffff)
}

impl std::fmt::Display for Subset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Chosen {
    /// `table: rows`, as the rules file writes tables.
    pub fn listed(&self) -> BTreeMap<String, usize> {
        self.rows.iter().map(|((schema, table), rows)| (rules::table_name(schema, table), *rows)).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_subset_is_a_table_and_a_condition() {
        let subset = Subset::parse("crm.orders WHERE id < 10 and note = ' where '").unwrap();
        assert_eq!((subset.table.as_str(), subset.condition.as_str()), ("crm.orders", "id < 10 and note = ' where '"));
        assert!(Subset::parse("orders").is_err() && Subset::parse(" where x").is_err());
        assert_eq!(shown(packed("(70000,12)").unwrap()), "(70000,12)");
    }
}
