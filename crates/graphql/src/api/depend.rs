//! Which objects of the metadata need which others.

use std::collections::BTreeSet;
use std::fmt;

use metadata::{
    ArrayUsing, Columns, ForeignKeyOn, ManualConfiguration, Metadata, ObjectUsing, Operation, QualifiedName,
    RemoteColumns, Table,
};
use postgres::catalog::Catalog;
use serde_json::Value;

use super::draft::{Draft, SOURCE, refuse};
use super::scope::{Part, Scope, Walk, is_session_variable};
use crate::failure::{Code, Failure};

/// Something that can depend on something, or be depended on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    Table(QualifiedName),
    Column(QualifiedName, String),
    Constraint(QualifiedName, String),
    Relationship(QualifiedName, String),
    ComputedField(QualifiedName, String),
    RemoteRelationship(QualifiedName, String),
    /// Role, and which of the four kinds.
    Permission(QualifiedName, String, &'static str),
    Trigger(QualifiedName, String),
    Function(QualifiedName),
}

impl Object {
    /// The table it is a part of, or is.
    pub fn table(&self) -> Option<&QualifiedName> {
        match self {
            Self::Table(table)
            | Self::Column(table, _)
            | Self::Constraint(table, _)
            | Self::Relationship(table, _)
            | Self::ComputedField(table, _)
            | Self::RemoteRelationship(table, _)
            | Self::Permission(table, _, _)
            | Self::Trigger(table, _) => Some(table),
            Self::Function(_) => None,
        }
    }

    /// Without this, that is gone too.
    fn holds(&self, other: &Self) -> bool {
        match self {
            Self::Table(table) => other.table() == Some(table),
            _ => self == other,
        }
    }
}

/// As Hasura's messages call it.
impl fmt::Display for Object {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(table) => write!(out, "table {table}")?,
            Self::Column(table, name) => write!(out, "column {table}.{name}")?,
            Self::Constraint(table, name) => write!(out, "constraint {table}.{name}")?,
            Self::Relationship(table, name) => write!(out, "relationship {table}.{name}")?,
            Self::ComputedField(table, name) => write!(out, "computed field {table}.{name}")?,
            Self::RemoteRelationship(table, name) => write!(out, "remote relationship {table}.{name}")?,
            Self::Permission(table, role, kind) => write!(out, "permission {table}.{role}.{kind}")?,
            Self::Trigger(table, name) => write!(out, "event-trigger {table}.{name}")?,
            Self::Function(name) => write!(out, "function {name}")?,
        }
        write!(out, " in source \"{SOURCE}\"")
    }
}

