//! Tables in the order of their foreign keys, so that rows can be written after the rows they point to.
//!
//! Cycles have no such order. They are cut at the key that is easiest to satisfy later: one that may be deferred, then
//! one whose columns may be null for a while, and only in a cycle that has neither, one that allows nothing. The cut keys
//! are named in [`Order::loose`], keys from a table to itself among them.

use std::collections::{BTreeMap, BTreeSet};

use postgres::{
    Ident,
    catalog::{Catalog, ForeignKey, Table, TableKind},
};

/// Some tables of a catalog, in order.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    /// Every table after those that it references, except by the keys in `loose`; otherwise by name.
    pub tables: Vec<&'a Table>,
    /// The keys that point to the table itself or to one that comes later, in the order of `tables`.
    pub loose: Vec<Loose<'a>>,
}

/// A foreign key that the order does not satisfy.
#[derive(Debug, Clone, Copy)]
pub struct Loose<'a> {
    /// The table that has the key.
    pub table: &'a Table,
    pub key: &'a ForeignKey,
    pub way: Way,
}

/// How a loose key can be satisfied all the same, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// It is deferrable: `SET CONSTRAINTS … DEFERRED`.
    Deferred,
    /// One of its columns may be null: first null, the value in a second pass.
    Nullable,
    /// Neither. Rows must come in one statement, or the key be made deferrable for as long as they are written.
    Rigid,
}

impl Loose<'_> {
    /// True for a key from a table to itself.
    pub fn is_self(&self) -> bool {
        points_to(self.key, self.table)
    }

    /// SQL that lets rows break the key until the transaction's end. A key that is not deferrable is made so; the change is
    /// the transaction's, and [`Loose::restore`] takes it back.
    pub fn suspend(&self) -> String {
        let defer = format!("SET CONSTRAINTS {} DEFERRED;\n", self.constraint());
        match self.way {
            Way::Deferred => defer,
            Way::Nullable | Way::Rigid => self.alter("DEFERRABLE") + &defer,
        }
    }

    /// SQL that checks the key.
    pub fn check(&self) -> String {
        format!("SET CONSTRAINTS {} IMMEDIATE;\n", self.constraint())
    }

    /// SQL that makes the keys what they were. Everything that was put off is checked before: no table is altered while
    /// one of its keys waits.
    pub fn restore<'l>(loose: impl IntoIterator<Item = &'l Self>) -> String
    where
        Self: 'l,
    {
        let altered = loose.into_iter().filter(|loose| loose.way != Way::Deferred);
        let undo = altered.map(|loose| loose.alter("NOT DEFERRABLE"));
        std::iter::once("SET CONSTRAINTS ALL IMMEDIATE;\n".to_owned()).chain(undo).collect()
    }

    fn constraint(&self) -> String {
        Ident::new(&self.table.schema).dot(&self.key.name).to_string()
    }

    fn alter(&self, what: &str) -> String {
        let table = Ident::new(&self.table.schema).dot(&self.table.name);
        format!("ALTER TABLE {table} ALTER CONSTRAINT {} {what};\n", Ident::new(&self.key.name))
    }
}

