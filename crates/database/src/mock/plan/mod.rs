//! From a schema, a configuration and a seed to [`Rows`]: which tables, which columns, how each value is found from the number
//! of its row. Nothing here asks the database or the clock.
//!
//! In three steps: [`Draft::new`] chooses tables, links and values; the caller reads the keys of those parents that keep their
//! own rows ([`Draft::wanted_keys`]); [`Draft::finish`] fixes the numbers of rows and compiles.

mod compile;
mod count;
mod draft;
mod links;
mod partition;
mod select;
mod unique;

use std::collections::BTreeMap;

use postgres::catalog::{Catalog, Name, Table};

use super::config::{Config, Preset};
pub use compile::Plan;
pub(crate) use draft::Draft;
pub(crate) use select::{find, is_candidate, is_service};

/// Named in errors about the configuration.
const CONFIG: &str = "nself/mock/mock.config.yaml";

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    pub catalog: &'a Catalog,
    pub config: &'a Config,
    pub seed: u64,
    pub preset: Option<Preset>,
    /// Only these tables, and those they cannot be without; empty for all.
    pub only: &'a [String],
    pub present: &'a Present,
}

/// What the tables hold before anything is generated. Mock rows that the run replaces are not counted.
#[derive(Debug, Clone, Default)]
pub struct Present {
    pub tables: BTreeMap<Name, PresentTable>,
}

/// One table's part of [`Present`].
#[derive(Debug, Clone, Default)]
pub struct PresentTable {
    /// Rows that are not mock data.
    pub own: u64,
    /// Mock rows that stay, because the run is about other tables.
    pub mock: u64,
    /// The highest number in each column of whole numbers, among all rows that stay.
    pub maxima: BTreeMap<String, i64>,
}

impl Present {
    pub(crate) fn of(&self, table: &Table) -> Option<&PresentTable> {
        self.tables.get(&name_of(table))
    }
}

/// The keys of a table whose rows are there already, as COPY's text: what foreign keys to it choose from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyList {
    bytes: Vec<u8>,
    /// Where each cell ends; its tab or newline follows.
    ends: Vec<usize>,
    columns: usize,
}

impl KeyList {
    /// Reads COPY's text of `columns` columns.
    pub fn new(bytes: Vec<u8>, columns: usize) -> Self {
        let ends = bytes.iter().enumerate().filter(|(_, byte)| matches!(byte, b'\t' | b'\n')).map(|(at, _)| at);
        let ends = ends.collect();
        Self { bytes, ends, columns }
    }

    /// How many keys.
    pub fn len(&self) -> u64 {
        (self.ends.len() / self.columns.max(1)) as u64
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One cell of key `row`.
    pub(crate) fn cell(&self, row: u64, column: usize) -> &[u8] {
        let index = row as usize * self.columns + column;
        let begin = if index == 0 { 0 } else { self.ends[index - 1] + 1 };
        &self.bytes[begin..self.ends[index]]
    }
}

/// The keys that [`Draft::wanted_keys`] asks for.
pub type Keys = BTreeMap<(Name, Vec<String>), KeyList>;

/// The catalog's name of a table.
pub(crate) fn name_of(table: &Table) -> Name {
    Name { schema: table.schema.clone(), name: table.name.clone() }
}

/// `users`, or `auth.users` outside `public`: as the configuration writes it.
pub(crate) fn display(name: &Name) -> String {
    if name.schema == "public" { name.name.clone() } else { format!("{}.{}", name.schema, name.name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_by_row_and_column() {
        let keys = KeyList::new(b"1\ta\n2\t\n3\t\\N\n".to_vec(), 2);
        assert_eq!(keys.len(), 3);
        assert_eq!((keys.cell(0, 0), keys.cell(1, 1), keys.cell(2, 1)), (&b"1"[..], &b""[..], &b"\\N"[..]));
    }
}
