//! What a name in a permission's expression means, from the metadata and the catalog alone.

use metadata::{ArrayUsing, ForeignKeyOn, Metadata, ObjectUsing, QualifiedName, Table};
use postgres::catalog::{self, Catalog, TypeKind};
use serde_json::Value;

use super::draft::SOURCE;

/// Where names are looked up.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    pub metadata: &'a Metadata,
    pub catalog: &'a Catalog,
}

/// What a key of an expression about a table is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    Column,
    Relationship(QualifiedName),
    /// The array relationship's name is the key without `_aggregate`.
    Aggregate(QualifiedName),
    /// Of rows of a table, or of a value.
    Computed(Option<QualifiedName>),
}

impl<'a> Scope<'a> {
    pub fn table(&self, name: &QualifiedName) -> Option<&'a Table> {
        self.metadata.source(SOURCE)?.table(name)
    }

    pub fn catalog_table(&self, name: &QualifiedName) -> Option<&'a catalog::Table> {
        self.catalog.table(&name.schema, &name.name)
    }

    /// What `key` is in an expression about `table`.
    pub fn field(&self, table: &QualifiedName, key: &str) -> Option<Field> {
        if let Some(found) = self.table(table) {
            if let Some(target) = self.target(found, key) {
                return Some(Field::Relationship(target));
            }
            if let Some(computed) = found.computed_fields.iter().find(|computed| computed.name == key) {
                return Some(Field::Computed(self.returned(&computed.definition.function)));
            }
        }
        if self.catalog_table(table).is_some_and(|found| found.column(key).is_some()) {
            return Some(Field::Column);
        }
        let target = self.target(self.table(table)?, key.strip_suffix("_aggregate")?)?;
        Some(Field::Aggregate(target))
    }

    /// The table that a relationship of `table` leads to.
    fn target(&self, table: &Table, name: &str) -> Option<QualifiedName> {
        if let Some(found) = table.array_relationships.iter().find(|found| found.name == name) {
            return Some(match &found.using {
                ArrayUsing::ForeignKey(remote) => remote.table.clone(),
                ArrayUsing::Manual(manual) => manual.remote_table.clone(),
            });
        }
        let found = table.object_relationships.iter().find(|found| found.name == name)?;
        match &found.using {
            ObjectUsing::ForeignKey(ForeignKeyOn::Own(columns)) => {
                let key = self.foreign_key(&table.table, columns)?;
                Some(QualifiedName::new(&key.references.schema, &key.references.name))
            }
            ObjectUsing::ForeignKey(ForeignKeyOn::Remote(remote)) => Some(remote.table.clone()),
            ObjectUsing::Manual(manual) => Some(manual.remote_table.clone()),
        }
    }

    /// The foreign key of a table on exactly these columns.
    pub fn foreign_key(&self, table: &QualifiedName, columns: &[String]) -> Option<&'a catalog::ForeignKey> {
        self.catalog_table(table)?
            .foreign_keys
            .iter()
            .find(|key| key.columns.len() == columns.len() && columns.iter().all(|column| key.columns.contains(column)))
    }

    /// The table whose rows a function returns.
    pub fn returned(&self, function: &QualifiedName) -> Option<QualifiedName> {
        let found = self.catalog.functions_named(&function.schema, &function.name).first()?;
        let typed = found.returns.as_ref().filter(|typed| typed.kind == TypeKind::Composite)?;
        self.catalog.table(&typed.schema, &typed.name)?;
        Some(QualifiedName::new(&typed.schema, &typed.name))
    }
}

/// A name met in an expression.
#[derive(Debug, Clone, Copy)]
pub enum Part<'p> {
    Column {
        table: &'p QualifiedName,
        name: &'p str,
        /// It is compared with a value that does not come from the session.
        fixed: bool,
    },
    Relationship {
        table: &'p QualifiedName,
        name: &'p str,
    },
    Computed {
        table: &'p QualifiedName,
        name: &'p str,
    },
    /// The table of an `_exists`.
    Table(&'p QualifiedName),
}

/// What to put in a name's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacement {
    Name(String),
    Table(QualifiedName),
}

/// Goes through the expressions of one permission.
pub struct Walk<'a, 'v> {
    pub scope: Scope<'a>,
    /// The permission's own table, which `"$"` means.
    pub root: &'v QualifiedName,
    pub visit: &'v mut dyn FnMut(Part<'_>) -> Option<Replacement>,
}

impl Walk<'_, '_> {
    fn name(&mut self, part: Part<'_>) -> Option<String> {
        match (self.visit)(part) {
            Some(Replacement::Name(name)) => Some(name),
            _ => None,
        }
    }