impl<'a> Order<'a> {
    /// The order of `tables`. Keys to tables that are not among them, and keys that are not enforced, do not count. A key
    /// to a partition counts as one to its partitioned table.
    pub fn new(catalog: &'a Catalog, tables: &[&'a Table]) -> Self {
        let graph = Graph::new(catalog, tables);
        let places = graph.sort();
        let tables: Vec<&Table> = places.iter().map(|&at| graph.tables[at]).collect();
        let rank: BTreeMap<usize, usize> = places.iter().enumerate().map(|(rank, &at)| (at, rank)).collect();
        let mut loose = Vec::new();
        for &from in &places {
            for (to, key) in &graph.keys[from] {
                if rank[to] >= rank[&from] {
                    loose.push(Loose { table: graph.tables[from], key, way: way(graph.tables[from], key) });
                }
            }
        }
        Self { tables, loose }
    }

    /// The loose keys of one table.
    pub fn loose_of(&self, table: &Table) -> impl Iterator<Item = &Loose<'a>> {
        self.loose.iter().filter(move |loose| same(loose.table, table))
    }

    /// The tables of each group that reference each other in a circle, by name: what to tell a person about cycles.
    pub fn cycles(&self) -> Vec<Vec<&'a Table>> {
        let mut groups: Vec<Vec<&Table>> = Vec::new();
        for loose in self.loose.iter().filter(|loose| !loose.is_self()) {
            let end = self.tables.iter().position(|table| points_to(loose.key, table));
            let begin = self.tables.iter().position(|table| same(table, loose.table));
            let (Some(begin), Some(end)) = (begin, end) else { continue };
            let between = self.tables[begin..=end].iter().copied();
            let group: Vec<&Table> =
                between.filter(|table| self.reaches(table, loose.table) && self.reaches(loose.table, table)).collect();
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        groups
    }

    /// True when a chain of keys leads from one table to the other.
    fn reaches(&self, from: &Table, to: &Table) -> bool {
        let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
        let mut open = vec![from];
        while let Some(table) = open.pop() {
            if same(table, to) {
                return true;
            }
            if !seen.insert((&table.schema, &table.name)) {
                continue;
            }
            let next = |key: &ForeignKey| self.tables.iter().find(|table| points_to(key, table)).copied();
            open.extend(table.foreign_keys.iter().filter(|key| key.enforced).filter_map(next));
        }
        false
    }
}

/// The tables that hold the rows of some schemas: ordinary and partitioned ones. Partitions are left out, since their rows
/// are read and written through the table they belong to, and so are tables that belong to an extension.
pub fn data_tables<'a>(catalog: &'a Catalog, schemas: &dyn Fn(&str) -> bool) -> Vec<&'a Table> {
    let holds_rows = |table: &&Table| {
        matches!(table.kind, TableKind::Table | TableKind::Partitioned)
            && table.partition_of.is_none()
            && table.extension.is_none()
            && schemas(&table.schema)
    };
    catalog.tables.iter().filter(holds_rows).collect()
}

fn same(left: &Table, right: &Table) -> bool {
    left.schema == right.schema && left.name == right.name
}

fn points_to(key: &ForeignKey, table: &Table) -> bool {
    key.references.schema == table.schema && key.references.name == table.name
}

fn way(table: &Table, key: &ForeignKey) -> Way {
    let may_be_null = |name: &String| table.column(name).is_some_and(|column| !column.not_null);
    // MATCH FULL is satisfied only when all columns are null together.
    let nullable =
        if key.match_full { key.columns.iter().all(may_be_null) } else { key.columns.iter().any(may_be_null) };
    match (key.deferrable, nullable) {
        (true, _) => Way::Deferred,
        (false, true) => Way::Nullable,
        (false, false) => Way::Rigid,
    }
}

/// Tables as numbers, sorted by schema and name, with the keys of each that point to another of them.
struct Graph<'a> {
    tables: Vec<&'a Table>,
    keys: Vec<Vec<(usize, &'a ForeignKey)>>,
}

