//! Columns that must be rewritten alike, because a foreign key compares them.

use std::collections::HashMap;

use postgres::catalog::{Catalog, Table, TableKind};

/// Groups of columns, by table and column name.
pub(super) struct Classes {
    columns: HashMap<(usize, String), usize>,
    parents: Vec<usize>,
}

impl Classes {
    /// One class for every set of columns that foreign keys connect; `tables` are those that have plans.
    pub fn new(catalog: &Catalog, tables: &[&Table]) -> Self {
        let mut classes = Self { columns: HashMap::new(), parents: Vec::new() };
        let places: HashMap<(&str, &str), usize> =
            tables.iter().enumerate().map(|(at, table)| ((table.schema.as_str(), table.name.as_str()), at)).collect();
        for (at, table) in tables.iter().enumerate() {
            for key in &table.foreign_keys {
                let target =
                    catalog.table(&key.references.schema, &key.references.name).map(|target| root(catalog, target));
                let Some(to) = target.and_then(|target| places.get(&(target.schema.as_str(), target.name.as_str())))
                else {
                    continue;
                };
                for (from, referenced) in key.columns.iter().zip(&key.referenced_columns) {
                    let (from, referenced) = (classes.id(at, from), classes.id(*to, referenced));
                    classes.join(from, referenced);
                }
            }
        }
        classes
    }

    fn id(&mut self, table: usize, column: &str) -> usize {
        let next = self.parents.len();
        let id = *self.columns.entry((table, column.to_owned())).or_insert(next);
        if id == next {
            self.parents.push(next);
        }
        id
    }

    fn top(&self, mut id: usize) -> usize {
        while self.parents[id] != id {
            id = self.parents[id];
        }
        id
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.top(one), self.top(other));
        self.parents[one] = other;
    }

    /// The classes with more than one column, each as (table, column), in order of their tables.
    pub fn groups(&self) -> Vec<Vec<(usize, String)>> {
        let mut groups: HashMap<usize, Vec<(usize, String)>> = HashMap::new();
        for (column, id) in &self.columns {
            groups.entry(self.top(*id)).or_default().push(column.clone());
        }
        let mut groups: Vec<_> = groups.into_values().collect();
        groups.iter_mut().for_each(|group| group.sort_unstable());
        groups.sort_unstable();
        groups
    }
}

/// The partitioned table that a partition belongs to at last; any other table itself.
pub(super) fn root<'a>(catalog: &'a Catalog, table: &'a Table) -> &'a Table {
    let mut current = table;
    while let Some(parent) =
        current.partition_of.as_ref().and_then(|part| catalog.table(&part.parent.schema, &part.parent.name))
    {
        current = parent;
    }
    current
}

/// Tables whose rows somebody's rules decide about: not partitions (their root stands for them), not views.
pub(super) fn planned(catalog: &Catalog) -> Vec<&Table> {
    let rows = |table: &&Table| {
        matches!(table.kind, TableKind::Table | TableKind::Partitioned | TableKind::Foreign)
            && table.partition_of.is_none()
            && table.extension.is_none()
    };
    catalog.tables.iter().filter(rows).collect()
}

/// True when at most one row has each value, as far as the catalog tells; a column of a key of several counts, because the
/// others may be the same. The second: capital and small letters count as the same there.
pub(super) fn unique(table: &Table, column: &str) -> (bool, bool) {
    let keys =
        table.primary_key.iter().chain(&table.unique_keys).any(|key| key.columns.iter().any(|name| name == column));
    let mut found = (keys, false);
    for index in table.indexes.iter().filter(|index| index.unique) {
        for key in &index.keys {
            if key.column.as_deref() == Some(column) {
                found.0 = true;
            }
            // An expression over the column: most often lower(email).
            if key.expression.as_deref().is_some_and(|text| mentions(text, column)) {
                found = (true, true);
            }
        }
    }
    // Ranges and equal values that exclude each other.
    found.0 |= table.exclusions.iter().any(|exclusion| mentions(&exclusion.definition, column));
    found
}

fn mentions(text: &str, column: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == column)
        || text.contains(&format!("\"{column}\""))
}