    /// Tells every name in the expression about `table`, and puts in what is to replace it.
    pub fn expression(&mut self, expression: &mut Value, table: &QualifiedName) {
        let Value::Object(object) = expression else { return };
        for (key, mut value) in std::mem::take(object) {
            let renamed = self.entry(&key, &mut value, table);
            object.insert(renamed.unwrap_or(key), value);
        }
    }

    fn entry(&mut self, key: &str, value: &mut Value, table: &QualifiedName) -> Option<String> {
        match key {
            "_and" | "$and" | "_or" | "$or" => {
                value.as_array_mut().into_iter().flatten().for_each(|item| self.expression(item, table));
                None
            }
            "_not" | "$not" => {
                self.expression(value, table);
                None
            }
            "_exists" | "$exists" => {
                self.exists(value);
                None
            }
            _ => self.field(key, value, table),
        }
    }

    fn exists(&mut self, value: &mut Value) {
        let Some(object) = value.as_object_mut() else { return };
        let found = object.get("_table").cloned();
        let Some(Ok(table)) = found.map(serde_json::from_value::<QualifiedName>) else { return };
        if let Some(inner) = object.get_mut("_where") {
            self.expression(inner, &table);
        }
        if let Some(Replacement::Table(new)) = (self.visit)(Part::Table(&table)) {
            object.insert("_table".to_owned(), serde_json::json!({ "name": new.name, "schema": new.schema }));
        }
    }

    fn field(&mut self, key: &str, value: &mut Value, table: &QualifiedName) -> Option<String> {
        match self.scope.field(table, key)? {
            Field::Column => {
                self.operands(value, table);
                self.name(Part::Column { table, name: key, fixed: is_fixed(value) })
            }
            Field::Relationship(target) => {
                self.expression(value, &target);
                self.name(Part::Relationship { table, name: key })
            }
            Field::Computed(target) => {
                match target {
                    Some(target) => self.expression(value, &target),
                    None => self.operands(value, table),
                }
                self.name(Part::Computed { table, name: key })
            }
            Field::Aggregate(target) => {
                for function in value.as_object_mut().into_iter().flat_map(|object| object.values_mut()) {
                    if let Some(filter) = function.get_mut("filter") {
                        self.expression(filter, &target);
                    }
                    self.columns(function.get_mut("arguments"), &target);
                }
                let name = key.strip_suffix("_aggregate").unwrap_or(key);
                let renamed = self.name(Part::Relationship { table, name })?;
                Some(format!("{renamed}_aggregate"))
            }
        }
    }

    /// Columns that a comparison has on its other side.
    fn operands(&mut self, value: &mut Value, table: &QualifiedName) {
        for (operator, operand) in value.as_object_mut().into_iter().flatten() {
            let operator = operator.trim_start_matches(['_', '$']);
            if !matches!(operator, "ceq" | "cne" | "cneq" | "cgt" | "clt" | "cgte" | "clte") {
                continue;
            }
            let of_root = operand.as_array().is_some_and(|parts| parts.first().is_some_and(|first| first == "$"));
            let owner = if of_root { self.root.clone() } else { table.clone() };
            let place = if operand.is_array() {
                operand.as_array_mut().and_then(|parts| parts.last_mut())
            } else {
                Some(operand)
            };
            if let Some(Value::String(column)) = place
                && let Some(new) = self.name(Part::Column { table: &owner, name: column, fixed: false })
            {
                *column = new;
            }
        }
    }

    fn columns(&mut self, list: Option<&mut Value>, table: &QualifiedName) {
        for item in list.and_then(Value::as_array_mut).into_iter().flatten() {
            if let Value::String(column) = item
                && let Some(new) = self.name(Part::Column { table, name: column, fixed: false })
            {
                *column = new;
            }
        }
    }
}

/// True when a comparison holds a value of its own: anything but session variables, null checks and columns.
fn is_fixed(value: &Value) -> bool {
    match value {
        Value::Object(operators) => operators.iter().any(|(operator, operand)| {
            let operator = operator.trim_start_matches(['_', '$']);
            let other = matches!(operator, "is_null" | "ceq" | "cne" | "cneq" | "cgt" | "clt" | "cgte" | "clte");
            !other && is_fixed(operand)
        }),
        Value::Array(items) => items.iter().any(is_fixed),
        Value::String(text) => !is_session_variable(text),
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// True for the name of a session variable.
pub fn is_session_variable(text: &str) -> bool {
    text.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("x-hasura-"))
}
