//! The metadata as a request is changing it.

use std::collections::BTreeSet;
use std::sync::Arc;

use metadata::{
    ArrayUsing, ForeignKeyOn, Function, Metadata, ObjectUsing, QualifiedName, Relationship, RemoteColumns, Source,
    Table,
};
use postgres::catalog::Catalog;
use serde_json::{Value, json};

use crate::failure::{Code, Failure};
use crate::model::{self, Model};
use crate::outbound::Environment;
use crate::store::Damage;

/// The only database there is.
pub const SOURCE: &str = "default";

/// A copy of the metadata that commands change. Nothing of it is seen by others before it is stored.
#[derive(Debug, Clone)]
pub struct Draft {
    pub metadata: Arc<Metadata>,
    pub catalog: Arc<Catalog>,
    /// Whether tables of `public` are served without being tracked, and which of them are not.
    pub auto: Auto,
    /// What of the stored metadata could not be read.
    pub damage: Arc<Damage>,
    /// What is served now: the relationships of tables that nobody tracked.
    pub model: Arc<Model>,
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

    /// Writes a table that is served without being tracked into the metadata, with its relationships, so that a
    /// command can change it.
    pub fn adopt(&mut self, name: &QualifiedName) {
        let known = self.metadata.source(SOURCE).is_none_or(|source| source.table(name).is_some());
        if !self.auto.on || known || self.auto.hidden.contains(name) {
            return;
        }
        let model = Arc::clone(&self.model);
        let found = model.tables.iter().find(|table| table.table_name == name.name && table.schema_name == name.schema);
        let Some(found) = found else { return };
        let mut table = Table::new(name.clone());
        for relationship in &found.relationships {
            adopt_relationship(&model, found, relationship, &mut table);
        }
        if let Some(source) = self.edit().source_mut(SOURCE) {
            source.tables.push(Arc::new(table));
        }
    }

    /// Tables that are served without being in the metadata, in order of name.
    pub fn offered(&self) -> Vec<QualifiedName> {
        if !self.auto.on {
            return Vec::new();
        }
        let source = self.metadata.source(SOURCE);
        let is_own = |name: &QualifiedName| source.is_some_and(|source| source.table(name).is_some());
        let tables = self.model.tables.iter().map(|table| table.qualified());
        let mut found: Vec<QualifiedName> =
            tables.filter(|name| !is_own(name) && !self.auto.hidden.contains(name)).collect();
        found.sort();
        found
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

/// The metadata's entry for a relationship that a foreign key gave.
fn adopt_relationship(model: &Model, from: &model::Table, found: &model::Relationship, table: &mut Table) {
    let target = &model.tables[found.target];
    let here = found.columns.iter().map(|&(here, _)| from.columns[here].sql_name.clone()).collect();
    let there = found.columns.iter().map(|&(_, there)| target.columns[there].sql_name.clone()).collect();
    let remote = RemoteColumns { table: QualifiedName::new(&target.schema_name, &target.table_name), columns: there };
    let (name, comment) = (found.name.clone(), None);
    let using = match (found.insertion, found.single) {
        (model::Insertion::BeforeParent, true) => ObjectUsing::ForeignKey(ForeignKeyOn::Own(here)),
        (_, true) => ObjectUsing::ForeignKey(ForeignKeyOn::Remote(remote)),
        (_, false) => {
            let using = ArrayUsing::ForeignKey(remote);
            return table.array_relationships.push(Relationship { name, using, comment });
        }
    };
    table.object_relationships.push(Relationship { name, using, comment });
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
