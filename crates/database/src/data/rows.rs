//! Rows on their way from a file into a table: batches in COPY's text form, each row with its place in the file.

use std::{collections::BTreeMap, path::PathBuf};

use postgres::catalog::{Catalog, Table};

use super::{DataError, Shape, base, error::distance};
use crate::{Error, text};

/// How many bytes of rows go to the server together, about.
const BATCH: usize = 2 * 1024 * 1024;
const BATCH_ROWS: usize = 20_000;

/// What fills the columns of one table from the columns of one file.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// For people.
    pub table: String,
    pub file: PathBuf,
    pub columns: Vec<TargetColumn>,
    /// Names in the file that mean other columns, or none.
    pub map: BTreeMap<String, Option<String>>,
}

#[derive(Debug, Clone)]
pub(super) struct TargetColumn {
    pub name: String,
    pub shape: Shape,
    pub bytea: bool,
    pub generated: bool,
    /// Something else than NULL stands in it when a row does not say anything.
    pub default: bool,
}

impl Target {
    pub fn new(catalog: &Catalog, table: &Table, file: PathBuf, map: BTreeMap<String, Option<String>>) -> Self {
        let columns = table
            .columns
            .iter()
            .map(|column| TargetColumn {
                name: column.name.clone(),
                shape: Shape::of(catalog, &column.r#type),
                bytea: base(catalog, &column.r#type).name == "bytea",
                generated: column.generated.is_some(),
                default: column.has_default() || column.r#type.kind == postgres::catalog::TypeKind::Domain,
            })
            .collect();
        Self { table: format!("{}.{}", table.schema, table.name), file, columns, map }
    }

    /// The column, by its number, that a name in the file means; `None` for one that is left out.
    pub fn find(&self, name: &str) -> Result<Option<usize>, DataError> {
        let meant = match self.map.get(name) {
            Some(None) => return Ok(None),
            Some(Some(other)) => other,
            None => name,
        };
        let same = |column: &TargetColumn| column.name == meant;
        let folded = |column: &TargetColumn| column.name.eq_ignore_ascii_case(meant.trim());
        let found = self.columns.iter().position(same).or_else(|| self.columns.iter().position(folded));
        match found {
            Some(at) => Ok(Some(at).filter(|at| !self.columns[*at].generated)),
            None => Err(DataError::UnknownColumn {
                table: self.table.clone(),
                column: meant.to_owned(),
                file: self.file.clone(),
                near: self.near(meant),
            }),
        }
    }

    fn near(&self, name: &str) -> Option<String> {
        let name = name.to_lowercase();
        let nearest = self.columns.iter().min_by_key(|column| distance(&column.name.to_lowercase(), &name))?;
        (distance(&nearest.name.to_lowercase(), &name) <= 2.min(name.len() / 2)).then(|| nearest.name.clone())
    }
}

/// Some rows with the same columns.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Numbers of the target's columns.
    pub columns: Vec<usize>,
    /// COPY's text form, a line feed behind every row.
    pub bytes: Vec<u8>,
    /// Where in `bytes` each row begins, and its line (or number) in the file.
    pub rows: Vec<(usize, u64)>,
    /// Rows that are none: their line and what is wrong with them.
    pub wrong: Vec<(u64, String)>,
}

impl Batch {
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= BATCH || self.rows.len() >= BATCH_ROWS
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.wrong.is_empty()
    }

    /// Begins a row; its fields follow in the order of the columns.
    pub fn row(&mut self, line: u64) {
        self.rows.push((self.bytes.len(), line));
    }

    pub fn field(&mut self, value: Option<&[u8]>) {
        match value {
            Some(value) => text::escape(value, &mut self.bytes),
            None => self.bytes.extend_from_slice(text::NULL),
        }
        self.bytes.push(b'\t');
    }

    /// Ends the row: the tab behind the last field becomes the line end.
    pub fn end(&mut self) {
        let begun = self.rows.last().map_or(0, |(at, _)| *at);
        if self.bytes.len() > begun {
            self.bytes.pop();
        }
        self.bytes.push(b'\n');
    }

    /// Takes back the row that was begun last.
    pub fn abandon(&mut self, problem: String) {
        if let Some((at, line)) = self.rows.pop() {
            self.bytes.truncate(at);
            self.wrong.push((line, problem));
        }
    }

    /// The bytes of some of its rows.
    pub fn slice(&self, rows: std::ops::Range<usize>) -> &[u8] {
        let at = |row: usize| self.rows.get(row).map_or(self.bytes.len(), |(at, _)| *at);
        &self.bytes[at(rows.start)..at(rows.end)]
    }
}

/// A file read batch by batch.
pub(super) trait Reader: Send {
    /// The next rows; `None` at the end.
    fn batch(&mut self) -> Result<Option<Batch>, Error>;
}
