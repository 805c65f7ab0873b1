//! What SQL has changed under the metadata, and how the metadata follows.

use std::collections::{HashMap, HashSet};

use metadata::QualifiedName;
use postgres::catalog::{Catalog, Function, Table, Volatility};

use super::depend::{self, Object, names};
use super::draft::{Draft, SOURCE, refuse};
use super::rename::Renames;
use crate::failure::{Code, Failure};

/// The difference between two catalogs of the same database, as far as metadata can notice. Names are the old ones.
#[derive(Debug, Default)]
pub struct Change {
    /// Tables, columns, constraints and functions that are no more.
    gone: Vec<Object>,
    /// Columns whose type is another.
    retyped: Vec<(QualifiedName, String)>,
    renames: Renames,
    /// Functions that have got a namesake with other arguments, by their new names.
    overloaded: HashSet<QualifiedName>,
    /// Functions that may change data now and could not before.
    volatile: Vec<QualifiedName>,
}

fn table_name(table: &Table) -> QualifiedName {
    QualifiedName::new(&table.schema, &table.name)
}

fn function_name(function: &Function) -> QualifiedName {
    QualifiedName::new(&function.schema, &function.name)
}

impl Change {
    /// Objects keep their identity through renames.
    pub fn between(old: &Catalog, new: &Catalog) -> Self {
        let mut change = Self::default();
        for before in &old.tables {
            match new.table_by_oid(before.oid) {
                Some(after) => change.table(before, after),
                // Dropped, and perhaps made anew under the same name with the same columns.
                None => match new.table(&before.schema, &before.name) {
                    Some(after) => change.replaced(before, after),
                    None => change.gone.push(Object::Table(table_name(before))),
                },
            }
        }
        change.functions(old, new);
        change
    }