impl<'a> Graph<'a> {
    fn new(catalog: &'a Catalog, tables: &[&'a Table]) -> Self {
        let mut tables = tables.to_vec();
        tables.sort_by_key(|table| (&table.schema, &table.name));
        tables.dedup_by_key(|table| (&table.schema, &table.name));
        let at = |table: &Table| {
            tables.binary_search_by_key(&(&table.schema, &table.name), |table| (&table.schema, &table.name)).ok()
        };
        let keys = tables
            .iter()
            .map(|table| {
                let target = |key: &'a ForeignKey| {
                    let mut found = catalog.table(&key.references.schema, &key.references.name)?;
                    while let (None, Some(partition)) = (at(found), &found.partition_of) {
                        found = catalog.table(&partition.parent.schema, &partition.parent.name)?;
                    }
                    Some((at(found)?, key))
                };
                table.foreign_keys.iter().filter(|key| key.enforced).filter_map(target).collect()
            })
            .collect();
        Self { tables, keys }
    }

    /// Kahn's algorithm, smallest name first; where it is stuck a circle is cut at its loosest edge.
    fn sort(&self) -> Vec<usize> {
        // For each table the tables it waits for, with the stiffest key to each.
        let mut waits: Vec<BTreeMap<usize, Way>> = vec![BTreeMap::new(); self.tables.len()];
        let mut waited_for: Vec<Vec<usize>> = vec![Vec::new(); self.tables.len()];
        for (from, keys) in self.keys.iter().enumerate() {
            for &(to, key) in keys.iter().filter(|(to, _)| *to != from) {
                let stiffness = way(self.tables[from], key);
                let known = waits[from].entry(to).or_insert(stiffness);
                *known = (*known).max(stiffness);
                waited_for[to].push(from);
            }
        }
        let mut ready: BTreeSet<usize> = (0..self.tables.len()).filter(|&at| waits[at].is_empty()).collect();
        let mut open: BTreeSet<usize> = (0..self.tables.len()).filter(|at| !ready.contains(at)).collect();
        let mut sorted = Vec::with_capacity(self.tables.len());
        loop {
            while let Some(at) = ready.pop_first() {
                sorted.push(at);
                for &from in &waited_for[at] {
                    if waits[from].remove(&at).is_some() && waits[from].is_empty() && open.remove(&from) {
                        ready.insert(from);
                    }
                }
            }
            let Some(&first) = open.first() else { return sorted };
            let (from, to) = loosest(&circle(first, &waits), &waits);
            waits[from].remove(&to);
            if waits[from].is_empty() && open.remove(&from) {
                ready.insert(from);
            }
        }
    }
}

/// A circle that one comes into by following what `start` waits for: every open table waits for another open one.
fn circle(start: usize, waits: &[BTreeMap<usize, Way>]) -> Vec<usize> {
    let mut path = vec![start];
    loop {
        let Some(&next) = path.last().and_then(|&last| waits[last].keys().next()) else { return path };
        if let Some(begin) = path.iter().position(|&at| at == next) {
            return path.split_off(begin);
        }
        path.push(next);
    }
}

