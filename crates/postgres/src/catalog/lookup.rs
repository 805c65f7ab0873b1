//! Positions by name, so that finding a table among thousands takes constant time.

use std::collections::HashMap;
use std::ops::Range;

use super::Lists;

/// Schema, then name: two maps deep so that a look-up borrows its key.
type ByName<T> = HashMap<String, HashMap<String, T>>;

#[derive(Debug, Clone, Default)]
pub(super) struct Lookup {
    tables: ByName<usize>,
    table_oids: HashMap<u32, usize>,
    types: ByName<usize>,
    functions: ByName<Range<usize>>,
    sequences: ByName<usize>,
    /// (table, foreign key) positions by referenced table.
    referencing: ByName<Vec<(usize, usize)>>,
}

impl Lookup {
    pub(super) fn new(lists: &Lists) -> Self {
        let mut lookup = Self::default();
        for (index, table) in lists.tables.iter().enumerate() {
            insert(&mut lookup.tables, &table.schema, &table.name, index);
            lookup.table_oids.insert(table.oid, index);
            for (position, key) in table.foreign_keys.iter().enumerate() {
                entry(&mut lookup.referencing, &key.references.schema, &key.references.name).push((index, position));
            }
        }
        for (index, item) in lists.types.iter().enumerate() {
            insert(&mut lookup.types, &item.schema, &item.name, index);
        }
        for (index, item) in lists.sequences.iter().enumerate() {
            insert(&mut lookup.sequences, &item.schema, &item.name, index);
        }
        for (index, function) in lists.functions.iter().enumerate() {
            let range: &mut Range<usize> = entry(&mut lookup.functions, &function.schema, &function.name);
            // Overloads stand together because the list is sorted by name.
            *range = if range.end == 0 { index..index + 1 } else { range.start..index + 1 };
        }
        lookup
    }

    pub(super) fn table(&self, schema: &str, name: &str) -> Option<usize> {
        get(&self.tables, schema, name).copied()
    }

    pub(super) fn table_oid(&self, oid: u32) -> Option<usize> {
        self.table_oids.get(&oid).copied()
    }

    pub(super) fn type_named(&self, schema: &str, name: &str) -> Option<usize> {
        get(&self.types, schema, name).copied()
    }

    pub(super) fn functions(&self, schema: &str, name: &str) -> Option<Range<usize>> {
        get(&self.functions, schema, name).cloned()
    }

    pub(super) fn sequence(&self, schema: &str, name: &str) -> Option<usize> {
        get(&self.sequences, schema, name).copied()
    }

    pub(super) fn referencing(&self, schema: &str, name: &str) -> &[(usize, usize)] {
        get(&self.referencing, schema, name).map_or(&[], Vec::as_slice)
    }
}

fn get<'a, T>(map: &'a ByName<T>, schema: &str, name: &str) -> Option<&'a T> {
    map.get(schema)?.get(name)
}

fn insert<T: Default>(map: &mut ByName<T>, schema: &str, name: &str, value: T) {
    *entry(map, schema, name) = value;
}

fn entry<'a, T: Default>(map: &'a mut ByName<T>, schema: &str, name: &str) -> &'a mut T {
    if !map.contains_key(schema) {
        map.insert(schema.to_owned(), HashMap::new());
    }
    map.get_mut(schema).expect("inserted above").entry(name.to_owned()).or_default()
}
