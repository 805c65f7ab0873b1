//! Running SQL that a person typed, and showing what comes back.
//!
//! Values arrive as the text PostgreSQL itself writes, so CSV and tables show exactly what `psql` would; JSON keeps types:
//! numbers (with every digit), booleans, JSON, arrays; whatever else is a string.

mod csv;
mod json;
mod run;
mod writer;

use std::path::PathBuf;

use tokio_postgres::types::{Kind, Type};

pub use json::object;
pub use run::run;
pub use writer::{Format, Writer};

use crate::{Error, sql};

/// Statements to run, one after another, until one fails.
#[derive(Debug, Clone)]
pub struct Script {
    /// Where it was read from, for error messages.
    pub file: Option<PathBuf>,
    pub(crate) text: String,
    pub(crate) statements: Vec<sql::Statement>,
    /// All or nothing.
    pub single_transaction: bool,
    /// Refuse to write.
    pub readonly: bool,
}

impl Script {
    /// # Errors
    /// When there is no statement in `text`.
    pub fn new(text: String, file: Option<PathBuf>) -> Result<Self, Error> {
        let statements = sql::split(&text);
        if statements.is_empty() {
            return Err(Error::Nothing);
        }
        Ok(Self { file, text, statements, single_transaction: false, readonly: false })
    }
}

/// A column of a result.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub kind: Type,
}

impl Column {
    /// As PostgreSQL writes it in a cast: `int4`, `text[]`.
    pub fn type_name(&self) -> String {
        match self.kind.kind() {
            Kind::Array(element) => format!("{}[]", element.name()),
            _ => self.kind.name().to_owned(),
        }
    }
}

/// How one statement ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Its first word in capitals: `SELECT`, `INSERT`, `CREATE`.
    pub command: String,
    /// Rows returned or changed.
    pub rows: u64,
    /// True when it returned rows (perhaps none), false when it only did something.
    pub returned_rows: bool,
}

/// What receives results while they arrive.
pub trait Sink {
    /// A statement returns rows with these columns.
    fn columns(&mut self, columns: &[Column]);
    /// A row; `None` is NULL.
    fn row(&mut self, values: &[Option<&str>]);
    /// Bytes of `COPY … TO STDOUT`.
    fn bytes(&mut self, bytes: &[u8]);
    /// The statement has ended.
    fn done(&mut self, done: Done);
}
