//! Follows renamed tables, columns, functions and relationships through the metadata.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use metadata::{
    ArrayUsing, Columns, ForeignKeyOn, ManualConfiguration, Metadata, ObjectUsing, Operation, QualifiedName,
    RemoteColumns, Table,
};
use postgres::catalog::Catalog;
use serde_json::{Map, Value, json};

use super::draft::SOURCE;
use super::scope::{Part, Replacement, Scope, Walk};

/// New names by old ones.
#[derive(Debug, Default)]
pub struct Renames {
    pub tables: HashMap<QualifiedName, QualifiedName>,
    /// By the table's old name and the column's.
    pub columns: HashMap<(QualifiedName, String), String>,
    pub relationships: HashMap<(QualifiedName, String), String>,
    pub functions: HashMap<QualifiedName, QualifiedName>,
}

impl Renames {
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.columns.is_empty() && self.relationships.is_empty() && self.functions.is_empty()
    }

    /// Changes the metadata; the catalog is the one with the old names.
    pub fn apply(&self, metadata: &mut Metadata, catalog: &Catalog) {
        let before = metadata.clone();
        let renaming = Renaming { renames: self, scope: Scope { metadata: &before, catalog } };
        let Some(source) = metadata.source_mut(SOURCE) else { return };
        for table in &mut source.tables {
            let mut renamed = Table::clone(table);
            renaming.table(&mut renamed);
            // One that stays as it is stays shared.
            if renamed != **table {
                *table = Arc::new(renamed);
            }
        }
        for function in &mut source.functions {
            self.function(&mut function.function);
        }
        for object in &mut metadata.custom_types.objects {
            object.relationships.iter_mut().for_each(|found| renaming.custom_relationship(found));
        }
    }

    fn table(&self, name: &mut QualifiedName) {
        if let Some(new) = self.tables.get(name) {
            name.clone_from(new);
        }
    }

    fn function(&self, name: &mut QualifiedName) {
        if let Some(new) = self.functions.get(name) {
            name.clone_from(new);
        }
    }

    fn column(&self, table: &QualifiedName, column: &mut String) {
        if let Some(new) = self.columns.get(&(table.clone(), column.clone())) {
            column.clone_from(new);
        }
    }

    fn keys<V>(&self, table: &QualifiedName, map: &mut BTreeMap<String, V>) {
        let renamed = std::mem::take(map).into_iter().map(|(mut column, value)| {
            self.column(table, &mut column);
            (column, value)
        });
        *map = renamed.collect();
    }

    fn listed(&self, table: &QualifiedName, columns: &mut Columns) {
        if let Columns::Some(columns) = columns {
            columns.iter_mut().for_each(|column| self.column(table, column));
        }
    }

    fn texts(&self, table: &QualifiedName, list: Option<&mut Value>) {
        for item in list.and_then(Value::as_array_mut).into_iter().flatten() {
            if let Value::String(column) = item {
                self.column(table, column);
            }
        }
    }
}

/// A relationship gets another name.
pub fn relationship(metadata: &mut Metadata, catalog: &Catalog, table: &QualifiedName, from: &str, to: &str) {
    let mut renames = Renames::default();
    renames.relationships.insert((table.clone(), from.to_owned()), to.to_owned());
    renames.apply(metadata, catalog);
}

struct Renaming<'a> {
    renames: &'a Renames,
    scope: Scope<'a>,
}