/// The objects' names, sorted and joined.
pub fn names(objects: &[Object]) -> String {
    let names: BTreeSet<String> = objects.iter().map(Object::to_string).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// One object needs another.
#[derive(Debug, Clone)]
struct Dependency {
    who: Object,
    on: Object,
    /// It needs the column's type too, because it compares the column with a value.
    typed: bool,
}

/// Everything that needs one of `gone`, or needs something that needs it.
pub fn on(metadata: &Metadata, catalog: &Catalog, gone: &[Object]) -> Vec<Object> {
    let all = collect(metadata, catalog);
    let mut lost: Vec<Object> = gone.to_vec();
    let mut found = Vec::new();
    let mut next = 0;
    while next < lost.len() {
        let object = lost[next].clone();
        for dependency in all.iter().filter(|dependency| object.holds(&dependency.on)) {
            if !lost.iter().any(|known| known.holds(&dependency.who)) {
                lost.push(dependency.who.clone());
                found.push(dependency.who.clone());
            }
        }
        next += 1;
    }
    found
}

/// As [`on`], without the parts of the tables that are themselves gone.
pub fn outside(metadata: &Metadata, catalog: &Catalog, gone: &[Object]) -> Vec<Object> {
    let is_part = |object: &Object| gone.iter().any(|gone| matches!(gone, Object::Table(_)) && gone.holds(object));
    on(metadata, catalog, gone).into_iter().filter(|object| !is_part(object)).collect()
}

/// What compares the column with a value, and so needs its type.
pub fn on_type(metadata: &Metadata, catalog: &Catalog, table: &QualifiedName, column: &str) -> Vec<Object> {
    let object = Object::Column(table.clone(), column.to_owned());
    let all = collect(metadata, catalog).into_iter();
    let found: BTreeSet<Object> =
        all.filter(|dependency| dependency.typed && dependency.on == object).map(|dependency| dependency.who).collect();
    found.into_iter().collect()
}

/// Takes the objects out of the metadata.
///
/// # Errors
/// There are some, and `cascade` does not allow it.
pub fn purge(draft: &mut Draft, objects: &[Object], cascade: bool) -> Result<(), Failure> {
    if objects.is_empty() {
        return Ok(());
    }
    if !cascade {
        let message = format!("cannot drop due to the following dependent objects: {}", names(objects));
        return Err(refuse(Code::DependencyError, message));
    }
    let Some(source) = draft.edit().source_mut(SOURCE) else { return Ok(()) };
    for object in objects {
        if let Object::Function(name) = object {
            source.functions.retain(|function| function.function != *name);
        }
        if let Some(table) = object.table().and_then(|name| source.table_mut(name)) {
            remove(table, object);
        }
    }
    Ok(())
}

fn remove(table: &mut Table, object: &Object) {
    match object {
        Object::Relationship(_, name) => {
            table.object_relationships.retain(|found| found.name != *name);
            table.array_relationships.retain(|found| found.name != *name);
        }
        Object::ComputedField(_, name) => table.computed_fields.retain(|found| found.name != *name),
        Object::RemoteRelationship(_, name) => table.remote_relationships.retain(|found| found.name != *name),
        Object::Trigger(_, name) => table.event_triggers.retain(|found| found.name != *name),
        Object::Permission(_, role, "insert") => table.insert_permissions.retain(|found| found.role != *role),
        Object::Permission(_, role, "select") => table.select_permissions.retain(|found| found.role != *role),
        Object::Permission(_, role, "update") => table.update_permissions.retain(|found| found.role != *role),
        Object::Permission(_, role, _) => table.delete_permissions.retain(|found| found.role != *role),
        Object::Table(_) | Object::Column(..) | Object::Constraint(..) | Object::Function(_) => {}
    }
}

fn collect(metadata: &Metadata, catalog: &Catalog) -> Vec<Dependency> {
    let mut collector = Collector { scope: Scope { metadata, catalog }, found: Vec::new() };
    let Some(source) = metadata.source(SOURCE) else { return collector.found };
    for table in &source.tables {
        collector.relationships(table);
        collector.fields(table);
        collector.permissions(table);
    }
    for function in &source.functions {
        if let Some(returned) = collector.scope.returned(&function.function) {
            collector.add(&Object::Function(function.function.clone()), Object::Table(returned));
        }
    }
    collector.found
}

struct Collector<'a> {
    scope: Scope<'a>,
    found: Vec<Dependency>,
}

