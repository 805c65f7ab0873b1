//! A few rows for a person to look at.

use postgres::catalog::Name;
use serde::Serialize;

use super::{
    plan::display,
    rows::{Rows, Scratch},
};
use crate::text;

/// Rows as texts; none is NULL.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    pub table: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Option<String>>>,
}

impl Preview {
    /// The first `most` rows of a table of the plan.
    pub(super) fn new(rows: &Rows, name: &Name, most: u64) -> Self {
        let mut preview = Self { table: display(name), columns: Vec::new(), rows: Vec::new() };
        let Some(index) = rows.tables.iter().position(|table| table.name == *name) else { return preview };
        let table = &rows.tables[index];
        preview.columns = table.columns.iter().map(|column| column.name.clone()).collect();
        let mut bytes = Vec::new();
        rows.write(index, 0..most.min(table.count), &mut Scratch::default(), &mut bytes, None);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let cell =
                |cell: &[u8]| (cell != b"\\N").then(|| String::from_utf8_lossy(&text::unescape(cell)).into_owned());
            preview.rows.push(line.split(|byte| *byte == b'\t').map(cell).collect());
        }
        preview
    }
}