impl Renaming<'_> {
    fn table(&self, table: &mut Table) {
        let name = table.table.clone();
        self.relationships(table, &name);
        self.fields(table, &name);
        self.permissions(table, &name);
        self.renames.keys(&name, &mut table.configuration.column_config);
        self.renames.table(&mut table.table);
    }

    fn relationships(&self, table: &mut Table, name: &QualifiedName) {
        let renamed = |relationship: &mut String| {
            if let Some(new) = self.renames.relationships.get(&(name.clone(), relationship.clone())) {
                relationship.clone_from(new);
            }
        };
        for relationship in &mut table.object_relationships {
            renamed(&mut relationship.name);
            match &mut relationship.using {
                ObjectUsing::ForeignKey(ForeignKeyOn::Own(columns)) => {
                    columns.iter_mut().for_each(|column| self.renames.column(name, column));
                }
                ObjectUsing::ForeignKey(ForeignKeyOn::Remote(remote)) => self.remote(remote),
                ObjectUsing::Manual(manual) => self.manual(name, manual),
            }
        }
        for relationship in &mut table.array_relationships {
            renamed(&mut relationship.name);
            match &mut relationship.using {
                ArrayUsing::ForeignKey(remote) => self.remote(remote),
                ArrayUsing::Manual(manual) => self.manual(name, manual),
            }
        }
    }

    fn remote(&self, remote: &mut RemoteColumns) {
        remote.columns.iter_mut().for_each(|column| self.renames.column(&remote.table, column));
        self.renames.table(&mut remote.table);
    }

    fn manual(&self, table: &QualifiedName, manual: &mut ManualConfiguration) {
        self.renames.keys(table, &mut manual.column_mapping);
        for column in manual.column_mapping.values_mut() {
            self.renames.column(&manual.remote_table, column);
        }
        self.renames.table(&mut manual.remote_table);
    }

    fn fields(&self, table: &mut Table, name: &QualifiedName) {
        for field in &mut table.computed_fields {
            self.renames.function(&mut field.definition.function);
        }
        for trigger in &mut table.event_triggers {
            let definition = &mut trigger.definition;
            let operations = [&mut definition.insert, &mut definition.update, &mut definition.delete];
            for Operation { columns, payload } in operations.into_iter().flatten() {
                self.renames.listed(name, columns);
                payload.iter_mut().for_each(|payload| self.renames.listed(name, payload));
            }
        }
        for relationship in &mut table.remote_relationships {
            let definition = &mut relationship.definition;
            self.renames.texts(name, definition.get_mut("hasura_fields"));
            let remote = definition.get_mut("to_remote_schema");
            self.renames.texts(name, remote.and_then(|remote| remote.get_mut("lhs_fields")));
            if let Some(target) = definition.get_mut("to_source") {
                self.to_table(target, "table", Some(name));
            }
        }
    }

    /// An object with a table under `key` and a `field_mapping` from a table's columns, or a type's fields, to its.
    fn to_table(&self, target: &mut Value, key: &str, from: Option<&QualifiedName>) {
        let Some(Ok(mut remote)) = target.get(key).cloned().map(serde_json::from_value::<QualifiedName>) else {
            return;
        };
        if let Some(mapping) = target.get_mut("field_mapping").and_then(Value::as_object_mut) {
            let renamed = std::mem::take(mapping).into_iter().map(|(mut left, mut right)| {
                from.iter().for_each(|from| self.renames.column(from, &mut left));
                if let Value::String(column) = &mut right {
                    self.renames.column(&remote, column);
                }
                (left, right)
            });
            *mapping = renamed.collect::<Map<_, _>>();
        }
        self.renames.table(&mut remote);
        target[key] = json!({ "name": remote.name, "schema": remote.schema });
    }

    fn custom_relationship(&self, relationship: &mut Value) {
        self.to_table(relationship, "remote_table", None);
    }

    fn permissions(&self, table: &mut Table, name: &QualifiedName) {
        for found in &mut table.insert_permissions {
            let permission = &mut found.permission;
            self.expression(name, &mut permission.check);
            permission.columns.iter_mut().for_each(|columns| self.renames.listed(name, columns));
            self.renames.keys(name, &mut permission.set);
        }
        for found in &mut table.select_permissions {
            self.expression(name, &mut found.permission.filter);
            self.renames.listed(name, &mut found.permission.columns);
        }
        for found in &mut table.update_permissions {
            let permission = &mut found.permission;
            self.expression(name, &mut permission.filter);
            permission.check.iter_mut().for_each(|check| self.expression(name, check));
            self.renames.listed(name, &mut permission.columns);
            self.renames.keys(name, &mut permission.set);
        }
        for found in &mut table.delete_permissions {
            self.expression(name, &mut found.permission.filter);
        }
    }

    fn expression(&self, table: &QualifiedName, expression: &mut Value) {
        let renames = self.renames;
        let mut visit = |part: Part<'_>| match part {
            Part::Column { table, name, .. } => {
                renames.columns.get(&(table.clone(), name.to_owned())).cloned().map(Replacement::Name)
            }
            Part::Relationship { table, name } => {
                renames.relationships.get(&(table.clone(), name.to_owned())).cloned().map(Replacement::Name)
            }
            Part::Computed { .. } => None,
            Part::Table(name) => renames.tables.get(name).cloned().map(Replacement::Table),
        };
        Walk { scope: self.scope, root: table, visit: &mut visit }.expression(expression, table);
    }
}
