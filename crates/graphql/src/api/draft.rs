//! The metadata as a request is changing it.

use std::collections::BTreeSet;
use std::sync::Arc;

use metadata::{Function, Metadata, QualifiedName, Source, Table};
use postgres::catalog::Catalog;
use serde_json::{Value, json};

use crate::failure::{Code, Failure};
use crate::outbound::Environment;

/// The only database there is.
pub const SOURCE: &str = "default";

/// A copy of the metadata that commands change. Nothing of it is seen by others before it is stored.
#[derive(Debug, Clone)]
pub struct Draft {
    pub metadata: Arc<Metadata>,
    pub catalog: Arc<Catalog>,
    /// Whether tables of `public` are served without being tracked, and which of them are not.
    pub auto: Auto,
    /// Where the metadata's variables find their values.
    pub environment: Arc<Environment>,
    /// Names of the objects that the commands since the last check are about, as inconsistencies name them.
    pub touched: Vec<String>,
}

/// The row of `nself.graphql`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Auto {
    pub on: bool,
    pub hidden: BTreeSet<QualifiedName>,
}

/// What nearly every command answers.
pub fn success() -> Value {
    json!({ "message": "success" })
}

impl Draft {
    /// The metadata, to be changed.
    pub fn edit(&mut self) -> &mut Metadata {
        Arc::make_mut(&mut self.metadata)
    }

    /// # Errors
    /// There is no such source.
    pub fn source(&self, name: &str) -> Result<&Source, Failure> {
        self.metadata.source(name).ok_or_else(|| no_source(name))
    }

    /// # Errors
    /// As [`Draft::source`].
    pub fn source_mut(&mut self, name: &str) -> Result<&mut Source, Failure> {
        self.edit().source_mut(name).ok_or_else(|| no_source(name))
    }

    /// # Errors
    /// The table is not tracked.
    pub fn table(&self, source: &str, name: &QualifiedName) -> Result<&Table, Failure> {
        self.source(source)?.table(name).ok_or_else(|| no_table(source, name))
    }

    /// A tracked table, to be changed.
    ///
    /// # Errors
    /// As [`Draft::table`].
    pub fn table_mut(&mut self, source: &str, name: &QualifiedName) -> Result<&mut Table, Failure> {
        self.source_mut(source)?.table_mut(name).ok_or_else(|| no_table(source, name))
    }

    /// # Errors
    /// The function is not tracked.
    pub fn function_mut(&mut self, source: &str, name: &QualifiedName) -> Result<&mut Function, Failure> {
        let missing = || {
            let message = format!("function \"{name}\" does not exist in source: {source}");
            Failure::new(Code::NotExists, "$.args", message)
        };
        self.source_mut(source)?.function_mut(name).ok_or_else(missing)
    }

    /// Notes the object a command is about: if it turns out to be inconsistent, the command is refused for it.
    pub fn touch(&mut self, name: impl Into<String>) {
        self.touched.push(name.into());
    }

    pub fn touch_table(&mut self, table: &QualifiedName) {
        self.touch(format!("table {table} in source {SOURCE}"));
    }

    pub fn touch_part(&mut self, part: &str, table: &QualifiedName) {
        self.touch(format!("{part} in table {table} in source {SOURCE}"));
    }
}

fn no_source(name: &str) -> Failure {
    Failure::new(Code::NotExists, "$.args", format!("source with name \"{name}\" does not exist"))
}

fn no_table(source: &str, name: &QualifiedName) -> Failure {
    Failure::new(Code::NotExists, "$.args", format!("table \"{name}\" does not exist in source: {source}"))
}

/// A refusal of the whole command.
pub fn refuse(code: Code, message: impl Into<String>) -> Failure {
    Failure::new(code, "$.args", message)
}
