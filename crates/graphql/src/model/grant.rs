//! Permissions of the metadata, resolved.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use metadata::{Columns, Permission, QualifiedName, QueryRootField, SubscriptionRootField};
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::plan::Filter;
use crate::vetting::Webhook;

use super::inconsistency::{Inconsistency, SOURCE, full};
use super::{
    ColumnSet, Delete, Insert, Model, Permissions, Preset, PresetValue, Returned, RootField, Select, TableId, Update,
};

/// `validate_input`.
fn webhook(found: Option<&Json>) -> Result<Option<Arc<Webhook>>, String> {
    let found = found.filter(|found| !found.is_null());
    found.map(|found| Webhook::parse(found).map(Arc::new)).transpose()
}

/// One table's permissions while they are resolved.
pub(super) struct Granter<'m> {
    pub model: &'m Model,
    pub table: TableId,
    pub name: &'m QualifiedName,
    pub found: HashMap<Arc<str>, Permissions>,
    pub inconsistencies: Vec<Inconsistency>,
    /// Conditions that were resolved before: many roles have the same.
    pub filters: HashMap<String, Arc<Filter>>,
}

impl Granter<'_> {
    pub fn all(&mut self, source: &metadata::Table) {
        for found in &source.select_permissions {
            let resolved = self.select(&found.permission);
            self.keep("select_permission", found, resolved, |permissions, select| permissions.select = Some(select));
        }
        for found in &source.insert_permissions {
            let resolved = self.insert(&found.permission);
            self.keep("insert_permission", found, resolved, |permissions, insert| permissions.insert = Some(insert));
        }
        for found in &source.update_permissions {
            let resolved = self.update(&found.permission);
            self.keep("update_permission", found, resolved, |permissions, update| permissions.update = Some(update));
        }
        for found in &source.delete_permissions {
            let resolved = self.delete(&found.permission);
            self.keep("delete_permission", found, resolved, |permissions, delete| permissions.delete = Some(delete));
        }
    }

    fn keep<P: Serialize, T>(
        &mut self,
        kind: &'static str,
        found: &Permission<P>,
        resolved: Result<T, String>,
        put: impl FnOnce(&mut Permissions, Arc<T>),
    ) {
        let role = found.role.as_str();
        let resolved = match role {
            crate::session::ADMIN => Err("cannot define permission for admin role".to_owned()),
            _ => resolved,
        };
        match resolved {
            Ok(resolved) => put(self.found.entry(role.into()).or_default(), Arc::new(resolved)),
            Err(reason) => {
                let reason = format!("in table \"{}\": in permission for role \"{role}\": {reason}", self.name);
                let definition = json!({
                    "source": SOURCE, "table": full(self.name), "role": role, "permission": found.permission,
                    "comment": found.comment,
                });
                let inconsistency = Inconsistency::on_table(kind, role, self.name, reason, definition);
                self.inconsistencies.push(inconsistency);
            }
        }
    }

    fn filter(&mut self, expression: &Json) -> Result<Arc<Filter>, String> {
        let text = expression.to_string();
        if let Some(found) = self.filters.get(&text) {
            return Ok(Arc::clone(found));
        }
        let filter = Arc::new(super::expression::resolve(self.model, self.table, expression)?);
        self.filters.insert(text, Arc::clone(&filter));
        Ok(filter)
    }

    fn columns(&self, columns: &Columns) -> Result<ColumnSet, String> {
        let table = &self.model.tables[self.table];
        match columns {
            Columns::All => Ok((0..table.columns.len()).collect()),
            Columns::Some(names) => names.iter().map(|name| self.column(name)).collect(),
        }
    }

    fn column(&self, name: &str) -> Result<usize, String> {
        let table = &self.model.tables[self.table];
        if let Some(column) = table.column_of_sql(name) {
            return Ok(column);
        }
        let other = table.relationships.iter().any(|found| found.name == name);
        Err(match other {
            true => format!("\"{name}\" is a relationship; permissions for relationships are automatically inferred"),
            false => format!("\"{name}\" does not exist"),
        })
    }

    fn select(&mut self, found: &metadata::SelectPermission) -> Result<Select, String> {
        let computed = found.computed_fields.iter().map(|name| self.computed(name)).collect::<Result<_, _>>()?;
        Ok(Select {
            columns: self.columns(&found.columns)?,
            computed,
            filter: self.filter(&found.filter)?,
            limit: found.limit,
            aggregations: found.allow_aggregations,
            query_root_fields: found.query_root_fields.as_ref().map(|fields| {
                let field = |field: &QueryRootField| match field {
                    QueryRootField::Select => RootField::Select,
                    QueryRootField::SelectByPk => RootField::SelectByPk,
                    QueryRootField::SelectAggregate => RootField::SelectAggregate,
                };
                fields.iter().map(field).collect()
            }),
            subscription_root_fields: found.subscription_root_fields.as_ref().map(|fields| {
                let field = |field: &SubscriptionRootField| match field {
                    SubscriptionRootField::Select => RootField::Select,
                    SubscriptionRootField::SelectByPk => RootField::SelectByPk,
                    SubscriptionRootField::SelectAggregate => RootField::SelectAggregate,
                    SubscriptionRootField::SelectStream => RootField::SelectStream,
                };
                fields.iter().map(field).collect()
            }),
            conditions: Vec::new(),
            computed_conditions: Vec::new(),
        })
    }

    fn computed(&self, name: &str) -> Result<usize, String> {
        let table = &self.model.tables[self.table];
        let found = table.computed.iter().position(|found| found.name == name);
        let found = found.ok_or_else(|| format!("\"{name}\" does not exist"))?;
        match table.computed[found].returns {
            Returned::Scalar { .. } => Ok(found),
            Returned::Table { table, .. } => {
                let returned = &self.model.tables[table];
                let returned = QualifiedName::new(&returned.schema_name, &returned.table_name);
                Err(format!(
                    "select permissions on computed field \"{name}\" are auto-derived from the permissions on its \
                     returning table \"{returned}\" and cannot be specified manually"
                ))
            }
        }
    }

    /// Columns that presets set are none a client may give.
    fn presets(&self, set: &BTreeMap<String, Json>, columns: &mut ColumnSet) -> Result<Vec<Preset>, String> {
        let preset = |(name, value): (&String, &Json)| {
            let column = self.model.tables[self.table].column_of_sql(name);
            let column = column.ok_or_else(|| format!("column \"{name}\" not found in table \"{}\"", self.name))?;
            columns.remove(column);
            let value = match super::expression::session_variable(value) {
                Some(variable) => PresetValue::Session(variable),
                None => PresetValue::Literal(value.clone()),
            };
            Ok(Preset { column, value })
        };
        set.iter().map(preset).collect()
    }

    fn insert(&mut self, found: &metadata::InsertPermission) -> Result<Insert, String> {
        let check = self.filter(&found.check)?;
        let mut columns = self.columns(found.columns.as_ref().unwrap_or(&Columns::All))?;
        let presets = self.presets(&found.set, &mut columns)?;
        let webhook = webhook(found.validate_input.as_ref())?;
        Ok(Insert { columns, check, presets, backend_only: found.backend_only, webhook })
    }

    fn update(&mut self, found: &metadata::UpdatePermission) -> Result<Update, String> {
        let filter = self.filter(&found.filter)?;
        let check = found.check.as_ref().filter(|check| !check.is_null());
        let check = check.map(|check| self.filter(check)).transpose()?;
        let mut columns = self.columns(&found.columns)?;
        let presets = self.presets(&found.set, &mut columns)?;
        let webhook = webhook(found.validate_input.as_ref())?;
        Ok(Update { columns, filter, check, presets, backend_only: found.backend_only, webhook })
    }

    fn delete(&mut self, found: &metadata::DeletePermission) -> Result<Delete, String> {
        let webhook = webhook(found.validate_input.as_ref())?;
        Ok(Delete { filter: self.filter(&found.filter)?, backend_only: found.backend_only, webhook })
    }
}

/// `a`, `a and b`, `a, b, and c`.
pub(super) fn english_list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [most @ .., last] => format!("{}, and {last}", most.join(", ")),
    }
}
