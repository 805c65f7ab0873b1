//! Rows in and out of files: export to and import from JSON, NDJSON, CSV and Parquet, and emptying a database.
//!
//! Every value survives the way out and back in: what a format has no way of saying it says as the text that PostgreSQL
//! itself writes. It is not: a backup (roles, schema and settings stay behind), nor a copy between servers
//! ([`crate::copy`]).
//!
//! Key types: [`Format`], [`export::Export`] (what goes out and where to), [`import::Import`] (what comes in and how),
//! [`reset::Reset`].

mod archive;
mod csv;
mod error;
pub mod export;
pub mod import;
mod json;
mod objects;
mod parquet;
pub mod reset;
mod rows;
mod shape;
mod sources;

use postgres::{
    Ident,
    catalog::{Column, Table},
};

pub use error::{CODES, DataError, RowFailure};

use shape::{Shape, base};

use serde::{Deserialize, Serialize};

/// How rows are written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// An array of objects, one for each row; or an object of such arrays, one for each table.
    Json,
    /// One object a line.
    Ndjson,
    /// With a header line. Nothing between two commas is NULL, `""` the empty text.
    Csv,
    Parquet,
}

impl Format {
    /// The format that a file's suffix stands for, in small letters and without its dot.
    pub fn of_suffix(suffix: &str) -> Option<Self> {
        Some(match suffix {
            "json" => Self::Json,
            "ndjson" | "jsonl" => Self::Ndjson,
            "csv" => Self::Csv,
            "parquet" => Self::Parquet,
            _ => return None,
        })
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// True for a schema that the project made: not one of nself, of its services (Hasura's catalog, users, files), or of the
/// server.
pub fn own_schema(name: &str) -> bool {
    !matches!(name, "nself" | "hdb_catalog" | "auth" | "storage" | "mail" | "information_schema")
        && !name.starts_with("pg_")
}

/// The file that says what an exported folder holds.
const MANIFEST: &str = "manifest.json";

/// SQL that moves a column's sequence behind the numbers that are taken now.
pub(crate) fn advance_sequence(table: &Table, column: &Column) -> String {
    let quote = |text: &str| postgres_protocol::escape::escape_literal(text);
    let name = Ident::new(&column.name);
    let table = Ident::new(&table.schema).dot(&table.name).to_string();
    format!(
        "\nSELECT pg_catalog.setval(s.name, max({name}))\nFROM {table}, pg_catalog.pg_get_serial_sequence({}, {}) AS s (name)\n\
         GROUP BY s.name\nHAVING max({name}) > coalesce(pg_catalog.pg_sequence_last_value(s.name::pg_catalog.regclass), 0);\n",
        quote(&table),
        quote(&column.name)
    )
}