    fn table(&mut self, before: &Table, after: &Table) {
        let name = table_name(before);
        let positions: HashMap<i16, &postgres::catalog::Column> =
            after.columns.iter().map(|column| (column.position, column)).collect();
        for column in &before.columns {
            match positions.get(&column.position) {
                None => self.gone.push(Object::Column(name.clone(), column.name.clone())),
                Some(found) if found.name != column.name => {
                    self.renames.columns.insert((name.clone(), column.name.clone()), found.name.clone());
                }
                Some(found) if found.r#type.name != column.r#type.name => {
                    self.retyped.push((name.clone(), column.name.clone()));
                }
                Some(_) => {}
            }
        }
        self.constraints(before, after);
        let new_name = table_name(after);
        if new_name != name {
            self.renames.tables.insert(name, new_name);
        }
    }

    /// Foreign keys have no identity but what they say; one that was only renamed is still there.
    fn constraints(&mut self, before: &Table, after: &Table) {
        let renamed = |column: &String| {
            let key = (table_name(before), column.clone());
            self.renames.columns.get(&key).cloned().unwrap_or_else(|| column.clone())
        };
        for key in &before.foreign_keys {
            let columns: Vec<String> = key.columns.iter().map(renamed).collect();
            let kept = after.foreign_keys.iter().any(|found| found.name == key.name || found.columns == columns);
            if !kept {
                self.gone.push(Object::Constraint(table_name(before), key.name.clone()));
            }
        }
    }

    /// Another table of the same name has taken the place.
    fn replaced(&mut self, before: &Table, after: &Table) {
        let name = table_name(before);
        for column in &before.columns {
            match after.column(&column.name) {
                None => self.gone.push(Object::Column(name.clone(), column.name.clone())),
                Some(found) if found.r#type.name != column.r#type.name => {
                    self.retyped.push((name.clone(), column.name.clone()));
                }
                Some(_) => {}
            }
        }
        self.constraints(before, after);
    }

    fn functions(&mut self, old: &Catalog, new: &Catalog) {
        let by_oid: HashMap<u32, &Function> = new.functions.iter().map(|function| (function.oid, function)).collect();
        for before in &old.functions {
            let name = function_name(before);
            let namesakes = new.functions_named(&name.schema, &name.name);
            match by_oid.get(&before.oid) {
                Some(after) => {
                    let new_name = function_name(after);
                    if before.volatility != Volatility::Volatile && after.volatility == Volatility::Volatile {
                        self.volatile.push(name.clone());
                    }
                    if new_name != name {
                        self.renames.functions.insert(name, new_name);
                    }
                }
                None if namesakes.is_empty() => self.gone.push(Object::Function(name)),
                None => {}
            }
        }
        for function in &new.functions {
            if new.functions_named(&function.schema, &function.name).len() > 1 {
                self.overloaded.insert(function_name(function));
            }
        }
    }

    /// Takes what is gone out of the metadata and puts new names in.
    ///
    /// # Errors
    /// Something depends on what is gone and `cascade` is false; a column's type is needed as it was; a tracked
    /// function is ambiguous by now.
    pub fn follow(&self, draft: &mut Draft, cascade: bool) -> Result<(), Failure> {
        self.check_functions(draft)?;
        let tracked = |object: &&Object| match object {
            Object::Table(name) => draft.metadata.source(SOURCE).is_some_and(|source| source.table(name).is_some()),
            _ => true,
        };
        let gone: Vec<Object> = self.gone.iter().filter(tracked).cloned().collect();
        if !gone.is_empty() {
            let dependents = depend::outside(&draft.metadata, &draft.catalog, &gone);
            let dependents: Vec<Object> = dependents.into_iter().filter(|found| !gone.contains(found)).collect();
            depend::purge(draft, &dependents, cascade)?;
            remove(draft, &gone);
        }
        for (table, column) in &self.retyped {
            let needing = depend::on_type(&draft.metadata, &draft.catalog, table, column);
            if !needing.is_empty() {
                let message = format!(
                    "cannot change type of column \"{column}\" in table \"{table}\" because of the following dependencies: {}",
                    names(&needing)
                );
                return Err(refuse(Code::DependencyError, message));
            }
        }
        if !self.renames.is_empty() {
            let catalog = draft.catalog.clone();
            self.renames.apply(draft.edit(), &catalog);
        }
        Ok(())
    }

    fn check_functions(&self, draft: &Draft) -> Result<(), Failure> {
        let Some(source) = draft.metadata.source(SOURCE) else { return Ok(()) };
        let mut ambiguous = Vec::new();
        for function in &source.functions {
            let name = &function.function;
            if self.overloaded.contains(self.renames.functions.get(name).unwrap_or(name)) {
                ambiguous.push(name.to_string());
            }
            let exposed = function.configuration.exposed_as;
            if self.volatile.contains(name) && exposed != Some(metadata::ExposedAs::Mutation) {
                let message =
                    format!("type of function \"{name}\" is altered to \"VOLATILE\" which is not supported now");
                return Err(refuse(Code::NotSupported, message));
            }
        }
        if !ambiguous.is_empty() {
            let message = format!("the following tracked function(s) cannot be overloaded: {}", ambiguous.join(", "));
            return Err(refuse(Code::NotSupported, message));
        }
        for table in &source.tables {
            for field in &table.computed_fields {
                let (function, field, table) = (&field.definition.function, &field.name, &table.table);
                if self.overloaded.contains(self.renames.functions.get(function).unwrap_or(function)) {
                    let message = format!(
                        "The function \"{function}\" associated with computed field\"{field}\" of table \"{table}\" is being overloaded"
                    );
                    return Err(refuse(Code::NotSupported, message));
                }
                if self.volatile.contains(function) {
                    let message = format!(
                        "The type of function \"{function}\" associated with computed field \"{field}\" of table \"{table}\" is being altered to \"VOLATILE\""
                    );
                    return Err(refuse(Code::NotSupported, message));
                }
            }
        }
        Ok(())
    }
}

/// What is gone has no place in the metadata.
fn remove(draft: &mut Draft, gone: &[Object]) {
    draft.auto.hidden.retain(|name| !gone.contains(&Object::Table(name.clone())));
    let touches = gone.iter().any(|object| {
        let source = draft.metadata.source(SOURCE);
        source.is_some_and(|source| match object {
            Object::Function(name) => source.function(name).is_some(),
            Object::Table(name) => source.table(name).is_some(),
            Object::Column(table, column) => {
                source.table(table).is_some_and(|table| table.configuration.column_config.contains_key(column))
            }
            _ => false,
        })
    });
    if !touches {
        return;
    }
    let Some(source) = draft.edit().source_mut(SOURCE) else { return };
    source.tables.retain(|table| !gone.contains(&Object::Table(table.table.clone())));
    source.functions.retain(|function| !gone.contains(&Object::Function(function.function.clone())));
    for object in gone {
        if let Object::Column(table, column) = object
            && let Some(table) = source.table_mut(table)
        {
            table.configuration.column_config.remove(column);
        }
    }
}