/// The edge of the circle that is easiest to do without.
fn loosest(circle: &[usize], waits: &[BTreeMap<usize, Way>]) -> (usize, usize) {
    let edges = circle.iter().enumerate().map(|(at, &from)| (from, circle[(at + 1) % circle.len()]));
    edges
        .min_by_key(|(from, to)| (waits[*from].get(to).copied().unwrap_or(Way::Rigid), *from, *to))
        .unwrap_or((circle[0], circle[0]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// `a -> b?` reads: table a has a key to b whose column may be null; `!` marks a deferrable one.
    fn catalog(keys: &[&str]) -> Catalog {
        let mut tables: BTreeMap<String, Vec<serde_json::Value>> = BTreeMap::new();
        let mut columns: BTreeMap<String, Vec<serde_json::Value>> = BTreeMap::new();
        for key in keys {
            let (from, to) = key.split_once(" -> ").unwrap_or((key, ""));
            tables.entry(from.to_owned()).or_default();
            if to.is_empty() {
                continue;
            }
            let name = to.trim_end_matches(['?', '!']);
            tables.entry(name.to_owned()).or_default();
            columns.entry(from.to_owned()).or_default().push(serde_json::json!({
                "name": format!("{name}_id"), "position": 1, "not_null": !to.ends_with('?'),
                "type": {"schema": "pg_catalog", "name": "int4", "kind": "base", "category": "N", "sql": "integer"},
            }));
            tables.entry(from.to_owned()).or_default().push(serde_json::json!({
                "name": format!("{from}_{name}"), "columns": [format!("{name}_id")],
                "references": {"schema": "public", "name": name}, "referenced_columns": ["id"],
                "on_update": "no_action", "on_delete": "no_action", "validated": true, "deferrable": to.ends_with('!'),
            }));
        }
        let tables: Vec<serde_json::Value> = tables
            .iter()
            .map(|(name, keys)| {
                serde_json::json!({
                    "schema": "public", "name": name, "kind": "table", "owner": "o", "foreign_keys": keys,
                    "columns": columns.get(name).cloned().unwrap_or_default(),
                })
            })
            .collect();
        let document = serde_json::json!({
            "server_version": 160000, "schemas": [], "tables": tables, "types": [], "functions": [], "sequences": [],
            "extensions": [], "publications": [], "event_triggers": [], "statistics": [], "default_privileges": [],
        });
        serde_json::from_value(document).unwrap()
    }

    /// Names in order, then the loose keys.
    fn order(keys: &[&str]) -> (String, Vec<String>) {
        let catalog = catalog(keys);
        let order = Order::new(&catalog, &data_tables(&catalog, &|_| true));
        let names: Vec<&str> = order.tables.iter().map(|table| table.name.as_str()).collect();
        let loose = order.loose.iter().map(|loose| format!("{} {:?}", loose.key.name, loose.way)).collect();
        (names.join(" "), loose)
    }

    #[test]
    fn what_is_pointed_to_comes_first() {
        assert_eq!(order(&["a -> c", "b -> a", "c -> d", "e"]), ("d c a b e".to_owned(), vec![]));
    }

    #[test]
    fn a_circle_is_cut_where_it_is_loosest() {
        assert_eq!(order(&["a -> b", "b -> c?", "c -> a!"]), ("c b a".to_owned(), vec!["c_a Deferred".to_owned()]));
        assert_eq!(order(&["a -> b", "b -> c?", "c -> a"]), ("b a c".to_owned(), vec!["b_c Nullable".to_owned()]));
        assert_eq!(order(&["a -> b", "b -> a"]).1, ["a_b Rigid"]);
    }

    #[test]
    fn a_key_to_itself_is_loose_and_holds_nothing_up() {
        assert_eq!(order(&["a -> a?", "b -> a"]), ("a b".to_owned(), vec!["a_a Nullable".to_owned()]));
    }

    #[test]
    fn circles_are_named() {
        let catalog = catalog(&["a -> b", "b -> c?", "c -> a", "d -> a", "c -> e"]);
        let order = Order::new(&catalog, &data_tables(&catalog, &|_| true));
        let names: Vec<Vec<&str>> =
            order.cycles().iter().map(|group| group.iter().map(|table| table.name.as_str()).collect()).collect();
        assert_eq!(names, [["b", "a", "c"]]);
    }

    proptest::proptest! {
        /// Whatever the keys, every table is there once and only loose keys point forward.
        #[test]
        fn only_loose_keys_point_forward(edges in proptest::collection::vec((0_u8..12, 0_u8..12, 0_u8..3), 0..40)) {
            let mut seen = BTreeSet::new();
            let keys: Vec<String> = edges
                .iter()
                .filter(|(from, to, _)| seen.insert((*from, *to)))
                .map(|(from, to, kind)| format!("t{from:02} -> t{to:02}{}", ["", "?", "!"][usize::from(*kind)]))
                .collect();
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let catalog = catalog(&keys);
            let tables = data_tables(&catalog, &|_| true);
            let order = Order::new(&catalog, &tables);
            proptest::prop_assert_eq!(order.tables.len(), tables.len());
            let rank = |name: &str| order.tables.iter().position(|table| table.name == name).unwrap();
            for table in &tables {
                for key in &table.foreign_keys {
                    let loose = order.loose_of(table).any(|loose| loose.key.name == key.name);
                    proptest::prop_assert_eq!(loose, rank(&key.references.name) >= rank(&table.name));
                }
            }
        }
    }
}
