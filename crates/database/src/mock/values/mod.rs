//! The values of columns. (A stand-in with three kinds, until the real ones are here.)

use std::ops::Range;

use postgres::catalog::{self, Catalog, Table};
use serde::{Deserialize, Serialize};

/// The generator of one value.
pub type Pcg = rand_pcg::Pcg64Mcg;

/// Raised when the bytes of any kind change.
pub const VERSION: u32 = 1;

/// A column's entry in the configuration: `{ type: sentence, words: 5 }`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(flatten)]
    pub options: serde_json::Map<String, serde_json::Value>,
}

/// What holds for all columns.
#[derive(Debug, Clone)]
pub struct Settings {
    pub locale: String,
    /// Microseconds since 1970.
    pub now: i64,
}

/// What a column most likely means.
#[derive(Debug, Clone)]
pub struct Guess {
    pub spec: Spec,
    pub why: &'static str,
}

/// What is wrong with a column's entry.
#[derive(Debug, Clone)]
pub struct SpecError {
    pub message: String,
    pub hint: Option<String>,
}

/// The checks of a table.
#[derive(Debug, Clone, Default)]
pub struct TableChecks {
    /// `(constraint, expression)`
    pub not_understood: Vec<(String, String)>,
    /// `(earlier, later)`: the second reads the first's cell.
    pub order: Vec<(String, String)>,
}

/// Guesses and compiles columns.
#[derive(Debug)]
pub struct Planner<'a> {
    _catalog: &'a Catalog,
}

impl<'a> Planner<'a> {
    pub fn new(catalog: &'a Catalog, _settings: Settings) -> Self {
        Self { _catalog: catalog }
    }

    pub fn guess(&self, _table: &Table, column: &catalog::Column) -> Guess {
        let kind = match column.r#type.category {
            'N' if column.sequence.is_some() => "sequence",
            'N' => "integer",
            _ => "word",
        };
        Guess { spec: Spec { kind: kind.to_owned(), ..Spec::default() }, why: "its type" }
    }

    pub fn column(
        &self,
        _table: &Table,
        _column: &catalog::Column,
        spec: &Spec,
        _before: &[&str],
        _extra: &[String],
    ) -> Result<Column, SpecError> {
        let start = spec.options.get("start").and_then(serde_json::Value::as_u64).unwrap_or(1);
        Ok(Column { kind: spec.kind.clone(), start })
    }

    pub fn checks(&self, _table: &Table) -> TableChecks {
        TableChecks::default()
    }
}

/// One row that is being written.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    pub index: u64,
    /// The same for all columns of the row.
    pub key: u64,
    /// Where in the buffer the row's earlier cells are.
    pub cells: &'a [Range<usize>],
}

/// A compiled column.
#[derive(Debug)]
pub struct Column {
    kind: String,
    start: u64,
}

impl Column {
    pub fn text(&self, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        use rand_pcg::rand_core::Rng;
        use std::io::Write;
        let _ = match self.kind.as_str() {
            "sequence" => write!(out, "{}", row.index + self.start),
            "integer" => write!(out, "{}", rng.next_u64() % 1000),
            _ => write!(out, "word{}", rng.next_u64() % 1000),
        };
    }

    pub fn distinct(&self) -> Option<u64> {
        None
    }

    pub fn nth(&self, index: u64, _row: &Row<'_>, _rng: &mut Pcg, out: &mut Vec<u8>) {
        use std::io::Write;
        let _ = match self.kind.as_str() {
            "sequence" | "integer" => write!(out, "{}", index + self.start),
            _ => write!(out, "word{index}"),
        };
    }

    pub fn never_null(&mut self) {}

    pub fn reads_cells(&self) -> bool {
        false
    }
}