impl Collector<'_> {
    fn add(&mut self, who: &Object, on: Object) {
        self.found.push(Dependency { who: who.clone(), on, typed: false });
    }

    fn columns<'c>(&mut self, who: &Object, table: &QualifiedName, columns: impl IntoIterator<Item = &'c String>) {
        for column in columns {
            self.add(who, Object::Column(table.clone(), column.clone()));
        }
    }

    fn relationships(&mut self, table: &Table) {
        for relationship in &table.object_relationships {
            let who = Object::Relationship(table.table.clone(), relationship.name.clone());
            match &relationship.using {
                ObjectUsing::ForeignKey(ForeignKeyOn::Own(columns)) => {
                    self.columns(&who, &table.table, columns);
                    let Some(key) = self.scope.foreign_key(&table.table, columns) else { continue };
                    self.add(&who, Object::Constraint(table.table.clone(), key.name.clone()));
                    self.add(&who, Object::Table(QualifiedName::new(&key.references.schema, &key.references.name)));
                }
                ObjectUsing::ForeignKey(ForeignKeyOn::Remote(remote)) => self.remote(&who, remote),
                ObjectUsing::Manual(manual) => self.manual(&who, &table.table, manual),
            }
        }
        for relationship in &table.array_relationships {
            let who = Object::Relationship(table.table.clone(), relationship.name.clone());
            match &relationship.using {
                ArrayUsing::ForeignKey(remote) => self.remote(&who, remote),
                ArrayUsing::Manual(manual) => self.manual(&who, &table.table, manual),
            }
        }
    }

    fn remote(&mut self, who: &Object, remote: &RemoteColumns) {
        self.add(who, Object::Table(remote.table.clone()));
        self.columns(who, &remote.table, &remote.columns);
        if let Some(key) = self.scope.foreign_key(&remote.table, &remote.columns) {
            self.add(who, Object::Constraint(remote.table.clone(), key.name.clone()));
        }
    }

    fn manual(&mut self, who: &Object, table: &QualifiedName, manual: &ManualConfiguration) {
        self.add(who, Object::Table(manual.remote_table.clone()));
        self.columns(who, table, manual.column_mapping.keys());
        self.columns(who, &manual.remote_table, manual.column_mapping.values());
    }

    fn fields(&mut self, table: &Table) {
        for field in &table.computed_fields {
            let who = Object::ComputedField(table.table.clone(), field.name.clone());
            self.add(&who, Object::Function(field.definition.function.clone()));
            if let Some(returned) = self.scope.returned(&field.definition.function) {
                self.add(&who, Object::Table(returned));
            }
        }
        for trigger in &table.event_triggers {
            let who = Object::Trigger(table.table.clone(), trigger.name.clone());
            let definition = &trigger.definition;
            let operations = [&definition.insert, &definition.update, &definition.delete].into_iter().flatten();
            for Operation { columns, payload } in operations {
                self.listed(&who, &table.table, columns);
                payload.iter().for_each(|payload| self.listed(&who, &table.table, payload));
            }
        }
        for relationship in &table.remote_relationships {
            let who = Object::RemoteRelationship(table.table.clone(), relationship.name.clone());
            for column in remote_columns(&relationship.definition) {
                self.add(&who, Object::Column(table.table.clone(), column));
            }
        }
    }

    fn listed(&mut self, who: &Object, table: &QualifiedName, columns: &Columns) {
        if let Columns::Some(columns) = columns {
            self.columns(who, table, columns);
        }
    }

    /// A permission on all columns needs every one of them, as Hasura has it.
    fn permitted(&mut self, who: &Object, table: &QualifiedName, columns: &Columns) {
        match (columns, self.scope.catalog.table(&table.schema, &table.name)) {
            (Columns::Some(columns), _) => self.columns(who, table, columns),
            (Columns::All, Some(found)) => self.columns(who, table, found.columns.iter().map(|column| &column.name)),
            (Columns::All, None) => {}
        }
    }

    fn permissions(&mut self, table: &Table) {
        let name = &table.table;
        let who = |role: &str, kind| Object::Permission(name.clone(), role.to_owned(), kind);
        for found in &table.insert_permissions {
            let (who, permission) = (who(&found.role, "insert"), &found.permission);
            self.expression(&who, name, &permission.check);
            self.permitted(&who, name, permission.columns.as_ref().unwrap_or(&Columns::All));
            self.presets(&who, name, permission.set.iter());
        }
        for found in &table.select_permissions {
            let (who, permission) = (who(&found.role, "select"), &found.permission);
            self.expression(&who, name, &permission.filter);
            self.permitted(&who, name, &permission.columns);
            for field in &permission.computed_fields {
                self.add(&who, Object::ComputedField(name.clone(), field.clone()));
            }
        }
        for found in &table.update_permissions {
            let (who, permission) = (who(&found.role, "update"), &found.permission);
            self.expression(&who, name, &permission.filter);
            permission.check.iter().for_each(|check| self.expression(&who, name, check));
            self.permitted(&who, name, &permission.columns);
            self.presets(&who, name, permission.set.iter());
        }
        for found in &table.delete_permissions {
            self.expression(&who(&found.role, "delete"), name, &found.permission.filter);
        }
    }

    fn presets<'p>(&mut self, who: &Object, table: &QualifiedName, set: impl Iterator<Item = (&'p String, &'p Value)>) {
        for (column, value) in set {
            let on = Object::Column(table.clone(), column.clone());
            let typed = !value.as_str().is_some_and(is_session_variable);
            self.found.push(Dependency { who: who.clone(), on, typed });
        }
    }

    fn expression(&mut self, who: &Object, table: &QualifiedName, expression: &Value) {
        let (scope, found) = (self.scope, &mut self.found);
        let mut visit = |part: Part<'_>| {
            let (on, typed) = match part {
                Part::Column { table, name, fixed } => (Object::Column(table.clone(), name.to_owned()), fixed),
                Part::Relationship { table, name } => (Object::Relationship(table.clone(), name.to_owned()), false),
                Part::Computed { table, name } => (Object::ComputedField(table.clone(), name.to_owned()), false),
                Part::Table(table) => (Object::Table(table.clone()), false),
            };
            found.push(Dependency { who: who.clone(), on, typed });
            None
        };
        Walk { scope, root: table, visit: &mut visit }.expression(&mut expression.clone(), table);
    }
}

/// The columns of the table itself that a remote relationship's definition names.
fn remote_columns(definition: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let lists = [&definition["hasura_fields"], &definition["to_remote_schema"]["lhs_fields"]];
    let listed = lists.into_iter().filter_map(Value::as_array).flatten().filter_map(text);
    let mapped = definition["to_source"]["field_mapping"].as_object().into_iter().flat_map(|map| map.keys().cloned());
    listed.chain(mapped).collect()
}
